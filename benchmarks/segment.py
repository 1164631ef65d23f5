"""The time of `vos-bench segment` on a video against `vos-bench run` on the same frames as PNG files, in turns.

    python benchmarks/segment.py --frames DAVIS/JPEGImages/480p/bear --mask DAVIS/Annotations/480p/bear/00000.png
        --method flow-warp --repeats 5 --out benchmarks/segment.json

The frames become an MP4 file (H.264, quality 18), and what a reader makes of that becomes the PNG files, so that both
commands see the same pixels; the label maps are compared. Each call is a process of its own with all its start.
`segment` also writes the overlay video. CPU time is of the process and its children, and is what a busy machine moves
least.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import av
import cv2

from vos_bench.environment import collect_environment
from vos_bench.video import VideoReader


def film(frames: Path, path: Path) -> None:
    """Write a folder of frames as a video."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "18"})
        files = sorted(frames.iterdir())
        stream.height, stream.width = cv2.imread(str(files[0])).shape[:2]
        stream.pix_fmt = "yuv420p"
        for i, file in enumerate(files):
            frame = av.VideoFrame.from_ndarray(cv2.imread(str(file)), format="bgr24")
            frame.pts, frame.time_base = i, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def timed(*arguments: object) -> tuple[float, float]:
    """Return wall and CPU seconds of one command."""
    before, began = os.times(), time.perf_counter()
    command = [
        sys.executable,
        "-c",
        "import sys; from vos_bench.cli import main; sys.exit(main())",
        *map(str, arguments),
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - began, used


def main() -> None:
    """Measure and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=Path, required=True)
    parser.add_argument("--mask", type=Path, required=True)
    parser.add_argument("--method", default="flow-warp")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    with TemporaryDirectory() as made:
        folder = Path(made)
        video, frames = folder / "video.mp4", folder / "data/JPEGImages/video"
        film(options.frames, video)
        frames.mkdir(parents=True)
        count = 0
        for frame in VideoReader(video).frames():
            cv2.imwrite(str(frames / f"{count:05d}.png"), frame.image[..., ::-1])
            count += 1
        (folder / "data/Annotations/video").mkdir(parents=True)
        shutil.copy(options.mask, folder / "data/Annotations/video/00000.png")
        times: dict[str, list[tuple[float, float]]] = {"run": [], "segment": []}
        for i in range(options.repeats):
            out = [folder / f"{name}{i}" for name in times]
            common = ("--method", options.method, "--mask", options.mask)
            times["run"].append(
                timed("run", options.method, "--dataset", "folder", "--root", folder / "data", "--out", out[0])
            )
            times["segment"].append(timed("segment", video, *common, "--out", out[1]))
            for path in (out[0] / "masks/video").iterdir():
                assert path.read_bytes() == (out[1] / "masks/video" / path.name).read_bytes(), path
    found = {
        name: {"wall_s": median(w for w, _ in each), "cpu_s": median(c for _, c in each), "all": each}
        for name, each in times.items()
    }
    ratios = {kind: found["segment"][kind] / found["run"][kind] for kind in ("wall_s", "cpu_s")}
    print(f"{count} frames: segment / run, wall {ratios['wall_s']:.3f}, CPU {ratios['cpu_s']:.3f}")
    environment = collect_environment("").to_data()
    record = {"method": options.method, "frames": count, "seconds": found, "ratio": ratios, "environment": environment}
    options.out.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
