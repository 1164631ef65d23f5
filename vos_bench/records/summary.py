"""From a run's sequence records to its scores, its `run.json` and its tables."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from vos_bench.errors import BadInputError
from vos_bench.metrics.averages import ABSENCE_SCORES, GROUP_SCORES, SCORES
from vos_bench.metrics.measures import MEASURES
from vos_bench.metrics.protocols import scoring_protocol
from vos_bench.names import counted, shorten
from vos_bench.records.csv import write_tables
from vos_bench.records.files import read_sequence_records, run_file, write_record
from vos_bench.records.models import Counts
from vos_bench.records.run import Run
from vos_bench.records.run_record import RunRecord, Status
from vos_bench.records.sequence_record import ObjectRecord, SequenceRecord
from vos_bench.timing import summarise

MOST_NAMED = 3
"""How many sequences a note names."""

RUN_SCORES = ("G", *GROUP_SCORES, *SCORES, *(name for name in MEASURES if name not in ("G", *GROUP_SCORES, *SCORES)))
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
    tracks = bool(scoring_protocol(record.protocol.name).tracks)  # whose scores are those of all sequences together
    done = [sequence for sequence in ended if sequence.status == "done"]
    scored = [sequence for sequence in done if sequence.scores or (tracks and record.scores)]
    counts = Counts(selected=len(data.sequences), done=len(done), failed=len(ended) - len(done), scored=len(scored))
    status = _status(counts)
    shortages = tuple(_shortages(done))
    return record.replace(
        status=status,
        finished=None if status == "started" else utc_now(),
        dataset=data.replace(frames=sum(each.frames for each in ended) if status == "complete" else None),
        counts=counts,
        scored=bool(scored),
        scores=record.scores if tracks else _mean_scores(scored, record.protocol.name),
        timing=summarise(
            (sequence.timings for sequence in done),
            disturbances=(*(record.bench.disturbances if record.bench else ()), *shortages),
        ),
        notes=(
            *record.notes,
            *data_notes({each.name: each.data_notes for each in done}),
            *_notes(counts, done),
            *shortages,
            *_group_notes(record, scored),
            *_real_time_notes(record, done),
        ),
    )


def averaged_over(run: Run, names: Collection[str]) -> Run:
    """Return a run as one over these of its sequences alone: its scores are averaged again.

    Times, notes and what a server said are of all sequences together, and left out.

    Raises:
        BadInputError: Its scores are of tracks, which are of all sequences together.
    """
    record = run.record
    if scoring_protocol(record.protocol.name).tracks:
        raise BadInputError(
            f"--sequences {', '.join(names)}: {run.folder} has scores of tracks, which are of all its sequences "
            "together\n  score these alone (vos-bench score --sequences), or leave --sequences out"
        )
    chosen = {name: each for name, each in run.sequence_records.items() if name in names}
    done = [each for each in chosen.values() if each.status == "done"]
    scored = [each for each in done if each.scores]
    counts = Counts(selected=len(chosen), done=len(done), failed=len(chosen) - len(done), scored=len(scored))
    changed = record.replace(
        status=_status(counts),
        dataset=record.dataset.replace(sequences=tuple(chosen), frames=sum(each.frames for each in done)),
        counts=counts,
        scored=bool(scored),
        scores=_mean_scores(scored, record.protocol.name),
        classes={},
        timing=None,
        bench=None,
        external=(),
        notes=(),
    )
    return replace(run, record=changed, sequence_records=chosen)


def run_scores(objects: Iterable[ObjectRecord], protocol: str = "davis") -> dict[str, float]:
    """Return a run's scores from those of all its objects, averaged as the protocol says; fractions.

    Raises:
        BadInputError: There is no object.
    """
    objects = list(objects)
    if not objects:
        raise BadInputError("found no object to score; expected at least one in the first truth of some sequence")
    return scoring_protocol(protocol).averaging.apply(objects)


def sequence_score(sequence: SequenceRecord, score: str) -> float:
    """Return a score of one sequence, a fraction: the mean over its objects, which there must be. Raises KeyError."""
    if score == "J&F":  # as a run has it, so that the last bits are the same
        return (sequence_score(sequence, "J") + sequence_score(sequence, "F")) / 2
    return float(np.mean([each.value(score) for each in sequence.scores]))


def _mean_scores(scored: list[SequenceRecord], protocol: str) -> dict[str, float]:
    return run_scores((each for sequence in scored for each in sequence.scores), protocol) if scored else {}


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
    """Say why there is no score where one is expected."""
    objects = [each for sequence in scored for each in sequence.scores]
    name, groups = record.protocol.name, {each.group for each in objects}
    if name.startswith("ytvos") and "" in groups:
        yield "nothing says which categories are seen in training, so that there is no G: see docs/youtube-vos.md"
    elif name.startswith("ytvos") and len(groups) == 1:
        yield f"all objects are of {groups.pop()} categories, so that there is no G"
    elif name.startswith("lvos") and len(groups) == 1:
        yield f"all scored videos are {groups.pop()}, so that there is no mean of seen and unseen ones"
    elif name == "mosev2" and objects:
        for score, what in zip(ABSENCE_SCORES, ("goes away", "comes back"), strict=True):
            if not any(score in each.extra for each in objects):
                yield f"no object {what} on the scored frames, so that there is no {score}"


def _real_time_notes(record: RunRecord, done: list[SequenceRecord]) -> Iterator[str]:
    """Say how many frames a method missed in real time."""
    if (rules := record.protocol.real_time) and done:
        dropped, frames = sum(len(each.dropped_frames) for each in done), sum(each.frames for each in done)
        yield f"in real time ({rules}), {dropped} of {counted(frames, 'frame')} came while it was busy and were dropped"


def _shortages(done: list[SequenceRecord]) -> Iterator[str]:
    """Say that memory ran out: label maps do not depend on that beyond their last bits, times do."""
    if names := [sequence.name for sequence in done if sequence.objects_at_once is not None]:
        yield f"out of memory, and run again with fewer objects at a time: {', '.join(names)}"


def _notes(counts: Counts, done: list[SequenceRecord]) -> Iterator[str]:
    if counts.scored and counts.scored < counts.selected:
        yield f"the scores are means over {counts.scored} of {counted(counts.selected, 'sequence')}"
    empty = [each.name for each in done if each.protocol and not each.scores] if counts.scored < counts.done else []
    if empty:
        yield f"their truth shows no object that counts, so that no mean has them: {shorten(empty)}"
    if unscored := counts.done - counts.scored - len(empty):
        yield f"{counted(unscored, 'sequence')} without public truth: label maps written, not scored"
    software = sorted({sequence.software for sequence in done if sequence.software})
    if len(software) > 1:
        yield f"sequences were made by different versions: {', '.join(software)}"
