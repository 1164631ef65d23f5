"""Reads the label maps and the truth of one sequence, and counts how its objects overlap, frame by frame."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from vos_bench.api import Image, Mask
from vos_bench.errors import BadInputError
from vos_bench.formats.mask_folders import read_object_mask, written_frames
from vos_bench.labelmaps import VOID, NarrowLabels, label_map_path, read_narrow, white_as
from vos_bench.metrics.attributes import colour_likeness, colours
from vos_bench.metrics.failures import ObjectFrames
from vos_bench.metrics.frame_rules import TruthSequence
from vos_bench.metrics.overlaps import NO_OVERLAP, FrameOverlaps, ObjectOverlap, OverlapCounter, overlap_counter
from vos_bench.names import frame_order
from vos_bench.records.overlaps import ObjectOverlapsRecord, OverlapsRecord
from vos_bench.scoring.notes import TruthReading, read_truth_ids
from vos_bench.scoring.preflight import check_size

NO_FRAME = "no frame to see"
"""Why nothing is known of how much objects look alike."""

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

    @classmethod
    def of(cls, record: OverlapsRecord) -> Self:
        """Return what a record says of the objects that the truth shows."""
        shown = [each for each in record.objects if any(each.numbers.get("truth_area", ()))]
        objects = tuple(_object_frames(record, each, several=len(shown) > 1) for each in shown)
        return cls(record.name, record.frames, record.length, (record.height, record.width), objects)


class SequenceCounter:
    """Counts the overlaps of one sequence, frame by frame; what scoring has at hand it does not read again."""

    def __init__(
        self,
        sequence: TruthSequence,
        folder: Path | None,
        *,
        total: int = 0,
        pixels: int = 0,
        reading: TruthReading | None = None,
        read_masks: Callable[[str], NarrowLabels] = read_narrow,
    ) -> None:
        """Find the frames.

        Args:
            sequence: Its truth.
            folder: Its label maps, `FRAME.png`, or `OBJECT/FRAME.png` where its objects have masks of their own; None
                to look at the truth alone, as if all label maps were empty.
            total: How many frames of this size, about, are counted with those of other sequences: for many of them the
                compiled program is worth its start.
            pixels: How many pixels there are in all, about, where that is known.
            reading: How the truth is read, where that is known.
            read_masks: Reads a label map.

        Raises:
            BadInputError: No frame has a truth and a label map, or the first truth is damaged.
        """
        self._sequence, self._folder = sequence, folder
        written = tuple(sequence.truth_names) if folder is None else written_frames(folder)
        self._frames = _frames(sequence, folder, frozenset(written))
        self._place = {name: i for i, name in enumerate(self._frames)}
        self._places = _places(sequence, self._frames)
        self._total, self._pixels = max(total, len(self._frames)), pixels
        self._size: tuple[int, ...] = ()
        self._plain = written == self._frames and bool((np.diff(self._places) == 1).all())
        self._found: list[FrameOverlaps] = []
        self._reading, self._read_masks = reading or read_truth_ids(sequence), read_masks
        self._counter: OverlapCounter | None = None

    def see(self, name: str, truth: NarrowLabels, masks: NarrowLabels, *, low: bool = False) -> None:
        """Count a frame that was read, and those before it that were not.

        Args:
            name: The frame; one that does not count, or was counted, is passed over.
            truth: Its truth, as `reading` reads it; it must not be changed afterwards.
            masks: Its label map as the file has it, likewise.
            low: Whether all labels of both are known to be below 255.

        Raises:
            BadInputError: A file of a frame before it is damaged or has another size.
        """
        place = self._place.get(name, -1)
        if place >= len(self._found):
            self._read_up_to(place)
            self._count(truth, masks, low=low)

    def record(self, *, data: str = "", masks: str = "", likeness: bool = False) -> OverlapsRecord:
        """Count what is left and return all.

        Args:
            data: The fingerprint of the data.
            masks: `masks_sha256` of the label maps.
            likeness: Whether to look at a frame for how much objects look alike.

        Raises:
            BadInputError: A file is damaged or has another size.
        """
        sequence, frames = self._sequence, self._frames
        if sequence.object_names:
            self._size = sequence.read_truth(frames[0]).shape
            self._found = [*_each_mask(sequence, self._folder, frames, self._places, self._total)]
        else:
            self._read_up_to(len(frames))
        counted = OverlapsRecord(
            name=sequence.name,
            data=data,
            masks=masks,
            frames=frames,
            places=tuple(self._places.tolist()),
            length=len(getattr(sequence, "frame_names", ()) or sequence.truth_names),
            height=self._size[0],
            width=self._size[1],
            whole=len(frames) == len(sequence.truth_names),
            plain=self._plain and not sequence.object_names,
            objects=tuple(_object_records(sequence, frames, self._found)),
        )
        if not likeness or sum("truth_area" in each.numbers for each in counted.objects) < 2:
            return counted
        return counted.replace(likeness=colours_alike(sequence, SequenceOverlaps.of(counted)))

    def _read_up_to(self, end: int) -> None:
        for name in self._frames[len(self._found) : end]:
            truth = self._reading.read(name)
            if self._folder is None:
                self._count(truth, _no_labels(truth.shape))
            else:
                path = label_map_path(self._folder, name)
                masks = self._read_masks(path)
                check_size(path, masks.shape, truth.shape)
                self._count(truth, masks)

    def _count(self, truth: NarrowLabels, masks: NarrowLabels, *, low: bool = False) -> None:
        only, place = self._reading.only_object, len(self._found)
        if self._counter is None:
            self._size = truth.shape
            self._counter = overlap_counter(max(self._pixels, truth.size * self._total))
        if only is not None and not low and int(masks.max()) == VOID:
            masks, self._plain = white_as(masks, only), False
        self._plain &= truth.shape == self._size
        follows = place > 0 and _follows(self._places, place)
        highest = 0 if low else int(truth.max())
        if highest <= VOID:
            truth = truth.astype(np.uint8, copy=False)  # once, and not for each look at it
        if highest >= VOID:
            truth = _without_void(truth)
        self._found.append(self._counter.count(truth, masks, follows=follows))


def colours_alike(sequence: TruthSequence, overlaps: SequenceOverlaps) -> dict[int, float | str]:
    """Return how much each object looks like another, on the first of the frames that show most of them at once."""
    shown: dict[str, list[int]] = {name: [] for name in overlaps.frames}
    for each in overlaps.objects:
        for name, there in zip(each.frames, each.present.tolist(), strict=True):
            if there:
                shown[name].append(each.object_id)
    frame = max(overlaps.frames, key=lambda name: len(shown[name]))
    if len(shown[frame]) < 2:
        return {}
    clean = getattr(sequence, "clean", sequence)  # where frames are corrupted
    read_frame: Callable[[str], Image] | None = getattr(clean, "read_frame", None)
    if read_frame is None:  # a folder of truth has no frames
        return dict.fromkeys(shown[frame], NO_FRAME)
    try:
        image = read_frame(frame)
    except BadInputError:
        return dict.fromkeys(shown[frame], NO_FRAME)
    return {**colour_likeness({k: colours(image, sequence.read_truth_mask(frame, k)) for k in shown[frame]})}


def _frames(sequence: TruthSequence, folder: Path | None, written: frozenset[str]) -> tuple[str, ...]:
    """Return the frames that have a truth and a label map."""
    frames = tuple(name for name in sequence.truth_names if name in written)
    if not frames and (folder is None or not sequence.truth_names):
        raise BadInputError(
            f"{sequence.name}: has no public truth; expected a dataset, or a split, whose truth is known"
        )
    if not frames:
        raise BadInputError(f"{folder}: holds no label map of a frame with a truth; expected those that a run wrote")
    return frames


_DIGITS = 18
"""Numbers of so many digits fit in 64 bits: frames may be named by nanoseconds."""


def _places(sequence: TruthSequence, frames: Sequence[str]) -> NDArray[np.int64]:
    """Return where frames stand among those of the video, by their numbers where its frames are not known."""
    video: Sequence[str] = getattr(sequence, "frame_names", ())
    if video:
        place = {name: i for i, name in enumerate(video)}
        return np.array([place[name] for name in frames], np.int64)
    if all(name.isdecimal() and len(name) <= _DIGITS for name in frames):
        return np.array([*map(int, frames)], np.int64)
    return np.arange(len(frames), dtype=np.int64)


@lru_cache(maxsize=1)
def _no_labels(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return an empty label map, which must not be changed."""
    return np.zeros(shape, np.uint8)


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
        truths = {
            k: sequence.read_truth_mask(frame, k)
            for k in sequence.object_names
            if not (own := sequence.object_frames.get(k)) or frame in own
        }
        for object_id, truth in truths.items():
            mask = _read_mask(folder and folder / sequence.object_names[object_id] / f"{frame}.png", truth.shape)
            counter = counters.setdefault(object_id, overlap_counter(mask.size * total))
            follows = _follows(places, i) and last.get(object_id) == i - 1
            counted = counter.count(_own_and_others(truth, merged), mask.view(np.uint8), follows=follows)
            last[object_id] = i
            if numbers := counted.get(_OWN):
                found[object_id] = _with_owner(numbers, mask, {k: truths[k] for k in truths if k != object_id})
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


