"""Downloads of DAVIS from its authors' server; CC BY-NC 4.0, so for non-commercial use, with attribution."""

from pathlib import Path

from vos_bench.download import fetch_and_unpack

SERVER = "https://data.vision.ee.ethz.ch/csergi/share/davis"
"""The server that davischallenge.org links to. Its files come without published hashes."""


def address(split: str) -> str:
    """Return where the zip with a split lies, for example `val`, `test-dev` or `val@full`."""
    subset, _, resolution = split.partition("@")
    part = subset if subset.startswith("test") else "trainval"
    return f"{SERVER}/DAVIS-2017-{part}-{'Full-Resolution' if resolution else '480p'}.zip"


def fetch_davis17(root: Path, *, split: str = "val") -> Path:
    """Download the part of DAVIS 2017 that holds a split and unpack it to `root`, which is returned.

    Other parts there stay. `val`, `train` and `trainval` come together; `test-dev` and `test-challenge` are downloads
    of their own, and so is each with `@full`. Raises BadInputError where the download fails or is not what it was
    before.
    """
    fetch_and_unpack(address(split), root, strip="DAVIS")
    return root


def fetch_davis16(root: Path, *, split: str = "val") -> Path:
    """Download DAVIS 2016 as part of the 2017 package, which lists it in `ImageSets/2016`. See `fetch_davis17`."""
    return fetch_davis17(root, split=split)
