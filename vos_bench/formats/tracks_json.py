"""BURST's JSON of tracks: truth and predictions alike, masks as COCO's compressed run lengths."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from vos_bench.api import Mask
from vos_bench.config import ForeignModel, explain
from vos_bench.errors import BadInputError
from vos_bench.files import read_bytes, write_text
from vos_bench.formats.png import MAX_PIXELS
from vos_bench.labelmaps import check_ids, read_label_map

MOST_BYTES = 1 << 30
"""The largest file that is read; BURST's largest has a third of it."""


class TrackMask(ForeignModel):
    """The mask of one track on one frame; a prediction may say how sure it is of the track, and its class here."""

    rle: str
    score: float = 1.0
    category_id: int | None = None


class TrackSequence(ForeignModel):
    """One video: its frames, its tracks with their classes, and a mapping of track to mask for each annotated frame."""

    width: int = Field(ge=1)
    height: int = Field(ge=1)
    id: int | str = ""
    seq_name: str
    dataset: str
    fps: float | None = None
    all_image_paths: tuple[str, ...] = ()
    annotated_image_paths: tuple[str, ...]
    neg_category_ids: tuple[int, ...] = ()
    not_exhaustive_category_ids: tuple[int, ...] = ()
    track_category_ids: dict[int, int]
    segmentations: tuple[dict[int, TrackMask], ...]

    @property
    def name(self) -> str:
        """The sequence's name as vos-bench writes it: a folder can have it."""
        return f"{self.dataset}__{self.seq_name}".replace("/", "_")

    @property
    def frame_names(self) -> tuple[str, ...]:
        """The names of all images, without folder and suffix."""
        return tuple(PurePosixPath(path).stem for path in self.all_image_paths or self.annotated_image_paths)

    @property
    def annotated(self) -> tuple[str, ...]:
        """The names of the annotated images, in order, one for each of `segmentations`."""
        return tuple(PurePosixPath(path).stem for path in self.annotated_image_paths)

    def track_frames(self) -> dict[int, tuple[str, ...]]:
        """Return track id, ascending, to the frames that have a mask of it."""
        found: dict[int, list[str]] = {k: [] for k in sorted(self.track_category_ids)}
        for frame, masks in zip(self.annotated, self.segmentations, strict=True):
            for track in masks:
                found.setdefault(track, []).append(frame)
        return {k: tuple(frames) for k, frames in sorted(found.items())}


class TrackFile(ForeignModel):
    """The whole file."""

    split: str = ""
    sequences: tuple[TrackSequence, ...]


def read_tracks(path: Path) -> TrackFile:
    """Read such a file.

    Raises:
        BadInputError: It is absent, damaged or of another form, holds no sequence or one twice, or a sequence has not
            one mapping of masks for each annotated image.
    """
    expected = 'expected BURST\'s {"split": …, "sequences": [{"seq_name", "segmentations", …}]}'
    try:
        data = read_bytes(path, most=MOST_BYTES)
        found = TrackFile.model_validate_json(data)
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read: {error.strerror or error}; {expected}") from None
    except ValidationError as error:
        reason = explain(error).partition("; ")[0] if data else "an empty file"
        raise BadInputError(f"{path}: found no file of tracks ({reason}); {expected}") from None
    if not found.sequences:
        raise BadInputError(f"{path}: found no sequence; {expected}")
    for sequence in found.sequences:
        _require_sound(path, sequence)
    _require_once(path, (sequence.name for sequence in found.sequences))
    return found


def _require_sound(path: Path, sequence: TrackSequence) -> None:
    frames, masks = len(sequence.annotated_image_paths), len(sequence.segmentations)
    if frames != masks:
        raise BadInputError(
            f"{path}: {sequence.dataset}/{sequence.seq_name} has {frames} annotated images and {masks} sets of masks\n"
            "  expected one set an image: leave out masks of absent tracks, not the whole set"
        )
    if sequence.width * sequence.height > MAX_PIXELS:
        raise BadInputError(
            f"{path}: {sequence.dataset}/{sequence.seq_name} claims {sequence.height} x {sequence.width} pixels, "
            f"expected at most {MAX_PIXELS}"
        )


