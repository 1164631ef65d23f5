"""`vos-bench import`: label maps that the authors of a system published."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from vos_bench import registry
from vos_bench.api import ProtocolName
from vos_bench.commands import options
from vos_bench.commands.score import dataset_truth, score_and_tell
from vos_bench.errors import BadInputError
from vos_bench.scoring.listed import GivenTruth
from vos_bench.scoring.record import Origin


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
    json: Annotated[Path | None, Parameter(name="--json")] = None,
) -> int:
    """Score published label maps, MASKS/SEQUENCE/FRAME.png, into a record marked as results only, without a speed.

    Args:
        masks: The folder of label maps.
        method: The system's name; `vos-bench list methods` names those with published label maps.
        dataset: The dataset whose truth counts.
        source: Where the label maps come from, such as a web address.
        root: The dataset's folder; without it, VOS_BENCH_DATA or the config file names it.
        split: Which split; without it, the dataset's default.
        truth: A folder of true label maps, for a dataset without public truth.
        protocol: Which frames and objects count; without it, the dataset's own.
        sequences: A,B or @FILE with one name a line; without it, all.
        licence: Licence of the system's code; without it, what is known of the system.
        jobs: How many sequences are scored at once.
        out: The folder of the record; without it, runs/DATASET/METHOD/CONFIG8.
        json: A file for the scores.
    """
    if jobs < 1:
        raise BadInputError(f"--jobs {jobs}: expected 1 or more")
    origin = _origin(method, source, licence)
    opened = registry.open_dataset(dataset, root=root, split=split)
    chosen = options.sequence_names(sequences)
    against = dataset_truth(opened if truth is None else GivenTruth(opened, truth), protocol, chosen)
    return score_and_tell(masks, against, origin=origin, out=out, jobs=jobs, json=json)


def _origin(method: str, source: str, licence: str | None) -> Origin:
    options.system_name("--method", method)
    if not source.strip():
        raise BadInputError("--source: found nothing, expected where the label maps come from, such as a web address")
    known = registry.known_systems().get(method.casefold())
    if known is None:
        return Origin(method, source.strip(), licence or "")
    return Origin(known.name, source.strip(), licence or known.licence, (known.note,) if known.note else ())
