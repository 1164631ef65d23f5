"""The list of the hold-out: 300 sequences of train that LWL's ablation and choice of checkpoints use."""

from pathlib import Path

from vos_bench.api import Problem
from vos_bench.files import sha256
from vos_bench.files.places import cache_folder

from .name_list import read_name_list
from .problems import BadDataError

ADDRESS = "https://raw.githubusercontent.com/visionml/pytracking/master/ltr/data_specs/youtubevos_jjvalid.txt"
"""Where the authors keep it, in their code's repository (GPL-3.0)."""

SHA256 = "4074e5905ad0d714a9a27e9a2448bc236a37bcc9004994fc4f62cfc2f3ff8898"

FILE_NAME = ADDRESS.rpartition("/")[2]

DATASET = "ytvos19-holdout"


def fetch_list(root: Path, *, split: str = "train") -> Path:  # noqa: ARG001 (there is but one list)
    """Download the list and return the file.

    Args:
        root: Where to put it: the dataset's root, or the cache.
        split: `train`.

    Raises:
        BadInputError: The download fails or is not the published list.
    """
    from vos_bench.download import fetch  # here because it takes 0.3 s, which listing the datasets should not

    return fetch(ADDRESS, root, sha256=SHA256)


def find_list(root: Path) -> Path:
    """Return the list: in the dataset's root, where a user may put any other, else as it was fetched.

    Raises:
        BadInputError: There is none; the message says how to get it.
    """
    places = (root / FILE_NAME, cache_folder() / DATASET / FILE_NAME)
    if path := next((path for path in places if path.is_file()), None):
        return path
    remedy = (
        f"vos-bench fetch {DATASET} gets it; a list of your own, one name a line, may lie there instead, or go with "
        "--dataset ytvos19 --split train --sequences @FILE"
    )
    raise BadDataError(Problem(places[0], "no such file", "the names of the hold-out's 300 sequences", remedy))


def list_problem(path: Path) -> Problem | None:
    """Return a problem when the list is not the published one: scores on another compare with no paper's."""
    found = sha256(path)
    if found == SHA256:
        return None
    remedy = f"fine for numbers of your own; else remove it and call vos-bench fetch {DATASET}"
    return Problem(path, f"another list ({len(read_name_list(path))} names)", "the published one of 300 names", remedy)
