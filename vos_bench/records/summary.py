"""From a run's sequence records to its scores, its `run.json` and its tables."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from vos_bench.metrics.statistics import SCORES, mean_of_statistics
from vos_bench.names import shorten
from vos_bench.records.csv import write_tables
from vos_bench.records.files import read_sequence_records, run_file, write_record
from vos_bench.records.models import Counts, DatasetEntry, RunRecord, Status
from vos_bench.records.run import Run
from vos_bench.records.sequence_record import ObjectRecord, SequenceRecord
from vos_bench.timing import summarise

MOST_NAMED = 3
"""How many sequences a note names."""

GROUPS = ("seen", "unseen")

GROUP_SCORES = tuple(f"{measure}_{group}" for measure in ("J", "F") for group in GROUPS)
"""The means of J and F over the objects of each group; their mean is G."""

RUN_SCORES = ("G", *GROUP_SCORES, *SCORES)
"""The names of all scores that a run may have, in the order of tables."""


def utc_now() -> str:
    """Return the present as records write it: UTC, ISO 8601, whole seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def write_summary(folder: Path, record: RunRecord, known: Iterable[SequenceRecord] = ()) -> Run:
    """Write a run's tables and `run.json` from its sequence records, and return the run.

    May be called at any time and any number of times: the status is `started` as long as a sequence is missing. Only
    the files of sequences that are not `known` are read.

    Raises:
        BadInputError: A sequence file is damaged, or the folder cannot be written.
    """
    names = record.dataset.sequences
    found = read_sequence_records(folder, known)
    ended = {name: found[name] for name in names if name in found}
    sequences = {**ended, **found}
    summarized = _with_results(record, list(ended.values()))
    write_tables(folder, sequences.values())
    write_record(summarized, run_file(folder))
    return Run(folder, summarized, sequences)


def _with_results(record: RunRecord, ended: list[SequenceRecord]) -> RunRecord:
    data = record.dataset
    done = [sequence for sequence in ended if sequence.status == "done"]
    scored = [sequence for sequence in done if sequence.scores]
    counts = Counts(selected=len(data.sequences), done=len(done), failed=len(ended) - len(done), scored=len(scored))
    status = _status(counts)
    shortages = tuple(_shortages(done))
    return RunRecord(
        schema_version=record.schema_version,
        kind=record.kind,
        status=status,
        created=record.created,
        finished=None if status == "started" else utc_now(),
        command=record.command,
        method=record.method,
        dataset=DatasetEntry(
            name=data.name,
            version=data.version,
            split=data.split,
            fingerprint=data.fingerprint,
            sampled_sha256=data.sampled_sha256,
            whole_sha256=data.whole_sha256,
            sequences=data.sequences,
            frames=sum(sequence.frames for sequence in ended) if status == "complete" else None,
        ),
        protocol=record.protocol,
        environment=record.environment,
        numerics=record.numerics,
        counts=counts,
        scored=bool(scored),
        scores=run_scores(scores for sequence in scored for scores in sequence.scores) if scored else {},
        timing=summarise(
            (sequence.timings for sequence in done),
            disturbances=(*(record.bench.disturbances if record.bench else ()), *shortages),
        ),
        bench=record.bench,
        memory_definition=record.memory_definition,
        external=record.external,
        ablation=record.ablation,
        notes=(
            *record.notes,
            *data_notes({each.name: each.data_notes for each in done}),
            *_notes(counts, done),
            *shortages,
            *_group_notes(record, scored),
        ),
    )


def run_scores(objects: Iterable[ObjectRecord]) -> dict[str, float]:
    """Return a run's scores: the mean over objects, however long their sequences are, and J&F; fractions.

    With objects of both groups also `GROUP_SCORES` and `G`, the mean of these four (docs: YouTube-VOS).

    Raises:
        BadInputError: There is no object.
    """
    objects = list(objects)
    scores = mean_of_statistics([each.statistics() for each in objects])
    groups = {group: [each.statistics() for each in objects if each.group == group] for group in GROUPS}
    if not all(groups.values()):
        return scores
    means = {group: mean_of_statistics(rows) for group, rows in groups.items()}
    by_group = {f"{measure}_{group}": means[group][measure] for measure in ("J", "F") for group in GROUPS}
    return {**scores, "G": sum(by_group.values()) / len(by_group), **by_group}


def _status(counts: Counts) -> Status:
    if counts.done + counts.failed < counts.selected:
        return "started"
    return "failed" if counts.failed else "complete"


def data_notes(by_sequence: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Yield each sentence on the data once, with the sequences that it is about and what each adds."""
    about: dict[str, list[str]] = {}
    for name, notes in by_sequence.items():
        for text, detail in notes.items():
            about.setdefault(text, []).append(f"{name} ({detail})" if detail else name)
    for text, names in about.items():
        everywhere = "in all sequences" if len(names) == len(by_sequence) > MOST_NAMED else shorten(names, MOST_NAMED)
        yield f"{text}: {everywhere}"


def _group_notes(record: RunRecord, scored: list[SequenceRecord]) -> Iterator[str]:
    """Say why there is no G where one is expected."""
    if not scored or not record.protocol.name.startswith("ytvos"):
        return
    groups = {each.group for sequence in scored for each in sequence.scores}
    if "" in groups:
        yield "nothing says which categories are seen in training, so that there is no G: see docs/youtube-vos.md"
    elif len(groups) == 1:
        yield f"all objects are of {groups.pop()} categories, so that there is no G"


def _shortages(done: list[SequenceRecord]) -> Iterator[str]:
    """Say that memory ran out: label maps do not depend on that beyond their last bits, times do."""
    if names := [sequence.name for sequence in done if sequence.objects_at_once is not None]:
        yield f"out of memory, and run again with fewer objects at a time: {', '.join(names)}"


def _notes(counts: Counts, done: list[SequenceRecord]) -> Iterator[str]:
    if counts.scored and counts.scored < counts.selected:
        yield f"the scores are means over {counts.scored} of {counts.selected} sequences"
    if unscored := counts.done - counts.scored:
        yield f"{unscored} sequences without public truth: label maps written, not scored"
    software = sorted({sequence.software for sequence in done if sequence.software})
    if len(software) > 1:
        yield f"sequences were made by different versions: {', '.join(software)}"
