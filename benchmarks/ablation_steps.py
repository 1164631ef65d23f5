r"""What each step of an ablation's axis changes, sequence by sequence, and how its trainings went.

    mkdir -p runs; tar -xf benchmarks/ablation-lite.tar.xz -C runs
    python benchmarks/ablation_steps.py runs/ablation-lite/table1 \
        baseline end-to-end label-generator weight-predictor

Values are compared in pairs, each with the one before it, over the seeds that lie beside them. The interval is a
bootstrap over sequences (2.5 to 97.5 percent of 2,000 draws) of the difference of the mean over the seeds.
"""

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from vos_bench.records import load_run

DRAWS = 2000
STEPS = 50


def scores(axis: Path, value: str) -> pd.DataFrame:
    """Return J in percent, a row a sequence and a column a seed."""
    runs = {folder.name: load_run(folder / "run") for folder in sorted((axis / value).glob("seed*"))}
    return pd.DataFrame(
        {
            seed: {
                name: 100 * np.mean([found.J for found in record.scores])
                for name, record in run.sequence_records.items()
            }
            for seed, run in runs.items()
        }
    )


def interval(difference: pd.Series) -> tuple[float, float]:
    """Return the bounds of the mean over sequences."""
    draws = np.random.default_rng(0).choice(difference.to_numpy(), (DRAWS, len(difference))).mean(axis=1)
    low, high = np.percentile(draws, [2.5, 97.5])
    return float(low), float(high)


def step(before: pd.DataFrame, after: pd.DataFrame) -> str:
    """Return one row: the change of J by seed, its interval, and where it comes from."""
    change = after - before
    mean = change.mean(axis=1).sort_values()
    low, high = interval(mean)
    most = mean.index[mean.abs().argmax()]
    ends = ", ".join(f"{name} {mean[name]:+z.1f}" for name in (*mean.index[:2], *mean.index[-2:]))
    return (
        f"{mean.mean():+z.1f} ({low:+z.1f} to {high:+z.1f}) | {', '.join(f'{each:+z.1f}' for each in change.mean())} | "
        f"{(mean > 0).sum()} of {len(mean)} | {mean.drop(most).mean():+z.1f} without {most} | {ends}"
    )


def curve(axis: Path, value: str) -> str:
    """Return the training loss of the first and of the last steps, by seed."""
    curves = [
        pd.read_json(path, lines=True)["loss"] for path in sorted((axis / value).glob("seed*/training/curves.jsonl"))
    ]
    return "; ".join(f"{each[:STEPS].mean():.3f} to {each[-STEPS:].mean():.3f}" for each in curves)


def main() -> None:
    """Print both tables as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("axis", type=Path)
    parser.add_argument("values", nargs="+")
    arguments = parser.parse_args()
    found = {value: scores(arguments.axis, value) for value in arguments.values}
    print("| step | J, mean and interval | by seed | better on | robustly | most |")
    print("| --- | ---: | --- | --- | --- | --- |")
    for before, after in pairwise(arguments.values):
        print(f"| {before} → {after} | {step(found[before], found[after])} |")
    print(f"\n| value | training loss by seed, mean of the first {STEPS} steps to that of the last |\n| --- | --- |")
    for value in arguments.values:
        print(f"| {value} | {curve(arguments.axis, value)} |")


if __name__ == "__main__":
    main()
