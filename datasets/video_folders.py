"""Sequences that lie in folders of frames and folders of label maps: what DAVIS, `folder` and `demo` share."""

import hashlib
import shlex
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from vos_bench.api import Dataset, Image, LabelMap, Problem, Prompt, ProtocolName, Sequence
from vos_bench.errors import BadInputError
from vos_bench.files import read_blocks, read_bytes, read_ends
from vos_bench.labelmaps import MAX_BYTES as MOST_LABEL_BYTES
from vos_bench.labelmaps import PARTIAL_NOTE, VOID, VOID_NOTE, object_ids, partial_truth, read_narrow
from vos_bench.names import did_you_mean, shorten

from .frames import FRAME_SUFFIXES, LABEL_SUFFIXES, MAX_BYTES, frame_notes, image_files, image_size, read_image
from .inspection import (
    Coverage,
    Inspection,
    inspect_sequence,
    require_frames,
    require_label_maps,
    require_partners,
)
from .masks import LabelReader, empty_problem, label_notes, objects_in, require_sharp, size_problem
from .problems import BadDataError

_TAIL = 1024
"""Bytes at the end of each frame that enter the fingerprint: a PNG's checksum and a JPEG's last blocks lie there."""


class FolderSequence(Sequence):
    """A sequence of image files with label maps of the same names."""

    def __init__(
        self,
        name: str,
        *,
        frames: Mapping[str, Path],
        annotations: Mapping[str, Path],
        starts: Mapping[str, tuple[int, ...] | None],
        has_truth: bool,
        read_labels: LabelReader,
        notes: Mapping[str, str] | None = None,
        doubts: tuple[Problem, ...] = (),
    ) -> None:
        """Keep paths.

        Args:
            name: The sequence's name.
            frames: Frame name to image file, in order.
            annotations: Frame name to label map, in order.
            starts: Frame name to the ids of the objects that start there; None for all that its label map holds.
            has_truth: Whether the annotations are the truth, or only prompts.
            read_labels: Reads a label map.
            notes: What is known of the label maps; see `Sequence.notes`.
            doubts: What may be a mistake in them, and only the user knows.
        """
        self.name = name
        self.frame_names = tuple(frames)
        self.output_names = self.frame_names
        self.prompt_frames = tuple(starts)
        self.truth_names = tuple(annotations) if has_truth else ()
        self.groups: Mapping[int, str] = {}
        self._frames, self._annotations = frames, annotations
        self._starts, self._read_labels = starts, read_labels
        self._noted, self.doubts = dict(notes or {}), doubts

    @cached_property
    def notes(self) -> Mapping[str, str]:
        """What to know of the data: see `Sequence.notes`."""
        found = {**self._noted, **frame_notes(self._frames)}
        if not self._noted and self._void_is_given():
            found[VOID_NOTE] = ""
        if note := partial_truth(self.truth_names, self.output_names):
            found[PARTIAL_NOTE] = note
        return found

    def _void_is_given(self) -> bool:
        try:
            return any(VOID in object_ids(self._read_labels(self._annotations[name])) for name in self.prompt_frames)
        except BadInputError:  # a damaged label map; reading the prompt says so
            return False

    def read_frame(self, frame_name: str) -> Image:
        """Decode one frame. Raises BadInputError when it is missing, cut off or damaged."""
        return read_image(self._frames[frame_name])

    def read_truth(self, frame_name: str) -> LabelMap:
        """Read one label map.

        Raises:
            BadInputError: It is no label map, has another size than its frame, or was smoothed.
        """
        path = self._annotations[frame_name]
        labels = self._read_labels(path)
        if labels.shape != (size := image_size(self._frames[frame_name])):
            raise BadDataError(size_problem(path, labels.shape, size, self._frames[frame_name]))
        require_sharp(path, labels)
        return labels

    def read_prompt(self, frame_name: str) -> Prompt:
        """Read the masks of the objects that start on a frame.

        Raises:
            BadInputError: As `read_truth`; or the label map is empty.
        """
        path, labels = self._annotations[frame_name], self.read_truth(frame_name)
        starting = self._starts[frame_name]
        ids = objects_in(labels) if starting is None else starting
        if not ids:
            raise BadDataError(empty_problem(path, labels))
        return Prompt(masks={k: labels == k for k in ids})


