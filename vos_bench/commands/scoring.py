"""What `vos-bench score` does once its options are read."""

import shlex
import sys
from pathlib import Path

from vos_bench.api import ProtocolName
from vos_bench.commands.output import shown_bars
from vos_bench.commands.summary import conclude
from vos_bench.scoring import record


def score_masks(
    masks: Path,
    *,
    dataset: str | None = None,
    root: Path | None = None,
    split: str | None = None,
    truth: Path | None = None,
    protocol: ProtocolName | None = None,
    sequences: tuple[str, ...] | None = None,
    jobs: int | None = None,
    engine: str = "local",
    name: str | None = None,
    failures: bool = False,
    out: Path | None = None,
    json: Path | None = None,
) -> int:
    """Score label maps, print the scores and return the exit code; see `vos_bench.commands.score` for the options."""
    with shown_bars() as progress:
        run = record.score(
            masks,
            truth=truth,
            dataset=dataset,
            root=root,
            split=split,
            protocol=protocol,
            sequences=sequences,
            jobs=jobs,
            engine=engine,
            name=name,
            failures=failures,
            out=out,
            progress=progress,
            command=shlex.join(sys.argv[1:]),
        )
    return conclude([run], json)
