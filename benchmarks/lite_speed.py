"""Times `lwl-lite` in two builds, in turns: this one, and the one that another Python has installed.

    python benchmarks/lite_speed.py --before OTHER/bin/python --davis DAVIS --out benchmarks/lite_speed.json

Each build runs in a process of its own with its own weights, on frames that it holds in memory. A turn is a whole video
on one side and then on the other, from the decoded image to the label map; first frames are left out. The ratio of a
turn is this build's time by the other's, for seconds of the processor and for those on the clock; on a machine with
other work only the former says much. `--small` is a rehearsal: one short turn.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vos_bench.benching.videos import MadeUpVideo, Shape
from vos_bench.datasets.frames import read_image
from vos_bench.environment import git_state, processor_name
from vos_bench.labelmaps import read_label_map

SEQUENCES = ("blackswan", "libby", "scooter-black")
"""Of DAVIS 2016 val: those on which lwl-lite and flow-warp were compared."""

WORKER = """
import json, subprocess, sys, time
from pathlib import Path
import numpy as np, torch
import vos_bench.methods.lwl as package
from vos_bench.api import Prompt
from vos_bench.methods.lwl.lite import LiteTrackerConfig, LwlLiteMethod

torch.set_num_threads(int(sys.argv[1]))
folder = Path(package.__file__).resolve().parent
weights = folder / "weights/lwl-lite.safetensors"
commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=folder, capture_output=True, text=True)
print(json.dumps({"commit": commit.stdout.strip(), "torch": torch.__version__}), flush=True)
method = LwlLiteMethod(LiteTrackerConfig(), weights=weights)
for line in sys.stdin:
    video = np.load(line.strip())
    frames, labels = video["frames"], video["labels"]
    method.initialize(frames[0], Prompt(masks={int(k): labels == k for k in np.unique(labels) if k}))
    wall, processor = time.perf_counter(), time.process_time()
    for frame in frames[1:]:
        method.step(frame)
    spent = time.perf_counter() - wall, time.process_time() - processor
    print(json.dumps([1000 * seconds / (len(frames) - 1) for seconds in spent]), flush=True)
"""


def main() -> None:
    """Take the turns, print the figures and write the record."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        videos = write_videos(Path(folder), arguments.davis, 4 if arguments.small else arguments.frames)
        cases = {
            f"{name}, {threads} thread{'s' * (threads > 1)}": case(
                arguments.before, threads, video, 1 if arguments.small else arguments.turns
            )
            for threads in arguments.threads
            for name, video in videos.items()
        }
    state = git_state()
    record = {
        "command": f"python benchmarks/lite_speed.py --before OTHER/bin/python --davis DAVIS --turns {arguments.turns} "
        f"--frames {arguments.frames} --threads {' '.join(map(str, arguments.threads))}",
        "commit": state.commit if state else None,
        "dirty": state.dirty if state else None,
        "processor": processor_name(),
        "torch": torch.__version__,
        "cases": cases,
    }
    for name, found in cases.items():
        cpu, wall = found["processor_ratio"], found["clock_ratio"]
        print(
            f"{name}: {found['this_build_ms']['processor']:.1f} ms of the processor a frame, before "
            f"{found['before_ms']['processor']:.1f}; ratio {cpu[1]:.3f} ({cpu[0]:.3f} to {cpu[2]:.3f}); "
            f"on the clock {wall[1]:.3f} ({wall[0]:.3f} to {wall[2]:.3f})"
        )
    if arguments.out:
        arguments.out.write_text(json.dumps(record, indent=1) + "\n")


def write_videos(folder: Path, davis: Path | None, count: int) -> dict[str, Path]:
    """Write what both builds see: three sequences with one object each, and a made-up video of four objects."""
    made_up = {f"made up, {objects} object{'s' * (objects > 1)}": Shape(objects=objects) for objects in (1, 4)}
    videos = {name: _made_up(MadeUpVideo(shape), count) for name, shape in made_up.items()}
    for name in SEQUENCES if davis else ():
        videos[name] = _davis(davis, name, count)
    paths = {}
    for number, (name, (frames, labels)) in enumerate(videos.items()):
        paths[name] = folder / f"{number}.npz"
        np.savez(paths[name], frames=np.stack(frames), labels=labels)
    return paths


def _made_up(video: MadeUpVideo, count: int) -> tuple[list[Any], Any]:
    return [video.read_frame(name) for name in video.frame_names[:count]], video.labels(0)


def _davis(root: Path, name: str, count: int) -> tuple[list[Any], Any]:
    images = sorted((root / "JPEGImages/480p" / name).glob("*.jpg"))[:count]
    labels = read_label_map(root / "Annotations/480p" / name / f"{images[0].stem}.png")
    return [read_image(path) for path in images], (labels > 0).astype(np.uint16)


def case(before: Path, threads: int, video: Path, turns: int) -> dict[str, Any]:
    """Let both builds follow a video in turns, after a turn each that does not count."""
    sides = {name: _Build(python, threads) for name, python in (("this_build", sys.executable), ("before", before))}
    times: dict[str, list[list[float]]] = {name: [] for name in sides}
    for turn in range(turns + 1):
        for name, side in sides.items():
            spent = side.follow(video)
            if turn:
                times[name].append(spent)
    found: dict[str, Any] = {"builds": {name: side.describe for name, side in sides.items()}}
    for name, spent in times.items():
        found[f"{name}_ms"] = dict(zip(("clock", "processor"), np.median(spent, axis=0).round(2).tolist(), strict=True))
    ratios = np.array(times["this_build"]) / np.array(times["before"])
    for column, name in enumerate(("clock", "processor")):
        column_ratios = ratios[:, column]
        spread = (column_ratios.min(), np.median(column_ratios), column_ratios.max())
        found[f"{name}_ratio"] = [round(float(value), 3) for value in spread]
    for side in sides.values():
        side.close()
    return found


class _Build:
    """One build at work in a process of its own."""

    def __init__(self, python: str | Path, threads: int) -> None:
        self._process = subprocess.Popen(
            [str(python), "-c", WORKER, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=tempfile.gettempdir(),
        )
        self.describe: dict[str, str] = self._answer()

    def follow(self, video: Path) -> list[float]:
        """Return milliseconds a frame, on the clock and of the processor."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{video}\n")
        self._process.stdin.flush()
        found: list[float] = self._answer()
        return found

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"a build ended with code {self._process.wait()}; its message is above")
        return json.loads(line)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, required=True, help="the Python that has the other build installed")
    parser.add_argument("--davis", type=Path, help="DAVIS 2016; without it only made-up videos are followed")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--frames", type=int, default=30, help="frames of a video, the first included")
    parser.add_argument("--small", action="store_true", help="one turn of four frames")
    parser.add_argument("--out", type=Path, help="where the record goes")
    return parser.parse_args()


if __name__ == "__main__":
    main()
