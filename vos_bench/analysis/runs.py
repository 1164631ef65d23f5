"""Failures and attributes of a run: from its folder and its data to one result a sequence."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vos_bench.analysis.overlaps import SequenceOverlaps, sequence_overlaps
from vos_bench.api import Dataset, Sequence
from vos_bench.errors import BadInputError
from vos_bench.metrics.attributes import ObjectAttributes, attributes, colour_likeness, colours
from vos_bench.metrics.failures import ObjectFailures, VotsCounts, failures, vots_object
from vos_bench.metrics.frame_rules import TruthSequence
from vos_bench.records import Run, masks_folder


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


def run_failures(run: Run, dataset: Dataset, names: Collection[str] | None = None) -> Iterator[SequenceFailures]:
    """Yield the failures of each sequence of a run that ended well, or of those of them that are named."""
    total = sum(record.frames for name, record in run.sequence_records.items() if names is None or name in names)
    for name, record in run.sequence_records.items():
        if record.status == "done" and (names is None or name in names):
            try:
                yield sequence_failures(dataset.sequence(name), masks_folder(run.folder, name), total=total)
            except BadInputError as error:
                yield SequenceFailures(name, problem=str(error))


def sequence_failures(video: TruthSequence, folder: Path, *, total: int = 0) -> SequenceFailures:
    """Return how the label maps of one sequence fail.

    Args:
        video: Its truth.
        folder: Its label maps, `FRAME.png` or `OBJECT/FRAME.png`.
        total: See `sequence_overlaps`.

    Raises:
        BadInputError: No frame has a truth and a label map, or a file is damaged or has another size.
    """
    objects = sequence_overlaps(video, folder, total=total).objects
    return SequenceFailures(
        video.name,
        tuple(map(failures, objects)),
        tuple(map(vots_object, objects)),
        {each.object_id: each.frames for each in objects},
    )


def sequence_attributes(video: Sequence, *, total: int = 0) -> tuple[ObjectAttributes, ...]:
    """Return the attributes of the objects of one sequence, by ascending id, from all of its truth.

    For `total` see `sequence_overlaps`.

    Raises:
        BadInputError: It has no truth, or a file is damaged.
    """
    overlaps = sequence_overlaps(video, None, total=total)
    likeness = _likeness(video, overlaps)
    return tuple(
        attributes(
            each,
            size=overlaps.size,
            length=overlaps.length,
            others=len(overlaps.objects) - 1,
            likeness=likeness.get(each.object_id, "one object" if len(overlaps.objects) < 2 else "not on that frame"),
        )
        for each in overlaps.objects
    )


def _likeness(video: Sequence, overlaps: SequenceOverlaps) -> Mapping[int, float | str]:
    """Return how much each object looks like another, on the first of the frames that show most of them at once."""
    shown: dict[str, list[int]] = {name: [] for name in overlaps.frames}
    for each in overlaps.objects:
        for name, there in zip(each.frames, each.present.tolist(), strict=True):
            if there:
                shown[name].append(each.object_id)
    frame = max(overlaps.frames, key=lambda name: len(shown[name]))
    if len(shown[frame]) < 2:
        return {}
    try:
        image = video.read_frame(frame)
    except BadInputError:
        return dict.fromkeys(shown[frame], "no frame to see")
    return colour_likeness({k: colours(image, video.read_truth_mask(frame, k)) for k in shown[frame]})
