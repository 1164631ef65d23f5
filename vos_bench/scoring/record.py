"""Anybody's label maps: scored into a record like that of a run."""

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vos_bench.api import ProtocolName
from vos_bench.clusters import LOCAL, Cluster
from vos_bench.environment import collect_environment, without_home
from vos_bench.errors import BadInputError
from vos_bench.files import sha256
from vos_bench.labelmaps import MAX_BYTES
from vos_bench.locks import FolderLock
from vos_bench.metrics.protocol import TruthSequence
from vos_bench.names import printable
from vos_bench.progress import Progress
from vos_bench.records import (
    DatasetEntry,
    MethodEntry,
    RunRecord,
    SequenceRecord,
    default_out,
    read_record,
    remove_partial_files,
    run_file,
    sequence_file,
    write_record,
)
from vos_bench.records.scores import object_records, protocol_entry, protocol_label
from vos_bench.records.summary import utc_now, write_summary
from vos_bench.scoring import SequenceResult, score_sequences


@dataclass(frozen=True)
class Truth:
    """What label maps are scored against.

    Attributes:
        name: The dataset's name.
        split: Its split, empty for a folder of label maps.
        fingerprint: As the dataset gives it; see `folder_fingerprint` for a folder.
        sequences: The sequences that are scored.
        protocol: The rules.
    """

    name: str
    split: str
    fingerprint: str
    sequences: tuple[TruthSequence, ...]
    protocol: ProtocolName


@dataclass(frozen=True)
class Origin:
    """Whose label maps they are, for a record of results that nobody made here.

    Attributes:
        method: The system's name.
        source: Where its authors published them.
        licence: Licence of the system's code, empty where nobody said.
        notes: What a reader of its row should know.
    """

    method: str
    source: str
    licence: str = ""
    notes: tuple[str, ...] = ()


def score_label_maps(
    masks: Path,
    truth: Truth,
    *,
    origin: Origin | None = None,
    out: Path | None = None,
    jobs: int | None = None,
    engine: Cluster = LOCAL,
    command: str = "",
    progress: Progress | None = None,
) -> Path:
    """Score label maps and write the record; what an earlier scoring left in `out` is replaced, never reused.

    Args:
        masks: The label maps, `MASKS/SEQUENCE/FRAME.png`.
        truth: What they are scored against.
        origin: Makes the record one of the kind `results-only`, with the system's name and source.
        out: The record's folder; without it, `runs/DATASET/NAME/CONFIG8`, named after the system, or the masks' folder.
        jobs: How many sequences are scored at once; None for one, and for all places of a cluster.
        engine: Who scores them.
        command: The command line as passed, for the record.
        progress: Hears how many sequences are scored.

    Returns:
        The record's folder; the record's `counts.failed` says how many sequences could not be scored.

    Raises:
        BadInputError: Folders, frames or sizes do not match the truth, found before anything is scored; or `out` holds
            another kind of record, or cannot be written.
    """
    record = _record(masks, truth, command, origin)
    out = out or default_out(record)
    _require_no_other_record(out, record)
    results = score_sequences(
        truth.sequences, masks, protocol=truth.protocol, jobs=jobs, engine=engine, progress=progress
    )
    with FolderLock(out, shard=None).held():
        _require_no_other_record(out, record)  # again: scoring takes its time
        shutil.rmtree(out / "sequences", ignore_errors=True)
        remove_partial_files(out)
        write_record(record, run_file(out))
        for result in results:
            write_record(_sequence_record(result, truth.protocol), sequence_file(out, result.name))
        write_summary(out, record)
    return out


def folder_fingerprint(sequences: Sequence[TruthSequence], truth: Path) -> str:
    """Return a sha256 over the names and the content of all truth files of `sequences` under `truth`.

    Raises:
        BadInputError: One of them cannot be read.
    """
    digest = hashlib.sha256()
    for sequence in sequences:
        for frame in sequence.truth_names:
            path = truth / sequence.name / f"{frame}.png"
            digest.update(f"{sequence.name}/{frame}\0".encode())
            digest.update(bytes.fromhex(sha256(path, most=MAX_BYTES)))
    return digest.hexdigest()


def _record(masks: Path, truth: Truth, command: str, origin: Origin | None) -> RunRecord:
    return RunRecord(
        kind="results-only" if origin else "score",
        created=utc_now(),
        command=without_home(command),
        method=_method(origin) if origin else MethodEntry(name=_name(masks)),
        notes=(f"results only: label maps from {origin.source}, scored here, never timed", *origin.notes)
        if origin
        else (),
        dataset=DatasetEntry(
            name=truth.name,
            split=truth.split,
            fingerprint=truth.fingerprint,
            sequences=tuple(sequence.name for sequence in truth.sequences),
        ),
        protocol=protocol_entry(truth.protocol),
        environment=collect_environment(),
    )


def _method(origin: Origin) -> MethodEntry:
    """Return the method's entry; the source is part of its identity, so that two sources are two records."""
    return MethodEntry(
        name=origin.method, config={"source": origin.source}, licence=origin.licence, reference=origin.source
    )


def _name(masks: Path) -> str:
    """Return what foreign label maps are called: after their folder, or the one above where it is just `masks`."""
    folder = masks.resolve()
    return printable((folder.parent if folder.name == "masks" else folder).name) or "masks"


def _require_no_other_record(out: Path, record: RunRecord) -> None:
    """Check that nothing would be replaced but an earlier scoring of the same kind, of the same system."""
    expected = "expected a new folder or an earlier scoring; give another --out"
    if run_file(out).exists():
        found = read_record(RunRecord, run_file(out))
        if found.kind != record.kind:
            raise BadInputError(f"{out}: holds a record of the kind {found.kind}; {expected}")
        if record.kind == "results-only" and found.method.name != record.method.name:
            raise BadInputError(f"{out}: holds results of {found.method.name}, not of {record.method.name}; {expected}")
        return
    for path in sorted((out / "sequences").glob("*")):
        if path.suffix != ".json" or read_record(SequenceRecord, path).identity:
            raise BadInputError(f"{path}: found it without a run.json of a scoring; {expected}")


def _sequence_record(result: SequenceResult, protocol: ProtocolName) -> SequenceRecord:
    return SequenceRecord(
        name=result.name,
        status="failed" if result.error else "done",
        error=result.error,
        frames=result.frames,
        objects=len(result.objects),
        seconds=result.seconds,
        protocol="" if result.error else protocol_label(protocol),
        scores=object_records(result.objects),
    )
