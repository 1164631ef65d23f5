"""A frame that changes inside, with its size and its end as before, is noticed by a run that goes on."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from vos_bench import registry
from vos_bench.benching.session import Repeats, bench_method
from vos_bench.errors import BadInputError
from vos_bench.files import BLOCK_BYTES, BLOCKS, read_blocks
from vos_bench.labelmaps import write_label_map
from vos_bench.progress import Progress
from vos_bench.records import AblationEntry
from vos_bench.running.run import RunSettings, run_method


@pytest.fixture
def settings(tmp_path: Path) -> RunSettings:
    for frame in range(3):
        labels = np.zeros((60, 80), np.uint16)
        labels[5:20, 5 + frame : 20 + frame] = 1
        write_label_map(tmp_path / "data/Annotations/s" / f"{frame:05d}.png", labels)
        (tmp_path / "data/JPEGImages/s").mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / "data/JPEGImages/s" / f"{frame:05d}.bmp"), np.full((60, 80, 3), 90, np.uint8))
    dataset = registry.open_dataset("folder", root=tmp_path / "data")
    return RunSettings(registry.method("copy-first"), dataset, out=tmp_path / "out", device="cpu")


def change(settings: RunSettings, start: int, length: int) -> None:
    path = settings.dataset.root / "JPEGImages/s/00001.bmp"
    data = path.read_bytes()
    path.write_bytes(data[:start] + bytes(length) + data[start + length :])


def test_a_change_in_the_middle_is_refused_and_running_again_is_allowed(settings: RunSettings) -> None:
    run_method(settings)
    change(settings, 6000, 3000)
    with pytest.raises(BadInputError, match=r"(?s)was made from other frames of folder all.*or --overwrite always$"):
        run_method(settings)
    assert run_method(replace(settings, overwrite="always")).record.status == "complete"


def test_a_timing_and_an_ablation_name_no_option_that_they_lack(
    settings: RunSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(Progress, "resumed", lambda _, message: said.append(message))
    job = replace(
        settings,
        ablation=AblationEntry(method="copy-first", scale="lite", variants=()),
        out=settings.dataset.root.parent / "job",
    )
    run_method(job)
    run_method(job)
    assert said[0].endswith("taken over as they are; remove the folder to run them again")
    timing = replace(settings, out=settings.dataset.root.parent / "timing")
    bench_method(timing, repeats=Repeats(1, quick=True))
    change(settings, 6000, 3000)
    for again in (lambda: run_method(job), lambda: bench_method(timing, repeats=Repeats(1, quick=True))):
        with pytest.raises(BadInputError, match=r"(?s)other frames.*give another --out, or remove the folder$"):
            again()


def test_a_change_of_one_byte_is_noticed_by_whole_hashes_alone(settings: RunSettings) -> None:
    run_method(replace(settings, verify=True))
    change(settings, 2 * BLOCK_BYTES, 1)
    run_method(settings)
    with pytest.raises(BadInputError, match="was made from other frames"):
        run_method(replace(settings, verify=True))


def test_blocks_reach_from_the_first_byte_to_the_last(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for size in (0, 1, BLOCK_BYTES, 1000, 100_003):
        data = np.random.default_rng(size).bytes(size)
        path.write_bytes(data)
        found = read_blocks(path, most=1 << 20)
        assert len(found) <= BLOCKS * BLOCK_BYTES
        assert found.startswith(data[:BLOCK_BYTES])
        assert size < 5000 or data[-50:-20] in found
