"""Scores one sequence, or several at a time."""

import os
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vos_bench import interrupts
from vos_bench.api import ProtocolName
from vos_bench.clusters import LOCAL, Cluster
from vos_bench.errors import BadInputError, VosBenchError, one_line
from vos_bench.formats.mask_folders import object_mask
from vos_bench.labelmaps import VOID, NarrowLabels, describe_unknown_ids, label_map_path, read_narrow, white_as
from vos_bench.metrics.counts import (
    CountFrame,
    FrameCounts,
    HigherLabelError,
    PixelCounts,
    count_object,
    counter,
    fits_in_bytes,
)
from vos_bench.metrics.frame_rules import Frames, TruthSequence
from vos_bench.metrics.measures import contour_accuracy
from vos_bench.metrics.protocols import scoring_protocol
from vos_bench.metrics.scoring_rules import ScoringProtocol
from vos_bench.metrics.statistics import ObjectScores
from vos_bench.progress import Progress
from vos_bench.scoring.notes import (
    TruthReading,
    first_frame_notes,
    read_truth_ids,
    require_one_object,
    scoring_notes,
)
from vos_bench.scoring.preflight import check_size, preflight, unwrapped
from vos_bench.scoring.shifted_frames import ShiftedFrames

if TYPE_CHECKING:
    from vos_bench.records.overlaps import OverlapsRecord
    from vos_bench.scoring.overlaps_listener import OverlapsListener

MOST_THREADS = 4
"""From more jobs on they are processes: each spends half a second on its imports, but has an interpreter of its own."""

MOST_THREADED_PIXELS = 1_000_000_000
"""From more pixels on, about a second's work, they are processes as well: two of them are nearly twice as fast as one,
two threads no faster, for half of the work holds the interpreter's lock."""

_NOTHING = PixelCounts(*(0 for _ in PixelCounts._fields))


class SequenceResult(NamedTuple):
    """The scores of one sequence, or why there are none.

    Attributes:
        name: The sequence.
        objects: Its objects' scores by ascending id; empty where `error` is not.
        frames: How many frames were scored.
        seconds: Wall time, reading included.
        error: What is wrong with its files; empty when all is well.
        notes: What to know of its label maps and its truth; see `vos_bench.api.Sequence.notes`.
        overlaps: What reports of failures and attributes need, where it was asked for and no file is damaged.
    """

    name: str
    objects: tuple[ObjectScores, ...] = ()
    frames: int = 0
    seconds: float = 0.0
    error: str = ""
    notes: Mapping[str, str] = {}
    overlaps: "OverlapsRecord | None" = None


def score_sequences(
    sequences: Sequence[TruthSequence],
    masks: Path,
    *,
    protocol: ProtocolName,
    jobs: int | None = None,
    engine: Cluster = LOCAL,
    progress: Progress | None = None,
    overlaps_of: str | None = None,
) -> list[SequenceResult]:
    """Score label maps, several sequences at a time.

    Args:
        sequences: What to score.
        masks: Folder of label maps, `masks/SEQUENCE/FRAME.png`; files and folders that no sequence asks for do not
            matter.
        protocol: Which frames and objects count.
        jobs: How many sequences are scored at once; None for one, and for all slots of a cluster.
        engine: Who scores them; a cluster must find the same files under the same paths.
        progress: Hears how many sequences are scored, in the thread that called this function.
        overlaps_of: The fingerprint of the data, to count the overlaps of objects in the same pass; None not to.

    Returns:
        One result a sequence, in the order of `sequences`. A damaged file, a wrong size or an unknown object fails
        its sequence alone.

    Raises:
        BadInputError: Folders, frames or sizes do not match the truth; found before anything is scored. Or the engine
            cannot be joined, or breaks off.
    """
    masks = unwrapped(sequences, masks, protocol=protocol)
    pixels = preflight(sequences, masks, protocol=protocol)
    contour = scoring_protocol(protocol).contour
    counter(pixels, contour)  # compiles the program here, if need be, and not in every worker at once
    if overlaps_of is not None:
        from vos_bench.metrics.overlaps import overlap_counter  # here, since most scorings do without

        overlap_counter(pixels)  # likewise
    wanted = _Wanted(protocol, pixels, overlaps_of)
    results: dict[str, SequenceResult] = {}
    with (progress or Progress()).counting("sequences", len(sequences)) as step:
        for result in _results(sequences, masks, wanted, jobs, engine):
            results[result.name] = result
            step()
    return [results[sequence.name] for sequence in sequences]


