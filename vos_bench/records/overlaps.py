"""`overlaps/NAME.json`: how the objects of a sequence overlap a run's label maps, kept for the reports that ask."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from msgspec import Meta, field

from vos_bench.errors import BadInputError
from vos_bench.files import write_text
from vos_bench.labelmaps import file_bytes
from vos_bench.names import is_file_name
from vos_bench.recorded import Recorded
from vos_bench.records.files import masks_folder, read_record, sequence_file

COUNTING = "2"
"""Another one for each change of what the numbers mean: what was counted by other rules is counted again."""


Number = Annotated[int, Meta(ge=0, lt=1 << 32)]
"""Of pixels, or of a frame."""

Place = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
"""Of a frame in its video: its number, where the frames of the video are not known."""


class ObjectOverlapsRecord(Recorded, frozen=True, kw_only=True):
    """The numbers of one label, those of its object and those of its mask.

    Attributes:
        object: The label; the dataset's id of the object.
        name: What the dataset calls the object where that is not its id.
        start: The frame that a list names as its first; empty where there is no list.
        frames: Places of its frames among those of the sequence; empty for all of them.
        numbers: Columns by their names in `vos_bench.metrics.overlaps.ObjectOverlap`, one number a frame; those of
            zeros alone are left out.
    """

    object: int
    name: str = ""
    start: str = ""
    frames: tuple[Number, ...] = ()
    numbers: dict[str, tuple[Number, ...]]


class OverlapsRecord(Recorded, frozen=True, kw_only=True):
    """What was counted of one sequence.

    Attributes:
        counting: The rules, `COUNTING`.
        name: The sequence.
        data: The fingerprint of the data.
        masks: `masks_sha256` of the label maps.
        frames: The names of the frames that have a truth and a label map, in order.
        places: Where they stand among all frames of the video.
        length: How many frames the video has; those with a truth where its frames are not known.
        height: Of its label maps.
        width: Likewise.
        whole: Whether `frames` are all that have a truth.
        plain: Whether `frames` are all that have a label map, one after the other and of one size, and labels are
            those of the files.
        objects: By ascending label, all that the truth or a label map shows.
        likeness: Object to how much it looks like another, or why that is not known; see
            `vos_bench.metrics.attributes.colour_likeness`.
    """

    schema_version: Literal[1] = 1
    counting: str = COUNTING
    name: str
    data: str = ""
    masks: str = ""
    frames: tuple[str, ...]
    places: tuple[Place, ...]
    length: Number
    height: Annotated[int, Meta(gt=0, lt=1 << 32)]
    width: Annotated[int, Meta(gt=0, lt=1 << 32)]
    whole: bool
    plain: bool
    objects: tuple[ObjectOverlapsRecord, ...]
    likeness: dict[int, float | str] = field(default_factory=dict)

    @property
    def is_consistent(self) -> bool:
        """Whether all columns have the length that they should have, and frames names that files can have."""
        count = len(self.frames)
        return (
            len(self.places) == count > 0
            and all(map(is_file_name, self.frames))
            and all(
                {*map(len, each.numbers.values())} <= {len(each.frames) or count}
                and all(0 <= place < count for place in each.frames)
                for each in self.objects
            )
        )


def overlaps_file(folder: Path, name: str) -> Path:
    """Return where the overlaps of a sequence are kept in a run's folder. Raises BadInputError as `sequence_file`."""
    return folder / "overlaps" / sequence_file(folder, name).name


def masks_sha256(folder: Path) -> str:
    """Return a sha256 of the names and contents of a sequence's label maps, or of its objects' masks.

    Raises:
        BadInputError: One of them cannot be read.
    """
    names = [*_png_files(folder)]
    states = tuple(_state(f"{folder}/{name}") for name in names)
    known = _HASHES.get(folder)
    if known is None or known.names != names or known.states != states:
        known = _HASHES[folder] = _Hashed(names, states, MasksHash(folder, names).sha256())
    return known.sha256


