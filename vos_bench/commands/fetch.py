"""`vos-bench fetch`: downloads."""

from pathlib import Path

from vos_bench import registry
from vos_bench.commands.output import say
from vos_bench.config import cache_folder
from vos_bench.errors import BadInputError


def fetch(dataset: str, *, root: Path | None = None, split: str | None = None) -> None:
    """Download a dataset, where its licence allows.

    Args:
        dataset: The dataset's name.
        root: Where to put it; without it, the package's cache.
        split: The split that is needed, where a dataset comes in several parts; without it, the default one.
    """
    info = registry.dataset(dataset)
    if not info.download:
        reason = (
            "the package makes it itself"
            if not info.needs_root
            else f"its licence is: {info.licence or 'your own data'}"
        )
        raise BadInputError(f"{dataset}: there is nothing to download ({reason})")
    if split is not None and split not in info.splits:
        raise BadInputError(f"{dataset}: there is no split {split!r}; known: {', '.join(info.splits)}")
    say(f"{dataset} comes under this licence: {info.licence}")
    where = registry.resolve(info.download)(root or cache_folder() / dataset, split=split or info.splits[0])
    say(f"{dataset} lies in {where}; use it with --root {where}" if where.is_dir() else f"{where}: fetched and checked")
