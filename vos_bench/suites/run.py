"""Runs a suite: each run where it stopped, then one table and one page about all of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vos_bench import registry
from vos_bench.api import ReportOptions
from vos_bench.errors import VosBenchError, one_line
from vos_bench.files import remove_stale_parts, write_text
from vos_bench.files.locks import FolderBusyError
from vos_bench.names import counted
from vos_bench.progress import Progress
from vos_bench.records import Run
from vos_bench.records.runs_table import runs_table
from vos_bench.records.selection import MARK
from vos_bench.running.faults import GpuLostError
from vos_bench.running.run import run_method
from vos_bench.running.sequence import CannotSaveError
from vos_bench.running.settings import Overwrite
from vos_bench.suites.plan import SuitePlan, SuiteRun, plan_suite
from vos_bench.suites.suite import read_suite, suite_text
from vos_bench.tables import Column, Table, render

RESOLVED = "suite.toml"
SUMMARY = "summary.md"


@dataclass
class SuiteResult:
    """How a suite went.

    Attributes:
        folder: The folder of all results.
        plan: What was to be run.
        runs: The runs that were made or were there, in the order of the plan.
        failures: Runs that could not be made, with the reason.
        elsewhere: Runs at which another process is at work.
        pages: The first file of each page.
        notes: Why there is no page, where there is none.
    """

    folder: Path
    plan: SuitePlan
    runs: list[tuple[SuiteRun, Run]] = field(default_factory=list)
    failures: list[tuple[SuiteRun, str]] = field(default_factory=list)
    elsewhere: list[SuiteRun] = field(default_factory=list)
    pages: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Whether a run could not be made, or a sequence of one failed."""
        return bool(self.failures) or any(run.record.counts.failed for _, run in self.runs)

    @property
    def table(self) -> Table:
        """The summary: a line for each method, dataset and settings, seeds put together; failed runs too."""
        groups: dict[tuple[str, str, str], list[Run]] = {}
        for each, run in self.runs:
            groups.setdefault((each.dataset, each.method, each.settings), []).append(run)
        tables = {key: runs_table(runs) for key, runs in groups.items()}
        rows: list[dict[str, Any]] = [
            {**row, "method": f"{method} {MARK}" if row.get("marked") else method, "settings": settings}
            for (_, method, settings), table in tables.items()
            for row in table.rows
        ]
        for each, error in self.failures:
            failed = {"dataset": each.run.dataset.name, "split": each.run.dataset.split, "method": each.method}
            rows.append({**failed, "settings": each.settings, "state": f"seed {each.seed}: {error}"})
        columns = [*runs_table([run for _, run in self.runs]).columns]
        if any(row["settings"] for row in rows):
            place = next(i for i, column in enumerate(columns) if column.name == "method")
            columns.insert(place + 1, Column("settings"))
        notes = dict.fromkeys(note for table in tables.values() for note in table.notes)
        about = {note: name for table in tables.values() for note, name in table.column_notes.items()}
        return Table("Suite", tuple(columns), rows, tuple(notes), column_notes=about)


def suite(
    file: str | Path,
    *,
    out: str | Path | None = None,
    check: bool = False,
    overwrite: Overwrite = "only-missing",
    progress: Progress | None = None,
    command: Sequence[str] = (),
) -> SuiteResult:
    """Look at all that a suite names, then run it; what was finished before stays, unless `overwrite` says otherwise.

    A run that fails does not stop the others. The summary is brought up to date after each run.

    Args:
        file: The suite, TOML; see docs/suites.md.
        out: The folder of all results; None for `suites/NAME`, with the name of the file.
        check: Look at everything and run nothing.
        overwrite: What to do about sequences that were finished before: keep them, run them again, or refuse.
        progress: Hears how the runs go.
        command: The command line, for the records.

    Returns:
        The runs with their folders, those that could not be made, and a table of all; the record of each run that was
        made says how many of its sequences failed.

    Raises:
        BadInputError: Something in the suite is wrong, and nothing was run; or nothing can be saved any more, or the
            GPU is lost.
    """
    file, progress = Path(file), progress or Progress()
    folder = Path("suites") / file.stem if out is None else Path(out)
    plan = plan_suite(read_suite(file), file=file, out=folder, overwrite=overwrite, command=tuple(command))
    result = SuiteResult(folder, plan)
    if check:
        return result
    for name in (RESOLVED, SUMMARY):
        remove_stale_parts(folder / name)
    write_text(folder / RESOLVED, suite_text(plan.suite))
    for each in plan.runs:
        progress.job_started(each.title, len(plan.runs))
        _run_one(each, result, progress)
        write_text(folder / SUMMARY, render(result.table, "markdown"))
    if plan.suite.page and result.runs:
        _write_pages(result, progress)
    return result


def _run_one(each: SuiteRun, result: SuiteResult, progress: Progress) -> None:
    try:
        result.runs.append((each, run_method(each.run, progress=progress)))
    except (CannotSaveError, GpuLostError):  # no other run would fare better
        raise
    except FolderBusyError:
        result.elsewhere.append(each)
    except VosBenchError as error:
        result.failures.append((each, one_line(str(error))))


def _write_pages(result: SuiteResult, progress: Progress) -> None:
    """Make the reports that suites have as pages; where one cannot be made, the runs stay valid."""
    runs = [run for _, run in result.runs]
    for name in registry.names("reports"):
        options = ReportOptions(out=result.folder / name, roots=result.plan.roots, progress=progress)
        try:
            info = registry.report(name)
            if info.of_suites and info.kind == "page":
                result.pages += registry.resolve(info.factory)(runs, options)
        except VosBenchError as error:
            result.notes.append(f"no page {name}: {one_line(str(error))}")


def count_runs(result: SuiteResult) -> str:
    """Return how many runs a suite has, in one line."""
    suite = result.plan.suite
    parts = (
        counted(len(suite.methods), "method"),
        counted(len(suite.datasets), "dataset"),
        counted(len(suite.seeds), "seed"),
        f"{len(suite.settings)} set{'s' if len(suite.settings) > 1 else ''} of settings",
    )
    return f"{counted(len(result.plan.runs), 'run')}: {', '.join(parts)}"
