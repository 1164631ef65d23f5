"""Folders of label maps, and the official rules retold slowly."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from vos_bench.labelmaps import write_label_map
from vos_bench.metrics.measures import F, J

Labels = NDArray[Any]
Frames = Mapping[str, Labels] | Sequence[Labels]
Write = Callable[[Path, Frames], Path]
Reference = Callable[[Sequence[Labels], Sequence[Labels]], dict[int, tuple[list[float], list[float]]]]


@pytest.fixture
def write() -> Write:
    def write_sequence(folder: Path, frames: Frames) -> Path:
        named = frames if isinstance(frames, Mapping) else {f"{i:05d}": labels for i, labels in enumerate(frames)}
        for name, labels in named.items():
            write_label_map(folder / f"{name}.png", np.asarray(labels, np.uint16))
        return folder

    return write_sequence


@pytest.fixture
def official() -> Reference:
    """What davis2017-evaluation does: objects 1..max of the first truth, first and last frame left out, void is 0."""

    def score(truth: Sequence[Labels], masks: Sequence[Labels]) -> dict[int, tuple[list[float], list[float]]]:
        first = np.where(truth[0] == 255, 0, truth[0])
        pairs = [*zip(truth, masks, strict=True)][1:-1]
        return {
            k: (
                [J(mask == k, true == k) for true, mask in pairs],
                [F(mask == k, true == k) for true, mask in pairs],
            )
            for k in range(1, int(first.max()) + 1)
        }

    return score


@pytest.fixture
def blobs() -> Callable[..., list[Labels]]:
    """Label maps with moving boxes of each id."""

    def make(ids: Sequence[int], frames: int = 6, shape: tuple[int, int] = (40, 60), seed: int = 0) -> list[Labels]:
        rng = np.random.default_rng(seed)
        places = {k: rng.integers(0, 20, 2) for k in ids}
        made = []
        for _ in range(frames):
            labels = np.zeros(shape, np.uint16)
            for k, place in places.items():
                place += rng.integers(0, 3, 2)
                labels[place[0] : place[0] + 14, place[1] : place[1] + 17] = k
            made.append(labels)
        return made

    return make
