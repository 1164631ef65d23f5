"""Scores label maps, whoever made them, into a record like that of a run."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from vos_bench.api import Dataset, ProtocolName
from vos_bench.clusters import LOCAL, Cluster, parse_cluster, path_on
from vos_bench.environment import collect_environment, without_home
from vos_bench.errors import BadInputError
from vos_bench.files import require_apart
from vos_bench.files.durability import sync_contents, sync_folder
from vos_bench.files.locks import FolderLock
from vos_bench.metrics.protocols import NO_TRACKS, scoring_protocol
from vos_bench.names import TITLE_RULE, counted, is_title, printable, shorten
from vos_bench.progress import Progress
from vos_bench.records import (
    DatasetEntry,
    MethodEntry,
    Run,
    RunRecord,
    SequenceRecord,
    default_out,
    differences,
    read_earlier_record,
    read_record,
    remove_partial_files,
    run_file,
    sequence_file,
    write_record,
)
from vos_bench.records.csv import TABLES
from vos_bench.records.files import EarlierRecord
from vos_bench.records.scores import object_records, protocol_entry, protocol_label
from vos_bench.records.summary import utc_now, write_summary
from vos_bench.scoring.sequences import SequenceResult, score_sequences
from vos_bench.scoring.target import ScoringTarget, scoring_target

TRACKS: ProtocolName = "burst-exemplar"
"""The protocol of a JSON file of tracks, unless the user asks for another."""

if TYPE_CHECKING:
    from vos_bench.records.overlaps import OverlapsRecord


class Source(NamedTuple):
    """Where label maps come from, for a record of results that nobody made here.

    Attributes:
        method: The system's name.
        address: Where its authors published them.
        licence: Licence of the system's code, empty where nobody said.
        notes: What a reader of its row should know.
    """

    method: str
    address: str
    licence: str = ""
    notes: tuple[str, ...] = ()


def score(
    masks: Path | str,
    *,
    truth: Path | str | None = None,
    dataset: Dataset | str | None = None,
    root: Path | str | None = None,
    split: str | None = None,
    protocol: ProtocolName | None = None,
    sequences: Iterable[str] | None = None,
    jobs: int | None = None,
    engine: str = "local",
    name: str | None = None,
    failures: bool = False,
    out: Path | str | None = None,
    progress: Progress | None = None,
    command: str = "",
) -> Run:
    """Score label maps, write a record of the scores and return it as a run.

    What an earlier scoring left in `out` is replaced, never reused, but for scores that a server gave to a scoring
    of the same method, data and settings.

    Args:
        masks: The label maps, `MASKS/SEQUENCE/FRAME.png`; or a JSON file of tracks, as burst takes it too.
        truth: A folder of true label maps, laid out like `masks`; in place of a dataset, or for one without public
            truth; for datasets with a layout of truth of their own, a tree in this layout. A `meta.json` in it or
            beside it names objects, first frames and categories for the ytvos protocols.
        dataset: The dataset whose truth counts, or its name.
        root: The dataset's folder; None to find it as every command does.
        split: Which split of a dataset that is named; None for its default.
        protocol: Which frames and objects count; None for the dataset's own, or `davis`; `burst-exemplar` for tracks.
        sequences: Names of the sequences to score; None for all.
        jobs: How many sequences are scored at once; None for one, and for all slots of a cluster.
        engine: `local`, or the cluster that scores, as `dask://HOST:PORT`.
        name: What tables call the label maps; None for the name of their folder.
        failures: Count in the same pass what reports of failures and attributes show, and keep it with the record.
        out: The record's folder; None for `runs/DATASET/NAME/CONFIG8`, named after the folder of label maps.
        progress: Hears how it goes.
        command: The command line as passed, for the record.

    Returns:
        The run; its record's `counts.failed` says how many sequences could not be scored.

    Raises:
        BadInputError: Folders, frames or sizes do not match the truth, found before anything is scored; or `out` holds
            another kind of record, or scores that a server gave to another scoring, or cannot be written.
    """
    check_jobs(jobs)
    if name is not None and not is_title(name):
        raise BadInputError(f"--name {name!r:.200}: {TITLE_RULE}")
    cluster = parse_cluster(engine)
    if dataset is not None and protocol is None and Path(masks).suffix.lower() == ".json":
        protocol = TRACKS
    target = scoring_target(
        truth=path_on(cluster, Path(truth)) if truth else None,
        dataset=dataset,
        root=path_on(cluster, Path(root)) if root else None,
        split=split,
        protocol=protocol,
        sequences=sequences,
    )
    return score_target(
        path_on(cluster, Path(masks)),
        target,
        name=name or "",
        failures=failures,
        jobs=jobs,
        engine=cluster,
        out=out,
        progress=progress,
        command=command,
    )


def score_target(
    masks: Path,
    target: ScoringTarget,
    *,
    source: Source | None = None,
    name: str = "",
    failures: bool = False,
    jobs: int | None = None,
    engine: Cluster = LOCAL,
    out: Path | str | None = None,
    progress: Progress | None = None,
    command: str = "",
) -> Run:
    """Score label maps against a target as `score` does; with a source, the record is of the kind `results-only`."""
    check_jobs(jobs)
    tracks = bool(scoring_protocol(target.protocol).tracks)
    if tracks:
        _require_tracks(masks, target)
    record = _record(masks, target, command, source, name)
    out = Path(out) if out else default_out(record)
    require_apart(out, target.root)
    if notice := _require_no_other_record(out, record):
        (progress or Progress()).resumed(notice)
    if tracks and not masks.is_dir():
        if failures:
            raise BadInputError(f"--failures: {masks} has tracks and no label maps to count; leave it out")
        return _write(out, with_track_scores(record, masks, target.track_files), _unscored_records(target))
    results = score_sequences(
        target.sequences,
        masks,
        protocol=target.protocol,
        jobs=jobs,
        engine=engine,
        progress=progress,
        overlaps_of=target.fingerprint if failures else None,
    )
    if not any(result.objects or result.error for result in results):
        names = shorten(each.name for each in results)
        raise BadInputError(
            f"{masks}: the truth shows no object in the scored frames of {names}, so that there is nothing to score\n"
            f"  expected one at least; is this the truth, and {target.protocol} its protocol?"
        )
    records = [_sequence_record(result, target.protocol) for result in results]
    if tracks and (scored := [each.name for each in records if each.status == "done"]):
        record = with_track_scores(record, masks, target.track_files, names=scored)
    overlaps = [each.overlaps for each in results if each.overlaps is not None]
    return _write(out, record, records, overlaps)


def _write(
    out: Path, record: RunRecord, records: list[SequenceRecord], overlaps: Sequence["OverlapsRecord"] = ()
) -> Run:
    """Write a record in place of what an earlier scoring left."""
    with FolderLock(out, shard=None).held():
        _require_no_other_record(out, record)  # again: scoring takes its time
        remove_partial_files(out)
        record = _with_external(out, record)
        write_record(record, run_file(out))  # `started`: from here on the earlier scoring counts no more
        _remove_overlaps(out)
        _remove_sequence_records(out)
        for each in records:
            write_record(each, sequence_file(out, each.name), durable=False)
        _keep_overlaps(out, overlaps)
        _sync_sequence_records(out)  # before the record that vouches for them
        return write_summary(out, record, records)


def _remove_overlaps(out: Path) -> None:
    """Remove what an earlier scoring counted for reports. Raises BadInputError where it cannot be removed."""
    if (out / "overlaps").is_dir():
        from vos_bench.records.overlaps import remove_overlaps  # here, since most scorings do without

        remove_overlaps(out, [path.stem for path in (out / "sequences").glob("*.json")])


def _keep_overlaps(out: Path, overlaps: Iterable["OverlapsRecord"]) -> None:
    for each in overlaps:
        from vos_bench.records.overlaps import keep_overlaps  # likewise

        keep_overlaps(out, each)


def _remove_sequence_records(out: Path) -> None:
    """Remove what an earlier scoring wrote of sequences, and nothing else that may lie there. Raises BadInputError."""
    folder = out / "sequences"
    try:
        for path in folder.glob("*.json"):
            path.unlink()
        if folder.is_dir():
            sync_folder(folder)
    except OSError as error:
        raise BadInputError(f"{error.filename or folder}: cannot be removed: {error.strerror}") from error


def _sync_sequence_records(out: Path) -> None:
    """Wait until they are on the disk. Raises BadInputError where they cannot be."""
    try:
        sync_contents(out / "sequences")
    except OSError as error:
        raise BadInputError(f"{out}: cannot be written: {error.strerror}; expected a disk in order") from error


def _require_tracks(prediction: Path, target: ScoringTarget) -> None:
    """Check that there are tracks to judge, and some to judge them by. Raises BadInputError."""
    if not target.track_files:
        raise BadInputError(f"--protocol {target.protocol}: {NO_TRACKS}")
    if not prediction.exists():
        raise BadInputError(
            f"{prediction}: there is no such file; expected a JSON file of tracks, as vos-bench package writes it from "
            "a run's label maps, or a folder of label maps"
        )


def _unscored_records(target: ScoringTarget) -> list[SequenceRecord]:
    """Return the records of sequences whose tracks are in one file: the scores are of all of them together."""
    label = protocol_label(target.protocol)
    return [
        SequenceRecord(name=each.name, status="done", frames=len(each.truth_names), protocol=label)
        for each in target.sequences
    ]


def with_track_scores(
    record: RunRecord, prediction: Path, truths: Mapping[str, Path], *, names: Collection[str] | None = None
) -> RunRecord:
    """Return a record with the scores of tracks by its protocol, which are of all sequences together.

    Args:
        record: Says the protocol and the sequences.
        prediction: A JSON file of tracks, or a folder of label maps.
        truths: Set of classes to the file of its true tracks.
        names: The sequences that count; None for all.

    Raises:
        BadInputError: A file is missing or damaged, or the truth has no track of a set of classes.
    """
    from vos_bench.scoring.tracks import score_tracks  # loads scipy, which nothing else here needs

    task = scoring_protocol(record.protocol.name).tracks
    assert task is not None
    chosen = frozenset(record.dataset.sequences if names is None else names)
    found = score_tracks(prediction, truths, task, names=chosen)
    missing = f"{counted(len(found.missing), 'sequence')} without any predicted mask, counted as misses"
    return record.replace(
        scored=True,
        scores=found.scores,
        classes=found.classes,
        notes=(*record.notes, *([f"{missing}: {shorten(found.missing)}"] if found.missing else [])),
    )


def check_jobs(jobs: int | None) -> None:
    """Check a number of jobs. Raises BadInputError."""
    if jobs is not None and jobs < 1:
        raise BadInputError(f"--jobs {jobs}: expected 1 or more")


def _record(masks: Path, target: ScoringTarget, command: str, source: Source | None, name: str) -> RunRecord:
    return RunRecord(
        kind="results-only" if source else "score",
        created=utc_now(),
        command=without_home(command),
        method=_method(source) if source else MethodEntry(name=_name(masks), label=name),
        notes=(f"results only: label maps from {source.address}, scored here, never timed", *source.notes)
        if source
        else (),
        dataset=DatasetEntry(
            name=target.name,
            split=target.split,
            fingerprint=target.fingerprint,
            sequences=tuple(sequence.name for sequence in target.sequences),
        ),
        protocol=protocol_entry(target.protocol),
        environment=collect_environment(),
    )


def _method(source: Source) -> MethodEntry:
    """Return the method's entry; the source is part of its identity, so that two sources are two records."""
    return MethodEntry(
        name=source.method, config={"source": source.address}, licence=source.licence, reference=source.address
    )


