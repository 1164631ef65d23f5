"""What `vos-bench score` does once its options are read."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vos_bench.api import ProtocolName
from vos_bench.commands.summary import conclude
from vos_bench.progress import Progress
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
    with shown_progress() as progress:
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


@contextmanager
def shown_progress() -> Iterator[Progress]:
    """Draw bars where somebody looks at them; without a terminal, scoring a short sequence takes less than they do."""
    if not sys.stderr.isatty():
        yield Progress()
        return
    from vos_bench.commands.progress import TerminalProgress

    with TerminalProgress() as bars:
        yield bars
