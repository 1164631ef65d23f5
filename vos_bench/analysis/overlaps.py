"""Reads the label maps and the truth of one sequence, and counts how its objects overlap, frame by frame."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vos_bench.api import Mask
from vos_bench.errors import BadInputError
from vos_bench.formats.mask_folders import read_object_mask, written_frames
from vos_bench.labelmaps import VOID, NarrowLabels, read_narrow, white_as
from vos_bench.metrics.failures import ObjectFrames
from vos_bench.metrics.frame_rules import TruthSequence
from vos_bench.metrics.overlaps import NO_OVERLAP, FrameOverlaps, ObjectOverlap, OverlapCounter, overlap_counter
from vos_bench.names import frame_order
from vos_bench.scoring.notes import TruthReading, read_truth_ids
from vos_bench.scoring.preflight import check_size

_OWN, _OTHERS = 1, 2
"""Labels of the map that is made where objects have masks of their own."""


@dataclass(frozen=True)
class SequenceOverlaps:
    """How the objects of one sequence overlap the label maps of a run.

    Attributes:
        name: The sequence.
        frames: The names of the frames that have a truth and a label map, in order.
        length: How many frames the video has; those with a truth where its frames are not known.
        size: Height and width of its label maps.
        objects: The objects that the truth shows, by ascending id.
    """

    name: str
    frames: tuple[str, ...]
    length: int
    size: tuple[int, int]
    objects: tuple[ObjectFrames, ...]


def sequence_overlaps(sequence: TruthSequence, folder: Path | None, *, total: int = 0) -> SequenceOverlaps:
    """Count the overlaps of one sequence.

    Args:
        sequence: Its truth.
        folder: Its label maps, `FRAME.png`, or `OBJECT/FRAME.png` where its objects have masks of their own; None to
            look at the truth alone, as if all label maps were empty.
        total: How many frames of this size, about, are counted with those of other sequences: for many of them the
            compiled program is worth its start.

    Raises:
        BadInputError: No frame has a truth and a label map, or a file is damaged or has another size.
    """
    frames = _frames(sequence, folder)
    size = sequence.read_truth(frames[0]).shape
    places = _places(sequence, frames)
    if sequence.object_names:
        found = [*_each_mask(sequence, folder, frames, places, max(total, len(frames)))]
    else:
        counter = overlap_counter(size[0] * size[1] * max(total, len(frames)))
        found = [*_label_maps(read_truth_ids(sequence), folder, frames, places, counter)]
    length = len(getattr(sequence, "frame_names", ()) or sequence.truth_names)
    objects = tuple(_objects(sequence, frames, places, found))
    return SequenceOverlaps(sequence.name, frames, length, (size[0], size[1]), objects)


def _frames(sequence: TruthSequence, folder: Path | None) -> tuple[str, ...]:
    """Return the frames that have a truth and a label map."""
    if folder is None:
        frames = tuple(sequence.truth_names)
        wanted = f"{sequence.name}: has no public truth; expected a dataset, or a split, whose truth is known"
    else:
        written = frozenset(written_frames(folder))
        frames = tuple(name for name in sequence.truth_names if name in written)
        wanted = f"{folder}: holds no label map of a frame with a truth; expected those that a run wrote"
    if not frames:
        raise BadInputError(wanted)
    return frames


def _places(sequence: TruthSequence, frames: Sequence[str]) -> NDArray[np.int64]:
    """Return where frames stand among those of the video, by their numbers where its frames are not known."""
    video: Sequence[str] = getattr(sequence, "frame_names", ())
    if video:
        place = {name: i for i, name in enumerate(video)}
        return np.array([place[name] for name in frames], np.int64)
    if all(map(str.isdecimal, frames)):
        return np.array([*map(int, frames)], np.int64)
    return np.arange(len(frames), dtype=np.int64)


def _label_maps(
    reading: TruthReading,
    folder: Path | None,
    frames: Sequence[str],
    places: NDArray[np.int64],
    counter: OverlapCounter,
) -> Iterator[FrameOverlaps]:
    """Yield the overlaps of each frame where objects share label maps."""
    for i, name in enumerate(frames):
        truth = reading.read(name)
        masks = _no_labels(truth.shape) if folder is None else _read_masks(folder / f"{name}.png", reading, truth.shape)
        yield counter.count(_without_void(truth), masks, follows=_follows(places, i))


@lru_cache(maxsize=1)
def _no_labels(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return an empty label map, which must not be changed."""
    return np.zeros(shape, np.uint8)


