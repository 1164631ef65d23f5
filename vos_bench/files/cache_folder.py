"""Where made and downloaded files are kept for later."""

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """Return the folder for made or downloaded files; `VOS_BENCH_CACHE` names another."""
    return Path(os.environ.get("VOS_BENCH_CACHE") or platformdirs.user_cache_path("vos-bench"))