class FolderDataset(Dataset):
    """A dataset whose sequences are folders of frames beside folders of label maps."""

    def __init__(
        self,
        root: Path,
        *,
        name: str,
        split: str,
        protocol: ProtocolName,
        frames: Path,
        annotations: Path,
        sequence_names: tuple[str, ...],
    ) -> None:
        """Keep names and folders.

        Args:
            root: The dataset's root.
            name: The dataset's name.
            split: The split's name.
            protocol: How it is scored.
            frames: The folder that holds one folder of frames a sequence.
            annotations: The folder that holds one folder of label maps a sequence.
            sequence_names: The sequences, in order.
        """
        self.root, self.name, self.split, self.protocol = root, name, split, protocol
        self.sequence_names = sequence_names
        self.frames_folder, self.annotations_folder = frames, annotations
        self._opened: dict[str, Sequence] = {}

    def sequence(self, name: str) -> Sequence:
        """Open one sequence.

        Raises:
            BadInputError: There is no such sequence, or its frames and label maps do not fit together.
        """
        if name not in self.sequence_names:
            meant = did_you_mean(name, self.sequence_names, otherwise=f"known: {shorten(self.sequence_names, most=12)}")
            raise BadInputError(f"{self.name} {self.split}: there is no sequence {name!r}; {meant}")
        if name not in self._opened:
            self._opened[name] = self._open(name)
        return self._opened[name]

    @abstractmethod
    def _open(self, name: str) -> Sequence:
        """Open one of `sequence_names`, for the first time."""

    def _files(self, name: str, coverage: Coverage) -> tuple[Mapping[str, Path], Mapping[str, Path]]:
        """Return the frames and the label maps of a sequence. Raises BadInputError: they do not fit together."""
        folder = self.frames_folder / name
        frames, labels = require_frames(folder), require_label_maps(self.annotations_folder / name)
        require_partners(folder, frames, labels, coverage)
        return frames, labels

    def fingerprint(self) -> str:
        """Return a sha256 over the names, sizes and last kibibyte of all frames and the whole of all label maps.

        Decoding nothing keeps it below a second on DAVIS. Files that cannot be read count as missing, and so do
        devices, pipes and those that are larger than any that is read.
        """
        digest = hashlib.sha256(self.name.encode())
        for sequence in self.sequence_names:
            digest.update(f"\0{sequence}\0".encode())
            for path in image_files(self.frames_folder / sequence, FRAME_SUFFIXES):
                _digest_file(digest, path, ends_alone=True)
            for path in self._label_files(sequence):
                _digest_file(digest, path, name=_shown(path, self.annotations_folder / sequence))
        return digest.hexdigest()

    def frames_sha256(self, *, whole: bool) -> str:
        """Return a sha256 of all frames: of 16 blocks of 256 bytes spread over each file, or of whole files."""
        digest = hashlib.sha256(b"whole" if whole else b"sampled")
        for sequence in self.sequence_names:
            for path in image_files(self.frames_folder / sequence, FRAME_SUFFIXES):
                digest.update(f"\0{sequence}/{path.name}\0".encode())
                with suppress(OSError):  # it counts as missing, as in the fingerprint
                    content = read_bytes(path, most=MAX_BYTES) if whole else read_blocks(path, most=MAX_BYTES)
                    digest.update(content)
        return digest.hexdigest()

    def _label_files(self, name: str) -> list[Path]:
        """Return the files that hold the label maps or masks of a sequence, sorted."""
        return image_files(self.annotations_folder / name, LABEL_SUFFIXES)

    @abstractmethod
    def _inspection(self, name: str, /) -> Inspection:
        """Return what the label maps of a sequence have to be."""

    def check(self) -> list[Problem]:
        """Look at the tree as a whole, then at every frame and label map; return what is wrong."""
        problems = [*self._check_tree()]
        for name in self.sequence_names:
            problems += self._check_sequence(name)
        return problems

    def _check_tree(self) -> Iterable[Problem]:
        """Compare lists and counts with the release, where there is one, and look for parts that are missing."""
        return ()

    def _check_sequence(self, name: str) -> list[Problem]:
        """Look at the ends and headers of all frames of a sequence, and decode all its label maps."""
        return self._inspected(name) or self._opening_problem(name)

    def _inspected(self, name: str) -> list[Problem]:
        return inspect_sequence(self.frames_folder / name, self.annotations_folder / name, self._inspection(name))

    def _is_there(self, name: str) -> bool:
        """Say whether a sequence has both its folders; of several without, `_check_tree` says so at once."""
        return (self.frames_folder / name).is_dir() and (self.annotations_folder / name).is_dir()

    def _opening_problem(self, name: str) -> list[Problem]:
        try:
            opened = self.sequence(name)
        except BadDataError as refusal:
            return [refusal.problem]
        return [*opened.doubts] if isinstance(opened, FolderSequence) else []

    def notes(self, name: str, /) -> Mapping[str, str]:
        """Add to a sequence's notes what all its label maps say of void and of white; damaged ones say nothing."""
        try:
            return {**self._label_notes(name), **self.sequence(name).notes}
        except BadInputError:
            return {}

    def _label_notes(self, name: str) -> dict[str, str]:
        paths = image_files(self.annotations_folder / name, LABEL_SUFFIXES)
        return label_notes({path.stem: object_ids(read_narrow(path)) for path in paths})

    def package(self, masks: Path, archive: Path) -> None:
        """Raise BadInputError: there is no server for this data."""
        raise BadInputError(
            f"{self.name} {self.split}: there is no server that takes a zip of {masks} as {archive.name}\n"
            f"  {self._scored_here(masks)}"
        )

    def _scored_here(self, masks: Path) -> str:
        """Return how label maps are scored, for a user who looks for a server."""
        score = f"vos-bench score {shlex.quote(str(masks))} --dataset {self.name} --split {self.split}"
        return f"the truth is public, so score it here: {score}"


def _shown(path: Path, folder: Path) -> str:
    if path.parent == folder or not path.is_relative_to(folder):
        return path.name
    return path.relative_to(folder).as_posix()


def _digest_file(digest: "hashlib._Hash", path: Path, *, name: str = "", ends_alone: bool = False) -> None:
    """Add a file's name, size and content, or only its last bytes, to a digest."""
    try:
        if ends_alone:
            size, _, content = read_ends(path, most=MAX_BYTES, head=0, tail=_TAIL)
        else:
            content = read_bytes(path, most=MOST_LABEL_BYTES)
            size = len(content)
    except OSError:
        size, content = -1, b""
    digest.update(f"{name or path.name}\0{size}\0".encode())
    digest.update(content)