def _read_masks(path: Path, reading: TruthReading, shape: tuple[int, ...]) -> NarrowLabels:
    masks = read_narrow(path)
    check_size(path, masks.shape, shape)
    if reading.only_object is not None and int(masks.max()) == VOID:
        return white_as(masks, reading.only_object)
    return masks


def _without_void(truth: NarrowLabels) -> NarrowLabels:
    if int(truth.max()) < VOID:
        return truth
    return np.where(truth == VOID, np.array(0, truth.dtype), truth)


def _follows(places: NDArray[np.int64], i: int) -> bool:
    return i > 0 and bool(places[i] == places[i - 1] + 1)


def _each_mask(
    sequence: TruthSequence, folder: Path | None, frames: Sequence[str], places: NDArray[np.int64], total: int
) -> Iterator[FrameOverlaps]:
    """Yield the overlaps of each frame where objects have masks of their own, which may overlap."""
    counters: dict[int, OverlapCounter] = {}
    last: dict[int, int] = {}
    for i, frame in enumerate(frames):
        found: FrameOverlaps = {}
        merged = _without_void(sequence.read_truth(frame))
        for object_id, name in sequence.object_names.items():
            own = sequence.object_frames.get(object_id)
            if own and frame not in own:
                continue
            truth = sequence.read_truth_mask(frame, object_id)
            mask = _read_mask(folder and folder / name / f"{frame}.png", truth.shape)
            counter = counters.setdefault(object_id, overlap_counter(mask.size * total))
            follows = _follows(places, i) and last.get(object_id) == i - 1
            counted = counter.count(_own_and_others(truth, merged), mask.view(np.uint8), follows=follows)
            last[object_id] = i
            if numbers := counted.get(_OWN):
                found[object_id] = _with_owner(numbers, mask, merged, object_id)
        yield found


def _read_mask(path: Path | None, shape: tuple[int, ...]) -> Mask:
    """Return the mask of an object; an empty one where there is no file."""
    if path is None or not path.is_file():
        return _no_labels(shape).view(np.bool_)
    mask = read_object_mask(path)
    check_size(path, mask.shape, shape)
    return mask


def _own_and_others(truth: Mask, merged: NarrowLabels) -> NDArray[np.uint8]:
    """Return a label map of one object, and of all others where they are not under it."""
    labels = np.where(merged > 0, np.uint8(_OTHERS), np.uint8(0))
    labels[truth] = _OWN
    return labels


def _with_owner(numbers: ObjectOverlap, mask: Mask, merged: NarrowLabels, object_id: int) -> ObjectOverlap:
    """Return an object's numbers with the id of the other object that has most of its mask."""
    if not numbers.owned:
        return numbers
    shares = np.bincount(merged[mask])
    shares[[0, *([object_id] if object_id < len(shares) else [])]] = 0
    owner = int(shares.argmax())
    owned = int(shares[owner])
    return numbers._replace(owner=owner if owned else 0, owned=owned)


def _objects(
    sequence: TruthSequence, frames: Sequence[str], places: NDArray[np.int64], found: Sequence[FrameOverlaps]
) -> Iterator[ObjectFrames]:
    """Yield the objects that the truth shows."""
    ids = sorted({k for labels in found for k, numbers in labels.items() if numbers.truth_area})
    for object_id in ids:
        own = frozenset(sequence.object_frames.get(object_id, ()))
        chosen = [i for i, name in enumerate(frames) if not own or name in own]
        names = tuple(frames[i] for i in chosen)
        numbers = np.array([found[i].get(object_id, NO_OVERLAP) for i in chosen], np.int64)
        yield ObjectFrames(
            object_id,
            names,
            numbers,
            _start(sequence, object_id, names, numbers),
            places[chosen],
            several=len(ids) > 1,
            name=sequence.object_names.get(object_id, ""),
        )


def _start(sequence: TruthSequence, object_id: int, names: Sequence[str], numbers: NDArray[np.int64]) -> int:
    """Return the place of the frame on which an object is given: the listed one, else the first that shows it."""
    if given := sequence.first_frames.get(object_id):
        return bisect_right(names, frame_order(given), key=frame_order) - 1
    return int(np.flatnonzero(numbers[:, ObjectOverlap._fields.index("truth_area")])[0])
