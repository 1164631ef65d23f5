"""A foreign program at the other end of pipes: bytes in and out, a bounded log, and an end that is certain."""

import os
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO, TypeVar

from vos_bench.errors import BadInputError

Found = TypeVar("Found")

SUPERVISOR = Path(__file__).with_name("supervisor.py")
POLITE_SECONDS = 2.0
"""How long a program has to end by itself once its input is closed."""

LAST_SECONDS = 10.0
"""How long to wait for a program that was told to end, its supervisor's grace included."""

LISTEN_SECONDS = 0.2
"""How long to take in what a program prints that never stops printing."""

_CHUNK = 1 << 16
_LEFT_CHUNKS = 16
"""How many chunks of each stream to take once the program has ended: more than a pipe holds (1 MiB)."""


class EndedError(Exception):
    """The program ended; the message says how."""


class SlowError(Exception):
    """The program took longer than it was given."""


class BoundedLog:
    """Keeps the beginning and the end of what is written to it."""

    HEAD, TAIL = 4096, 12288

    def __init__(self) -> None:
        self._head, self._tail, self._left_out = bytearray(), bytearray(), 0

    def add(self, data: bytes) -> None:
        """Take more."""
        room = max(0, self.HEAD - len(self._head)) if not self._tail else 0
        self._head += data[:room]
        self._tail += data[room:]
        if (excess := len(self._tail) - self.TAIL) > 0:
            self._left_out += excess
            del self._tail[:excess]

    def text(self) -> str:
        """Return what is kept, with a word about what is not."""
        gap = f"\n[... {self._left_out} bytes left out ...]\n".encode() if self._left_out else b""
        return bytes(self._head + gap + self._tail).decode("utf-8", errors="replace").strip()

    def last_line(self, longest: int = 200) -> str:
        """Return the last line with anything in it, shortened."""
        lines = [line.strip() for line in self.text().replace("\r", "\n").splitlines() if line.strip()]
        return lines[-1][-longest:] if lines else ""

    def clear(self) -> None:
        """Forget everything."""
        self.__init__()  # type: ignore[misc]


