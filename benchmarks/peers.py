"""Whether methods of vos-bench answer what the systems' own code answers, on the CPU, with random parameters.

    python benchmarks/peers.py                          # sam2 and cutie, by their packages on the index
    python benchmarks/peers.py XMem=DIR AOT=DIR         # systems of which you have a checkout
    python benchmarks/peers.py sam2 --side 1024 --frames 5

`tox -e peers` installs the packages and runs the first form. Both sides get the same checkpoint, in the form in which
the authors publish theirs, and the same two clips, one with an object that starts late. `sam2-hf` is compared by logits
(at most 1e-3 apart) and masks (at most 10 pixels each), adapters by label maps, of which every pixel has to be equal.
A comparison of empty or full masks is refused.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent))

from peer_systems import checkouts, cutie_package, sam2_package
from peer_systems.clips import Clip, make_clips
from peer_systems.label_maps import Row, compare_logits, compare_maps

from vos_bench import registry
from vos_bench.api import LabelMap
from vos_bench.environment import collect_environment

PACKAGES = ("transformers", "rf-sam-2", "sam2", "rf-cutie", "torch", "torchvision", "numpy", "pillow")


def native_logits(folder: Path, clip: Clip) -> dict[tuple[int, int], NDArray[np.float32]]:
    """Return what `sam2-hf` says of each frame and object."""
    kind = registry.resolve(registry.method("sam2-hf").factory)
    method = kind(kind.Config(video_frames=min(16, len(clip.frames))), weights=folder)
    found: dict[tuple[int, int], NDArray[np.float32]] = {}
    merge = method.merge
    for number, (frame, new) in enumerate(clip.prompted_frames()):

        def keep(logits: torch.Tensor, number: int = number) -> Any:
            found.update({(number, i + 1): each.numpy().copy() for i, each in enumerate(logits)})
            return merge(logits)

        method.merge = keep
        method.step(frame, new) if number else method.initialize(frame, new)
    return found


def adapter_maps(name: str, checkpoint: Path, clip: Clip, **options: Any) -> list[LabelMap]:
    """Return the label maps of an adapter, driven in this environment."""
    kind = registry.resolve(registry.method(name).factory)
    method = kind(kind.Config(python=sys.executable, **options), weights=checkpoint)
    try:
        return [prediction.labels for prediction in method.segment(clip.sequence())]
    finally:
        method.close()


def compare_sam2(arguments: argparse.Namespace, root: Path) -> Iterator[Row]:
    """Compare `sam2-hf` and the adapter `sam2.1` with the package `sam2`."""
    checkpoint, folder = root / "sam2.pt", root / "sam2-hf"
    sam2_package.make_checkpoint(checkpoint, seed=arguments.seed)
    sam2_package.make_folder(checkpoint, folder, side=arguments.side)
    predictor = sam2_package.build(checkpoint, side=arguments.side)
    for clip in make_clips(arguments.frames):
        maps, logits = sam2_package.run(predictor, clip)
        yield compare_logits("sam2 / sam2-hf", clip, native_logits(folder, clip), logits)
        if arguments.side == 1024:  # the adapter takes the authors' configuration as it is
            ours = adapter_maps("sam2.1", checkpoint, clip, model="tiny", precision="off")
            yield compare_maps("sam2 / sam2.1", clip, ours, maps)


def compare_cutie(arguments: argparse.Namespace, root: Path) -> Iterator[Row]:
    """Compare the adapter `cutie` with Cutie's evaluation script, below and above its working size."""
    checkpoint = root / "cutie.pth"
    clips = make_clips(arguments.frames)
    cutie_package.make_checkpoint(checkpoint, clips[0], seed=arguments.seed)
    for size in (480, 160):
        for clip in clips:
            theirs = cutie_package.run(checkpoint, clip, root / f"cutie-{size}-{clip.name}", size=size)
            ours = adapter_maps("cutie", checkpoint, clip, size=size)
            yield compare_maps(f"cutie at {size} / cutie", clip, ours, theirs)


SYSTEMS: dict[str, Callable[[argparse.Namespace, Path], Iterator[Row]]] = {
    "sam2": compare_sam2,
    "cutie": compare_cutie,
}


def compare(wanted: str, arguments: argparse.Namespace, root: Path) -> Iterator[Row]:
    """Compare one system: a name, or NAME=CHECKOUT."""
    name, equals, folder = wanted.partition("=")
    if equals:
        clips = make_clips(arguments.frames)
        return checkouts.compare(name, Path(folder).resolve(), clips, root, adapter_maps, seed=arguments.seed)
    if name not in SYSTEMS:
        raise SystemExit(f"{name}: expected {' or '.join(SYSTEMS)}, or the checkout of another system as NAME=FOLDER")
    return SYSTEMS[name](arguments, root)


def main() -> int:
    """Compare, print a table, write the record; 1 where anything differs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("systems", nargs="*", default=list(SYSTEMS), help=f"{', '.join(SYSTEMS)}; XMem=DIR, AOT=DIR")
    parser.add_argument("--frames", type=int, default=6)
    parser.add_argument("--side", type=int, default=256, help="of the frames that SAM 2 works on; released: 1024")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for wanted in arguments.systems:
            for row in compare(wanted, arguments, Path(folder)):
                rows.append(row)
                logits = "" if row.logits is None else f", logits at most {row.logits:.1e} apart"
                verdict = "equal " if row.passed else "DIFFER"
                found = f"{row.differ} of {row.compared} differ, at most {row.worst} px{logits}"
                print(f"{verdict} {row.system}, {row.clip}: {found}", flush=True)
    if arguments.out:
        environment = collect_environment("", PACKAGES)
        record = {
            "command": f"python benchmarks/peers.py {' '.join(arguments.systems)} --frames {arguments.frames}"
            f" --side {arguments.side} --seed {arguments.seed} --threads {arguments.threads}",
            "environment": environment.to_data(),
            "rows": [{**row._asdict(), "passed": row.passed} for row in rows],
        }
        arguments.out.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return 0 if rows and all(row.passed for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
