"""How many label pixels of LWL a setting changes, and how many the number of threads does: LWL's own noise.

    python benchmarks/lwl_pixels.py /data/DAVIS --sequences dogs-jump,schoolgirls --change score_resize=as-published
    python benchmarks/lwl_pixels.py /data/DAVIS --sequences dogs-jump,schoolgirls --threads 2

Each sequence is segmented twice: with the settings as they are on one thread, and with the change. Written are the
label pixels that differ on each frame, and J and F of both against the truth (first and last frame left out). Without
`--weights` it is `lwl-lite` with its own.
"""

import argparse
import json
import subprocess
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from vos_bench import registry
from vos_bench.api import Prompt, Sequence
from vos_bench.config import apply_overrides
from vos_bench.environment import collect_environment
from vos_bench.files import sha256, write_text
from vos_bench.methods.lwl.lite import LiteTrackerConfig, LwlLiteMethod
from vos_bench.methods.lwl.method import LwlMethod
from vos_bench.methods.lwl.parameters import TrackerConfig
from vos_bench.metrics.measures import F, J
from vos_bench.weights import choose

LabelMaps = list[NDArray[np.uint16]]


def method(weights: Path | None, settings: list[str]) -> LwlMethod:
    """Return the tracker with these settings."""
    if weights is not None:
        return LwlMethod(apply_overrides(TrackerConfig(), settings), weights=weights)
    chosen = choose(registry.method("lwl-lite"), None)
    assert chosen is not None
    return LwlLiteMethod(apply_overrides(LiteTrackerConfig(), settings), weights=chosen.path)


def tree(folder: str) -> str:
    """Return git's hash of a folder of this checkout: equal hashes are equal code, whatever the commit."""
    command = ["git", "rev-parse", f"HEAD:{folder}"]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1]
    ).stdout.strip()


def find(root: Path, name: str) -> Sequence:
    """Return a sequence of DAVIS 2017, of either split."""
    splits = (registry.open_dataset("davis17", root=root, split=split) for split in ("val", "train"))
    return next(dataset.sequence(name) for dataset in splits if name in dataset.sequence_names)


def segment(tracker: LwlMethod, sequence: Sequence, most: int | None) -> LabelMaps:
    """Return the label maps of a sequence."""
    found = LabelMaps()
    for name in sequence.frame_names[:most]:
        new = sequence.read_prompt(name) if name in sequence.prompt_frames else Prompt()
        image = sequence.read_frame(name)
        found.append((tracker.step(image, new) if found else tracker.initialize(image, new)).labels)
    return found


def score(labels: LabelMaps, sequence: Sequence) -> dict[str, float]:
    """Return the mean J and F of all objects."""
    values: dict[str, list[float]] = {"J": [], "F": []}
    for name, found in list(zip(sequence.frame_names, labels, strict=False))[1:-1]:
        truth = sequence.read_truth(name)
        for k in sequence.read_prompt(sequence.prompt_frames[0]).masks:
            values["J"].append(J(found == k, truth == k))
            values["F"].append(F(found == k, truth == k))
    return {measure: float(np.mean(each)) for measure, each in values.items()}


def main() -> None:
    """Segment, compare and write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("root", type=Path)
    parser.add_argument("--sequences", required=True)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--change", action="append", default=[])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--frames", type=int)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    environment = collect_environment("vos_bench.methods.lwl")
    rows = []
    for name in arguments.sequences.split(","):
        sequence, started = find(arguments.root, name), time.monotonic()
        torch.set_num_threads(1)
        before = segment(method(arguments.weights, arguments.set), sequence, arguments.frames)
        torch.set_num_threads(arguments.threads)
        after = segment(method(arguments.weights, [*arguments.set, *arguments.change]), sequence, arguments.frames)
        differing = [int(np.count_nonzero(a != b)) for a, b in zip(before, after, strict=True)]
        rows.append(
            {
                "sequence": name,
                "pixels": int(before[0].size),
                "differing": differing,
                "before": score(before, sequence),
                "after": score(after, sequence),
                "seconds": round(time.monotonic() - started),
            }
        )
        print(name, "differing pixels a frame:", differing, rows[-1]["before"], rows[-1]["after"], flush=True)
    result = {
        "weights": sha256(arguments.weights) if arguments.weights else "lwl-lite's own",
        "settings": arguments.set,
        "change": [*arguments.change, *([f"threads={arguments.threads}"] if arguments.threads > 1 else [])],
        "commit": environment.git.commit if environment.git else "",
        "methods/lwl": tree("methods/lwl"),
        "machine": f"{environment.cpu}, {environment.cores} cores, {torch.backends.cpu.get_cpu_capability()}",
        "torch": torch.__version__,
        "rows": rows,
    }
    if arguments.out:
        write_text(arguments.out, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
