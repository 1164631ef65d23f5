"""What a user gives of the objects: masks and boxes on any frames, brought together as a prompt for each frame."""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vos_bench.api import Box, Mask, Prompt
from vos_bench.errors import BadInputError
from vos_bench.files.listing import files_in
from vos_bench.formats.mask_mistakes import require_as_meant
from vos_bench.labelmaps import VOID, file_bytes, object_ids, read_label_map
from vos_bench.names import counted, shorten
from vos_bench.prompts import LARGEST_ID, described
from vos_bench.segmenting.inputs import InputVideo

_ORIENTATION = 0x0112
"""The tag of EXIF."""


@dataclass(frozen=True)
class GivenMask:
    """A label map, or the mask of one object.

    Attributes:
        mask: A PNG file, a folder of them named by frames, or an array, H x W.
        object_id: Which object a mask is of; None for the next free number. Label maps have their own.
        frame: Name or number of the frame, None for the one that all share.
    """

    mask: Path | NDArray[Any]
    object_id: int | None = None
    frame: str | int | None = None

    @property
    def needs_frame(self) -> bool:
        """Whether it does not say itself which frame it is of."""
        return self.frame is None and not (isinstance(self.mask, Path) and self.mask.is_dir())

    @classmethod
    def parse(cls, text: str) -> "GivenMask":
        """Read `[ID=]PATH[@FRAME]`; what is a path as it stands is one."""
        if Path(text).exists():
            return cls(Path(text))
        rest, frame = _frame(text)
        if not Path(rest).exists() and (parted := _object_id(rest)):
            return cls(Path(parted.rest), parted.object_id, frame)
        return cls(Path(rest), None, frame)


@dataclass(frozen=True)
class GivenBox:
    """The box of one object.

    Attributes:
        box: x0, y0, x1, y1 in pixels, half-open.
        object_id: Which object it is of; None for the next free number.
        frame: Name or number of the frame, None for the one that all share.
    """

    box: Box
    object_id: int | None = None
    frame: str | int | None = None

    @property
    def needs_frame(self) -> bool:
        """Whether it does not say itself which frame it is of."""
        return self.frame is None

    @classmethod
    def parse(cls, text: str) -> "GivenBox":
        """Read `[ID=]x0,y0,x1,y1[@FRAME]`. Raises BadInputError where it is something else."""
        rest, frame = _frame(text)
        parted = _object_id(rest)
        numbers = (parted.rest if parted else rest).split(",")
        try:
            x0, y0, x1, y1 = map(float, numbers)
        except ValueError:
            raise BadInputError(
                f"--box {text}: expected x0,y0,x1,y1 in pixels, as in 120,40,260,310, with ID= before and @FRAME "
                "behind where needed"
            ) from None
        return cls((x0, y0, x1, y1), parted.object_id if parted else None, frame)


class _Parted(NamedTuple):
    object_id: int
    rest: str


def _frame(text: str) -> tuple[str, str | None]:
    rest, separator, frame = text.rpartition("@")
    return (rest, frame) if separator and frame else (text, None)


def _object_id(text: str) -> _Parted | None:
    number, separator, rest = text.partition("=")
    return _Parted(int(number), rest) if separator and number.isascii() and number.isdigit() else None


class FramePrompts(NamedTuple):
    """What is given of a video.

    Attributes:
        by_frame: Number of a frame to the prompt there, in order.
        notes: What was understood in a way that a user should know.
    """

    by_frame: Mapping[int, Prompt]
    notes: tuple[str, ...]

    @property
    def starts(self) -> dict[int, int]:
        """Object id to the number of its first frame."""
        starts: dict[int, int] = {}
        for number, prompt in self.by_frame.items():
            for object_id in prompt.object_ids:
                starts.setdefault(object_id, number)
        return starts

    @property
    def corrections(self) -> dict[int, int]:
        """Object id to the first frame on which it is given again."""
        starts, found = self.starts, dict[int, int]()
        for number, prompt in self.by_frame.items():
            for object_id in prompt.object_ids:
                if starts[object_id] < number:
                    found.setdefault(object_id, number)
        return found


class _Piece(NamedTuple):
    """One thing that was given: where it came from, on which frame, and the masks or the box; id None: the next one."""

    what: str
    frame: int
    objects: Mapping[int | None, Mask | Box]


