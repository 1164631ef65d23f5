"""What label maps are scored against: a dataset, a folder of true label maps, or both."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from vos_bench.api import Dataset, ProtocolName
from vos_bench.errors import BadInputError
from vos_bench.files import sha256
from vos_bench.labelmaps import MAX_BYTES, label_map_path
from vos_bench.metrics.frame_rules import TruthSequence
from vos_bench.names import printable
from vos_bench.scoring.truth import listed_truth, truth_folder

LISTED_PROTOCOLS: tuple[ProtocolName, ...] = ("ytvos", "ytvos-without-last")
"""The protocols that take objects and first frames from a `meta.json` where there is one."""


class ScoringTarget(NamedTuple):
    """What label maps are scored against.

    Attributes:
        name: The dataset's name.
        split: Its split, empty for a folder of label maps.
        fingerprint: As the dataset gives it; see `folder_fingerprint` for a folder.
        sequences: The sequences that are scored.
        protocol: The rules.
        root: The folder of the data, where nothing is written.
        track_files: Set of classes to the file of its true tracks; empty where truth is label maps or masks.
    """

    name: str
    split: str
    fingerprint: str
    sequences: tuple[TruthSequence, ...]
    protocol: ProtocolName
    root: Path
    track_files: Mapping[str, Path] = {}


def scoring_target(
    *,
    truth: Path | None = None,
    dataset: Dataset | str | None = None,
    root: Path | None = None,
    split: str | None = None,
    protocol: ProtocolName | None = None,
    sequences: Iterable[str] | None = None,
) -> ScoringTarget:
    """Open what label maps are scored against; the arguments are those of `score`. Raises BadInputError."""
    chosen = None if sequences is None else tuple(sequences)
    if dataset is None:
        if truth is None:
            raise BadInputError("score: found neither --dataset nor --truth, expected one of them, or both")
        _require_unused("without --dataset", root=root, split=split)
        return _folder_target(truth, protocol or "davis", chosen)
    if isinstance(dataset, str):
        from vos_bench import registry  # a folder of truth needs no plugin

        if truth is not None and (own := registry.open_truth(dataset, truth, split=split)):
            _require_unused(f"with --truth, from which {dataset} is read alone,", remedy="leave it out", root=root)
            return _dataset_target(own, protocol, chosen)
        dataset = registry.open_dataset(dataset, root=root, split=split)
    else:
        _require_unused("with a dataset that is open", root=root, split=split)
    return _dataset_target(_with_truth(dataset, truth), protocol, chosen)


def _with_truth(dataset: Dataset, truth: Path | None) -> Dataset:
    if truth is None:
        return dataset
    from vos_bench.scoring.given_truth import GivenTruth  # few datasets are scored against another truth

    return GivenTruth(dataset, truth)


def _require_unused(
    why: str, *, remedy: str = "name the dataset with --dataset, or leave it out", **options: object
) -> None:
    """Refuse options that would have no effect. Raises BadInputError."""
    for name, value in options.items():
        if value is not None:
            raise BadInputError(f"--{name} {value} {why} has no effect; {remedy}")


def _dataset_target(dataset: Dataset, protocol: ProtocolName | None, chosen: tuple[str, ...] | None) -> ScoringTarget:
    title = f"{dataset.name} {dataset.split}"
    if unknown := sorted(set(chosen or ()) - set(dataset.sequence_names)):
        raise BadInputError(f"--sequences: {title} has no {', '.join(unknown)}")
    sequences = tuple(dataset.sequence(name) for name in dataset.sequence_names if chosen is None or name in chosen)
    if not any(sequence.truth_names for sequence in sequences):
        raise BadInputError(f"{title} has no public truth; expected --truth DIR with the true label maps")
    fingerprint = dataset.fingerprint()
    return ScoringTarget(
        name=dataset.name,
        split=dataset.split,
        fingerprint=fingerprint,
        sequences=sequences,
        protocol=protocol or dataset.protocol,
        track_files=dataset.track_files,
        root=dataset.root,
    )


def _folder_target(truth: Path, protocol: ProtocolName, chosen: tuple[str, ...] | None) -> ScoringTarget:
    meta_file = None
    if protocol in LISTED_PROTOCOLS:
        from vos_bench.formats.meta_json import meta_beside

        meta_file = meta_beside(truth)
    sequences = truth_folder(truth, chosen) if meta_file is None else listed_truth(truth, meta_file, chosen)
    name = printable(truth.resolve().name)
    return ScoringTarget(name, "", folder_fingerprint(sequences, truth), sequences, protocol, truth)


def folder_fingerprint(sequences: Sequence[TruthSequence], truth: Path) -> str:
    """Return a sha256 over the names and the content of all truth files of `sequences` under `truth`.

    Raises:
        BadInputError: One of them cannot be read.
    """
    digest = hashlib.sha256()
    for sequence in sequences:
        folder = truth / sequence.name
        for frame in sequence.truth_names:
            digest.update(f"{sequence.name}/{frame}\0".encode())
            digest.update(bytes.fromhex(sha256(label_map_path(folder, frame), most=MAX_BYTES)))
    return digest.hexdigest()