class _Hashed(NamedTuple):
    """Files that this process hashed, so that several reports of one command read them once."""

    names: list[str]
    states: tuple[object, ...]
    sha256: str


_HASHES: dict[Path, _Hashed] = {}


def _state(path: Path | str) -> tuple[int, ...]:
    """Return what changes with a file's content. Raises BadInputError where it is gone."""
    try:
        found = os.stat(path)  # noqa: PTH116 - a path for each label map takes longer
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read: {error.strerror}; expected a label map as PNG") from None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


class MasksHash:
    """Hashes the label maps of a sequence as `masks_sha256` does, with those that somebody reads meanwhile."""

    def __init__(self, folder: Path, names: Sequence[str] | None = None) -> None:
        """List the files; `names` are those of `_png_files` where they are known."""
        self._folder, self._digest, self._done = folder, hashlib.sha256(), 0
        self._names = [*_png_files(folder)] if names is None else names
        self._places = {name: place for place, name in enumerate(self._names)}

    def read(self, path: str) -> bytes:
        """Read a label map, and hash it with those before it. Raises BadInputError where one cannot be read."""
        place = self._places.get(os.path.join(os.curdir, os.path.basename(path)), -1)  # noqa: PTH118, PTH119 - as `_names`
        self._read_up_to(place)
        content = file_bytes(path)
        if place == self._done:
            self._add(content)
        return content

    def sha256(self) -> str:
        """Hash what is left, and return the hash in hex digits. Raises BadInputError where a file cannot be read."""
        self._read_up_to(len(self._names))
        return self._digest.hexdigest()

    def _read_up_to(self, end: int) -> None:
        for name in self._names[self._done : max(self._done, end)]:
            self._add(file_bytes(f"{self._folder}/{name}"))

    def _add(self, content: bytes) -> None:
        self._digest.update(f"{self._names[self._done]}\0{len(content)}\0".encode())
        self._digest.update(content)
        self._done += 1


def _png_files(folder: Path) -> Iterator[str]:
    """Yield the PNG files of a folder and of those in it, as paths below it, sorted in each."""
    for place, folders, files in os.walk(folder):
        folders.sort()
        base = os.path.relpath(place, folder)
        yield from sorted(os.path.join(base, name) for name in files if name.endswith(".png"))  # noqa: PTH118


def keep_overlaps(folder: Path, record: OverlapsRecord) -> None:
    """Write the overlaps of a sequence into a run's folder; where that cannot be, they are counted again next time."""
    with suppress(BadInputError):
        write_text(overlaps_file(folder, record.name), record.to_json() + "\n", durable=False)


def kept_overlaps(folder: Path, name: str, *, data: str) -> OverlapsRecord | None:
    """Return the overlaps that are kept of a sequence; None where there are none, or they are not those of its files.

    Args:
        folder: The run's folder.
        name: The sequence.
        data: The fingerprint of the data that the run saw.
    """
    path, masks = overlaps_file(folder, name), masks_folder(folder, name)
    if not path.is_file():
        return None
    try:
        record = _read(path, _state(path))
        if record is None:
            return None
        known = (COUNTING, name, data) == (record.counting, record.name, record.data)
        # A record of a scoring has no label maps: it is removed with those scores.
        current = known and (not masks.is_dir() or masks_sha256(masks) == record.masks)
    except BadInputError:
        return None
    return record if current else None


@lru_cache(maxsize=512)
def _read(path: Path, state: tuple[int, ...]) -> OverlapsRecord | None:
    """Read a file, once for all reports of a command while it stays as it is; None where it contradicts itself.

    Raises:
        BadInputError: As `read_record`.
    """
    del state
    record = read_record(OverlapsRecord, path)
    return record if record.is_consistent else None


def remove_overlaps(folder: Path, names: Iterable[str]) -> None:
    """Remove the overlaps that are kept of sequences in a run's folder. Raises BadInputError where they cannot be."""
    for name in names:
        path = overlaps_file(folder, name)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise BadInputError(f"{path}: cannot be removed: {error.strerror}") from error
