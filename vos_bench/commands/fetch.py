"""`vos-bench fetch`: downloads."""

from pathlib import Path

from vos_bench import registry
from vos_bench.commands.output import say
from vos_bench.errors import BadInputError
from vos_bench.files.places import cache_folder
from vos_bench.plugins import DatasetInfo, MethodInfo


def fetch(name: str, *, root: Path | None = None, split: str | None = None) -> None:
    """Download a dataset, where its licence allows; for a method, say where it and its weights are.

    Args:
        name: The dataset's or the method's name.
        root: Where to put it. By default, the package's cache.
        split: The split that is needed, where a dataset comes in several parts. By default, the first.
    """
    if name in registry.names("methods"):
        for option, value in (("--root", root), ("--split", split)):
            if value is not None:
                raise BadInputError(
                    f"{option} {value}: {name} is a method, of which nothing is downloaded; leave it out"
                )
        _say_weights(registry.method(name))
    else:
        _download(registry.dataset(name), root, split)


def _say_weights(info: MethodInfo) -> None:
    if info.install:
        say(f"{info.name}: {info.install}")
    if not info.weights:
        say(f"{info.name} needs no weights")
    for weights in info.weights:
        say(f"{weights.name}: {weights.location or 'not published'} ({weights.licence}). {weights.note}")


def _download(info: DatasetInfo, root: Path | None, split: str | None) -> None:
    if not info.download:
        why = f"its licence is: {info.licence or 'your own data'}" if info.needs_root else "the package makes it itself"
        raise BadInputError(f"{info.name}: there is nothing to download ({why})")
    if split is not None and split not in info.splits:
        raise BadInputError(f"{info.name}: there is no split {split!r}; known: {', '.join(info.splits)}")
    say(f"{info.name} comes under this licence: {info.licence}")
    where = registry.resolve(info.download)(root or cache_folder() / info.name, split=split or info.splits[0])
    use = f"{info.name} lies in {where}; use it with --root {where}"
    say(use if where.is_dir() else f"{where}: fetched and checked")
