"""Programs of every kind at the other end of the pipe, and a small video for them."""

import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vos_bench.api import Prediction, Prompt, PromptedFrame, PromptedSequence
from vos_bench.methods.external.config import ExternalConfig
from vos_bench.methods.external.method import External
from vos_bench.methods.external.recipes import DRIVERS

CLIENT = DRIVERS / "vos_bench_client.py"

SYSTEM = f"""
import os, signal, subprocess, sys, time
sys.path.insert(0, {str(DRIVERS)!r})
import numpy as np
import vos_bench_client
from vos_bench_client import MARK, Still, serve


class System(Still):
    def step(self, image, new, boxes):
        frame = getattr(self, "frame", 0)
        self.frame = frame + 1
        labels = super().step(image, new, boxes)
        return self.change(frame, labels) if frame else labels

    def start(self, image, new, boxes):
        self.frame = 0
        return super().start(image, new, boxes)


def change(self, frame, labels):
{{body}}


System.change = change
if __name__ == "__main__":
    serve(lambda hello: System())
"""


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], str]:
    """Make a system of the body of `change(self, frame, labels)`, called from frame 1 on; return its command."""

    def make(body: str) -> str:
        path = tmp_path / "system.py"
        path.write_text(SYSTEM.format(body="\n".join("    " + line for line in body.splitlines())))
        return shlex.join((sys.executable, str(path)))

    return make


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], str]:
    """Make a program of its text; return its command."""

    def make(text: str) -> str:
        path = tmp_path / "script.py"
        path.write_text(text)
        return shlex.join((sys.executable, str(path)))

    return make


@pytest.fixture
def external() -> Iterator[Callable[..., External]]:
    """Builds methods from a command and settings, and leaves none of their programs running."""
    built: list[External] = []

    def build(command: str, *, weights: Path | None = None, **settings: Any) -> External:
        built.append(External(ExternalConfig(command=command, **settings), weights=weights))
        return built[-1]

    yield build
    for method in built:
        method.close()


def video(name: str = "video", *, frames: int = 4) -> PromptedSequence:
    """Four frames of 20 x 30 on which object 1 starts first and object 2 on the third; frame t has the value t."""

    def fed() -> Iterator[PromptedFrame]:
        for t in range(frames):
            mask = np.zeros((20, 30), np.bool_)
            mask[2 + 9 * (t == 2) : 8 + 9 * (t == 2), 5:15] = True
            new = Prompt(masks={1: mask}) if t == 0 else Prompt(masks={2: mask}) if t == 2 else None
            yield PromptedFrame(np.full((20, 30, 3), t, np.uint8), new)

    return PromptedSequence(name=name, frame_names=tuple(f"{t:05d}" for t in range(frames)), frames=fed())


@pytest.fixture
def clip() -> Callable[..., PromptedSequence]:
    """Make the small video; each call gives it again."""
    return video


@pytest.fixture
def answers() -> Callable[[External, PromptedSequence], list[Prediction]]:
    """Run a sequence to its end."""
    return lambda method, sequence: list(method.segment(sequence))


@pytest.fixture
def client() -> str:
    """The command of the reference client's own example."""
    return shlex.join((sys.executable, str(CLIENT)))
