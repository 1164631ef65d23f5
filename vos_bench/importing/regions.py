"""What the readers of all forms give: regions, each of an object on a frame."""

from collections.abc import Callable
from dataclasses import dataclass, field

from vos_bench.api import Mask


@dataclass(frozen=True)
class Region:
    """What an annotation tool says of an object on a frame.

    Attributes:
        sequence: The sequence.
        frame: The frame's name.
        track: Which object it is, where the form says so.
        label: The object's class, or whatever the tool calls it.
        mask: Draws it, H x W.
        undecided: Whether nobody decided which object is there: label 255, of no object.
        height: What lies higher covers what lies lower; of equal ones the later covers the earlier.
    """

    sequence: str
    frame: str
    track: int | None
    label: str
    mask: Callable[[], Mask]
    height: int = 0
    undecided: bool = False


@dataclass
class Annotations:
    """All of an export.

    Attributes:
        frames: Sequence to the names of its frames, in order, those without objects among them.
        sizes: Sequence to the height and width of its frames.
        regions: What is on them.
        notes: What could not be kept, in a sentence each.
        size_given: Whether the size of the frames is that which the user gave, since the export says none.
        one_object_a_label: Whether regions of one label on one frame are one object, where there are no tracks.
    """

    frames: dict[str, list[str]] = field(default_factory=dict)
    sizes: dict[str, tuple[int, int]] = field(default_factory=dict)
    regions: list[Region] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    size_given: bool = False
    one_object_a_label: bool = False
