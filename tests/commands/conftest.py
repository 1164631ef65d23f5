"""A video of one's own and a method of one file, for trying whole commands."""

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from vos_bench.cli import main

ONE_FILE = Path(__file__).resolve().parents[1] / "fakes" / "one_file.py"


@pytest.fixture
def method_file(tmp_path: Path) -> Path:
    return Path(shutil.copy(ONE_FILE, tmp_path / "mine.py"))


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """A folder dataset of two sequences, `one` dark and `two` bright, 5 frames of 40 x 60 with two objects each."""
    root = tmp_path / "video"
    for name, grey in (("one", 20), ("two", 200)):
        for frame in range(5):
            image = np.full((40, 60, 3), grey, np.uint8)
            labels = np.zeros((40, 60), np.uint8)
            labels[5:20, 5 + frame : 20 + frame], labels[22:36, 30:50] = 1, 2
            image[labels > 0] += 30
            for folder in ("JPEGImages", "Annotations"):
                (root / folder / name).mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(root / "JPEGImages" / name / f"{frame:05d}.jpg"), image)
            Image.fromarray(labels).save(root / "Annotations" / name / f"{frame:05d}.png")
    return root


Call = Callable[..., int]


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Run a command line in an empty folder and return its exit code."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return lambda *arguments: main([str(argument) for argument in arguments])
