"""Failures and attributes of a run: from its folder and its data to one result a sequence."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from vos_bench.api import Sequence
from vos_bench.errors import BadInputError, one_line
from vos_bench.metrics.attributes import ObjectAttributes, attributes
from vos_bench.metrics.failures import ObjectFailures, VotsCounts, failures, vots_object
from vos_bench.metrics.frame_rules import TruthSequence
from vos_bench.records import Run, masks_folder
from vos_bench.records.data import RunData
from vos_bench.records.overlaps import OverlapsRecord, keep_overlaps, kept_overlaps, masks_sha256
from vos_bench.scoring.overlaps import SequenceCounter, SequenceOverlaps


@dataclass(frozen=True)
class SequenceFailures:
    """How a run's label maps of one sequence fail, or why nothing can be said.

    Attributes:
        name: The sequence.
        objects: The failures of its objects, by ascending id.
        vots: What the VOT toolkit counts of each of them.
        frames: Object id to the names of its frames that have a truth and a label map, in order.
        problem: Why there is none of that; empty when all is well.
    """

    name: str
    objects: tuple[ObjectFailures, ...] = ()
    vots: tuple[VotsCounts, ...] = ()
    frames: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    problem: str = ""


def run_failures(run: Run, data: RunData, names: Collection[str] | None = None) -> Iterator[SequenceFailures]:
    """Yield the failures of each sequence of a run that ended well, or of those of them that are named.

    Raises:
        BadInputError: Something has to be counted, and the data are not here, or not those that the run saw.
    """
    total = sum(record.frames for name, record in run.sequence_records.items() if names is None or name in names)
    for name, record in run.sequence_records.items():
        if record.status == "done" and (names is None or name in names):
            yield _sequence_failures(run, data, name, total)


def _sequence_failures(run: Run, data: RunData, name: str, total: int) -> SequenceFailures:
    if known := known_overlaps(run, name):
        return failures_of(known)
    if run.record.kind == "score" and not masks_folder(run.folder, name).is_dir():
        raise BadInputError(
            f"{run.folder}: a scoring keeps no label maps\n"
            "  count them while they are scored: vos-bench score … --failures"
        )
    dataset = data.open(run)
    try:
        return failures_of(count_and_keep(run, dataset.sequence(name), total=total))
    except BadInputError as error:
        return SequenceFailures(name, problem=one_line(str(error)))


def known_overlaps(run: Run, name: str) -> OverlapsRecord | None:
    """Return the overlaps of a sequence that are kept in a run's folder and are those of its files; None without."""
    return kept_overlaps(run.folder, name, data=run.record.dataset.fingerprint)


def count_and_keep(run: Run, video: TruthSequence, *, total: int = 0) -> OverlapsRecord:
    """Count the overlaps of one sequence, and keep them in the run's folder where that can be written.

    For `total` see `vos_bench.scoring.overlaps.SequenceCounter`.

    Raises:
        BadInputError: No frame has a truth and a label map, or a file is damaged or has another size.
    """
    folder = masks_folder(run.folder, video.name)
    masks = masks_sha256(folder)  # before they are read: what changes meanwhile has another one
    counter = SequenceCounter(video, folder, total=total)
    counted = counter.record(data=run.record.dataset.fingerprint, masks=masks, likeness=True)
    keep_overlaps(run.folder, counted)
    return counted


def failures_of(record: OverlapsRecord) -> SequenceFailures:
    """Return how label maps fail by what was counted."""
    objects = SequenceOverlaps.of(record).objects
    return SequenceFailures(
        record.name,
        tuple(map(failures, objects)),
        tuple(map(vots_object, objects)),
        {each.object_id: each.frames for each in objects},
    )


def sequence_attributes(video: Sequence, *, total: int = 0) -> tuple[ObjectAttributes, ...]:
    """Return the attributes of the objects of one sequence, by ascending id, from all of its truth.

    For `total` see `vos_bench.scoring.overlaps.SequenceCounter`.

    Raises:
        BadInputError: It has no truth, or a file is damaged.
    """
    return attributes_of(SequenceCounter(video, None, total=total).record(likeness=True))


def kept_attributes(runs: Iterable[Run], name: str) -> tuple[ObjectAttributes, ...]:
    """Return the attributes of the objects of one sequence by what a run on its data keeps; nothing where none does."""
    kept = (known_overlaps(run, name) for run in runs)
    whole = next((each for each in kept if each is not None and each.whole), None)
    return attributes_of(whole) if whole else ()


def attributes_of(record: OverlapsRecord) -> tuple[ObjectAttributes, ...]:
    """Return the attributes of objects by what was counted; of a record that is `whole`."""
    overlaps = SequenceOverlaps.of(record)
    alone = len(overlaps.objects) < 2
    return tuple(
        attributes(
            each,
            size=overlaps.size,
            length=overlaps.length,
            others=len(overlaps.objects) - 1,
            likeness=record.likeness.get(each.object_id, "one object" if alone else "not on that frame"),
        )
        for each in overlaps.objects
    )
