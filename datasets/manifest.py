"""What the official splits hold: the number of their sequences and, where it is known, of the frames of each."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from vos_bench.api import Problem
from vos_bench.names import counted, shorten

_FOLDER = Path(__file__).parent / "manifests"


@dataclass(frozen=True)
class Manifest:
    """An official split: how many sequences, and frames by sequence, empty where names are not recorded here."""

    sequences: int
    frames: dict[str, int]


def read_manifests(dataset: str) -> Mapping[str, Manifest]:
    """Return a dataset's manifests by split."""
    data = json.loads((_FOLDER / f"{dataset}.json").read_text(encoding="utf-8"))
    return {split: Manifest(**found) for split, found in data.items()}


def list_problem(path: Path, names: tuple[str, ...], manifest: Manifest) -> Problem | None:
    """Return a problem when a split's list is not the official one: its scores would compare with no paper's."""
    if manifest.frames:
        missing = [name for name in manifest.frames if name not in names]
        extra = [name for name in names if name not in manifest.frames]
        differences = [
            f"{what} {shorten(several)}" for what, several in (("without", missing), ("with", extra)) if several
        ]
    else:
        differences = [] if len(names) == manifest.sequences else ["another number"]
    if not differences:
        return None
    found = f"{counted(len(names), 'sequence')}, {' and '.join(differences)}"
    remedy = "get the official list; scores on another one cannot be compared with published ones"
    return Problem(path, found, f"the official split of {manifest.sequences}", remedy)


def count_problem(folder: Path, found: int, manifest: Manifest) -> Problem | None:
    """Return a problem when a sequence has not its official number of frames."""
    wanted = manifest.frames.get(folder.name, found)
    if found == wanted:
        return None
    return Problem(
        folder, counted(found, "frame"), f"{wanted} as the official release has", "copy or unpack the data again"
    )
