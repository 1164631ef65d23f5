"""The streaming form: one process that answers frame after frame."""

import time
from collections.abc import Callable
from typing import TypeVar

from vos_bench.api import Image, Prompt
from vos_bench.errors import MethodError

from .child import BoundedLog, Child, EndedError, SlowError
from .protocol import VERSION, Answer, Header, Reader, frame_message, hello, labels_in, require_fitting

Found = TypeVar("Found")


class Conversation:
    """A running system that is asked for one frame at a time."""

    def __init__(
        self, command: tuple[str, ...], *, log: BoundedLog, seconds: float | None, facts: dict[str, object]
    ) -> None:
        """Start it and wait until it is ready; an answer may take so many seconds; None: any time.

        Raises:
            MethodError: It ends, answers something else, or is too slow.
        """
        self._log, self._seconds = log, seconds
        self._reader = Reader(log.add)
        self._child = Child(command, log=log, converses=True)
        try:
            self._child.send(hello(**facts))
            header = self._header("hello")
            if header.error or header.ready != VERSION:
                found = (
                    header.complaint or f"{header.model_dump_json(exclude_defaults=True)}, expected ready: {VERSION}"
                )
                raise MethodError(f"the program answered hello with {found}")
        except BaseException:
            self.end(politely=False)
            raise

    def ask(self, sequence: str, frame: str, image: Image, new: Prompt | None, *, first: bool) -> Answer:
        """Send one frame and return the answer.

        Where the system does not say how long it took, the answer's time is that from sending to receiving.

        Raises:
            MethodError: It ended, was too slow, or its answer does not fit the frame.
        """
        self._child.send(frame_message(sequence, frame, image, new, first=first))
        began = time.perf_counter()
        header = self._header(f"frame {frame}")
        count = require_fitting(header, frame, (image.shape[0], image.shape[1]))
        data = self._received(lambda inbox: _taken(inbox, count), f"frame {frame} (its label map is not whole)")
        elapsed = 1000 * (time.perf_counter() - began)
        return Answer(labels_in(data, header), elapsed if header.milliseconds is None else header.milliseconds)

    def listen(self) -> None:
        """Take in what it has written to its standard error by now."""
        self._child.listen()

    def end(self, *, politely: bool = True) -> None:
        """End it, and all that it started."""
        self._child.end(politely=politely)

    def _header(self, what: str) -> Header:
        return self._received(self._reader.header, what)

    def _received(self, parse: Callable[[bytearray], Found | None], what: str) -> Found:
        try:
            return self._child.receive(parse, seconds=self._seconds)
        except SlowError:
            raise MethodError(f"the program gave no answer to {what} within {self._seconds:g} s (--timeout)") from None
        except EndedError as error:
            raise MethodError(f"the program {error} instead of answering {what}{last_words(self._log)}") from None


def last_words(log: BoundedLog) -> str:
    """Return what a program that ended said last, for a message."""
    line = log.last_line()
    return f"; it last said: {line}" if line else "; it said nothing on its standard error"


def _taken(inbox: bytearray, count: int) -> bytes | None:
    if len(inbox) < count:
        return None
    data = bytes(inbox[:count])
    del inbox[:count]
    return data
