"""Whether scoring grows linearly and keeps its memory over a very long sequence.

    python benchmarks/long_sequence.py --frames 1000 5000 20000

Label maps of 480 x 854 with two objects; a hundred different ones are drawn and then linked again and again, so that
the disk holds few. `vos-bench score` scores each length in a process of its own: processor seconds (user and system,
start-up included) and the highest resident memory.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from vos_bench.benching.videos import MadeUpVideo, Shape
from vos_bench.labelmaps import write_label_map

DIFFERENT = 100
SCORE = "import sys; from vos_bench.cli import main; sys.exit(main(sys.argv[1:]))"


def draw(folder: Path, *, width: int, height: int) -> None:
    """Write the label maps that all lengths share: truth, and masks that lag two frames behind."""
    video = MadeUpVideo(Shape(width, height, 2, DIFFERENT))
    for number in range(DIFFERENT):
        write_label_map(folder / "truth" / f"{number:05d}.png", video.labels(number))
        write_label_map(folder / "masks" / f"{number:05d}.png", video.labels(max(0, number - 2)))


def link(source: Path, target: Path, frames: int) -> None:
    """Make a sequence of so many frames out of links."""
    target.mkdir(parents=True)
    for number in range(frames):
        os.link(source / f"{number % DIFFERENT:05d}.png", target / f"{number:06d}.png")


def score(folder: Path, frames: int) -> tuple[float, float]:
    """Score a sequence; return processor seconds and the highest resident memory in MiB."""
    for kind in ("truth", "masks"):
        link(folder / kind, folder / str(frames) / kind / "long", frames)
    masks, truth = folder / str(frames) / "masks", folder / str(frames) / "truth"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [
        sys.executable,
        "-c",
        SCORE,
        "score",
        str(masks),
        "--truth",
        str(truth),
        "--out",
        str(folder / f"o{frames}"),
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, after.ru_maxrss / 1024


def main() -> None:
    """Score each length, shortest first, since the highest memory so far is all that the system tells."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, nargs="+", default=[1000, 5000, 20000])
    parser.add_argument("--size", default="854x480")
    arguments = parser.parse_args()
    width, height = map(int, arguments.size.split("x"))
    with tempfile.TemporaryDirectory() as scratch:
        draw(Path(scratch), width=width, height=height)
        print("| frames | processor seconds | microseconds an object-frame | peak MiB |")
        print("| ---: | ---: | ---: | ---: |")
        for frames in sorted(arguments.frames):
            seconds, mebibytes = score(Path(scratch), frames)
            print(f"| {frames} | {seconds:.2f} | {1e6 * seconds / frames / 2:.0f} | {mebibytes:.0f} |", flush=True)


if __name__ == "__main__":
    main()
