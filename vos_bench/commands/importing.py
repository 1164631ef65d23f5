"""`vos-bench import`: label maps that the authors of a system published."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from vos_bench import registry
from vos_bench.api import ProtocolName
from vos_bench.commands import options
from vos_bench.commands.output import shown_bars
from vos_bench.commands.summary import conclude
from vos_bench.errors import BadInputError
from vos_bench.scoring.record import Source, check_jobs, score_target
from vos_bench.scoring.target import scoring_target


def importing(
    masks: Path,
    *,
    method: str,
    dataset: str,
    source: str,
    root: Path | None = None,
    split: str | None = None,
    truth: Path | None = None,
    protocol: ProtocolName | None = None,
    sequences: str | None = None,
    licence: str | None = None,
    jobs: int = 1,
    out: Annotated[Path | None, Parameter(name="--out")] = None,
    json: Annotated[Path | None, Parameter(name="--json", validator=options.names_file)] = None,
) -> int:
    """Score published label maps, MASKS/SEQUENCE/FRAME.png, into a record marked as results only, without a speed.

    Args:
        masks: The folder of label maps.
        method: The system's name; `vos-bench list methods` names those with published label maps.
        dataset: The dataset whose truth counts.
        source: Where the label maps come from, such as a web address.
        root: The dataset's folder. By default, VOS_BENCH_DATA or the config file names it.
        split: The split. By default, the dataset's first.
        truth: A folder of true label maps, for a dataset without public truth.
        protocol: Which frames and objects count. By default, the dataset's own.
        sequences: A,B or @FILE with one name a line. By default, all.
        licence: Licence of the system's code. By default, what is known of the system.
        jobs: How many sequences are scored at once.
        out: The folder of the record. By default, runs/DATASET/METHOD/CONFIG8.
        json: A file for the scores.
    """
    check_jobs(jobs)
    published = _source(method, source, licence)
    target = scoring_target(
        truth=truth,
        dataset=dataset,
        root=root,
        split=split,
        protocol=protocol,
        sequences=options.sequence_names(sequences),
    )
    with shown_bars() as progress:
        command = shlex.join(sys.argv[1:])
        run = score_target(masks, target, source=published, jobs=jobs, out=out, progress=progress, command=command)
    return conclude([run], json)


def _source(method: str, address: str, licence: str | None) -> Source:
    options.system_name("--method", method)
    address = address.strip()
    if not address:
        raise BadInputError("--source: found nothing, expected where the label maps come from, such as a web address")
    known = registry.known_systems().get(method.casefold())
    if known is None:
        return Source(method, address, licence or "")
    return Source(known.name, address, licence or known.licence, (known.note,) if known.note else ())
