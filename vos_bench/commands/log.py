"""`vos-bench log`: scored runs to a tracking server."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from vos_bench import registry
from vos_bench.commands.groups import MANY
from vos_bench.commands.output import say, warn
from vos_bench.exporting import parse_about
from vos_bench.exporting.log import log_runs


def log(*runs: Path, to: Annotated[str, Parameter(name="--to")], about: Annotated[tuple[str, ...], MANY] = ()) -> None:
    """Send scored runs to a tracking server: parameters, metrics and tags, without values of single frames.

    Args:
        runs: Folders of runs, at any depth; `runs/` where none is given. Runs that are incomplete, failed or not scored
            are left out, and a line says so.
        to: The logger; `vos-bench list loggers` has them all.
        about: NAME=VALUE for the logger, such as experiment=vos or project=vos; may be given several times.
    """
    info = registry.logger(to)
    for run in log_runs(runs or (Path("runs"),), info, parse_about(about, f"--to {to}", info.about)):
        line = f"{run.folder}: {run.said}"
        if run.left_out:
            warn(line)
        else:
            say(line)
