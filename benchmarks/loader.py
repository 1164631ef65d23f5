"""How many training samples a second the loader alone gives.

    python benchmarks/loader.py lwl davis --root davis17=DIR

Nothing is trained: the figure says whether reading keeps up with a GPU. Stage 1 of the paper takes 20 samples a step.
"""

import argparse
import time
from pathlib import Path

from torch.utils.data import DataLoader

from vos_bench import registry
from vos_bench.training.loop import NumberedSamples
from vos_bench.training.session import find_recipe


def main() -> None:
    """Time the loader with several numbers of workers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("method")
    parser.add_argument("recipe")
    parser.add_argument("--root", action="append", default=[], metavar="NAME=DIR")
    parser.add_argument("--set", action="append", default=[], metavar="K=V", dest="overrides")
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--samples", type=int, default=60)
    arguments = parser.parse_args()
    recipe = find_recipe(arguments.method, arguments.recipe).configured(arguments.overrides)
    roots = {name: Path(folder) for name, _, folder in (root.partition("=") for root in arguments.root)}
    datasets = [
        registry.open_dataset(share.dataset, root=roots.get(share.dataset), split=share.split)
        for share in recipe.settings.data
    ]
    samples = recipe.samples(datasets)
    for workers in arguments.workers:
        loader = iter(DataLoader(NumberedSamples(samples), sampler=range(arguments.samples + 1), num_workers=workers))
        next(loader)
        started = time.perf_counter()
        count = sum(1 for _ in loader)
        print(f"{workers} workers: {count / (time.perf_counter() - started):.1f} samples/s")


if __name__ == "__main__":
    main()
