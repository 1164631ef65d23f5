"""`vos-bench package`: a server's zip."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from vos_bench import registry
from vos_bench.commands.output import say
from vos_bench.names import counted
from vos_bench.records import load_run


def package(run: Path, *, out: Annotated[Path, Parameter(name="--out")], root: Path | None = None) -> None:
    """Write the zip that a dataset's server takes, after checking names, counts, sizes and ids.

    Args:
        run: The run's folder, which holds `run.json` and `masks/`.
        out: The zip to write; of BURST, a JSON file.
        root: The dataset's folder. By default, `VOS_BENCH_DATA` or the config file names it.
    """
    record = load_run(run).record
    opened = registry.open_dataset(record.dataset.name, root=root, split=record.dataset.split)
    opened.package(run / "masks", out)
    taker = "server" if registry.dataset_has_server(record.dataset.name) else "official tool"
    say(f"{out}: {counted(len(opened), 'sequence')}, ready for the {taker}")
