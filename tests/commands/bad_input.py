"""A dataset of two sequences, ways to spoil it, code with faults, and what a command has to leave behind."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

Capture = pytest.CaptureFixture[str]

RAISED = {
    "sys.exit": "import sys; sys.exit(0)",
    "SystemExit": "raise SystemExit",
    "BaseException": "raise BaseException('odd')",
    "GeneratorExit": "raise GeneratorExit",
    "ValueError": "raise ValueError('no such layer')",
}
"""What code may raise, to the lines that raise it."""

FAULTY = """

class WrongShape(Stay):
    def step(self, image, new=None):
        return Prediction(self.labels[1:] if image[0, 0, 0] > 100 else self.labels)


class UnknownId(Stay):
    def step(self, image, new=None):
        return Prediction(self.labels + 9 * (image[0, 0, 0] > 100))


class Unbuildable(Stay):
    def __init__(self, *_, **__):
        raise RuntimeError("no luck today")


class Slow(Stay):
    def step(self, image, new=None):
        import time

        if image[0, 0, 0] > 100:
            open("slow", "w").close()
            time.sleep(60)
        return Prediction(self.labels)


class Forgets(Stay):
    def __init__(self, *_, **__):
        pass


class CannotClose(Stay):
    def close(self):
        raise RuntimeError("no luck today")


class GoesAway(Stay):
    def __init__(self, *arguments, **settings):
        super().__init__(*arguments, **settings)
        import os

        os.makedirs("elsewhere", exist_ok=True)
        os.chdir("elsewhere")


class NoMethod:
    pass
"""


class Data(NamedTuple):
    """A dataset of two sequences, `one` and `two`, of 5 frames each; in `frames` and `labels` lie their folders."""

    dataset: str
    root: Path
    frames: Path
    labels: Path

    @property
    def arguments(self) -> tuple[str, ...]:
        return "--dataset", self.dataset, "--root", str(self.root)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def repaint(path: Path, paint: Callable[[np.ndarray], np.ndarray]) -> None:
    Image.fromarray(paint(np.array(Image.open(path)))).save(path)


def halve(path: Path) -> None:
    repaint(path, lambda labels: labels[::2, ::2])


def colour(path: Path) -> None:
    repaint(path, lambda labels: np.dstack([labels * 80] * 3))


def smooth(path: Path) -> None:
    """Draw one disc with a soft edge, as anti-aliasing leaves it: 41 grey levels."""
    rows, columns = np.mgrid[:40, :60]
    disc = np.clip(52 - 4 * np.hypot(rows - 25.3, columns - 40.6), 0, 40).astype(np.uint8)
    assert len(np.unique(disc)) == 41
    Image.fromarray(disc).save(path)


def clear(path: Path) -> None:
    repaint(path, np.zeros_like)


def unpad(path: Path) -> None:
    """Take the zeros off all names in a sequence: 1, 2, 10, 11, 20."""
    for name, old in zip((1, 2, 10, 11, 20), sorted(path.parent.iterdir()), strict=True):
        old.rename(old.with_name(f"{name}{old.suffix}"))


def replace_folder(path: Path) -> None:
    """Put a file in the place of a sequence's folder."""
    shutil.rmtree(path.parent)
    path.parent.touch()


def as_whole_folder(masks: Path, change: Callable[[Path], None]) -> None:
    """Move label maps away and let `change` put something else in their place."""
    away = masks.with_name("away")
    masks.rename(away)
    change(away)


def said_once(capsys: Capture, *texts: str) -> None:
    """Check that exactly one message, on either stream, holds the texts, and that nothing looks like a traceback."""
    captured = capsys.readouterr()
    said = re.sub(r"\n {2,}", "; ", captured.out + captured.err)  # later lines of a message are indented
    lines = [line for line in said.splitlines() if all(text in line for text in texts)]
    assert len(lines) == 1, captured
    assert "Traceback" not in captured.out + captured.err


def statuses(out: str) -> dict[str, str]:
    return {path.stem: json.loads(path.read_text())["status"] for path in Path(out, "sequences").glob("*.json")}


def kept(out: str) -> bool:
    """Say whether the sequence that is all well was finished: record, masks and scores."""
    scored = {line.split(",")[0] for line in Path(out, "objects.csv").read_text().splitlines()[1:]}
    return statuses(out)["one"] == "done" and len(list(Path(out, "masks/one").iterdir())) == 5 and scored == {"one"}
