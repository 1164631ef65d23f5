"""Which frames and objects of a sequence count, and which label maps there have to be: the rules of protocols."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from vos_bench.api import FrameRange, Mask, ProtocolName
from vos_bench.errors import BadInputError
from vos_bench.labelmaps import VOID, NarrowLabels, object_ids
from vos_bench.metrics.counts import FrameCounts
from vos_bench.metrics.statistics import Rule
from vos_bench.names import counted, frame_order

Names = tuple[str, ...]
"""Names of frames, in order."""


class TruthSequence(Protocol):
    """What scoring asks of a sequence; every `vos_bench.api.Sequence` has it."""

    @property
    def name(self) -> str:
        """The sequence's name, which is also its folder's."""

    @property
    def truth_names(self) -> tuple[str, ...]:
        """The frames that have a truth, in order."""

    @property
    def groups(self) -> Mapping[int, str]:
        """Object id to `seen` or `unseen`; empty where there are no groups."""

    @property
    def first_frames(self) -> Mapping[int, str]:
        """Object id to the first frame that a list names for it; empty where there is no list."""

    @property
    def object_names(self) -> Mapping[int, str]:
        """Object id to the name of its folder of masks; empty where objects share label maps."""

    @property
    def object_frames(self) -> Mapping[int, tuple[str, ...]]:
        """Object id to the frames that have a truth of its own; empty where objects share label maps."""

    @property
    def frame_ranges(self) -> Mapping[int, FrameRange]:
        """Object id to the frames that a list names for it; empty where there is no such list."""

    @property
    def listed_objects(self) -> tuple[int, ...] | None:
        """The objects that a list names, ascending; None where there is no list."""

    def read_truth(self, frame_name: str, /) -> NarrowLabels:
        """Read the truth of one frame."""

    def read_truth_labels(self, frame_name: str, /) -> NarrowLabels:
        """Read the truth of one frame, only as wide as its file."""

    def read_truth_mask(self, frame_name: str, object_id: int, /) -> Mask:
        """Read the truth of one object on one of its frames, which may overlap that of others."""

    def read_object_labels(self, frame_name: str, object_id: int, /) -> NarrowLabels:
        """Read the same as labels; only where all of them are 0 and 1 they are the mask."""


class Frames(NamedTuple):
    """The frames of a sequence that count.

    Attributes:
        names: All that count for some object, in order.
        own: Where each object has frames of its own: object id to those that count for it.
    """

    names: Names
    own: Mapping[int, Names] = {}


Places = Sequence[int]
"""Which of the frames that count do so for one object: their places, ascending."""

FrameRule = Rule[Callable[[TruthSequence], Frames]]
"""Returns the frames that count. Raises BadInputError when a sequence has too few."""

ObjectRule = Rule[Callable[[TruthSequence, Frames, Sequence[FrameCounts]], dict[int, Places]]]
"""Returns the id of each object, ascending, and the frames that count for it, from all that count and their pixel
counts. An object without any may show up in label maps and is not scored."""

FilesRule = Rule[Callable[[Names, Names], str]]
"""Returns what is wrong with the names of a sequence's label maps, given those of its truth; empty when nothing is."""


def any_names(_truth: Names, _present: Names) -> str:
    """Return nothing: label maps may have any names."""
    return ""


ANY_FILES: FilesRule = Rule("one for each scored frame; others do not matter", any_names)


def trimmed_frames(
    name: ProtocolName, *, first: int, last: int, instead: str = "", too_few: str = ""
) -> Callable[[TruthSequence], Frames]:
    """Return what leaves out the first and the last frames, of each object where they have files of their own.

    Args:
        name: The protocol's name, for messages.
        first: How many frames to leave out at the beginning.
        last: And at the end.
        instead: A protocol that leaves none out, if there is one.
        too_few: What the official tool does with a sequence that is too short. Ours raises BadInputError.
    """

    def trim(names: Names, of: str) -> Names:
        if len(names) > first + last:
            return names[first : len(names) - last]
        left_out = " and ".join(["the first"] * first + ["the last"] * last) or "none"
        raise BadInputError(
            f"{of}: found a truth for {len(names)} of its frames, expected at least {first + last + 1}: "
            f"the {name} protocol leaves out {left_out}"
            + (f"\n  --protocol {instead} scores them all" if instead else "")
            + (f"\n  {too_few}" if too_few else "")
        )

    def select(sequence: TruthSequence) -> Frames:
        if not sequence.object_names:
            return Frames(trim(sequence.truth_names, sequence.name))
        own = {
            k: trim(sequence.object_frames[k], f"{sequence.name}/{folder}")
            for k, folder in sequence.object_names.items()
        }
        wanted = {frame for names in own.values() for frame in names}
        return Frames(tuple(name for name in sequence.truth_names if name in wanted), own)

    return select


