"""Where a run's files lie, and how one is read and written."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec.structs import asdict

from vos_bench.errors import BadInputError
from vos_bench.files import part_of, read_bytes, write_text
from vos_bench.names import MOST_NAME_BYTES, is_file_name, shorten
from vos_bench.recorded import Recorded
from vos_bench.records.csv import TABLES
from vos_bench.records.run_record import SCHEMA_VERSION, RunRecord
from vos_bench.records.sequence_record import SequenceRecord

MOST_BYTES = 1 << 29
"""The largest record that is read: 20,000 frames with 200 objects take half of it."""


def run_file(folder: Path) -> Path:
    """Return where a run's record lies."""
    return folder / "run.json"


def sequence_file(folder: Path, name: str) -> Path:
    """Return where a sequence's record lies.

    Raises:
        BadInputError: The name would leave the run's folder, or no file can have it.
    """
    if not is_file_name(name):
        raise BadInputError(
            f"sequence {name!r:.100}: cannot be a file name; expected one name without slashes and control characters, "
            f"of at most {MOST_NAME_BYTES} bytes"
        )
    return folder / "sequences" / f"{name}.json"


def masks_folder(folder: Path, sequence: str) -> Path:
    """Return where a sequence's label maps lie."""
    return folder / "masks" / sequence


def probabilities_folder(folder: Path, sequence: str) -> Path:
    """Return where a sequence's probabilities lie, if they were saved."""
    return folder / "probabilities" / sequence


SHARED_FILES = ("run.json", *TABLES)
"""The files of a run's folder that are rebuilt from its sequence files."""


def remove_partial_files(folder: Path) -> None:
    """Remove half-written files that a killed run left; only for a run that is alone in its folder.

    Those of other programs stay: a part is ours if it has the name of a file that we write and the digits of a part.
    Those among a sequence's label maps go when that sequence is run again.
    """
    for path in folder.glob("*.part"):
        if part_of(path) in SHARED_FILES:
            path.unlink(missing_ok=True)
    for path in (*(folder / "sequences").glob("*.json.*.part"), *(folder / "overlaps").glob("*.json.*.part")):
        if (part_of(path) or "").endswith(".json"):
            path.unlink(missing_ok=True)


def write_record(record: Recorded, path: Path, *, durable: bool = True) -> None:
    """Write a record as JSON, whole or not at all; `durable` as `replacing` has it.

    Raises:
        BadInputError: It cannot be written, or a method or dataset gave something that could not be read again.
    """
    try:
        text = record.to_json(indent=True)
        type(record).from_json(text)
    except UnicodeError as error:
        raise BadInputError(
            f"{path}: cannot be written: {error}; expected names and texts that are Unicode: rename the file or folder"
        ) from None
    except (TypeError, ValueError) as error:
        raise BadInputError(
            f"{path}: cannot be written: {error}; a method or dataset gave it, expected texts and finite numbers"
        ) from None
    write_text(path, text + "\n", durable=durable)


Record = TypeVar("Record", bound=Recorded)


def read_record(kind: type[Record], path: Path) -> Record:
    """Read one JSON file of a run.

    Raises:
        BadInputError: It is absent, damaged, or of a form that this version does not know.
    """
    try:
        data = read_bytes(path, most=MOST_BYTES)
    except OSError as error:
        raise BadInputError(
            f"{path}: cannot be read: {error.strerror}; expected a folder that `vos-bench run` or `score` wrote"
        ) from None
    try:
        record = kind.from_json(data)
    except ValueError as error:
        raise BadInputError(f"{path}: {_damage(data, error)}") from None
    if isinstance(record, SequenceRecord) and (wrong := _contradiction(record, path)):
        raise BadInputError(f"{path}: is damaged: {wrong}; restore it, or delete it and run the same command again")
    return record


class EarlierRecord(NamedTuple):
    """What is known of a run's record that is to be replaced.

    Attributes:
        kind: Its kind.
        method: The method's name.
        has_external: Whether it has scores of a server, which were typed in by hand.
        record: All of it; None where the rest is damaged.
        damage: What is wrong with it, empty where nothing is.
    """

    kind: str
    method: str
    has_external: bool
    record: RunRecord | None
    damage: str = ""


def read_earlier_record(path: Path) -> EarlierRecord:
    """Read a record that is to be replaced; it may be damaged, as long as it says of what kind and method it is.

    Raises:
        BadInputError: It does not say that, or is of a newer form; the message is that of `read_record`.
    """
    try:
        record = read_record(RunRecord, path)
    except BadInputError as error:
        try:
            found = msgspec.json.decode(read_bytes(path, most=MOST_BYTES))
            kind, method = str(found["kind"]), str(found["method"]["name"])
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            raise error from None
        if _is_newer(found.get("schema_version")):
            raise
        return EarlierRecord(kind, method, bool(found.get("external")), None, str(error).partition("; restore")[0])
    return EarlierRecord(record.kind, record.method.name, bool(record.external), record)


def _contradiction(record: SequenceRecord, path: Path) -> str:
    """Return what a sequence's record says that cannot be; empty where all is well."""
    if record.name != path.stem:
        return f"found the record of the sequence {record.name!r:.200}, expected that of {path.stem!r:.200}"
    if len({each.object for each in record.scores}) < len(record.scores):
        objects = shorten((str(each.object) for each in record.scores), 20)
        return f"found an object twice among {objects}, expected each once"
    frames = set(record.timings.frame).union(*(each.per_frame.frame for each in record.scores))
    if wrong := sorted(name for name in frames if not is_file_name(name)):
        return f"found the frame {wrong[0]!r:.100}, which is no name of a file"
    return _uneven_columns(record)


OPTIONAL_COLUMNS = ("repeat", "F", "F_dot")
"""Of a plain run there is one repeat, and not every protocol has every measure."""


def _uneven_columns(record: SequenceRecord) -> str:
    """Return what is wrong with the columns of a record: one length in a table, but for those left out."""
    for table in (record.timings, *(each.per_frame for each in record.scores)):
        lengths = {name: len(values) for name, values in asdict(table).items() if isinstance(values, tuple)}
        lengths = {name: length for name, length in lengths.items() if length or name not in OPTIONAL_COLUMNS}
        if len({*lengths.values()}) > 1:
            return f"found columns of different lengths ({', '.join(f'{name} {n}' for name, n in lengths.items())})"
    return ""


def _damage(data: bytes, error: ValueError) -> str:
    version = _schema_version(data)
    if _is_newer(version):
        return f"has the form {version}, and this vos-bench reads up to {SCHEMA_VERSION}; install a newer vos-bench"
    return f"is damaged or no record: {error}; restore it, or delete it and run the same command again"


def _is_newer(version: object) -> bool:
    return isinstance(version, int) and version > SCHEMA_VERSION


def _schema_version(data: bytes) -> Any:
    import json  # here, since only a damaged record needs it

    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return content.get("schema_version") if isinstance(content, dict) else None


def read_sequence_records(folder: Path, known: Iterable[SequenceRecord] = ()) -> dict[str, SequenceRecord]:
    """Return the sequence records of a run, sorted by name; the files of those that are `known` are not read.

    Raises:
        BadInputError: A file is damaged.
    """
    at_hand = {record.name: record for record in known}
    on_disk = {path.stem: path for path in (folder / "sequences").glob("*.json")}
    names = sorted({*on_disk, *at_hand}, key=lambda name: f"{name}.json")
    return {name: at_hand.get(name) or read_record(SequenceRecord, on_disk[name]) for name in names}
