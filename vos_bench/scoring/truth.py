"""A folder of truth label maps as sequences, for data that no dataset plugin knows."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vos_bench.errors import BadInputError
from vos_bench.labelmaps import NarrowLabels, read_narrow
from vos_bench.names import did_you_mean, is_file_name, shorten
from vos_bench.scoring.folders import folder_advice, label_map_names, list_folder


@dataclass(frozen=True)
class TruthFolder:
    """One folder of truth label maps; a `vos_bench.metrics.protocol.TruthSequence`.

    Attributes:
        folder: Holds `FRAME.png`.
        truth_names: The frames, in the order of their file names as strings.
        groups: Empty: a folder says nothing of groups. See `vos_bench.scoring.listed` for one that has a list.
        first_frames: Empty, likewise.
    """

    folder: Path
    truth_names: tuple[str, ...]
    groups: Mapping[int, str] = field(default_factory=dict)
    first_frames: Mapping[int, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    def read_truth(self, frame_name: str, /) -> NarrowLabels:
        """Read one label map. Raises BadInputError as `vos_bench.labelmaps.read_label_map` does."""
        return read_narrow(self.folder / f"{frame_name}.png")


def truth_folder(folder: Path, sequences: Iterable[str] | None = None) -> tuple[TruthFolder, ...]:
    """Open a folder in which every folder is a sequence of truth label maps.

    Frames are ordered by their file names as strings, as davis2017-evaluation does: `10.png` comes before `2.png`.

    Args:
        folder: Holds `SEQUENCE/FRAME.png`.
        sequences: Which of them, in this order; all, sorted, when None.

    Raises:
        BadInputError: A folder is missing, holds no label map, or lies one level too deep or too high.
    """
    inside = {path.name: path for path in list_folder(folder) if path.is_dir()}
    if not inside:
        raise BadInputError(f"{folder}: expected one folder of label maps for each sequence; {folder_advice(folder)}")
    names = tuple(inside) if sequences is None else tuple(sequences)
    if len(names) > len(set(names)):
        twice = next(name for name, count in Counter(names).items() if count > 1)
        raise BadInputError(f"{folder}: sequence {twice} is asked for twice, expected each once; mend the list")
    if unknown := [name for name in names if name not in inside]:
        raise BadInputError(_no_such_sequences(folder, unknown, names, tuple(inside)))
    _require_file_names(folder, names)
    opened = tuple(TruthFolder(inside[name], label_map_names(inside[name])) for name in names)
    for sequence in opened:
        _require_file_names(sequence.folder, sequence.truth_names)
    if empty := [sequence.name for sequence in opened if not sequence.truth_names]:
        raise BadInputError(f"{folder / empty[0]}: found no PNG file, expected label maps; {folder_advice(folder)}")
    return opened


def _require_file_names(folder: Path, names: Iterable[str]) -> None:
    if bad := [name for name in names if not is_file_name(name)]:
        expected = "one without control characters, valid in UTF-8"
        raise BadInputError(f"{folder}: found the name {bad[0]!r:.100}; expected {expected}; rename it")


def _no_such_sequences(folder: Path, unknown: list[str], wanted: tuple[str, ...], known: tuple[str, ...]) -> str:
    missing = f"{folder}: has no folder {shorten(unknown, most=5)}"
    if len(unknown) == len(wanted):
        return f"{missing}; {folder_advice(folder, wanted)}"
    return f"{missing}; {did_you_mean(unknown[0], known, otherwise='check the list of sequences')}"
