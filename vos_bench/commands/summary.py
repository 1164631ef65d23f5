"""What `run` and `score` say when they are done."""

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from vos_bench.commands.output import say, show, write_json
from vos_bench.commands.streams import debugging
from vos_bench.errors import BadInputError
from vos_bench.names import counted
from vos_bench.records import Run, RunRecord, default_out, read_record, run_file
from vos_bench.records.identity import without_real_time
from vos_bench.records.runs_table import runs_table
from vos_bench.records.sequence_record import NO_PROBABILITIES


def conclude(runs: Sequence[Run], json: Path | None, *, shard: bool = False, root: Path | None = None) -> int:
    """Print the table of runs, what failed, where the records lie and what to do next; return the exit code.

    `root` is the data root that the command line names. Without results of all sequences the exit code is not 0, unless
    the others are the work of other shards.
    """
    write_json(json, {"runs": [{"out": str(run.folder), "scores": run.record.scores} for run in runs]})
    show(runs_table(runs))
    for run in runs:
        for sequence in run.sequence_records.values():
            if sequence.status == "failed":
                say(f"failed: {sequence.name}: {sequence.error}")
                if debugging() and sequence.traceback:
                    say(sequence.traceback.rstrip("\n"))
        for note in (*run.record.notes, *_lacking(run)):
            say(f"note: {note}")
        if run.record.status == "started" and not shard:
            selected, ended = run.record.counts.selected, run.record.counts.done + run.record.counts.failed
            say(f"unfinished: {counted(selected, 'sequence')} chosen, {selected - ended} missing")
        if run.record.protocol.real_time is not None and run.record.scored:
            say(_beside_offline(run))
        say(f"{run.folder}{_next_step(run, root)}")
    unfinished = not shard and any(run.record.status == "started" for run in runs)
    return int(unfinished or any(run.record.counts.failed for run in runs))


def _lacking(run: Run) -> Iterator[str]:
    """Yield what was asked for and the method does not give."""
    if count := sum(NO_PROBABILITIES in each.notes for each in run.sequence_records.values()):
        yield f"no probabilities are saved of {counted(count, 'sequence')}: {run.record.method.name} gives none"


def _beside_offline(run: Run) -> str:
    """Return the headline score of a run in real time beside that of the run whose frames wait, where that is."""
    folder, score = default_out(without_real_time(run.record)), run.headline
    online = f"{score} {100 * run.scores[score]:.1f} % in real time"
    try:
        offline = read_record(RunRecord, run_file(folder))
    except BadInputError:
        return f"{online}; no offline run in {folder} to hold it against: the same command without --real-time makes it"
    same = set(offline.dataset.sequences) == set(run.record.dataset.sequences)
    if not same or offline.status != "complete" or score not in offline.scores:
        return f"{online}; the offline run in {folder} has other sequences, or is not complete"
    return f"{online}, {100 * offline.scores[score]:.1f} % offline ({folder})"


def _next_step(run: Run, root: Path | None) -> str:
    record = run.record
    if record.scored or not record.counts.done or record.kind != "run":
        return ""
    where = f" --root {shlex.quote(str(root))}" if root else ""
    data = f"--dataset {record.dataset.name} --split {record.dataset.split}{where}"
    folder = shlex.quote(str(run.folder))
    unscored = f": {record.dataset.title} has no public truth: masks written, not scored. "
    with_truth = f"If you have the truth: vos-bench score {shlex.quote(str(run.folder / 'masks'))} {data} --truth DIR"
    from vos_bench import registry  # what was scored asks for no server

    if not registry.dataset_has_server(record.dataset.name):
        return unscored + with_truth
    return (
        f"{unscored}If a server scores them: vos-bench package {folder} --out {record.method.name}.zip{where}, "
        f"then vos-bench record {folder}. {with_truth}"
    )
