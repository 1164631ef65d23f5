"""BURST: tracks of objects of 482 classes in the videos of TAO, one JSON file a split."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

import numpy as np

from vos_bench.api import Dataset, FramesSeen, LabelMap, Mask, Problem, ProtocolName, Sequence
from vos_bench.errors import BadInputError
from vos_bench.files import sha256
from vos_bench.formats.tracks_json import (
    MOST_BYTES,
    TrackSequence,
    decode_mask,
    read_tracks,
    tracks_of_label_maps,
    write_tracks,
)
from vos_bench.names import counted, did_you_mean, shorten
from vos_bench.prompts import LARGEST_ID

from .catalogue import BURST
from .frames import file_damage, image_files
from .mask_sequence import MaskSequence
from .problems import BadDataError, folder_problem, require_file_names
from .split_tree import AGAIN, find_file, require_no_zip

CLASS_SETS = ("all", "common", "uncommon")

_FRAMES = "frames"


class BurstSequence(MaskSequence):
    """One video of BURST; an object's id is its track's, and it is given on the first frame that has a mask of it.

    A method sees all images that the file lists; masks are asked for on the annotated ones, one a second.
    """

    def __init__(self, listed: TrackSequence, *, source: Path, folder: Path | None) -> None:
        """Keep what the file says.

        Args:
            listed: The video.
            source: The file.
            folder: The folder of its images; None for a truth without images.

        Raises:
            BadInputError: A track's id is none, or annotated images are not among all images.
        """
        self.listed = listed
        self.categories = dict(sorted(listed.track_category_ids.items()))
        object_frames = listed.track_frames()
        if wrong := [k for k in object_frames if not 0 < k <= LARGEST_ID]:
            raise BadDataError(Problem(source, f"track id {wrong[0]} in {listed.name}", f"1 to {LARGEST_ID}", AGAIN))
        require_file_names(source, (listed.name, *listed.frame_names))
        known = frozenset(listed.frame_names)
        if lost := [frame for frame in listed.annotated if frame not in known]:
            found = f"annotated images of {listed.name} that all_image_paths lacks: {shorten(lost)}"
            raise BadDataError(Problem(source, found, "annotated images among all images", AGAIN))
        paths = listed.all_image_paths or listed.annotated_image_paths
        super().__init__(
            listed.name,
            frames={} if folder is None else {PurePosixPath(p).stem: folder / PurePosixPath(p).name for p in paths},
            annotated=listed.annotated,
            object_frames=object_frames,
            source=source,
        )
        self.frame_names, self.listed_objects = listed.frame_names, tuple(object_frames)
        self.truth_names = self.output_names = listed.annotated

    @property
    def image_paths(self) -> Mapping[str, Path]:
        """Frame name to image file; empty for a truth without images."""
        return self._frames

    def _place(self, _frame_name: str, _object_id: int) -> Path:
        return self._source

    def _empty(self, _frame_name: str) -> LabelMap:
        return np.zeros((self.listed.height, self.listed.width), np.uint16)

    def _read_mask(self, frame_name: str, object_id: int) -> Mask:
        """Decode the mask of one track; all False on an annotated frame that has none of it."""
        size = self.listed.height, self.listed.width
        found = self.listed.segmentations[self.truth_names.index(frame_name)].get(object_id)
        if found is None:
            return np.zeros(size, np.bool_)
        try:
            return decode_mask(found.rle, *size)
        except ValueError as error:
            said = f"a damaged mask of track {object_id} on {self.name}/{frame_name} ({error})"
            raise BadDataError(Problem(self._source, said, "COCO's compressed run lengths", AGAIN)) from None


class Burst(Dataset):
    """A split of BURST; `track_files` names its truth by set of classes."""

    name = BURST.name
    scored_by: ClassVar[ProtocolName] = "burst-exemplar"

    def __init__(self, root: Path, *, split: str, truth_alone: bool = False) -> None:
        """Find and read the split's files.

        Args:
            root: The folder that holds `val/all_classes.json` (or `annotations/val/…`) and the images of TAO in
                `frames/val/DATASET/SEQUENCE`; of a truth alone, the one that holds `all_classes.json`.
            split: `val` or `test`.
            truth_alone: Whether it comes without images.

        Raises:
            BadInputError: A file is missing or damaged.
        """
        require_no_zip(root)
        if problem := folder_problem(root, expected=f"the root of {BURST.name}", remedy="check the path"):
            raise BadDataError(problem)
        folders = [root] if truth_alone else [root / split, root / "annotations" / split]
        remedy = f"unpack BURST's annotations so that {folders[0]} holds all, common and uncommon_classes.json"
        listing = find_file(
            [folder / "all_classes.json" for folder in folders], expected=f"the tracks of {split}", remedy=remedy
        )
        self.root, self.split, self.protocol = root, split, self.scored_by
        files = {each: listing.with_name(f"{each}_classes.json") for each in CLASS_SETS}
        self.track_files = {each: path for each, path in files.items() if path.is_file()}
        found = read_tracks(listing)
        if found.split and found.split not in (split, "validation") and not truth_alone:
            said = f"the tracks of {found.split}"
            raise BadDataError(Problem(listing, said, f"those of {split}", f"use --split {found.split}, or move them"))
        self._sequences = {sequence.name: sequence for sequence in found.sequences}
        self._images = None if truth_alone else _find_images(root, split)
        self.sequence_names = tuple(sorted(self._sequences))

    def sequence(self, name: str) -> Sequence:
        """Open one sequence. Raises BadInputError when there is none of this name."""
        if name not in self._sequences:
            meant = did_you_mean(name, self.sequence_names, otherwise=f"known: {shorten(self.sequence_names, most=12)}")
            raise BadInputError(f"{self.name} {self.split}: there is no sequence {name!r}; {meant}")
        listed = self._sequences[name]
        return BurstSequence(listed, source=self.track_files["all"], folder=self._folder(listed))

    def _folder(self, listed: TrackSequence) -> Path | None:
        """Return the folder of a sequence's images; its parts come from the file and stay inside the root."""
        if self._images is None:
            return None
        parts = (*PurePosixPath(listed.dataset).parts, *PurePosixPath(listed.seq_name).parts)
        require_file_names(self.track_files["all"], parts)
        return self._images.joinpath(*parts)

    def fingerprint(self) -> str:
        """Return a sha256 over the files of tracks and the names and sizes of all images."""
        digest = hashlib.sha256(self.name.encode())
        for each, path in self.track_files.items():
            digest.update(f"\0{each}\0{sha256(path, most=MOST_BYTES)}".encode())
        for name in self.sequence_names:
            folder = self._folder(self._sequences[name])
            for path in image_files(folder) if folder else ():
                digest.update(f"\0{name}/{path.name}\0{path.stat().st_size}".encode())
        return digest.hexdigest()

    def frames_problem(self, seen: FramesSeen, /) -> Problem | None:
        """Return why a method cannot see these images, or None."""
        for name in self.sequence_names:
            sequence = self.sequence(name)
            wanted = sequence.frame_names if seen == "all" else sequence.truth_names
            folder = self._folder(self._sequences[name])
            if folder is None:
                return Problem(self.root, "a truth without images", "images of TAO", "give the dataset's --root")
            present = {path.stem for path in image_files(folder)}
            if missing := [frame for frame in wanted if frame not in present]:
                have = f"{len(wanted) - len(missing)} of {counted(len(wanted), 'image')}; missing: {shorten(missing)}"
                remedy = f"get the images of TAO into {folder}"
                if seen == "all" and present.issuperset(sequence.truth_names):
                    remedy += "; or run with --frames annotated, which is recorded and never compared with all frames"
                return Problem(folder, have, "the images that the file of tracks lists", remedy)
        return None

    def check(self) -> list[Problem]:
        """Look for missing files, images and damaged masks."""
        folder = self.track_files["all"].parent
        problems = [
            Problem(folder / f"{each}_classes.json", "no such file", f"the tracks of {each} classes", AGAIN)
            for each in CLASS_SETS
            if each not in self.track_files
        ]
        if problem := self.frames_problem("all"):
            return [*problems, problem]
        for name in self.sequence_names:
            problems += self._check_sequence(name)
        return problems

    def _check_sequence(self, name: str) -> list[Problem]:
        try:
            sequence = self.sequence(name)
            assert isinstance(sequence, BurstSequence)
            for path in sequence.image_paths.values():
                if damage := file_damage(path):
                    return [Problem(path, damage, "a whole image", AGAIN)]
            for frame in sequence.prompt_frames:
                sequence.read_prompt(frame)
            for frame in sequence.truth_names:
                sequence.read_truth(frame)
        except BadDataError as refusal:
            return [refusal.problem]
        lost = [str(k) for k, frames in sequence.object_frames.items() if not frames]
        source = self.track_files["all"]
        return (
            [Problem(source, f"no mask of track {shorten(lost)} of {name}", "one of each track", AGAIN)] if lost else []
        )

    def package(self, masks: Path, archive: Path) -> None:
        """Write the JSON of tracks that the official tool takes; absent masks are left out, for it counts empty ones.

        Args:
            masks: A run's label maps, `masks/SEQUENCE/FRAME.png`.
            archive: The JSON file to write.

        Raises:
            BadInputError: A label map is missing, has another size or shows an unknown object.
        """
        if archive.suffix.lower() != ".json":
            raise BadInputError(f"{archive}: expected a name that ends in .json, which is what BURST's tool takes")
        write_tracks(archive, [self._packed(name, masks / name) for name in self.sequence_names], split=self.split)

    def _packed(self, name: str, folder: Path) -> dict[str, Any]:
        found = tracks_of_label_maps(self._sequences[name], folder)
        fields = json.loads(found.model_dump_json(exclude={"segmentations"}))
        masks = [
            {str(track): {"rle": mask.rle, "is_gt": False, "score": mask.score} for track, mask in masks.items()}
            for masks in found.segmentations
        ]
        return {**fields, "segmentations": masks}


def _find_images(root: Path, split: str) -> Path:
    """Return the folder of the split's images, with one folder a source of TAO in it."""
    places = [root / name / split for name in (_FRAMES, "images")]
    if found := next((place for place in places if place.is_dir()), None):
        return found
    holds = shorten(sorted(path.name for path in root.iterdir()), 5)
    found_instead = f"no such folder ({root} holds {holds})"
    remedy = "get the images of TAO, which are a download of their own, and put or link them there"
    raise BadDataError(Problem(places[0], found_instead, "images DATASET/SEQUENCE/FRAME.jpg", remedy))
