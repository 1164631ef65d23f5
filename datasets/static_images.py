"""Still images with one object mask each, as saliency datasets have them: sequences of one frame, to train on."""

import hashlib
import shlex
from collections.abc import Collection
from pathlib import Path

from vos_bench.api import Dataset, Problem, ProtocolName, Sequence
from vos_bench.errors import BadInputError
from vos_bench.files import read_ends
from vos_bench.labelmaps import MAX_BYTES as MOST_LABEL_BYTES
from vos_bench.names import did_you_mean, shorten

from .catalogue import STATIC_IMAGES
from .frames import MAX_BYTES, file_damage
from .inspection import require_frames, require_label_maps
from .masks import read_union
from .problems import BadDataError, root_problem
from .video_folders import FolderSequence

_TAIL = 1024
"""Bytes at the end of each file that enter the fingerprint."""


class StaticImages(Dataset):
    """Images in `images/NAME.jpg` with masks in `masks/NAME.png`; a sequence is named after its image.

    A mask's object has the id 1, whatever value it is drawn with.
    """

    name = STATIC_IMAGES.name
    protocol: ProtocolName = "all-frames"

    def __init__(self, root: Path, *, split: str = "train") -> None:
        """List both folders.

        Args:
            root: The folder that holds `images` and `masks`.
            split: One of `STATIC_IMAGES.splits`.

        Raises:
            BadInputError: The tree is another, or an image has no mask, or a mask no image.
        """
        if problem := root_problem(root, "images", dataset=STATIC_IMAGES.name):
            raise BadDataError(problem)
        self.root, self.split = root, split
        self._images, self._masks = require_frames(root / "images"), require_label_maps(root / "masks")
        _require_all(root / "masks", "mask", self._masks, self._images)
        _require_all(root / "images", "image", self._images, self._masks)
        self.sequence_names = tuple(self._images)

    def sequence(self, name: str) -> Sequence:
        """Open one image. Raises BadInputError when there is none of that name."""
        if name not in self._images:
            meant = did_you_mean(name, self.sequence_names, otherwise=f"known: {shorten(self.sequence_names, most=12)}")
            raise BadInputError(f"{self.name} {self.split}: there is no sequence {name!r}; {meant}")
        return FolderSequence(
            name,
            frames={name: self._images[name]},
            annotations={name: self._masks[name]},
            starts={name: None},
            has_truth=True,
            read_labels=read_union,
        )

    def fingerprint(self) -> str:
        """Return a sha256 over the names, sizes and last kibibyte of all images and masks."""
        digest = hashlib.sha256(self.name.encode())
        for name in self.sequence_names:
            for path, most in ((self._images[name], MAX_BYTES), (self._masks[name], MOST_LABEL_BYTES)):
                size, _, content = read_ends(path, most=most, head=0, tail=_TAIL)
                digest.update(f"{path.name}\0{size}\0".encode())
                digest.update(content)
        return digest.hexdigest()

    def check(self) -> list[Problem]:
        """Look at the ends of all images and decode all masks; return what is wrong."""
        return [problem for name in self.sequence_names if (problem := self._problem(name))]

    def _problem(self, name: str) -> Problem | None:
        if damage := file_damage(self._images[name]):
            return Problem(self._images[name], damage, "a whole image", "copy or unpack the data again")
        try:
            self.sequence(name).read_prompt(name)
        except BadDataError as refusal:
            return refusal.problem
        return None

    def package(self, masks: Path, archive: Path) -> None:
        """Raise BadInputError: there is no server for this data."""
        score = f"vos-bench score {shlex.quote(str(masks))} --dataset {self.name} --split {self.split}"
        raise BadInputError(
            f"{self.name} {self.split}: there is no server that takes a zip of {masks} as {archive.name}\n"
            f"  the masks are public, so score it here: {score}"
        )


def _require_all(folder: Path, what: str, given: Collection[str], names: Collection[str]) -> None:
    """Check that a folder has a file of each name. Raises BadDataError."""
    if lost := sorted(set(names) - set(given)):
        found = f"no {what} for {len(lost)} of {len(names)} names: {shorten(lost)}"
        raise BadDataError(Problem(folder, found, "images/NAME.jpg and masks/NAME.png", "add it, or remove the other"))