def _require_once(path: Path, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise BadInputError(f"{path}: found the sequence {name} twice, expected each once")
        seen.add(name)


@dataclass(frozen=True)
class RunLengthMask:
    """A mask as it is stored, column by column: its measures need no pixels.

    Attributes:
        positions: Where runs end, ascending from 0.
        covered: How many pixels of the mask lie before each of these positions.
        height: Of the image.
    """

    positions: NDArray[np.int64]
    covered: NDArray[np.int64]
    height: int

    @classmethod
    def decode(cls, rle: str, height: int, width: int) -> Self:
        """Decode compressed run lengths. Raises ValueError where they are none, or do not fill the image."""
        counts = np.array(run_lengths(rle), np.int64)
        if counts.sum() != height * width:
            raise ValueError(f"its run lengths are those of {counts.sum()} pixels, not of {height} x {width}")
        inside = np.arange(len(counts)) % 2
        kept = counts > 0
        ends = np.cumsum(counts[kept]), np.cumsum((counts * inside)[kept])
        return cls(np.append(0, ends[0]), np.append(0, ends[1]), height)

    @property
    def area(self) -> int:
        """How many pixels the mask has."""
        return int(self.covered[-1])

    def _runs(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return where the mask's own runs start and end."""
        inside = np.diff(self.covered) > 0
        return self.positions[:-1][inside], self.positions[1:][inside]

    def intersection(self, other: Self) -> int:
        """Return how many pixels both masks have."""
        starts, ends = other._runs()
        # Between two positions as many pixels are covered as lie there, or none: linear interpolation is exact.
        before = (np.interp(places, self.positions, self.covered) for places in (ends, starts))
        return round(float(np.sum(next(before) - next(before))))

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, width and height of the bounding box; zeros for an empty mask."""
        starts, ends = self._runs()
        if not len(starts):
            return 0.0, 0.0, 0.0, 0.0
        left, right = starts // self.height, (ends - 1) // self.height
        several = bool((left < right).any())  # a run that goes on in the next column touches top and bottom
        top = 0 if several else int((starts % self.height).min())
        bottom = self.height - 1 if several else int(((ends - 1) % self.height).max())
        return float(left.min()), float(top), float(right.max() - left.min() + 1), float(bottom - top + 1)


def decode_mask(rle: str, height: int, width: int) -> Mask:
    """Return the mask that compressed run lengths hold, H x W.

    pycocotools decodes them as well, but trusts their sum, and warns with NumPy 2.

    Raises:
        ValueError: They are none, do not fill the image, or the image is larger than `MAX_PIXELS`.
    """
    return fill_runs(run_lengths(rle), height, width)


def fill_runs(counts: Sequence[int], height: int, width: int) -> Mask:
    """Return the mask of run lengths, column by column, background first. Raises ValueError as `decode_mask` does."""
    if height < 1 or width < 1 or height * width > MAX_PIXELS:
        raise ValueError(f"its size is {height} x {width}, expected 1 to {MAX_PIXELS} pixels")
    if min(counts, default=0) < 0 or sum(counts) != height * width:
        raise ValueError(f"its run lengths do not add up to {height} x {width} pixels")
    values = np.arange(len(counts)) % 2 == 1
    return np.ascontiguousarray(np.repeat(values, counts).reshape(width, height).T)


def run_lengths(rle: str) -> list[int]:
    """Return the run lengths in COCO's compressed form: pixels of background and mask in turn, column by column.

    The form is that of maskApi.c: characters from "0" on hold six bits, five of a number, lowest first, and one that
    says whether more follow; the number's last bit is its sign. From the fourth number on each is a difference to the
    one two before.

    Raises:
        ValueError: They are none.
    """
    counts: list[int] = []
    value = shift = 0
    for character in rle:
        piece = ord(character) - 48
        if not 0 <= piece < 64 or shift > 30:
            raise ValueError(f"the character {character!r} is no part of run lengths")
        value |= (piece & 31) << shift
        shift += 5
        if piece & 32:
            continue
        if piece & 16:
            value -= 1 << shift
        counts.append(value + counts[-2] if len(counts) > 2 else value)
        value = shift = 0
    if shift or min(counts, default=-1) < 0:
        raise ValueError("its run lengths are cut off")
    return counts


def encode_mask(mask: Mask) -> str:
    """Return a mask, H x W, as COCO's compressed run lengths."""
    from pycocotools import mask as coco

    encoded: dict[str, Any] = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    return bytes(encoded["counts"]).decode("ascii")


def tracks_of_label_maps(listed: TrackSequence, folder: Path) -> TrackSequence:
    """Return a sequence with the masks of label maps in place of its own; where a track has none it is left out.

    Args:
        listed: Its frames, tracks and classes.
        folder: Holds `FRAME.png` for each annotated image.

    Raises:
        BadInputError: A label map is missing or damaged, has another size or shows an unknown object.
    """
    masks = tuple(_masks_of(folder / f"{frame}.png", listed) for frame in listed.annotated)
    return listed.replace(segmentations=masks)


def _masks_of(path: Path, listed: TrackSequence) -> dict[int, TrackMask]:
    labels = read_label_map(path)
    if labels.shape != (listed.height, listed.width):
        sizes = " x ".join(map(str, labels.shape)), f"{listed.height} x {listed.width}"
        raise BadInputError(
            f"{path}: found {sizes[0]} pixels; expected {sizes[1]}; write label maps at the size of the frames"
        )
    tracks = listed.track_frames()
    check_ids(labels, tracks, path)
    shown = [track for track in tracks if (labels == track).any()]
    return {track: TrackMask(rle=encode_mask(labels == track)) for track in shown}


def write_tracks(path: Path, sequences: Iterable[Mapping[str, Any]], *, split: str) -> None:
    """Write a file of predicted tracks, whole or not at all."""
    write_text(path, json.dumps({"split": split, "sequences": list(sequences)}))