def _with_owner(numbers: ObjectOverlap, mask: Mask, others: Mapping[int, Mask]) -> ObjectOverlap:
    """Return an object's numbers with the id of the other object that has most of its mask, whatever overlaps it."""
    if not numbers.owned:
        return numbers
    shares = {k: int(np.count_nonzero(mask & other)) for k, other in others.items()}
    owner = max(shares, key=shares.__getitem__)
    return numbers._replace(owner=owner, owned=shares[owner])


def _object_records(
    sequence: TruthSequence, frames: Sequence[str], found: Sequence[FrameOverlaps]
) -> Iterator[ObjectOverlapsRecord]:
    """Yield the numbers of all labels that the truth or a label map shows."""
    for label in sorted({label for labels in found for label in labels}):
        own = frozenset(sequence.object_frames.get(label, ()))
        chosen = [i for i, name in enumerate(frames) if name in own] if own else []
        rows = [found[i] for i in chosen] if own else found
        numbers = np.array([labels.get(label, NO_OVERLAP) for labels in rows], np.int64).reshape(-1, len(NO_OVERLAP))
        columns = {name: tuple(numbers[:, i].tolist()) for i, name in enumerate(_FIELDS) if numbers[:, i].any()}
        yield ObjectOverlapsRecord(
            object=label,
            name=sequence.object_names.get(label, ""),
            start=sequence.first_frames.get(label, ""),
            frames=tuple(chosen),
            numbers=columns,
        )


_FIELDS = ObjectOverlap._fields


def _object_frames(record: OverlapsRecord, found: ObjectOverlapsRecord, *, several: bool) -> ObjectFrames:
    """Return one object on its frames."""
    places = found.frames or range(len(record.frames))
    names = tuple(record.frames[i] for i in places)
    numbers = np.zeros((len(names), len(_FIELDS)), np.int64)
    for i, field in enumerate(_FIELDS):
        if field in found.numbers:
            numbers[:, i] = found.numbers[field]
    return ObjectFrames(
        found.object,
        names,
        numbers,
        _start(found.start, names, numbers),
        np.array(record.places, np.int64)[[*places]],
        several=several,
        name=found.name,
    )


def _start(given: str, names: Sequence[str], numbers: NDArray[np.int64]) -> int:
    """Return the place of the frame on which an object is given: the listed one, else the first that shows it."""
    if given:
        return bisect_right(names, frame_order(given), key=frame_order) - 1
    return int(np.flatnonzero(numbers[:, _FIELDS.index("truth_area")])[0])