def _name(masks: Path) -> str:
    """Return what foreign label maps are called: after their folder, or the one above where it is just `masks`."""
    folder = masks.resolve()
    return printable((folder.parent if folder.name == "masks" else folder).name) or "masks"


def _require_no_other_record(out: Path, record: RunRecord) -> str:
    """Check that nothing would be replaced but an earlier scoring of the same kind, of the same system.

    Returns:
        What a user should know of the earlier scoring, empty for nothing.
    """
    expected = "expected a new folder or an earlier scoring; give another --out"
    if run_file(out).exists():
        earlier = read_earlier_record(run_file(out))
        if earlier.kind != record.kind:
            raise BadInputError(f"{out}: holds a record of the kind {earlier.kind}; {expected}")
        if record.kind == "results-only" and earlier.method != record.method.name:
            raise BadInputError(f"{out}: holds results of {earlier.method}, not of {record.method.name}; {expected}")
        return _replaced(out, earlier, record)
    made = sorted((out / "sequences").glob("*"))
    if not made and (tables := [out / name for name in TABLES if (out / name).exists()]):
        raise BadInputError(f"{tables[0]}: found it without a run.json of a scoring; {expected}")
    for path in made:
        if path.suffix != ".json" or read_record(SequenceRecord, path).identity:
            raise BadInputError(f"{path}: found it without a run.json of a scoring; {expected}")
    return ""


