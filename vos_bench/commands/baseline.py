"""`vos-bench baseline`: a run's records, ready to be committed."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from vos_bench.commands.output import say
from vos_bench.comparing.baseline import write_baseline
from vos_bench.records import load_run


def baseline(run: Path, *, out: Annotated[Path, Parameter(name="--out")]) -> None:
    """Copy a run's records without its masks, to be committed as the baseline of later runs.

    Args:
        run: The run's folder.
        out: The folder to write; records that lie there are replaced.
    """
    found = load_run(run)
    write_baseline(found, out)
    say(f"{out}: records of {found.title}; judge a run by it: vos-bench compare {out} RUN")
