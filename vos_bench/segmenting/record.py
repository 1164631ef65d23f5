"""What `vos-bench segment` writes down: which videos, which objects, and where each of them was lost."""

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Final, Literal

from vos_bench.names import is_file_name
from vos_bench.recorded import Recorded
from vos_bench.records import MethodEntry, read_record, write_record

FILE = "segment.json"

SCHEMA_VERSION: Final = 1


class SegmentedObject(Recorded, frozen=True, kw_only=True):
    """One object of a video.

    Attributes:
        object_id: Its label.
        prompts: The frames on which it was given, by name.
        lost: Stretches of frames without a pixel of it: the names of their first and last frames.
        frames: On how many frames it is there.
    """

    object_id: int
    prompts: tuple[str, ...]
    lost: tuple[tuple[str, str], ...] = ()
    frames: int


class SegmentedSequence(Recorded, frozen=True, kw_only=True):
    """One video.

    Attributes:
        name: What its results are called.
        path: The file or folder, as it was named.
        height: Of the frames.
        width: Of the frames.
        rate: Frames a second, as a fraction such as 30000/1001.
        frames: How many there are.
        frame_names: Their names, of a folder of frames; empty for a video file, whose frames are numbered.
        objects: What was followed.
        notes: What a user should know of it.
        seconds: How long it took.
    """

    name: str
    path: str
    height: int
    width: int
    rate: str
    frames: int
    frame_names: tuple[str, ...] = ()
    objects: tuple[SegmentedObject, ...]
    notes: tuple[str, ...] = ()
    seconds: float

    def __post_init__(self) -> None:
        """Raise ValueError for a name that no folder can have, or a rate that is none."""
        if not is_file_name(self.name):
            raise ValueError(f"name: found {self.name!r:.100}, which cannot be the name of a folder")
        if not _is_rate(self.rate):
            raise ValueError(f"rate: found {self.rate!r:.100}, expected a rate such as 25 or 30000/1001")


def _is_rate(text: str) -> bool:
    try:
        return Fraction(text) > 0
    except (ValueError, ZeroDivisionError):
        return False


class SegmentRecord(Recorded, frozen=True, kw_only=True):
    """`segment.json`.

    Attributes:
        schema_version: Of this form.
        created: When, in UTC.
        command: The command line, empty from Python.
        software: The version of vos-bench.
        method: The method and how it was set.
        device: Where it ran.
        seed: Of what it draws at random.
        box_start: How masks were made of boxes; empty where the method takes boxes, or none were given.
        both_ways: Whether frames before the first prompt were segmented backwards.
        sequences: The videos that are done.
        notes: What a user should know of the method and the options.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    created: str
    command: str = ""
    software: str
    method: MethodEntry
    device: str
    seed: int = 0
    box_start: str = ""
    both_ways: bool = False
    sequences: tuple[SegmentedSequence, ...] = ()
    notes: tuple[str, ...] = ()


def read_segment_record(folder: Path) -> SegmentRecord:
    """Read what lies in a folder of `vos-bench segment`. Raises BadInputError where that is not possible."""
    return read_record(SegmentRecord, folder / FILE)


def write_segment_record(record: SegmentRecord, folder: Path) -> None:
    """Write it, whole or not at all."""
    write_record(record, folder / FILE)


class PresenceLog:
    """Notes on which frames objects are there, in memory that grows with the changes and not with the frames."""

    def __init__(self) -> None:
        """Begin before the first frame."""
        self._lost: dict[int, list[tuple[str, str]]] = {}
        self._open: dict[int, str] = {}
        self._frames: dict[int, int] = {}
        self._before = ""

    def add(self, frame: str, present: frozenset[int], expected: frozenset[int]) -> None:
        """Take in one frame: which objects are there, and which should be."""
        for k in present:
            self._frames[k] = self._frames.get(k, 0) + 1
        for k in expected - present:
            self._open.setdefault(k, frame)
        for k in [k for k in self._open if k in present]:
            self._lost.setdefault(k, []).append((self._open.pop(k), self._before))
        self._before = frame

    def objects(self, prompts: Mapping[int, tuple[str, ...]]) -> tuple[SegmentedObject, ...]:
        """Return what is known of each object once the last frame was added."""
        return tuple(
            SegmentedObject(
                object_id=k,
                prompts=prompts[k],
                lost=(*self._lost.get(k, ()), *([(self._open[k], self._before)] if k in self._open else [])),
                frames=self._frames.get(k, 0),
            )
            for k in sorted(prompts)
        )
