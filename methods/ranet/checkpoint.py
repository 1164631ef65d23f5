"""The authors' files of RANet; only their names say for which mode they are."""

import re
from pathlib import Path
from typing import Literal

from vos_bench.parts.checkpoints import read_metadata
from vos_bench.parts.official import OfficialFile

from .network import RanetNetwork

Mode = Literal["single", "multi"]

OFFICIAL = OfficialFile("ranet", lambda _: RanetNetwork(), inside=())

load_network, convert = OFFICIAL.load, OFFICIAL.convert


def mode_of(path: Path) -> Mode | None:
    """Return what a file is for by the authors' name of it, or of the file that it was converted from.

    None where the name does not say. Raises BadInputError where the file cannot be read.
    """
    name = read_metadata(path).get("source", path.name)
    found = re.search(r"ranet_(?:video|image)_(single|multi)", name.casefold())
    if found is None:
        return None
    return "single" if found[1] == "single" else "multi"
