"""Still images with one object mask each, as saliency data sets have them: sequences of one frame, to train on."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from vos_bench.api import Dataset, Image, LabelMap, Problem, Prompt, ProtocolName, Sequence
from vos_bench.errors import BadInputError
from vos_bench.files import sha256

from .catalogue import STATIC_IMAGES
from .frames import LABEL_SUFFIXES, list_images, read_image
from .masks import read_union, size_problem
from .problems import BadDataError

REMEDY = "lay the data out as images/NAME.jpg and masks/NAME.png"


class StillImage(Sequence):
    """One image and its object, whose id is 1."""

    def __init__(self, name: str, image: Path, mask: Path) -> None:
        self.name = name
        self.frame_names = self.prompt_frames = self.truth_names = self.output_names = (name,)
        self.groups: Mapping[int, str] = {}
        self._image, self._mask = image, mask

    def read_frame(self, frame_name: str) -> Image:  # noqa: ARG002 (there is but one)
        """Decode the image. Raises BadInputError when it is missing or damaged."""
        return read_image(self._image)

    def read_truth(self, frame_name: str) -> LabelMap:  # noqa: ARG002
        """Read the mask: 1 inside, 0 elsewhere. Raises BadInputError where it cannot be read."""
        return read_union(self._mask)

    def read_prompt(self, frame_name: str) -> Prompt:
        """Return the object's mask."""
        return Prompt(masks={1: self.read_truth(frame_name) == 1})


class StaticImages(Dataset):
    """A folder of images and a folder of masks; a sequence is named after its image."""

    name = STATIC_IMAGES.name
    protocol: ProtocolName = "all-frames"

    def __init__(self, root: Path, *, split: str = "train") -> None:
        """List both folders.

        Args:
            root: Holds `images/NAME.jpg` and `masks/NAME.png`.
            split: One of `STATIC_IMAGES.splits`.

        Raises:
            BadInputError: A folder is missing, or an image has no mask.
        """
        self.root, self.split = root, split
        self._images = list_images(root / "images")
        self._masks = list_images(root / "masks", LABEL_SUFFIXES)
        if alone := sorted(set(self._images) - set(self._masks)):
            found = f"no mask for {len(alone)} of {len(self._images)} images, such as {alone[0]}"
            raise BadDataError(Problem(root / "masks", found, "masks/NAME.png for every image", REMEDY))
        self.sequence_names = tuple(self._images)

    def sequence(self, name: str) -> Sequence:
        """Open one image. Raises BadInputError when there is none of that name."""
        if name not in self._images:
            raise BadInputError(f"{self.root / 'images'}: there is no image {name!r}")
        return StillImage(name, self._images[name], self._masks[name])

    def fingerprint(self) -> str:
        """Return a sha256 over the names and contents of all masks, and the names and sizes of all images."""
        digest = hashlib.sha256()
        for name in self.sequence_names:
            digest.update(f"{name}\0{self._images[name].stat().st_size}\0{sha256(self._masks[name])}\0".encode())
        return digest.hexdigest()

    def check(self) -> list[Problem]:
        """Compare the size of each image with its mask's."""
        problems = []
        for name in self.sequence_names:
            still = self.sequence(name)
            try:
                found, expected = np.shape(still.read_truth(name)), still.read_frame(name).shape[:2]
            except BadDataError as error:
                problems.append(error.problem)
                continue
            if found != expected:
                problems.append(size_problem(self._masks[name], found, expected))
        return problems

    def package(self, masks: Path, archive: Path) -> None:
        """Refuse: no server takes masks of still images."""
        raise BadInputError(
            f"{archive}: not written for {masks}: static-images is here for training, no server scores it"
        )
