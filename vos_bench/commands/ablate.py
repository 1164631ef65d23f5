"""`vos-bench ablate`: the variants of a method, trained and measured."""

from collections.abc import Container, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from vos_bench import registry
from vos_bench.commands import options
from vos_bench.commands.exit_codes import INTERRUPTED
from vos_bench.commands.groups import DATA, FLAG, MANY, METHOD, RESULTS, WORK
from vos_bench.commands.output import say, show, warn, write_json
from vos_bench.commands.progress import TerminalProgress
from vos_bench.errors import BadInputError
from vos_bench.names import counted
from vos_bench.plugins import AblationInfo
from vos_bench.tables import Column, Table, percent

if TYPE_CHECKING:
    from vos_bench.ablation.jobs import AblationJob
    from vos_bench.ablation.plan import Axis
    from vos_bench.ablation.run import AblationOutcome

Texts = Annotated[tuple[str, ...], MANY]


def ablate(
    method: str,
    *,
    scale: Annotated[str | None, METHOD] = None,
    table: Annotated[str | None, METHOD] = None,
    seeds: Annotated[str | None, WORK] = None,
    root: Annotated[Texts, DATA] = (),
    start: Annotated[Texts, METHOD] = (),
    weights_: Annotated[str | None, Parameter(name="--weights")] = None,
    sequences: Annotated[str | None, DATA] = None,
    device: Annotated[str, WORK] = "auto",
    set_: Annotated[tuple[str, ...], MANY, Parameter(name="--set"), METHOD] = (),
    run_set: Annotated[Texts, METHOD] = (),
    status: Annotated[bool, FLAG, WORK] = False,
    out: Annotated[Path | None, Parameter(name="--out"), RESULTS] = None,
    json: Annotated[Path | None, Parameter(name="--json", validator=options.names_file), RESULTS] = None,
) -> int:
    """Train and measure the variants of a method under equal conditions.

    Each variant with each seed is one job: a training, where it needs one, and a run. A job that was stopped in any way
    continues when the command is given again. The same command may run several times at once: each process takes jobs
    that no other has taken.

    Args:
        method: The method's name.
        scale: Which of the method's ablations, such as lite or paper.
        table: Which of its axes, separated by commas, or all. By default, the first. `vos-bench list ablations` has
            them.
        seeds: Seeds, separated by commas. By default, those of the axis.
        root: DATASET=DIR of each dataset, or one DIR for all. By default, VOS_BENCH_DATA or the config file names them.
        start: What trainings start from: a file of weights, or PART=FILE, as in backbone=FILE.
        weights_: What variants without a training run with: a file, or a name that `vos-bench list weights` shows.
        sequences: The sequences to measure on: A,B or @FILE with one name a line. By default, all.
        device: auto, cpu, cuda or cuda:1.
        set_: KEY=VALUE of the recipe, for every training; may be given several times.
        run_set: KEY=VALUE of the method's configuration, for every run; may be given several times.
        status: Say how far each job is, and do nothing.
        out: The folder for all jobs. By default, ablation/METHOD/SCALE.
        json: A file for the states and scores.
    """
    from vos_bench.ablation.jobs import jobs_of

    info = _find(method, scale)
    plan = registry.resolve(info.factory).changed(training=set_, settings=run_set)
    axes = plan.chosen(table.split(",") if table else None)
    numbers = options.seeds(seeds) if seeds else None
    folder = out or Path("ablation") / method / info.scale
    jobs = jobs_of(plan, axes, seeds=numbers, out=folder)
    names = ", ".join(axis.name for axis in axes)
    if status:
        given = {"--root": root, "--start": start, "--weights": weights_, "--sequences": sequences}
        if idle := [option for option, value in given.items() if value] + ["--device"] * (device != "auto"):
            warn(f"note: with --status, which does nothing, {', '.join(idle)} has no effect")
        _show(f"{method}, {info.scale}: {names}", jobs, axes, json)
        return 0
    from vos_bench.ablation.run import (  # brings torch along, which the help and the status do without
        AblationSettings,
        run_jobs,
    )

    settings = AblationSettings(
        method=method,
        scale=info.scale,
        roots=dict(options.named_path(text, otherwise="") for text in root),
        start=dict(options.named_path(text, otherwise="network") for text in start),
        weights=weights_,
        sequences=options.sequence_names(sequences),
        device=device,
    )
    with TerminalProgress() as progress:
        outcome = run_jobs(jobs, settings, progress=progress)
    _show(f"{method}, {info.scale}: {names}", jobs, axes, json)
    return _conclude(outcome)


def _find(method: str, scale: str | None) -> AblationInfo:
    known = {info.scale: info for info in registry.method(method).ablations}
    if not known:
        others = [name for name in registry.names("methods") if registry.method(name).ablations]
        raise BadInputError(f"{method}: offers no ablation; those that do: {', '.join(others) or 'none'}")
    if scale is None and len(known) == 1:
        return next(iter(known.values()))
    if scale not in known:
        found = f"there is no scale {scale!r}" if scale else "--scale is missing"
        raise BadInputError(f"{method}: {found}; known: {', '.join(known)}")
    return known[scale]


def _conclude(outcome: "AblationOutcome") -> int:
    for job, error in outcome.failed:
        warn(f"failed: {job.name}: {error}")
    if outcome.elsewhere:
        say(f"{counted(len(outcome.elsewhere), 'job is', 'jobs are')} at work in another process")
    if outcome.interrupted:
        warn("stopped; the same command goes on from there")
        return INTERRUPTED
    return int(bool(outcome.failed))


def _show(title: str, jobs: Sequence["AblationJob"], axes: "Sequence[Axis]", json: Path | None) -> None:
    rows = [_row(job, {axis.name for axis in axes}) for job in jobs]
    columns = (
        Column("job"),
        *([Column("also")] if any(row["also"] for row in rows) else []),
        Column("state"),
        Column("training", digits=1, unit="min"),
        Column("run", digits=1, unit="min"),
        percent("J"),
        percent("J&F"),
    )
    write_json(json, {"jobs": rows})  # first: standard output may be full
    show(Table(title, columns, rows))


def _row(job: "AblationJob", axes: Container[str]) -> dict[str, Any]:
    from vos_bench.ablation.jobs import state_of

    state = state_of(job)
    return {
        "job": job.name,
        "also": ", ".join(f"{axis}/{variant.value}" for axis, variant in job.places[1:] if axis in axes),
        "state": state.text,
        "training": _minutes(state.training_seconds),
        "run": _minutes(state.run_seconds),
        **{name: state.scores.get(name) for name in ("J", "J&F")},
    }


def _minutes(seconds: float | None) -> float | None:
    return None if seconds is None else seconds / 60