def _results(
    sequences: Sequence[TruthSequence],
    masks: Path,
    wanted: "_Wanted",
    jobs: int | None,
    engine: Cluster,
) -> Iterator[SequenceResult]:
    """Yield results as they come."""
    if engine != LOCAL:
        yield from _results_of(engine, sequences, masks, wanted, jobs)
        return
    jobs = max(1, min(jobs or 1, len(sequences)))
    if jobs == 1:
        yield from (_result(sequence, masks, wanted) for sequence in sequences)
        return
    from concurrent.futures import BrokenExecutor
    from multiprocessing import resource_tracker

    import joblib  # takes a tenth of a second, as long as scoring a sequence or two

    threaded = jobs <= MOST_THREADS and wanted.pixels <= MOST_THREADED_PIXELS
    prefer = "threads" if threaded else "processes"
    calls = (joblib.delayed(_result)(sequence, masks, wanted) for sequence in sequences)
    try:
        with (
            interrupts.quiet_pool(),
            joblib.Parallel(jobs, prefer=prefer, return_as="generator_unordered") as workers,
        ):
            if not threaded and os.name == "posix":
                resource_tracker.ensure_running()  # which in Python 3.11 lets Ctrl-C through again when it starts
            with interrupts.blocked():  # the workers start here
                results = workers(calls)
            yield from results
    except BrokenExecutor as error:
        raise BadInputError(
            f"a scoring process was killed ({error}); with fewer --jobs there is more memory for each"
        ) from None


def _results_of(
    engine: Cluster,
    sequences: Sequence[TruthSequence],
    masks: Path,
    wanted: "_Wanted",
    jobs: int | None,
) -> Iterator[SequenceResult]:
    from joblib import delayed

    from vos_bench.clusters.connection import connect

    with connect(engine, jobs=jobs and min(jobs, len(sequences))) as connection:
        calls = (delayed(_result)(sequence, masks, wanted) for sequence in sequences)
        yield from connection.parallel(calls)


class _Wanted(NamedTuple):
    """What is wanted of each sequence.

    Attributes:
        protocol: The rules.
        pixels: How many pixels all sequences have, about.
        overlaps_of: See `score_sequences`.
    """

    protocol: ProtocolName
    pixels: int
    overlaps_of: str | None


def _result(sequence: TruthSequence, masks: Path, wanted: _Wanted) -> SequenceResult:
    started, protocol = time.perf_counter(), wanted.protocol
    try:
        count = counter(wanted.pixels, scoring_protocol(protocol).contour)
        listener = None if wanted.overlaps_of is None else _overlaps(sequence, masks, wanted.pixels, wanted.overlaps_of)
        result, reading = _score(sequence, masks / sequence.name, protocol, count, listener)
        of_data: Mapping[str, str] = getattr(sequence, "notes", {})  # a folder of truth has none
        notes = {**of_data, **first_frame_notes(reading, masks / sequence.name), **result.notes}
    except VosBenchError as error:
        return SequenceResult(sequence.name, seconds=time.perf_counter() - started, error=one_line(str(error)))
    overlaps = None if listener is None else listener.record()
    return result._replace(seconds=time.perf_counter() - started, notes=notes, overlaps=overlaps)


