"""`vos-bench compare`: a run against a baseline, or many runs by date."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from vos_bench import registry
from vos_bench.commands import options
from vos_bench.commands.groups import DATA, FLAG, MANY, RESULTS, SCORING
from vos_bench.commands.output import say, show, write_json, write_page
from vos_bench.comparing import history as histories
from vos_bench.comparing.baseline import write_baseline
from vos_bench.comparing.compare import compare as compare_runs
from vos_bench.comparing.compare import load_runs
from vos_bench.comparing.comparison import OVERALL, Comparison, FailOn, Verdict
from vos_bench.comparing.junit import comparison_junit, refusal_junit
from vos_bench.comparing.markdown import comparison_markdown, comparison_table, refusal_markdown, worst_first
from vos_bench.comparing.spread import MULTIPLE
from vos_bench.errors import BadInputError, VosBenchError
from vos_bench.names import counted, shorten
from vos_bench.records import RunRecord, load_run
from vos_bench.records.data import RunData
from vos_bench.records.summary import utc_now

if TYPE_CHECKING:
    from vos_bench.comparing.thumbnails import Picture

SHOWN = 3
"""How many sequences have their worst frame shown."""

_NO_INTERVAL = "Tracks are judged over all sequences together, so that no interval is given."


@dataclass(frozen=True)
class _Tolerances:
    """What `--tolerance` says: one value, or values by score, and the multiple of the spread (None: not asked for)."""

    fixed: float | Mapping[str, float]
    multiple: float | None


def compare(
    baseline: Path,
    run: Path | None = None,
    *others: Path,
    sequences: Annotated[str | None, DATA] = None,
    tolerance: Annotated[tuple[str, ...], MANY, SCORING] = (),
    sequence_tolerance: Annotated[float | None, SCORING] = None,
    fail_on: Annotated[FailOn, SCORING] = "worse",
    history: Annotated[bool, FLAG, SCORING] = False,
    junit: Annotated[Path | None, Parameter(validator=options.names_file), RESULTS] = None,
    summary: Annotated[Path | None, Parameter(validator=options.names_file), RESULTS] = None,
    thumbnails: Annotated[bool, FLAG, RESULTS] = False,
    update: Annotated[bool, FLAG, RESULTS] = False,
    root: Annotated[Path | None, DATA] = None,
    json: Annotated[Path | None, Parameter(name="--json", validator=options.names_file), RESULTS] = None,
) -> int:
    """Judge a run against a baseline: exit code 0 when it is as good, 1 worse, 2 not comparable.

    Args:
        baseline: The run to compare with: its folder or `run.json`; with `--tolerance spread`, a folder of several.
        run: The run that is judged.
        others: More records: the last of all is then the run, and those before it are baselines, with
            `--tolerance spread`; with `--history`, all are alike.
        sequences: A,B or @FILE with one name a line: judge these alone.
        tolerance: The difference that still counts as the same: a number for all scores, or SCORE=VALUE; FPS takes a
            share of the baseline's. Recall and decay are judged only where they are named. Or spread, or spread=K: K
            (3) standard deviations of baselines with different seeds.
        sequence_tolerance: How far the headline score of a single sequence may fall; by default, there is no limit.
        fail_on: changed: a score that rose beyond the tolerance fails too.
        history: Order all these runs by date and say where the score likely moved; exit code 0.
        junit: A file for JUnit XML.
        summary: A file for Markdown.
        thumbnails: Put the worst frames into the summary. They are the dataset's: see its licence before you publish.
        update: Put the run's records in the place of the baseline's, whatever the verdict; exit code 0.
        root: The dataset's folder, for the thumbnails.
        json: A file for all rows.
    """
    paths = (baseline, *((run,) if run is not None else ()), *others)
    if history:
        _refuse(
            "--history, which judges nothing",
            {
                "--sequences": sequences,
                "--tolerance": " ".join(tolerance) or None,
                "--sequence-tolerance": sequence_tolerance,
                "--fail-on": None if fail_on == "worse" else fail_on,
                "--junit": junit,
                "--summary": summary,
                "--thumbnails": thumbnails or None,
                "--update": update or None,
                "--root": root,
            },
        )
        return _tell_history(paths, json)
    if not thumbnails:
        _refuse("no --thumbnails, which alone read the data", {"--root": root})
    try:
        _require_sides(paths, thumbnails=thumbnails, summary=summary)
        comparison = _judged(paths, options.sequence_names(sequences), _tolerances(tolerance), sequence_tolerance)
        failing = comparison.failing(fail_on)
        if junit is not None:
            write_page(junit, comparison_junit(comparison, fail_on=fail_on))
        if summary is not None:
            _write_summary(summary, comparison, fail_on, thumbnails=thumbnails, root=root)
        write_json(json, _figures(comparison, failed=bool(failing)))
        _print(comparison)  # last: standard output may be full
        return _update(baseline, paths) if update else int(bool(failing))
    except VosBenchError as error:
        _tell_refusal(error, junit, summary)
        raise


def _update(baseline: Path, paths: Sequence[Path]) -> int:
    if len(paths) > 2:
        raise BadInputError(f"--update: found {len(paths) - 1} baselines, expected one")
    folder = baseline.parent if baseline.name == "run.json" else baseline
    write_baseline(load_run(paths[-1]), folder)
    say(f"{folder}: holds the records of {paths[-1]} now")
    return 0


def _refuse(beside: str, given: Mapping[str, object]) -> None:
    """Refuse options that would have no effect beside others. Raises BadInputError."""
    for option, value in given.items():
        if value is not None:
            raise BadInputError(f"{option} with {beside}: it has no effect; leave it out")


def _require_sides(paths: Sequence[Path], *, thumbnails: bool, summary: Path | None) -> None:
    """Check that there is what to compare, and a place for the thumbnails. Raises BadInputError."""
    if len(paths) < 2:
        raise BadInputError("compare: found one record, expected a baseline and a run, or --history")
    if thumbnails and summary is None:
        raise BadInputError("--thumbnails: they are put into the summary; expected --summary FILE too")


def _judged(
    paths: Sequence[Path], sequences: Sequence[str] | None, wanted: _Tolerances, sequence_tolerance: float | None
) -> Comparison:
    """Compare the last run with those before it, and say under which conditions. Raises VosBenchError."""
    comparison = compare_runs(
        paths[:-1],
        paths[-1],
        sequences=sequences,
        tolerances=wanted.fixed,
        sequence_tolerance=sequence_tolerance,
        spread=wanted.multiple,
    )
    if wanted.multiple is not None and comparison.baselines > 1:
        seeds = f"{comparison.baselines} runs with different seeds"
        say(f"Tolerance: {wanted.multiple:g} sample standard deviations of {seeds}, around their mean.")
    if comparison.error is not None:
        raise comparison.error
    _tell_apart(comparison.baseline.record, comparison.candidate.record)
    _tell_machines(comparison.baseline.record, comparison.candidate.record)
    if comparison.different_options:
        say(f"Run with different options: {', '.join(comparison.different_options)}.")
    if comparison.changed_files:
        say(f"Beside the method, the runs read other files: {shorten(comparison.changed_files, 5)}.")
    return comparison


def _figures(comparison: Comparison, *, failed: bool) -> dict[str, Any]:
    """Return what `--json` writes."""
    return {
        "worse": comparison.is_worse,
        "failed": failed,
        "rows": [asdict(row) for row in comparison.rows],
        f"change of {comparison.candidate.headline}": asdict(comparison.change) if comparison.change else None,
    }


def _tell_refusal(error: VosBenchError, junit: Path | None, summary: Path | None) -> None:
    """Write into the files that there is no comparison, and why."""
    with suppress(VosBenchError):  # the first error matters more than that these files cannot be written either
        if junit is not None:
            write_page(junit, refusal_junit(error, when=utc_now()))
        if summary is not None:
            write_page(summary, refusal_markdown(error))


def _tolerances(texts: Sequence[str]) -> _Tolerances:
    fixed, multiple = dict[str, float](), None
    for text in texts:
        if len(texts) == 1 and (every := _number(text)) is not None:
            return _Tolerances(every, None)
        name, value = ("spread", MULTIPLE) if text == "spread" else options.named_number("--tolerance", text)
        if name == "spread":
            multiple = value
        else:
            fixed[name] = value
    return _Tolerances(fixed, multiple)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _tell_apart(before: RunRecord, after: RunRecord) -> None:
    """Say which two methods are compared where they differ: a path may be wrong."""
    if before.method.title == after.method.title:
        return
    for what, record in (("Baseline", before), ("Run", after)):
        git = record.environment.git
        commit = f"commit {git.commit[:8]}" if git and git.commit else f"version {record.environment.vos_bench}"
        say(f"{what}: {record.method.title}, vos-bench {commit}, {record.ended}.")


def _tell_machines(before: RunRecord, after: RunRecord) -> None:
    """Say where torch, the processor or the threads differ, which moves the last digits of some scores."""
    ours, theirs = before.environment, after.environment
    pairs = {
        "torch": (ours.packages.get("torch"), theirs.packages.get("torch")),
        "processor": (ours.cpu, theirs.cpu),
        "threads of torch": (ours.threads.get("torch"), theirs.threads.get("torch")),
    }
    different = [f"{name} ({a or 'none'}, then {b or 'none'})" for name, (a, b) in pairs.items() if a != b]
    if different:
        say(f"Made on different machines or with different packages: {', '.join(different)}.")


def _print(comparison: Comparison) -> None:
    rows = (row for row in comparison.rows if row.subject == OVERALL or row.verdict is not Verdict.SAME)
    show(comparison_table(rows, f"Comparison: {comparison.heading}", notes_below=True))
    if comparison.change is None:
        tracks = any(row.score != "FPS" for row in comparison.rows)
        say(_NO_INTERVAL if tracks else "Neither run has scores: FPS alone was judged.")
        return
    same = sum(row.verdict is Verdict.SAME and row.subject != OVERALL for row in comparison.rows)
    if same:
        say(f"{counted(same, 'sequence is', 'sequences are')} the same within tolerance and not shown.")
    say(f"{comparison.change}.")


def _write_summary(path: Path, comparison: Comparison, fail_on: FailOn, *, thumbnails: bool, root: Path | None) -> None:
    drawn: dict[str, tuple[Picture, ...]] = {}
    licence = ""
    fell = [row.subject for row in worst_first(comparison) if row.verdict is Verdict.WORSE]
    if thumbnails and fell:
        from vos_bench.comparing.thumbnails import pictures  # here, for few calls need what draws

        before, after = comparison.baseline, comparison.candidate
        dataset = RunData(root, of_one_run=True).seen(after)
        licence = registry.dataset(dataset.name).licence
        drawn = {name: pictures(name, baseline=before, candidate=after, dataset=dataset) for name in fell[:SHOWN]}
    write_page(path, comparison_markdown(comparison, fail_on=fail_on, pictures=drawn, licence=licence))


def _tell_history(paths: Sequence[Path], json: Path | None) -> int:
    found = histories.history(load_runs(paths))
    show(found.table)
    say(f"{found.hint}.")
    rows = found.table.rows
    change_point = {**asdict(found.change), "found": found.change.is_found} if found.change else None
    write_json(json, {"rows": rows, "change point": change_point, "hint": found.hint})
    return 0