def gather_prompts(
    video: InputVideo, masks: Sequence[GivenMask], boxes: Sequence[GivenBox], *, at: str | int
) -> FramePrompts:
    """Bring everything that is given of one video together.

    Args:
        video: The video.
        masks: Files and arrays.
        boxes: Boxes.
        at: The frame of those that name none.

    Raises:
        BadInputError: Nothing is given, it does not fit the video, or an object is given twice on one frame.
    """
    notes: list[str] = []
    pieces = [piece for mask in masks for piece in _mask_pieces(video, mask, at, notes)]
    pieces += [
        _Piece(f"box {','.join(f'{x:g}' for x in box.box)}", _number(video, box.frame, at), {box.object_id: box.box})
        for box in boxes
    ]
    if not pieces:
        raise BadInputError(
            f"{video.path}: found nothing to start from; expected --mask M.png or --box x0,y0,x1,y1 with the objects "
            "on one of its frames"
        )
    taken = {k for piece in pieces for k in piece.objects if k is not None}
    if VOID in taken:
        raise BadInputError(f"object id {VOID}: marks undecided pixels in label maps; give the object another one")
    free = (k for k in range(1, LARGEST_ID + 1) if k not in taken and k != VOID)
    by_frame: dict[int, dict[int, Mask | Box]] = {}
    for piece in pieces:
        here = by_frame.setdefault(piece.frame, {})
        for object_id, given in piece.objects.items():
            k = next(free) if object_id is None else object_id
            if k in here:
                raise BadInputError(f"{piece.what}: object {k} is given twice on frame {piece.frame}; expected it once")
            here[k] = given
    prompts = {number: _prompt(video, number, by_frame[number]) for number in sorted(by_frame)}
    notes += [note for number, prompt in prompts.items() for note in _overlaps(video.frame_name(number), prompt)]
    return FramePrompts(prompts, tuple(notes))


def _overlaps(frame: str, prompt: Prompt) -> Iterator[str]:
    masks = sorted(prompt.masks.items())
    for i, (k, mask) in enumerate(masks):
        if over := [other for other, upper in masks[i + 1 :] if (mask & upper).any()]:
            yield f"object {k} is covered in part on frame {frame}: by {shorten(map(str, over), 6)}, given after it"


def _prompt(video: InputVideo, number: int, objects: Mapping[int, Mask | Box]) -> Prompt:
    prompt = Prompt.of(objects, video.size)
    if fractions := [k for k, (_, _, x1, y1) in prompt.boxes.items() if 0 < x1 <= 1 and 0 < y1 <= 1]:
        height, width = video.size
        x0, y0, x1, y1 = prompt.boxes[fractions[0]]
        pixels = f"{x0 * width:g},{y0 * height:g},{x1 * width:g},{y1 * height:g}"
        raise BadInputError(
            f"the box of object {fractions[0]} on frame {number}: {x0:g},{y0:g},{x1:g},{y1:g} lies in one pixel\n"
            f"  expected pixels; if these are parts of the frame, it is {pixels}"
        )
    empty = [k for k, (x0, y0, x1, y1) in prompt.boxes.items() if x0 == x1 or y0 == y1]
    if empty:
        raise BadInputError(f"the box of object {empty[0]} on frame {number} is empty; expected at least one pixel")
    return prompt


def _number(video: InputVideo, frame: str | int | None, at: str | int) -> int:
    return video.number_of(str(at if frame is None else frame))


def _mask_pieces(video: InputVideo, given: GivenMask, at: str | int, notes: list[str]) -> Iterator[_Piece]:
    if isinstance(given.mask, Path) and given.mask.is_dir():
        files = files_in(given.mask, ".png")
        if not files:
            raise BadInputError(f"{given.mask}: holds no PNG file; expected label maps named by frames")
        for path in files:
            # Here a file of one object goes on with that object: the same on each frame.
            yield _piece(video, path, given.object_id, video.number_of(path.stem), notes, alone=1)
    else:
        yield _piece(video, given.mask, given.object_id, _number(video, given.frame, at), notes)


def _piece(
    video: InputVideo,
    mask: Path | NDArray[Any],
    object_id: int | None,
    frame: int,
    notes: list[str],
    *,
    alone: int | None = None,
) -> _Piece:
    what = str(mask) if isinstance(mask, Path) else "the mask"
    labels = read_label_map(mask) if isinstance(mask, Path) else mask
    if isinstance(mask, Path) and (turned := _orientation(mask)) != 1:
        notes.append(f"{what}: its EXIF data say that it is turned (orientation {turned}); it is taken as it is stored")
    if labels.shape != video.size:
        found = "x".join(str(side) for side in labels.shape[::-1])
        remedy = "draw it on a frame of this size, or resize it with nearest neighbour"
        if labels.shape == video.size[::-1]:
            remedy = "the video is turned as its file says: turn the mask alike; do not resize it"
        raise BadInputError(
            f"{what}: is {found} and the frames of {video.path} are {video.size[1]}x{video.size[0]}; {remedy}"
        )
    objects = _objects(labels, object_id, alone, what, notes)
    if not objects:
        raise BadInputError(f"{what}: shows no object; expected at least one pixel that is not 0")
    return _Piece(what, frame, objects)