def sequence_result(
    sequence: TruthSequence, masks: Path, *, protocol: ProtocolName, overlaps_of: str | None = None, together: int = 1
) -> SequenceResult:
    """Score the label maps of one sequence, and say what is odd about them.

    Args:
        sequence: What to score.
        masks: Folder of label maps, `masks/SEQUENCE/FRAME.png`.
        protocol: Which frames and objects count.
        overlaps_of: See `score_sequences`.
        together: How many sequences are scored one after the other: for many, the compiled program is worth its start.

    Returns:
        The scores of its objects; none when the protocol finds no object in the truth.

    Raises:
        BadInputError: A label map is missing, damaged, of another size than its truth, or shows an object that the
            sequence does not have.
    """
    pixels = preflight([sequence], masks, protocol=protocol)
    count = counter(pixels, scoring_protocol(protocol).contour)
    listener = None if overlaps_of is None else _overlaps(sequence, masks, pixels * together, overlaps_of)
    result, _ = _score(sequence, masks / sequence.name, protocol, count, listener)
    return result if listener is None else result._replace(overlaps=listener.record())


def _overlaps(sequence: TruthSequence, masks: Path, pixels: int, data: str) -> "OverlapsListener":
    from vos_bench.scoring.overlaps_listener import OverlapsListener  # here, since most scorings do without

    return OverlapsListener(sequence, masks / sequence.name, pixels, data)


def _score(
    sequence: TruthSequence,
    folder: Path,
    protocol: ProtocolName,
    count: CountFrame,
    listener: "OverlapsListener | None" = None,
) -> tuple[SequenceResult, TruthReading]:
    rule = scoring_protocol(protocol)
    frames = rule.select_frames(sequence)
    reading = read_truth_ids(sequence) if rule.white == "the one object" else TruthReading(sequence, None, raw=True)
    names = () if sequence.object_names else frames.names
    shifted = ShiftedFrames(names, one_object=reading.only_object is not None)
    if listener is not None:
        listener.begin(reading)
    counts = _count_frames(reading, frames, folder, count, (shifted, listener))
    require_one_object(reading, folder, counts)
    places = rule.places(reading.sequence, frames, counts)
    if rule.unknown_ids == "refused":
        _check_ids(folder, frames.names, counts, places)
    objects = tuple(
        _object_scores(rule, sequence, object_id, [frames.names[i] for i in counted], [counts[i] for i in counted])
        for object_id, counted in places.items()
        if counted
    )
    of_255 = rule.void == "an object"
    notes = {**scoring_notes(reading, folder, counts, void_is_object=of_255), **shifted.notes()}
    return SequenceResult(sequence.name, objects, len(frames.names), notes=notes), reading


def _count_frames(
    reading: TruthReading,
    frames: Frames,
    folder: Path,
    count: CountFrame,
    listeners: tuple[ShiftedFrames, "OverlapsListener | None"],
) -> list[FrameCounts]:
    """Read and count frame by frame, so that no two are in memory at once."""
    sequence = reading.sequence
    if sequence.object_names:
        own = {k: frozenset(names) for k, names in frames.own.items()}
        white: set[int] = set()
        return [_count_objects(sequence, frame, own, folder, count, white) for frame in frames.names]
    counts: list[FrameCounts] = []
    shifted, overlaps = listeners
    size: tuple[int, ...] | None = None
    for name in frames.names:
        path, truth = label_map_path(folder, name), reading.read(name)
        masks = read_narrow(path) if overlaps is None else overlaps.read(path)
        check_size(path, masks.shape, truth.shape)
        size = size or truth.shape
        if truth.shape != size:
            sizes = " x ".join(map(str, truth.shape)), " x ".join(map(str, size))
            raise BadInputError(
                f"{sequence.name}: the truth of frame {name} has {sizes[0]} pixels (height x width), expected "
                f"{sizes[1]} as on frame {frames.names[0]}; mend the truth"
            )
        shifted.see(len(counts), truth, masks)
        if overlaps is None:
            counts.append(_counted(reading, truth, masks, count))
        else:
            counts.append(_counted_with_overlaps(reading, name, truth, masks, count, overlaps))
    return counts


