"""Memory does not grow with a video."""

from pathlib import Path

import pytest
from films import film, labelled_png
from python_processes import run_python

STATUS = Path("/proc/self/status")
CALL = f"""
import sys
from vos_bench.cli import main
assert main(sys.argv[1:]) == 0
print(open({str(STATUS)!r}).read().partition("VmHWM:")[2].split()[0])
"""
"""Calls a command and prints the most memory that its process had; `ru_maxrss` would begin with that of its parent."""


def peak_mib(video: Path, mask: Path, out: Path) -> int:
    arguments = ("segment", video, "--mask", mask, "--method", "copy-first", "--out", out)
    return int(run_python("-c", CALL, *arguments).stdout.splitlines()[-1]) // 1024


@pytest.mark.skipif(not STATUS.exists(), reason="reads the most memory as Linux tells it")
def test_memory_stays_flat(tmp_path: Path) -> None:
    width, height = 320, 192
    mask = labelled_png(tmp_path / "first.png", 0, width=width, height=height)
    short, long = (
        film(tmp_path / f"{n}.mp4", n, width=width, height=height, codec="mpeg4", gop=12) for n in (200, 600)
    )
    frames = 400 * width * height * 3 / (1 << 20)  # 70 MiB, of which nothing may be kept
    assert peak_mib(long, mask, tmp_path / "l") - peak_mib(short, mask, tmp_path / "s") < frames / 3
