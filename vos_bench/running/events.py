"""Progress from worker processes to the one that draws the bars."""

import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection
from multiprocessing.connection import Listener as Socket
from typing import Any, NamedTuple

GRACE_SECONDS = 10.0
"""How long to wait for what a sender still has on its way, when everything else has ended."""

Event = tuple[str, tuple[Any, ...]]
"""The name of a listener's method, and its arguments."""


class Address(NamedTuple):
    """Where events go: a socket of this machine, and the key that opens it."""

    socket: Any
    key: bytes


@contextmanager
def receiving(handle: Callable[[Event], None]) -> Iterator[Address]:
    """Pass events of other processes to `handle`, one at a time, until the block ends.

    Events of one sender arrive in order. What was sent by a sender that is closed by then is handled before the block
    is left.
    """
    address = Address(None, secrets.token_bytes(16))
    stopping, turn = threading.Event(), threading.Lock()
    readers: list[threading.Thread] = []

    def read(connection: Connection) -> None:
        with connection:
            try:
                while True:
                    event = connection.recv()
                    with turn:
                        handle(event)
            except (EOFError, OSError):
                return  # the sender closed, or its process died

    def accept() -> None:
        while not stopping.is_set():
            try:
                connection = socket.accept()
            except (AuthenticationError, EOFError, OSError):
                continue
            readers.append(threading.Thread(target=read, args=(connection,), daemon=True))
            readers[-1].start()

    with Socket(authkey=address.key, backlog=64) as socket:
        address = Address(socket.address, address.key)
        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield address
        finally:
            stopping.set()
            Client(address.socket).close()  # wakes `accept`; without the key, for which it may not wait any more
            accepting.join(GRACE_SECONDS)
            for reader in readers:
                reader.join(GRACE_SECONDS)


@contextmanager
def sending(address: Address) -> Iterator[Callable[[Event], None]]:
    """Yield a function that sends events to `address`."""
    with Client(address.socket, authkey=address.key) as connection:
        yield connection.send