def all_frames(sequence: TruthSequence) -> Frames:
    """Return all frames that have a truth. Raises BadInputError where there is none."""
    if not sequence.truth_names:
        raise BadInputError(f"{sequence.name}: found no frame with a truth, expected at least 1")
    return Frames(sequence.truth_names, sequence.object_frames if sequence.object_names else {})


def frames_after_first_object(name: ProtocolName, text: str, *, last_counts: bool) -> FrameRule:
    """Return the rule of YouTube-VOS: annotated frames after the first given object; without any, BadInputError."""

    def select(sequence: TruthSequence) -> Frames:
        names = sequence.truth_names
        first = min(sequence.first_frames.values(), default=names[0] if names else "", key=frame_order)
        later = (each for each in (names if last_counts else names[:-1]) if frame_order(each) > frame_order(first))
        frames = tuple(later)
        if not frames:
            raise BadInputError(
                f"{sequence.name}: found a truth for {len(names)} of its frames, none of which the {name} "
                f"protocol counts\n  expected {text}\n  --protocol all-frames scores them all"
            )
        return Frames(frames)

    return Rule(text, select)


def frames_of_ranges(sequence: TruthSequence) -> Frames:
    """Return each object's listed frames without its first and its last, as LVOS's tool counts them."""
    if not sequence.frame_ranges:
        if sequence.listed_objects == ():
            raise BadInputError(
                f"{sequence.name}: its list names no object, expected one at least; leave it out, or mend the list"
            )
        raise BadInputError(
            f"{sequence.name}: found no list of its objects' frames, expected valid_meta.json with frame_range of each;"
            " score with --dataset lvos, or by another --protocol"
        )
    own = {k: _inner_frames(sequence, k, listed) for k, listed in sequence.frame_ranges.items()}
    wanted = {name for names in own.values() for name in names}
    present = frozenset(sequence.truth_names)
    if lost := sorted(wanted - present):
        raise BadInputError(
            f"{sequence.name}: its list names frame {lost[0]}, for which there is no truth; mend the list, or get the "
            "whole truth (the official tool stops here)"
        )
    return Frames(tuple(sorted(wanted)), own)


def _inner_frames(sequence: TruthSequence, object_id: int, listed: FrameRange) -> Names:
    """Return an object's frames but the first and the one at place frame_nums - 1."""
    found, said = len(listed.frames), listed.listed
    if said >= 3 and found in (said - 1, said):
        return listed.frames[1 : said - 1]
    tool = "stop"
    if said == 2:
        tool = "give NaN for the object, and for every mean that holds it"
    elif said - 1 > found:
        tool = f"average {counted(said - 1 - found, 'frame')} of value 0 in that nobody has"
    fitting = [str(number) for number in (found, found + 1) if number >= 3]
    raise BadInputError(
        f"{sequence.name}: its list says frame_nums {said} for object {object_id}, which has "
        f"{counted(found, 'frame')} from start to end\n"
        f"  expected {' or '.join(fitting) or 'an object of at least 2 frames'}; mend the list, or leave"
        " the object out\n"
        f"  the official tool would {tool}"
    )


def _everywhere(ids: Iterable[int], frames: Frames) -> dict[int, Places]:
    return {k: range(len(frames.names)) for k in ids}


def _own_places(object_id: int, frames: Frames) -> Places:
    if object_id not in frames.own:
        return range(len(frames.names))
    place = {name: i for i, name in enumerate(frames.names)}
    return [place[name] for name in frames.own[object_id]]


def objects_up_to_highest(sequence: TruthSequence, frames: Frames, _counts: Sequence[FrameCounts]) -> dict[int, Places]:
    """Return every id from 1 to the highest of the first truth, on all frames."""
    if sequence.object_names:
        return {k: _own_places(k, frames) for k in sequence.object_names}
    return _everywhere(range(1, _highest(sequence.read_truth(sequence.truth_names[0])) + 1), frames)


def objects_up_to_highest_label(
    sequence: TruthSequence, frames: Frames, _counts: Sequence[FrameCounts]
) -> dict[int, Places]:
    """Return every id from 1 to the highest label of the first truth, where white alone is no object either."""
    return _everywhere(range(1, _highest(sequence.read_truth_labels(sequence.truth_names[0])) + 1), frames)


