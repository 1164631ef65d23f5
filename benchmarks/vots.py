"""Whether VOTS's measures of vos-bench are those of vot-toolkit on the same masks, to the last bit.

    python benchmarks/vots.py [--out FILE]                  # clips made up from a seed
    python benchmarks/vots.py TRUTH MASKS [--out FILE]      # folders SEQUENCE/FRAME.png

`tox -e peers` installs vot-toolkit 0.9.0 and runs the first form. The clips have objects that leave, come back, start
late and shrink to a pixel, and label maps that miss them, drift, swap them and see them where they are not. Masks go to
the toolkit as text, as its result files have them; a frame without the object has an empty mask as its truth.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vos_bench.analysis.runs import failures_of
from vos_bench.environment import collect_environment
from vos_bench.labelmaps import read_narrow, write_label_map
from vos_bench.metrics.failures import VOTS_MEASURES, vots_means
from vos_bench.scoring.overlaps import SequenceCounter
from vos_bench.scoring.truth import truth_folder

HEIGHT, WIDTH, FRAMES = 48, 80, 40
SEEDS = range(8)
PACKAGES = ("vot-toolkit", "numpy", "numba")

Labels = NDArray[np.uint8]


def make_clip(seed: int) -> tuple[list[Labels], list[Labels]]:
    """Return the true label maps and those to judge, frame by frame."""
    rng = np.random.default_rng(seed)
    objects = int(rng.integers(1, 4))
    truth = [np.zeros((HEIGHT, WIDTH), np.uint8) for _ in range(FRAMES)]
    masks = [labels.copy() for labels in truth]
    for k in range(1, objects + 1):
        start = 0 if k == 1 else int(rng.integers(0, 6))
        gone = {int(i) for i in rng.integers(start + 1, FRAMES, 14)}
        y, x = (int(rng.integers(0, size - 14)) for size in (HEIGHT, WIDTH))
        for i in range(start, FRAMES):
            y, x = (int(np.clip(v + rng.integers(-2, 3), 0, s - 1)) for v, s in ((y, HEIGHT), (x, WIDTH)))
            height, width = (int(rng.choice([1, 2, 9, 14], p=[0.1, 0.1, 0.4, 0.4])) for _ in range(2))
            if i == start or i not in gone:
                truth[i][y : y + height, x : x + width] = k
            _judge(rng, masks[i], (y, x, height, width), k, gone=i in gone)
    return truth, masks


def _judge(rng: np.random.Generator, masks: Labels, box: tuple[int, int, int, int], k: int, *, gone: bool) -> None:
    """Draw what a method says of an object: right, shifted, elsewhere, a line, or nothing."""
    y, x, height, width = box
    kind = int(rng.integers(0, 8))
    if kind == 0 or (gone and kind < 6):
        return
    if kind == 1:
        y, x = (int(rng.integers(0, size)) for size in (HEIGHT, WIDTH))
    elif kind == 2:
        height, width = (1, width) if rng.integers(2) else (height, 1)
    elif kind == 3:
        y, x = 0, 0
    shift = rng.integers(-3, 4, 2)
    y, x = max(0, y + int(shift[0])), max(0, x + int(shift[1]))
    masks[y : y + height, x : x + width] = 1 + (k % 3) if kind == 4 else k


def write_clips(folder: Path) -> None:
    """Write the clips as folders of label maps, `truth/CLIP/FRAME.png` and `masks/CLIP/FRAME.png`."""
    for seed in SEEDS:
        for kind, clip in zip(("truth", "masks"), make_clip(seed), strict=True):
            for i, labels in enumerate(clip):
                write_label_map(folder / kind / f"clip{seed}" / f"{i:05d}.png", labels.astype(np.uint16), durable=False)


def our_scores(truth: Path, masks: Path) -> dict[str, float]:
    """Return the measures of vos-bench."""
    counted = (SequenceCounter(sequence, masks / sequence.name, total=0).record() for sequence in truth_folder(truth))
    return vots_means([found for each in counted if (found := failures_of(each).vots)])


def their_scores(truth: Path, masks: Path) -> dict[str, float | None]:
    """Return the measures of vot-toolkit, by the analyses of its VOTS stacks."""
    from vot.analysis.accuracy import AverageAccuracy, SequenceAccuracy
    from vot.analysis.longterm import AccuracyRobustness, AverageQualityAuxiliary, CountFrames, QualityAuxiliary
    from vot.utilities.data import Grid

    experiment, tracker = _experiment(), None
    sequences = [_clip(truth / each.name, masks / each.name) for each in truth_folder(truth)]
    sequences = [each for each in sequences if each.objects()]

    def compute(analysis: Any) -> Grid:
        grid = Grid(1, len(sequences))
        for i, sequence in enumerate(sequences):
            grid[0, i] = analysis.subcompute(experiment, tracker, sequence, [])
        return grid

    def column(grid: Grid) -> Grid:
        turned = Grid(len(sequences), 1)
        for i in range(len(sequences)):
            turned[i, 0] = grid[0, i]
        return turned

    quality = SequenceAccuracy(burnin=0, ignore_unknown=False)
    [q] = AverageAccuracy(analysis=quality, weighted=False).aggregate(tracker, sequences, column(compute(quality)))
    both = AccuracyRobustness()
    accuracy = both.dependencies()[1]
    grid = both.compute(experiment, [tracker], sequences, [compute(CountFrames()), compute(accuracy)])
    nre, dre, adq = AverageQualityAuxiliary().aggregate(tracker, sequences, compute(QualityAuxiliary()))
    return {"Q": q, "Acc": grid[0, 0][0], "Rob": grid[0, 0][1], "NRE": nre, "DRE": dre, "ADQ": adq}


def _experiment() -> Any:
    """Return an experiment of the toolkit that takes its trajectories from a sequence of ours."""
    from vot.experiment.multirun import UnsupervisedExperiment

    class Given(UnsupervisedExperiment):
        def gather(self, tracker: Any, sequence: Any, objects: Any = None, pad: bool = False) -> list[Any]:
            del tracker, pad
            return [sequence.trajectories[k] for k in objects]

    return Given("baseline", None, multiobject=True)


def _clip(truth: Path, masks: Path) -> Any:
    """Return a sequence as the toolkit's analyses ask for one, with the trajectory of each object."""
    from vot.region import Mask, Special
    from vot.region.io import parse_region
    from vot.tracker import Trajectory

    def region(mask: NDArray[np.bool_]) -> Any:
        return parse_region(str(Mask(mask.astype(np.uint8), optimize=True)))

    class Clip:
        def __init__(self, true: Sequence[Any], found: Sequence[Any]) -> None:
            self.name = truth.name
            self.size = true[0].shape[1], true[0].shape[0]
            ids = sorted({int(k) for labels in true for k in np.unique(labels)} - {0, 255})
            self.regions: Mapping[str, list[Any]] = {str(k): [region(labels == k) for labels in true] for k in ids}
            self.trajectories: dict[str, Any] = {}
            for k in ids:
                start = next(i for i, labels in enumerate(true) if (labels == k).any())
                trajectory = Trajectory(len(true))
                trajectory.set(start, Special(Trajectory.INITIALIZATION))
                for i in range(start + 1, len(true)):
                    trajectory.set(i, region(found[i] == k))
                self.trajectories[str(k)] = trajectory

        def __len__(self) -> int:
            return len(next(iter(self.regions.values())))

        def objects(self) -> list[str]:
            return [*self.regions]

        def object(self, name: str) -> list[Any] | None:
            return self.regions.get(name)

    names = [path.stem for path in sorted(truth.glob("*.png"))]
    return Clip(*([read_narrow(folder / f"{name}.png") for name in names] for folder in (truth, masks)))


def main() -> int:
    """Compare, print a table, write the record; 1 where anything differs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folders", nargs="*", type=Path, metavar="TRUTH MASKS")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if len(arguments.folders) not in (0, 2):
        parser.error(f"found {len(arguments.folders)} folders, expected TRUTH and MASKS, or none")
    with tempfile.TemporaryDirectory() as folder:
        if not arguments.folders:
            write_clips(Path(folder))
        truth, masks = arguments.folders or (Path(folder) / "truth", Path(folder) / "masks")
        ours, theirs = our_scores(truth, masks), their_scores(truth, masks)
    rows = [{"measure": m.name, "ours": ours.get(m.name), "theirs": theirs[m.name]} for m in VOTS_MEASURES]
    for row in rows:
        print("equal " if row["ours"] == row["theirs"] else "DIFFER", row["measure"], row["ours"], row["theirs"])
    if arguments.out:
        environment = collect_environment("", PACKAGES)
        record = {
            "command": f"python benchmarks/vots.py {' '.join(each.name for each in arguments.folders)}".rstrip(),
            "environment": environment.to_data(),
            "rows": rows,
        }
        arguments.out.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return 0 if all(row["ours"] == row["theirs"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
