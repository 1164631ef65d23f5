"""Peak memory of `vos-bench segment` on a short and on a long video.

    python benchmarks/long_video.py --minutes 1 10 --method flow-warp --out benchmarks/long_video.json

A disk moves over a pattern, 160 x 90 at 30 frames a second, as MP4. Each call is a process of its own, which also
writes the overlay video; the peak is of its resident memory.
"""

import argparse
import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np

from vos_bench.environment import collect_environment
from vos_bench.labelmaps import write_label_map

WIDTH, HEIGHT, RATE = 160, 90, 30

CALL = """
import resource, sys
from vos_bench.cli import main
assert main(sys.argv[1:]) == 0
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def mask_at(t: int) -> np.ndarray:
    """Return where the disk is on frame number `t`."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    column, row = WIDTH / 2 + 40 * np.sin(t / 60), HEIGHT / 2 + 15 * np.cos(t / 45)
    return (x - column) ** 2 + (y - row) ** 2 < 15**2


def film(path: Path, length: int) -> None:
    """Write a video of so many frames."""
    pattern = np.random.default_rng(0).integers(60, 200, (HEIGHT // 10, WIDTH // 10, 3)).astype(np.uint8)
    ground = np.kron(pattern, np.ones((10, 10, 1), np.uint8))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"crf": "23", "preset": "superfast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for t in range(length):
            image = np.where(mask_at(t)[..., None], np.uint8([230, 40, 40]), ground)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = t, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def peak_mib(minutes: float, method: str) -> float:
    """Return the peak memory of segmenting a video of this length."""
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        film(folder / "long.mp4", round(60 * RATE * minutes))
        write_label_map(folder / "first.png", mask_at(0).astype(np.uint16))
        command = ("segment", folder / "long.mp4", "--mask", folder / "first.png", "--method", method)
        arguments = map(str, (*command, "--out", folder / "out"))
        done = subprocess.run([sys.executable, "-c", CALL, *arguments], capture_output=True, text=True, check=True)
        return int(done.stdout.split()[-1]) / 1024


def main() -> None:
    """Measure and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, nargs="+", default=[1, 10])
    parser.add_argument("--method", default="flow-warp")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    peaks = {}
    for minutes in options.minutes:
        peaks[f"{minutes:g}"] = round(peak_mib(minutes, options.method), 1)
        print(f"{options.method}, {minutes:g} minutes: {peaks[f'{minutes:g}']} MiB", flush=True)
    environment = collect_environment("").to_data()
    record = {
        "method": options.method,
        "frames a second": RATE,
        "peak MiB by minutes": peaks,
        "environment": environment,
    }
    options.out.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
