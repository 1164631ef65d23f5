"""The words that cross the pipe: one line of JSON behind a mark, then as many bytes as it announces.

docs/external.md describes it for those who write the other end; `drivers/vos_bench_client.py` is that other end.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from vos_bench.api import Image, LabelMap, Prompt
from vos_bench.config import ForeignModel, explain
from vos_bench.errors import MethodError

VERSION = 1
MARK = b"@vos-bench "
LONGEST_LINE = 1 << 20
"""More than this without a line's end is no answer."""

_LONGEST_COMPLAINT = 300

_TYPES: dict[str, np.dtype[Any]] = {"uint8": np.dtype("u1"), "uint16": np.dtype("<u2")}


class Header(ForeignModel):
    """The line of an answer. Fields of other names are ignored: a later version of the other side may have some.

    Attributes:
        ready: The protocol's version, in the answer to `hello`.
        frame: The frame that is answered.
        height: Height of the label map that follows.
        width: Width of the same.
        type: Type of its values, `uint8` or `uint16` (little-endian), row by row.
        milliseconds: How long the frame took; None where the system does not say.
        error: What went wrong; nothing follows then, and the program is ready for the next sequence.
    """

    ready: int | None = None
    frame: str = ""
    height: int = 0
    width: int = 0
    type: str = "uint16"
    milliseconds: float | None = None
    error: str = ""

    @property
    def complaint(self) -> str:
        """The error as one line of bearable length, whatever was sent."""
        line = " ".join(self.error.split())
        return line[:_LONGEST_COMPLAINT] + ("…" if len(line) > _LONGEST_COMPLAINT else "")


class Answer(NamedTuple):
    """A label map, and how long it took by the system's own clock (None where it does not say)."""

    labels: LabelMap
    milliseconds: float | None


def hello(**facts: Any) -> list[bytes]:
    """Return the first message: the protocol's version, device, precision, seed and file of weights."""
    return [_line({"message": "hello", "version": VERSION, **facts})]


def frame_message(
    sequence: str, frame: str, image: Image, new: Prompt | None, *, first: bool
) -> list[bytes | memoryview]:
    """Return the message of one frame: header, RGB image and, where masks are given, their label map."""
    new = new or Prompt()
    header = {
        "message": "frame",
        "sequence": sequence,
        "frame": frame,
        "first": first,
        "height": image.shape[0],
        "width": image.shape[1],
        "masks": sorted(new.masks),
        "boxes": {str(k): [float(edge) for edge in box] for k, box in sorted(new.boxes.items())},
    }
    parts: list[bytes | memoryview] = [_line(header), np.ascontiguousarray(image).data.cast("B")]
    if new.masks:
        parts.append(label_map_of(new, image.shape[:2]).data.cast("B"))
    return parts


def label_map_of(new: Prompt, size: tuple[int, ...]) -> NDArray[np.uint16]:
    """Return the masks of a prompt as one label map, little-endian; where two overlap the later id wins."""
    labels = np.zeros(size, "<u2")
    for object_id, mask in sorted(new.masks.items()):
        labels[mask] = object_id
    return labels


def _line(header: dict[str, Any]) -> bytes:
    return MARK + json.dumps(header, separators=(",", ":")).encode() + b"\n"


class ReportedError(MethodError):
    """The system itself says that it failed on a frame; it still runs."""


class Reader:
    """Takes the headers of answers out of what a program prints."""

    def __init__(self, junk: Callable[[bytes], None]) -> None:
        """Take a function that is called with each line printed between the answers."""
        self._junk = junk

    def header(self, inbox: bytearray) -> Header | None:
        """Return the next header, None while it is not there yet.

        Raises:
            MethodError: What is there cannot be one.
        """
        while (stop := inbox.find(b"\n")) >= 0:
            line = bytes(inbox[:stop])
            del inbox[: stop + 1]
            before, mark, text = line.partition(MARK)
            self._stray(before)
            if mark:
                return _header(text)
        if len(inbox) > LONGEST_LINE:
            raise MethodError(f"the program printed {_shown(inbox)} where an answer is expected; {_HINT}")
        return None

    def _stray(self, text: bytes) -> None:
        if text.strip():
            self._junk(b"[standard output] " + text + b"\n")


_HINT = (
    "answers are lines that begin with '@vos-bench ' (docs/external.md); vos_bench_client.py keeps what is printed by"
    " mistake out of them"
)


def _header(text: bytes) -> Header:
    try:
        return Header.model_validate_json(text)
    except ValidationError as error:
        raise MethodError(
            f"the program answered {_shown(text)}, which is no header of an answer: {explain(error)}"
        ) from None


def _shown(data: bytes | bytearray, length: int = 60) -> str:
    return repr(bytes(data[:length]).decode("utf-8", errors="replace")) + ("…" if len(data) > length else "")


def require_fitting(header: Header, frame: str, size: tuple[int, int]) -> int:
    """Check an answer's header against its frame; return how many bytes follow.

    Raises:
        MethodError: It is for another frame, or announces another size or type.
    """
    if header.error:
        raise ReportedError(f"frame {frame}: the system reports: {header.complaint}")
    if header.frame != frame:
        raise MethodError(
            f"the program answered frame {header.frame!r} when asked for {frame!r}; expected one answer a frame"
        )
    if (header.height, header.width) != size:
        found, wanted = (f"{width}x{height}" for height, width in ((header.height, header.width), size))
        raise MethodError(f"frame {frame}: answered a label map of {found}; expected {wanted}, the frame's size")
    if header.type not in _TYPES:
        raise MethodError(f"frame {frame}: answered values of type {header.type!r}; expected uint8 or uint16")
    if header.milliseconds is not None and not 0 <= header.milliseconds < float("inf"):
        raise MethodError(f"frame {frame}: reports {header.milliseconds} milliseconds; expected a time")
    return size[0] * size[1] * _TYPES[header.type].itemsize


def labels_in(data: bytes, header: Header) -> LabelMap:
    """Return the label map that followed a header."""
    values: LabelMap = np.frombuffer(data, _TYPES[header.type]).astype(np.uint16)
    return values.reshape(header.height, header.width)


def joined(words: Iterable[str]) -> str:
    """Return names for a message, some of them where there are many."""
    names = list(words)
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
