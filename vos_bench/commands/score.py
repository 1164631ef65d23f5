"""`vos-bench score` as cyclopts reads it; `vos_bench.commands.scoring` does it."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from vos_bench.api import ProtocolName
from vos_bench.commands import options
from vos_bench.commands.groups import DATA, FLAG, RESULTS, SCORING, WORK


def score(
    masks: Path,
    *,
    dataset: Annotated[str | None, DATA] = None,
    root: Annotated[Path | None, DATA] = None,
    split: Annotated[str | None, DATA] = None,
    truth: Annotated[Path | None, DATA] = None,
    protocol: Annotated[ProtocolName | None, SCORING] = None,
    sequences: Annotated[str | None, DATA] = None,
    jobs: Annotated[int | None, WORK] = None,
    engine: Annotated[str, WORK] = "local",
    name: Annotated[str | None, RESULTS] = None,
    failures: Annotated[bool, FLAG, RESULTS] = False,
    out: Annotated[Path | None, Parameter(name="--out"), RESULTS] = None,
    json: Annotated[Path | None, Parameter(name="--json", validator=options.names_file), RESULTS] = None,
) -> int:
    """Score label maps, MASKS/SEQUENCE/FRAME.png, whoever made them, and write a record of the scores.

    Args:
        masks: The folder of label maps.
        dataset: The dataset whose truth counts.
        root: The dataset's folder. By default, VOS_BENCH_DATA or the config file names it.
        split: The split. By default, the dataset's first.
        truth: A folder of true label maps, laid out like MASKS; in place of a dataset, or for one without public
            truth; for datasets with a layout of truth of their own, a tree in this layout. A meta.json in it or beside
            it names objects, first frames and categories for --protocol ytvos.
        protocol: Which frames and objects count. By default, the dataset's own, or davis.
        sequences: A,B or @FILE with one name a line. By default, all.
        jobs: How many sequences are scored at once. By default, one, or all slots of a cluster.
        engine: local, or the cluster that scores: dask://HOST:PORT, ray://HOST:PORT; see docs/cluster.md.
        name: What tables call the label maps. By default, the name of their folder.
        failures: Count in the same pass what the reports failures, by-attribute and review show, and keep it with the
            record.
        out: The folder of the record. By default, runs/DATASET/NAME/CONFIG8.
        json: A file for the scores.
    """
    from vos_bench.commands.scoring import score_masks  # here, so that `--help` loads none of it

    return score_masks(
        masks,
        dataset=dataset,
        root=root,
        split=split,
        truth=truth,
        protocol=protocol,
        sequences=options.sequence_names(sequences),
        jobs=jobs,
        engine=engine,
        name=name,
        failures=failures,
        out=out,
        json=json,
    )
