"""Which objects can be seen on which frames of a dataset: read from every truth once, then kept in the cache."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vos_bench.api import Dataset, Sequence
from vos_bench.files import write_text
from vos_bench.files.places import cache_folder

VISIBLE_PIXELS = 10
"""An object counts as visible on a frame where its mask has more pixels than this."""

_Table = dict[str, dict[str, str]]
"""Sequence name to object id to one digit a frame: 1 where the object is visible."""


@dataclass(frozen=True)
class TrainingObject:
    """One object of one sequence, and the frames of the sequence on which it can be seen.

    Attributes:
        sequence: The sequence that it belongs to.
        object_id: Its id there.
        visible: One truth value for each of the sequence's `truth_names`.
    """

    sequence: Sequence
    object_id: int
    visible: NDArray[np.bool_]


def visible_objects(dataset: Dataset, *, own_boxes: bool = False) -> Iterator[TrainingObject]:
    """Yield every object that is visible at least once, sequence by sequence.

    Reading all truths takes minutes on a large dataset; the answer is kept in the cache under the dataset's
    fingerprint, which changes with every truth.

    Args:
        dataset: Where to look.
        own_boxes: Whether an object counts as visible wherever the dataset gives its box, however small its mask.
    """
    path = _cache_file(dataset, own_boxes)
    table = _read(path)
    if table is None:
        visibility = _boxed if own_boxes else _visibility
        table = {name: visibility(dataset.sequence(name)) for name in dataset.sequence_names}
        write_text(path, json.dumps(table))
    for name in dataset.sequence_names:
        for object_id, digits in table[name].items():
            yield TrainingObject(dataset.sequence(name), int(object_id), np.array([*digits]) == "1")


def _cache_file(dataset: Dataset, own_boxes: bool) -> Path:
    identity = f"{dataset.name}\0{dataset.split}\0{dataset.fingerprint()}\0{VISIBLE_PIXELS}"
    identity += "\0boxes" if own_boxes else ""
    return cache_folder() / "training" / f"{hashlib.sha256(identity.encode()).hexdigest()[:16]}.json"


def _read(path: Path) -> _Table | None:
    """Return what was kept, or None where there is nothing or nothing whole."""
    with suppress(OSError, ValueError):
        table: _Table = json.loads(path.read_text(encoding="utf-8"))
        return table
    return None


def _boxed(sequence: Sequence) -> dict[str, str]:
    """Return where boxes are given; where there are none at all, where masks are large enough."""
    given = [sequence.read_boxes(name) for name in sequence.truth_names]
    if not any(given):
        return _visibility(sequence)
    return {str(k): "".join("1" if k in boxes else "0" for boxes in given) for k in sorted(set().union(*given))}


def _visibility(sequence: Sequence) -> dict[str, str]:
    counts = [np.bincount(sequence.read_truth(name).ravel()) for name in sequence.truth_names]
    highest = max((len(count) for count in counts), default=0)
    table = np.zeros((len(counts), highest), np.int64)
    for row, count in zip(table, counts, strict=True):
        row[: len(count)] = count
    visible = table > VISIBLE_PIXELS
    return {
        str(k): "".join("1" if seen else "0" for seen in visible[:, k])
        for k in range(1, highest)
        if visible[:, k].any()
    }