def _replaced(out: Path, earlier: EarlierRecord, record: RunRecord) -> str:
    """Say what becomes of an earlier scoring that is not simply replaced.

    Raises BadInputError where the scores of a server, which were typed in by hand, would be lost.
    """
    if earlier.has_external:
        different = "is damaged" if earlier.record is None else "; ".join(differences(earlier.record, record))
        if different:
            raise BadInputError(
                f"{out}: holds scores of a server, typed in by hand, which would be lost ({different})\n"
                "  expected a new folder or an earlier scoring of the same; give another --out"
            )
        return (
            f"{out}: keeps the scores that a server gave (vos-bench record); where the label maps have changed since, "
            "record them anew"
        )
    return f"{earlier.damage}; this scoring replaces it" if earlier.damage else ""


def _with_external(out: Path, record: RunRecord) -> RunRecord:
    """Return a record with the scores of a server that an earlier scoring of the same has."""
    if not run_file(out).exists():
        return record
    earlier = read_earlier_record(run_file(out)).record
    return record if earlier is None else record.replace(external=earlier.external)


def _sequence_record(result: SequenceResult, protocol: ProtocolName) -> SequenceRecord:
    return SequenceRecord(
        name=result.name,
        status="failed" if result.error else "done",
        error=result.error,
        frames=result.frames,
        objects=len(result.objects),
        seconds=result.seconds,
        protocol="" if result.error else protocol_label(protocol),
        data_notes=dict(result.notes),
        scores=object_records(result.objects),
    )