def _orientation(path: Path) -> int:
    from PIL import Image as PillowImage

    with PillowImage.open(io.BytesIO(file_bytes(path))) as image:
        return int(image.getexif().get(_ORIENTATION, 1))


def _objects(
    labels: NDArray[Any], object_id: int | None, alone: int | None, what: str, notes: list[str]
) -> Mapping[int | None, Mask | Box]:
    """Return the masks of a label map by id; that of one object (boolean, 0/1, 0/255) has `object_id` or `alone`."""
    if labels.dtype.kind not in "biu":
        raise BadInputError(f"{what}: found values of type {labels.dtype}; expected whole numbers or booleans")
    if labels.min(initial=0) < 0 or labels.max(initial=0) > LARGEST_ID:
        raise BadInputError(f"{what}: found values from {labels.min()} to {labels.max()}; expected 0 to {LARGEST_ID}")
    require_as_meant(Path(what), labels.astype(np.uint16))
    ids = object_ids(labels.astype(np.uint16))
    if len(ids) <= 1 and (labels.dtype.kind == "b" or ids in ((), (1,), (VOID,))):
        return {alone if object_id is None else object_id: labels > 0} if ids else {}
    if VOID in ids:
        notes.append(f"{what}: label 255 stands beside other labels and is taken as undecided, not as an object")
        ids = tuple(k for k in ids if k != VOID)
    if object_id is None:
        return {k: labels == k for k in ids}
    if len(ids) > 1:
        listed = ", ".join(map(str, ids[:8]))
        raise BadInputError(f"{what}: holds objects {listed}; expected one where {object_id}= names it")
    return {object_id: labels == ids[0]}


def for_each_input(
    inputs: Sequence[InputVideo], masks: Sequence[GivenMask], boxes: Sequence[GivenBox]
) -> Iterator[tuple[InputVideo, list[GivenMask], list[GivenBox]]]:
    """Say which masks and boxes belong to which of several videos.

    One video gets all. Of several, each gets what a folder of masks holds under its name (`NAME.png` or `NAME/`), or
    there are as many masks and boxes as videos, in the same order.

    Raises:
        BadInputError: They cannot be told apart.
    """
    if len(inputs) == 1:
        yield inputs[0], list(masks), list(boxes)
        return
    folder = masks[0].mask if len(masks) == 1 and not boxes else None
    if isinstance(folder, Path) and folder.is_dir():
        for video in inputs:
            yield video, [_under_name(folder, video.name)], []
        return
    if len(masks) + len(boxes) != len(inputs) or (masks and boxes):
        raise BadInputError(
            f"{counted(len(inputs), 'input')} with {counted(len(masks), 'mask')} and "
            f"{counted(len(boxes), 'box', 'boxes')}: expected as many masks, or boxes, as inputs, in the same order\n"
            "  or one --mask FOLDER that holds NAME.png for each input NAME"
        )
    for i, video in enumerate(inputs):
        yield video, list(masks[i : i + 1]), list(boxes[i : i + 1])


def _under_name(folder: Path, name: str) -> GivenMask:
    for path in (folder / f"{name}.png", folder / name):
        if path.exists():
            return GivenMask(path)
    raise BadInputError(f"{folder}: holds nothing for {name}; expected {name}.png, or a folder {name} of label maps")


def as_masks(given: object) -> list[GivenMask]:
    """Return what Python code gave as masks: a path, an array or a `GivenMask`, several of them, or a dict by id."""
    if isinstance(given, Mapping):
        return [GivenMask(_path_or_array(mask), object_id) for object_id, mask in given.items()]
    return [each if isinstance(each, GivenMask) else GivenMask(_path_or_array(each)) for each in _listed(given)]


def _listed(given: object) -> Iterable[object]:
    if given is None:
        return ()
    return given if isinstance(given, list | tuple) else (given,)


def _path_or_array(given: object) -> Path | NDArray[Any]:
    if isinstance(given, str | Path):
        return Path(given)
    if isinstance(given, np.ndarray):
        return given
    raise BadInputError(f"masks: found {described(given)}; expected a path, an array H x W, a list or a dict of them")


def as_boxes(given: object) -> list[GivenBox]:
    """Return what Python code gave as boxes: one, a list of them, a dict of object id to box, or `GivenBox`es."""
    if given is None:
        return []
    if isinstance(given, Mapping):
        return [GivenBox(tuple(box), object_id) for object_id, box in given.items()]
    if isinstance(given, np.ndarray):
        given = given.tolist()
    if isinstance(given, GivenBox) or (isinstance(given, list | tuple) and given and np.isscalar(given[0])):
        given = [given]
    if not isinstance(given, list | tuple):
        raise BadInputError(f"boxes: found {type(given).__name__}; expected x0, y0, x1, y1, a list or a dict of boxes")
    return [each if isinstance(each, GivenBox) else GivenBox(tuple(each)) for each in given]