def _count_objects(
    sequence: TruthSequence,
    frame: str,
    own: Mapping[int, frozenset[str]],
    folder: Path,
    count: CountFrame,
    white: set[int],
) -> FrameCounts:
    """Count the masks of each object of a frame on their own: they may overlap, which no label map can hold.

    `white` has the objects whose masks were not 0 and 1 on an earlier frame, and gets those of this one.
    """
    counts: FrameCounts = {}
    for object_id, name in sequence.object_names.items():
        if own and frame not in own[object_id]:
            continue
        if found := _count_object(sequence, frame, object_id, f"{folder}/{name}/{frame}.png", count, white):
            counts[object_id] = found
    return counts


def _count_object(
    sequence: TruthSequence, frame: str, object_id: int, path: str, count: CountFrame, white: set[int]
) -> PixelCounts | None:
    labels = read_narrow(path)
    if object_id not in white:
        true_labels = sequence.read_object_labels(frame, object_id)
        if labels.shape == true_labels.shape:
            try:
                return count_object(count, true_labels, labels)
            except HigherLabelError:  # as in 0/255 masks
                white.add(object_id)
    mask, truth = object_mask(labels, path), sequence.read_truth_mask(frame, object_id)
    check_size(path, mask.shape, truth.shape)
    return count_object(count, truth.view(np.uint8), mask.view(np.uint8))


def _counted(reading: TruthReading, truth: NarrowLabels, masks: NarrowLabels, count: CountFrame) -> FrameCounts:
    """Count a frame; where its label map is a 0/255 mask and the sequence has one object, white is this object."""
    counts = count(truth, masks)
    reading.without_background += sum(numbers.mask_area for numbers in counts.values()) == masks.size
    if VOID not in counts or not counts[VOID].mask_area or reading.only_object is None:
        return counts
    if any(numbers.mask_area for label, numbers in counts.items() if label != VOID):
        return counts
    reading.white_masks += 1
    return count(truth, white_as(masks, reading.only_object))


def _counted_with_overlaps(
    reading: TruthReading,
    name: str,
    truth: NarrowLabels,
    masks: NarrowLabels,
    count: CountFrame,
    overlaps: "OverlapsListener",
) -> FrameCounts:
    """Count a frame, and let its overlaps be counted as well."""
    if fits_in_bytes(truth):
        truth = truth.astype(np.uint8, copy=False)  # once, for both of them
    white = reading.white_masks
    counts = _counted(reading, truth, masks, count)
    overlaps.see(name, truth, masks, low=reading.white_masks == white and max(counts, default=0) < VOID)
    return counts


def _check_ids(folder: Path, frames: tuple[str, ...], counts: list[FrameCounts], allowed: Collection[int]) -> None:
    """Check that no label map shows an object that the sequence does not have."""
    for name, labels in zip(frames, counts, strict=True):
        found = {label for label, numbers in labels.items() if numbers.mask_area}
        if not found.issubset(allowed):
            raise BadInputError(describe_unknown_ids(found, allowed, folder / f"{name}.png") or "")


def _object_scores(
    rule: ScoringProtocol, sequence: TruthSequence, object_id: int, frames: list[str], counts: list[FrameCounts]
) -> ObjectScores:
    numbers = np.array([labels.get(object_id, _NOTHING) for labels in counts], np.int64)
    intersection, truth_area, mask_area = numbers.T[:3]
    true_line, mask_line, true_near, mask_near, true_near_dot, mask_near_dot = numbers.T[3:]
    none = np.empty(0)
    scores = ObjectScores(
        object_id=object_id,
        group=sequence.groups.get(object_id),
        frames=tuple(frames),
        J=rule.region.apply(intersection, truth_area, mask_area),
        F=contour_accuracy(true_line, mask_line, true_near, mask_near) if rule.contour else none,
        F_dot=contour_accuracy(true_line, mask_line, true_near_dot, mask_near_dot)
        if "F_dot" in rule.scores
        else np.empty(0),
        name=sequence.object_names.get(object_id, ""),
    )
    extra: dict[str, float] = {}
    for statistic in rule.extra:
        extra |= statistic.apply(scores, truth_area > 0)
    return scores._replace(extra=extra) if extra else scores