class Child:
    """A running program. Neither it nor what it starts outlives `end`, or this process, however that ends.

    On Linux that holds for all it starts, elsewhere for its process group. It has ended when its process has: streams
    that something it left behind holds open delay nothing. Its `log` is its standard error, and what it prints unasked.
    """

    def __init__(self, command: tuple[str, ...], *, log: BoundedLog, converses: bool) -> None:
        """Start it, with its standard error in `log`.

        Unless it `converses`, which is to be sent data and answer on its standard output, it has no input, and its
        output belongs to the log too.

        Raises:
            BadInputError: This system has no process groups.
        """
        if os.name != "posix":
            raise BadInputError("external programs need Linux or macOS; on Windows, run vos-bench in its Linux (WSL)")
        self.log = log
        self._inbox = bytearray()
        self._outbox: deque[memoryview] = deque()
        self._deaf: float | None = None
        held, self._leash = os.pipe()
        self._life, lives = os.pipe()  # only the supervisor has the other end: this one is at its end when it dies
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(SUPERVISOR), str(held), str(lives), *command],
                stdin=subprocess.PIPE if converses else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(held, lives),
                start_new_session=True,
                bufsize=0,
            )
        finally:
            os.close(held)
            os.close(lives)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._life, selectors.EVENT_READ)
        self._reads(self._process.stdout, self._inbox.extend if converses else log.add)
        self._reads(self._process.stderr, log.add)
        if self._process.stdin:
            os.set_blocking(self._process.stdin.fileno(), False)

    def _reads(self, stream: IO[bytes] | None, take: Callable[[bytes], None]) -> None:
        assert stream is not None  # piped above
        os.set_blocking(stream.fileno(), False)
        self._selector.register(stream, selectors.EVENT_READ, take)

    def send(self, parts: Iterable[bytes | memoryview]) -> None:
        """Put data on its way; it is written while `receive` waits."""
        self._outbox.extend(view for part in parts if len(view := memoryview(part).cast("B")))

    def receive(self, parse: Callable[[bytearray], Found | None], *, seconds: float | None) -> Found:
        """Wait until `parse` finds something in what was printed so far; it removes what it takes.

        Raises:
            EndedError: The program ended before, or cannot be sent what is on its way.
            SlowError: It took longer than `seconds`.
        """
        deadline = _from_now(seconds)
        while (found := parse(self._inbox)) is None:
            if not self._watched(self._process.stdout):
                raise EndedError(self._end_told())
            try:
                self._round(min((each for each in (deadline, self._deaf) if each is not None), default=None))
            except SlowError:
                if self._deaf is None or time.monotonic() < self._deaf:
                    raise
                self.end(politely=False)
                raise EndedError("closed its standard input") from None
        return found

    def wait(self, *, seconds: float | None) -> int:
        """Wait until the program has ended by itself; return its exit code, negative for a signal.

        Raises:
            SlowError: It took longer than `seconds`.
        """
        deadline = _from_now(seconds)
        while self._running:
            self._round(deadline)
        code = self._process.wait()
        self.end()
        return code

    def listen(self) -> None:
        """Take in what has been printed by now, without waiting."""
        deadline = time.monotonic() + LISTEN_SECONDS
        while self._running and self._took(0) and time.monotonic() < deadline:
            pass

    def end(self, *, politely: bool = True, moment: float = POLITE_SECONDS) -> None:
        """End the program and all that it started; `politely` leaves it a moment, in seconds, to end by itself."""
        if self._leash < 0:
            return
        self._outbox.clear()
        self._watch_input()
        if self._process.stdin:
            with suppress(OSError):
                self._process.stdin.close()
        if politely:
            self._drain(moment)
        os.close(self._leash)
        self._leash = -1
        self._drain(LAST_SECONDS)
        try:
            self._process.wait(LAST_SECONDS)
        except subprocess.TimeoutExpired:  # the supervisor itself is stuck
            self._process.kill()
            self._process.wait()
        self._selector.close()
        os.close(self._life)
        for stream in (self._process.stdout, self._process.stderr):
            if stream:
                stream.close()

    @property
    def _running(self) -> bool:
        return self._watched(self._life)

    def _watched(self, stream: IO[bytes] | int | None) -> bool:
        known = self._selector.get_map()  # None once it is closed
        return bool(known) and stream in known

    def _drain(self, seconds: float) -> None:
        """Read and write until the program has ended, or the time is over."""
        deadline = time.monotonic() + seconds
        with suppress(SlowError):
            while self._running:
                self._round(deadline)

    def _round(self, deadline: float | None) -> None:
        """Read and write what can be read and written; wait for that until the deadline.

        Raises:
            SlowError: The deadline is over, however much is printed meanwhile.
        """
        late = _rest(deadline) == 0
        if not self._took(_rest(deadline)) or late:
            raise SlowError

    def _took(self, seconds: float | None) -> bool:
        """Read and write what can be; return whether there was anything within the time."""
        self._watch_input()
        events = self._selector.select(seconds)
        for key, _ in events:
            if key.fileobj is self._process.stdin:
                self._write(key.fd)
            elif key.fd != self._life:
                self._read(key)
        if any(key.fd == self._life for key, _ in events):
            self._take_the_rest()
        return bool(events)

    def _take_the_rest(self) -> None:
        """Read what the program left in its streams when it ended; whatever still holds them open is not waited for."""
        self._selector.unregister(self._life)
        for stream in filter(None, (self._process.stdout, self._process.stderr)):
            chunks = iter(range(_LEFT_CHUNKS))
            with suppress(BlockingIOError):
                while self._watched(stream) and next(chunks, None) is not None:
                    self._read(self._selector.get_key(stream))
            if self._watched(stream):
                self._selector.unregister(stream)

    def _watch_input(self) -> None:
        stream = self._process.stdin
        if not stream or stream.closed:
            return
        watched = self._watched(stream)
        if self._outbox and not watched:
            self._selector.register(stream, selectors.EVENT_WRITE)
        elif watched and not self._outbox:
            self._selector.unregister(stream)

    def _write(self, descriptor: int) -> None:
        try:
            written = os.write(descriptor, self._outbox[0][:_CHUNK])
        except BrokenPipeError:  # it ended, or closed its input: what it printed says more
            self._outbox.clear()
            self._deaf = time.monotonic() + POLITE_SECONDS
            return
        rest = self._outbox.popleft()[written:]
        if len(rest):
            self._outbox.appendleft(rest)

    def _read(self, key: selectors.SelectorKey) -> None:
        if data := os.read(key.fd, _CHUNK):
            key.data(data)
        else:
            self._selector.unregister(key.fileobj)

    def _end_told(self) -> str:
        """Say how a program ended that has closed its output; on a busy machine an interpreter takes long to end."""
        self.end(moment=LAST_SECONDS)
        return described(self._process.returncode)


def _from_now(seconds: float | None) -> float | None:
    return None if seconds is None else time.monotonic() + seconds


def _rest(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())


def described(code: int) -> str:
    """Say how a program ended: its exit code, negative for a signal."""
    if code >= 0:
        return f"ended with exit code {code}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    return f"was killed by {name}" + (" (it may have run out of memory)" if name == "SIGKILL" else "")
