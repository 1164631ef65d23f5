"""Two runs on a video of one's own, with label maps: one whose objects stay, one whose objects slip away."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vos_bench.cli import main
from vos_bench.records import Run, find_runs

ONE_FILE = Path(__file__).resolve().parents[1] / "fakes" / "one_file.py"


@dataclass(frozen=True)
class OnDisk:
    """Runs that lie on disk, with the data they were made from."""

    root: Path
    folder: Path
    runs: Sequence[Run]


@pytest.fixture(scope="session")
def on_disk(tmp_path_factory: pytest.TempPathFactory) -> OnDisk:
    """The sequences `one` and `<b>two`, 6 frames of 40 x 60 with two objects each, and the runs Slip and Stay."""
    base = tmp_path_factory.mktemp("on_disk")
    for name, grey in (("one", 20), ("<b>two", 200)):
        for frame in range(6):
            image = np.full((40, 60, 3), grey, np.uint8)
            labels = np.zeros((40, 60), np.uint8)
            labels[5:20, 5 + frame : 20 + frame], labels[22:36, 30:50] = 1, 2
            image[labels > 0] += 30
            for folder, pixels, suffix in (("JPEGImages", image, "jpg"), ("Annotations", labels, "png")):
                (base / "video" / folder / name).mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(base / "video" / folder / name / f"{frame:05d}.{suffix}")
    for method in ("Slip", "Stay"):
        command = ("run", f"{ONE_FILE}:{method}", "--dataset", "folder", "--root", str(base / "video"))
        assert main([*command, "--out", str(base / "runs" / method)]) == 0
    return OnDisk(base / "video", base / "runs", find_runs([base / "runs"]).runs)
