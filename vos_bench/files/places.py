"""Paths that users name, and where made and downloaded files are kept for later."""

import os
from pathlib import Path

import platformdirs

from vos_bench.errors import BadInputError


def expanded(path: str | Path) -> Path:
    """Return a path with `~` as the user's home. Raises BadInputError where nobody has that home."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise BadInputError(f"{path}: {error}; expected a path") from None


def cache_folder() -> Path:
    """Return the folder for made or downloaded files; `VOS_BENCH_CACHE` names another."""
    return Path(os.environ.get("VOS_BENCH_CACHE") or platformdirs.user_cache_path("vos-bench"))
