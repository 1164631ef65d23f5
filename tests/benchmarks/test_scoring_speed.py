"""How fast frames are counted and files are read; `pytest tests/benchmarks --benchmark-enable` measures them.

One test compares with the obvious way to compute the same, so that a slow version does not pass unnoticed.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pytest_benchmark.fixture import BenchmarkFixture
from skimage.morphology import isotropic_dilation

from vos_bench.labelmaps import read_label_map, read_narrow, write_label_map
from vos_bench.metrics.contours import boundary, tolerance_radius
from vos_bench.metrics.counts import CompiledCounter, FrameCounts, PixelCounts, count_frame

ROOT = Path(__file__).resolve().parents[2]

Labels = NDArray[np.uint8]
TimesFaster = Callable[..., float]
Pair = tuple[Labels, Labels]


def count_object_by_object(truth: Labels, masks: Labels) -> FrameCounts:
    """The obvious way: whole images, one object after the other, dilation from scikit-image."""
    radius = tolerance_radius(*truth.shape)
    counts = {}
    for label in {*np.unique(truth).tolist(), *np.unique(masks).tolist()} - {0}:
        one, other = truth == label, masks == label
        edge, other_edge = boundary(one), boundary(other)
        regions = (one & other, one, other, edge, other_edge)
        matched = edge & isotropic_dilation(other_edge, radius), other_edge & isotropic_dilation(edge, radius)
        counts[label] = PixelCounts(*(int(np.count_nonzero(region)) for region in (*regions, *matched, *matched)))
    return counts


def test_the_obvious_way_gives_the_same_numbers(pair: Pair) -> None:
    assert CompiledCounter()(*pair) == count_object_by_object(*pair)


def test_counting_is_many_times_faster_than_the_obvious_way(pair: Pair, times_faster: TimesFaster) -> None:
    counter = CompiledCounter()

    def obvious() -> FrameCounts:
        return count_object_by_object(*pair)

    assert times_faster(lambda: counter(*pair), obvious, calls=20) > 20
    assert times_faster(lambda: count_frame(*pair), obvious) > 2


def test_reading_is_at_least_twice_as_fast_as_pillow(pair: Pair, tmp_path: Path, times_faster: TimesFaster) -> None:
    path = tmp_path / "labels.png"
    write_label_map(path, pair[0].astype(np.uint16))

    def with_pillow() -> Labels:
        with Image.open(path) as image:
            return np.asarray(image)

    # if Pillow read it after all, they would be equal
    assert times_faster(lambda: read_narrow(path), with_pillow, calls=10, rounds=20) > 2


@pytest.mark.benchmark(group="count")
def test_count_compiled(benchmark: BenchmarkFixture, pair: Pair) -> None:
    assert len(benchmark(CompiledCounter(), *pair)) == 4


@pytest.mark.benchmark(group="count")
def test_count_frame(benchmark: BenchmarkFixture, pair: Pair) -> None:
    assert len(benchmark(count_frame, *pair)) == 4


@pytest.mark.benchmark(group="read")
@pytest.mark.parametrize("mode", ["indexed", "grey"])
def test_read(benchmark: BenchmarkFixture, pair: Pair, tmp_path: Path, mode: str) -> None:
    path = tmp_path / "labels.png"
    if mode == "indexed":
        write_label_map(path, pair[0].astype(np.uint16))
    else:
        Image.fromarray(pair[0]).save(path)
    np.testing.assert_array_equal(benchmark(read_label_map, path), pair[0])


@pytest.mark.benchmark(group="write")
def test_write(benchmark: BenchmarkFixture, pair: Pair, tmp_path: Path) -> None:
    benchmark(write_label_map, tmp_path / "labels.png", pair[0].astype(np.uint16))
    np.testing.assert_array_equal(read_label_map(tmp_path / "labels.png"), pair[0])


def test_the_pages_give_the_ratios_of_the_records() -> None:
    def record(name: str) -> Any:
        return json.loads((ROOT / "benchmarks" / f"scoring-{name}.json").read_text(encoding="utf-8"))

    readme, page = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/scoring-speed.md"))
    thirty = record("thirty-sequences")
    rates = [thirty["tools"][f"{name}, 1"]["object_frames_per_cpu_second"] for name in ("vos-bench", "vos-benchmark")]
    times = f"{int(thirty['times']['1']['median'])} times"
    assert f"**Scoring**: {times} the throughput" in readme
    assert f"({rates[0]:,} object-frames per CPU second against\n{rates[1]}," in readme
    assert f"**{times}** with one worker" in page
    assert f"commit `{thirty['commit']}`" in readme
    for name in ("six-sequences", "1080p"):
        found = record(name)
        ours, theirs = (found["tools"][f"{tool}, 1"]["cpu_seconds"] for tool in ("vos-bench", "vos-benchmark"))
        assert re.search(rf"\b{found['times']['1']['median']:.3g} times \({ours:.2f} s against {theirs:.3g} s\)", page)
    protocols = {name: f"{name} {found['ratio']:.2f}" for name, found in record("protocols")["protocols"].items()}
    assert ", ".join(text for name, text in protocols.items() if name != "davis") in page
    command = record("command")["all sequences"]
    assert f"{command['ratio']:.2f} times the CPU seconds" in page
