"""What the viewer says of failures, and by which attributes sequences are found."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from vos_bench.analysis.runs import (
    SequenceFailures,
    count_and_keep,
    failures_of,
    kept_attributes,
    known_overlaps,
    sequence_attributes,
)
from vos_bench.api import Sequence as Video
from vos_bench.errors import BadInputError
from vos_bench.metrics.attributes import ATTRIBUTES
from vos_bench.names import counted

from .scenes import RunPage, SequencePage

MOST = 40
"""So many failures of a run are listed, the longest; all are marked."""


class ShownFailure(NamedTuple):
    """One failure of a run.

    Attributes:
        text: What happens, to which object and for how long.
        frame: The name of the frame on which it starts.
        place: This frame among those that the site shows.
        length: How many frames it lasts, of those with a truth.
    """

    text: str
    frame: str
    place: int
    length: int


def shown_failures(entry: RunPage, scene: SequencePage, video: Video | None) -> list[ShownFailure]:
    """Return the failures of one run on a sequence, in order; none where nothing was counted and no truth is here.

    Raises:
        BadInputError: A file is damaged.
    """
    known = known_overlaps(entry.run, scene.name)
    if known is None:
        if video is None or not video.truth_names:
            return []
        known = count_and_keep(entry.run, video)
    return sorted(_each(failures_of(known), scene), key=lambda each: (each.place, each.text))


def _each(found: SequenceFailures, scene: SequencePage) -> Iterator[ShownFailure]:
    places = {name: i for i, name in enumerate(scene.frames)}
    for failing in found.objects:
        names = found.frames[failing.object_id]
        for span in failing.spans:
            frame, length = names[span.first], span.last - span.first + 1
            if frame not in places:  # of label maps that were scored elsewhere, the page has the scored frames alone
                continue
            lasting = f", {counted(length, 'frame')}" if length > 1 else ""
            text = f"{span.kind} of object {failing.name or failing.object_id}{lasting}"
            yield ShownFailure(text, frame, places[frame], length)


def longest(found: Sequence[ShownFailure]) -> list[ShownFailure]:
    """Return the longest failures of a run, in order."""
    kept = sorted(found, key=lambda each: -each.length)[:MOST]
    return [each for each in found if each in kept]


_GROUPS = [f"{attribute.name}: {group}" for attribute in ATTRIBUTES for group in attribute.groups]


def place_of_group(group: str) -> int:
    """Return where a group stands among all of them."""
    return _GROUPS.index(group)


def scene_groups(scene: SequencePage, video: Video | None) -> list[str]:
    """Return the groups that the objects of a sequence are in, as `returns: one`; none where they are not known."""
    try:
        kept = kept_attributes([entry.run for entry in scene.entries], scene.name)
        objects = kept or (sequence_attributes(video) if video is not None else ())
    except BadInputError:
        return []
    return [
        f"{attribute.name}: {group}"
        for attribute in ATTRIBUTES
        for group in attribute.groups
        if any(
            attribute.name in each.values and attribute.group(each.values[attribute.name]) == group for each in objects
        )
    ]
