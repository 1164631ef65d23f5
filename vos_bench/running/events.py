"""Progress events, from the machines that run sequences to the process that started the run.

Only names and numbers travel, as JSON, between processes that know one key. Where nothing gets through, a
run goes on without them: results lie in the files of each sequence.
"""

import json
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, answer_challenge, deliver_challenge
from typing import Any, NamedTuple

from vos_bench.progress import Progress

GRACE_SECONDS = 5.0
"""How long to wait for events that are still on their way, when everything else has ended."""
CONNECT_SECONDS = 10.0


EVENTS = frozenset({"sequence_started", "frame_done"})
"""The methods of `Progress` that travel."""


class Address(NamedTuple):
    """Where events go: a port of a machine, and the key that opens it."""

    host: str
    port: int
    key: bytes


@contextmanager
def receiving(progress: Progress, *, host: str) -> Iterator[Address]:
    """Pass events of other processes, which reach this one at `host`, to `progress`, one at a time, until the end.

    Events of one sender arrive in order. Events of senders that have closed are handled before the block ends; other
    senders are cut off. Each sender has a thread of its own, so that a silent stranger blocks nobody.
    """
    key, turn, stopping = secrets.token_bytes(32), threading.Lock(), threading.Event()
    readers: dict[threading.Thread, socket.socket] = {}

    def read(accepted: socket.socket) -> None:
        with suppress(EOFError, OSError, AuthenticationError, ValueError):
            for kind, *arguments in _messages(accepted, key):
                with turn:
                    tell(progress, kind, *arguments)

    def accept() -> None:
        while not stopping.is_set():
            accepted, _ = listening.accept()
            reader = threading.Thread(target=read, args=(accepted,), daemon=True)
            readers[reader] = accepted
            reader.start()

    with closing(socket.create_server((host, 0))) as listening:
        address = Address(host, listening.getsockname()[1], key)
        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        patience = 0.0
        try:
            yield address
            patience = GRACE_SECONDS
        finally:
            stopping.set()
            socket.create_connection(address[:2]).close()  # wakes `accept`
            accepting.join()
            _end(readers, patience)


def _end(readers: dict[threading.Thread, socket.socket], patience: float) -> None:
    """Give readers time to read what was sent, then end those that still wait."""
    deadline = time.monotonic() + patience
    for reader, accepted in readers.items():
        reader.join(max(0.0, deadline - time.monotonic()))
        with suppress(OSError), accepted:
            accepted.shutdown(socket.SHUT_RDWR)
        reader.join()


def _messages(accepted: socket.socket, key: bytes) -> Iterator[list[Any]]:
    """Ask for the key and show it, as `multiprocessing` does, and yield what is sent until the sender closes."""
    with Connection(accepted.dup().detach()) as sender:
        deliver_challenge(sender, key)
        answer_challenge(sender, key)
        while True:
            yield json.loads(sender.recv_bytes())


def tell(progress: Progress, kind: str, *arguments: Any) -> None:
    """Call a method of `progress` by the name that came from another process. Raises ValueError for any other name."""
    if kind not in EVENTS:
        raise ValueError(kind)
    getattr(progress, kind)(*arguments)


class Sender(Progress):
    """Sends events, or nothing where nobody could be reached. Raises OSError when the receiver is gone."""

    def __init__(self, connection: Connection | None) -> None:
        self._connection = connection

    def sequence_started(self, name: str, frames: int) -> None:
        """Send it."""
        self._send("sequence_started", name, frames)

    def frame_done(self, name: str) -> None:
        """Send it."""
        self._send("frame_done", name)

    def _send(self, kind: str, *arguments: Any) -> None:
        if self._connection is not None:
            self._connection.send_bytes(json.dumps([kind, *arguments]).encode())

    def gone(self) -> bool:
        """Return whether the receiver is gone; it never sends anything."""
        try:
            return self._connection is not None and self._connection.poll(0)
        except OSError:
            return True


@contextmanager
def sending(address: Address) -> Iterator[Sender]:
    """Yield a sender of events to `address`."""
    connection = _connect(address)
    if connection is None:
        yield Sender(None)
        return
    with connection:
        yield Sender(connection)


def _connect(address: Address) -> Connection | None:
    try:
        connected = socket.create_connection((address.host, address.port), timeout=CONNECT_SECONDS)
    except OSError:
        return None
    connected.settimeout(None)
    connection = Connection(connected.detach())
    try:
        answer_challenge(connection, address.key)
        deliver_challenge(connection, address.key)
    except (AuthenticationError, EOFError, OSError):
        connection.close()
        return None
    return connection
