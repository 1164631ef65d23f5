"""`vos-bench suite`: all runs that one file names."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from vos_bench.commands import options
from vos_bench.commands.groups import FLAG, RESULTS, WORK
from vos_bench.commands.output import say, show, warn, write_json
from vos_bench.commands.progress import TerminalProgress
from vos_bench.errors import BadInputError
from vos_bench.names import counted
from vos_bench.running.settings import Overwrite


def suite(
    file: Path,
    *,
    check: Annotated[bool, FLAG, WORK] = False,
    overwrite: Annotated[Overwrite, WORK] = "only-missing",
    out: Annotated[Path | None, Parameter(name="--out"), RESULTS] = None,
    json: Annotated[Path | None, Parameter(name="--json", validator=options.names_file), RESULTS] = None,
) -> int:
    """Run every method on every dataset with every seed under all settings that a file names.

    Everything is checked first: one message lists all mistakes, and nothing runs. A suite that was stopped in any way
    continues when the command is given again.

    Args:
        file: The suite, TOML; see docs/suites.md.
        check: Check everything, list what would run, and run nothing.
        overwrite: What to do with sequences that are finished already.
        out: The folder of all results. By default, suites/NAME, with the name of the file.
        json: A file for the scores.
    """
    if check and overwrite != "only-missing":
        raise BadInputError(f"--overwrite {overwrite} with --check, which runs nothing: it has no effect; leave it out")
    from vos_bench.suites.run import SUMMARY, count_runs  # brings what runs methods; the help does without
    from vos_bench.suites.run import suite as run_suite

    with TerminalProgress() as progress:
        result = run_suite(file, out=out, check=check, overwrite=overwrite, progress=progress, command=sys.argv[1:])
    say(count_runs(result))
    if check:
        for each in result.plan.runs:
            say(f"{each.title}: {each.run.out}")
        write_json(json, {"runs": [{"out": str(each.run.out), "scores": {}} for each in result.plan.runs]})
        return 0
    write_json(json, {"runs": [{"out": str(run.folder), "scores": run.record.scores} for _, run in result.runs]})
    show(result.table)
    for each, error in result.failures:
        warn(f"failed: {each.title}: {error}")
    for each, run in result.runs:
        if failed := [name for name, found in run.sequence_records.items() if found.status == "failed"]:
            warn(f"failed: {each.title}: {counted(len(failed), 'sequence')} ({run.folder})")
    for note in result.notes:
        warn(f"note: {note}")
    if result.elsewhere:
        say(f"{counted(len(result.elsewhere), 'run is', 'runs are')} at work in another process")
    for path in (result.folder / SUMMARY, *result.pages):
        say(str(path))
    return int(result.failed)
