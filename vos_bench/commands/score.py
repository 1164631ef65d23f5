"""`vos-bench score`: anybody's label maps."""

import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from vos_bench import registry
from vos_bench.api import Dataset, ProtocolName
from vos_bench.clusters import parse_cluster, path_on
from vos_bench.commands import options
from vos_bench.commands.progress import TerminalProgress
from vos_bench.commands.summary import conclude
from vos_bench.errors import BadInputError
from vos_bench.meta_json import meta_beside
from vos_bench.names import printable
from vos_bench.records import load_run
from vos_bench.scoring import truth_folder
from vos_bench.scoring.listed import GivenTruth, listed_truth
from vos_bench.scoring.record import Truth, folder_fingerprint, score_label_maps

LISTED_PROTOCOLS: tuple[ProtocolName, ...] = ("ytvos", "ytvos-without-last")
"""The protocols that take objects and first frames from a `meta.json` where there is one."""


def score(
    masks: Path,
    *,
    dataset: str | None = None,
    root: Path | None = None,
    split: str | None = None,
    truth: Path | None = None,
    protocol: ProtocolName | None = None,
    sequences: str | None = None,
    jobs: int | None = None,
    engine: str = "local",
    out: Annotated[Path | None, Parameter(name="--out")] = None,
    json: Annotated[Path | None, Parameter(name="--json")] = None,
) -> int:
    """Score anybody's label maps, MASKS/SEQUENCE/FRAME.png, and write a record of the scores.

    Args:
        masks: The folder of label maps.
        dataset: The dataset whose truth counts.
        root: Its folder; without it, VOS_BENCH_DATA or the config file names it.
        split: Which split; without it, the dataset's default.
        truth: A folder of true label maps, laid out like MASKS; in place of a dataset, or for one without public
            truth. A meta.json in it or beside it names objects, first frames and categories for --protocol ytvos.
        protocol: Which frames and objects count; without it, the dataset's own, or davis.
        sequences: A,B or @FILE with one name a line; without it, all.
        jobs: How many sequences are scored at once; without it: one, or all places of the engine.
        engine: local, or the cluster that scores: dask://HOST:PORT, ray://HOST:PORT; see docs/cluster.md.
        out: The folder of the record; without it, runs/DATASET/NAME/CONFIG8.
        json: A file for the scores.
    """
    if jobs is not None and jobs < 1:
        raise BadInputError(f"--jobs {jobs}: expected 1 or more")
    cluster = parse_cluster(engine)
    masks, root, truth = path_on(cluster, masks), root and path_on(cluster, root), truth and path_on(cluster, truth)
    chosen = options.sequence_names(sequences)
    if dataset is not None:
        opened = registry.open_dataset(dataset, root=root, split=split)
        against = dataset_truth(opened if truth is None else GivenTruth(opened, truth), protocol, chosen)
    elif truth is not None:
        against = _folder_truth(truth, protocol or "davis", chosen)
    else:
        raise BadInputError("score: found neither --dataset nor --truth, expected one of them, or both")
    return score_and_tell(masks, against, out=out, jobs=jobs, engine=cluster, json=json)


def score_and_tell(masks: Path, against: Truth, *, json: Path | None, **settings: Any) -> int:
    """Score label maps with progress, tell the result and return the exit code; see `scoring.score_label_maps`."""
    with TerminalProgress() as progress:
        folder = score_label_maps(masks, against, command=shlex.join(sys.argv[1:]), progress=progress, **settings)
    return conclude([load_run(folder)], json)


def dataset_truth(opened: Dataset, protocol: ProtocolName | None, chosen: tuple[str, ...] | None) -> Truth:
    """Return what a dataset's sequences are scored against: all of them, or those chosen.

    Raises:
        BadInputError: There is no sequence of a chosen name, or no truth.
    """
    name = opened.name
    unknown = sorted(set(chosen or ()) - set(opened.sequence_names))
    if unknown:
        raise BadInputError(f"--sequences: {name} {opened.split} has no {', '.join(unknown)}")
    sequences = tuple(opened.sequence(each) for each in opened.sequence_names if chosen is None or each in chosen)
    if not any(sequence.truth_names for sequence in sequences):
        raise BadInputError(f"{name} {opened.split} has no public truth; expected --truth DIR with the true label maps")
    return Truth(name, opened.split, opened.fingerprint(), sequences, protocol or opened.protocol)


def _folder_truth(truth: Path, protocol: ProtocolName, chosen: tuple[str, ...] | None) -> Truth:
    meta_file = meta_beside(truth) if protocol in LISTED_PROTOCOLS else None
    sequences = truth_folder(truth, chosen) if meta_file is None else listed_truth(truth, meta_file, chosen)
    return Truth(printable(truth.resolve().name), "", folder_fingerprint(sequences, truth), sequences, protocol)
