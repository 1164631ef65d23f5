"""A video of one's own, as a folder and as DAVIS, and methods of one file, for trying whole commands."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from vos_bench.cli import main

sys.path.insert(0, str(Path(__file__).parent))  # for `bad_input`, which the tests of this folder alone import
from bad_input import FAULTY, Data

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


@pytest.fixture
def folder(video: Path) -> Data:
    return Data("folder", video, video / "JPEGImages", video / "Annotations")


@pytest.fixture
def davis(video: Path) -> Data:
    """The same video, laid out as DAVIS 2017."""
    for name in ("JPEGImages", "Annotations"):
        (video / name).rename(video / "480p")
        (video / name).mkdir()
        (video / "480p").rename(video / name / "480p")
    (video / "ImageSets/2017").mkdir(parents=True)
    (video / "ImageSets/2017/val.txt").write_text("one\ntwo\n")
    return Data("davis17", video, video / "JPEGImages/480p", video / "Annotations/480p")


@pytest.fixture(params=["folder", "davis"])
def data(request: pytest.FixtureRequest) -> Data:
    found: Data = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def methods(method_file: Path) -> Path:
    method_file.write_text(method_file.read_text() + FAULTY)
    return method_file


@pytest.fixture
def masks(video: Path, tmp_path: Path) -> Path:
    """Somebody's label maps for the video: the truth itself."""
    return Path(shutil.copytree(video / "Annotations", tmp_path / "results" / "masks"))


@pytest.fixture
def runs(call: Call, video: Path, method_file: Path) -> tuple[Path, Path]:
    """Two runs: one whose objects stay, one whose objects slip away."""
    for name in ("Stay", "Slip"):
        assert call("run", f"{method_file}:{name}", "--dataset", "folder", "--root", video, "--out", name) == 0
    return Path("Stay"), Path("Slip")