def _highest(labels: NarrowLabels) -> int:
    highest = int(labels.max(initial=0))
    return max((k for k in object_ids(labels) if k != VOID), default=0) if highest == VOID else highest


def objects_where_shown(sequence: TruthSequence, frames: Frames, counts: Sequence[FrameCounts]) -> dict[int, Places]:
    """Return every id of the truth, each from the first frame that shows it."""
    first = _first_shown(counts)
    if sequence.object_names:
        return {k: [i for i in _own_places(k, frames) if i >= start] for k, start in first.items()}
    return {k: range(start, len(frames.names)) for k, start in first.items()}


def objects_after_given(sequence: TruthSequence, frames: Frames, counts: Sequence[FrameCounts]) -> dict[int, Places]:
    """Return YouTube-VOS's objects, each after the frame on which it is given."""
    names = frames.names
    if given := sequence.first_frames:
        return {
            k: range(bisect_right(names, frame_order(given[k]), key=frame_order), len(names)) for k in sorted(given)
        }
    found = {k: 0 for k in object_ids(sequence.read_truth(sequence.truth_names[0])) if k != VOID}
    for k, place in _first_shown(counts).items():
        found.setdefault(k, place + 1)
    return {k: range(place, len(names)) for k, place in sorted(found.items())}


def _first_shown(counts: Sequence[FrameCounts]) -> dict[int, int]:
    """Return the id of each object of the truth, ascending, and the place of the first frame that shows it."""
    found: dict[int, int] = {}
    for place, labels in enumerate(counts):
        for label, numbers in labels.items():
            if numbers.truth_area and label != VOID:
                found.setdefault(label, place)
    return dict(sorted(found.items()))


def objects_where_either_shows(
    sequence: TruthSequence, frames: Frames, counts: Sequence[FrameCounts]
) -> dict[int, Places]:
    """Return SA-V's objects, each from the first frame on where truth or mask has it.

    Raises:
        BadInputError: The truth of an object shows it on no frame that counts.
    """
    shown = sorted({k for labels in counts for k, numbers in labels.items() if numbers.truth_area})
    found: dict[int, Places] = {}
    for k in sequence.object_names or shown:
        places = _own_places(k, frames)
        if k not in shown:
            raise BadInputError(
                f"{sequence.name}/{sequence.object_names[k]}: no scored frame of its truth shows the object, expected "
                "one at least; leave the object out (the official tool stops here)"
            )
        start = next(i for i in places if k in counts[i])
        found[k] = [i for i in places if i >= start]
    return found


def objects_of_list(sequence: TruthSequence, frames: Frames, counts: Sequence[FrameCounts]) -> dict[int, Places]:
    """Return the ids of the list, on all frames or on those of their own; those of the truth without a list."""
    ids = tuple(_first_shown(counts)) if sequence.listed_objects is None else sequence.listed_objects
    return {k: _own_places(k, frames) for k in ids}


def names_up_to_last(truth: Names, present: Names) -> str:
    """Compare names as MOSEv2's tool would pair them: by their places in the order of their numbers."""
    if wrong := [name for name in present if not name.isdecimal()]:
        return f"found a label map named {wrong[0]}.png, expected whole numbers as names; the official tool would stop"
    if all(map(str.isdecimal, truth)) and list(truth) != sorted(truth, key=int):
        return "the names of the truth are not in the order of their numbers; pad them with zeros, 00001.png and so on"
    expected, found = truth[:-1], sorted(present, key=int)[: len(truth) - 1]
    if list(expected) == found:
        return ""
    missing = [name for name in expected if name not in set(present)]
    if renamed := {int(name) for name in missing if name.isdecimal()} & set(map(int, present)):
        other = next(name for name in sorted(present, key=int) if int(name) in renamed)
        return (
            f"found {other}.png and the like: name label maps as the frames of the truth (the official tool stops here)"
        )
    if len(present) == len(truth) - 1 and missing:
        return (
            f"the label map {missing[0]}.png is missing; write an empty one where no object is seen (the official tool "
            "would not say so: it would shift all later frames by one, and score the last)"
        )
    if missing:
        return (
            f"{counted(len(missing), 'label map is', 'label maps are')} missing, the first is "
            f"{missing[0]}.png; write an empty one where no object is seen (the official tool would stop)"
        )
    extra = next(name for name in found if name not in set(truth))
    return f"found {extra}.png, which the truth lacks; remove it (the official tool looks for its truth, and stops)"
