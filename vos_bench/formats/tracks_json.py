"""BURST's JSON of tracks: truth and predictions alike, masks as COCO's compressed run lengths."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from pydantic import ConfigDict, Field, ValidationError

from vos_bench.api import Mask
from vos_bench.config import FrozenModel, explain
from vos_bench.errors import BadInputError
from vos_bench.files import read_bytes, write_text
from vos_bench.labelmaps import MAX_PIXELS

MOST_BYTES = 1 << 30
"""The largest file that is read; BURST's largest has a third of it."""


class _Listed(FrozenModel):
    """Base of what the file holds; what else it says is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class TrackMask(_Listed):
    """The mask of one track on one frame; a prediction may say how sure it is of the track."""

    rle: str
    score: float = 1.0


class TrackSequence(_Listed):
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


class TrackFile(_Listed):
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
            f"{path}: {sequence.dataset}/{sequence.seq_name} has {frames} annotated images and {masks} sets of masks, "
            "expected one set an image; leave out masks of absent tracks, not the whole set"
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


def decode_mask(rle: str, height: int, width: int) -> Mask:
    """Return the mask that compressed run lengths hold, H x W.

    pycocotools decodes them as well, but trusts their sum, and warns with NumPy 2.

    Raises:
        ValueError: They are none, or do not fill the image.
    """
    counts = run_lengths(rle)
    if sum(counts) != height * width:
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


def write_tracks(path: Path, sequences: Iterable[Mapping[str, Any]], *, split: str) -> None:
    """Write a file of predicted tracks, whole or not at all."""
    write_text(path, json.dumps({"split": split, "sequences": list(sequences)}))
