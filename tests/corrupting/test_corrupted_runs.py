"""Runs with corrupted frames: what they record, how they resume, and what they may be compared with."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from msgspec import structs

import vos_bench
from vos_bench.cli import main
from vos_bench.errors import BadInputError
from vos_bench.records import Run, load_run


@pytest.fixture
def run(tmp_path: Path, fake_vos: ModuleType) -> Callable[..., Run]:
    data = fake_vos.FakeDataset({name: fake_vos.Spec(length=6) for name in ("a", "b", "c")})

    def made(corrupt: str | None, out: str = "out", **options: Any) -> Run:
        method = options.pop("method", "Looking")
        return vos_bench.run(fake_vos.info(method), data, corrupt=corrupt, device="cpu", out=tmp_path / out, **options)

    return made


def masks(run: Run) -> dict[str, bytes]:
    return {str(path.relative_to(run.folder)): path.read_bytes() for path in sorted(run.folder.glob("masks/*/*"))}


def test_the_method_sees_corrupted_frames_and_the_record_says_so(run: Callable[..., Run]) -> None:
    clean, noisy = run(None, "clean"), run("noise:5", "noisy")
    assert masks(clean) != masks(noisy)
    assert (clean.record.protocol.corruption, noisy.record.protocol.corruption) == ("", "noise:5")
    assert noisy.title == "looking on fake val, corrupted by noise:5"
    assert noisy.record.dataset == clean.record.dataset
    assert load_run(noisy.folder).record == noisy.record


@pytest.mark.parametrize("corrupt", ["noise:2-4", "dropped:4", "h264:3"])
def test_neither_workers_nor_interruptions_change_a_result(run: Callable[..., Run], corrupt: str) -> None:
    whole = masks(run(corrupt, "whole"))
    assert masks(run(corrupt, "two", jobs=2)) == whole
    run(corrupt, "parts", sequences=["c"])
    assert masks(run(corrupt, "parts")) == whole


def test_every_seed_sees_the_same_frames(run: Callable[..., Run]) -> None:
    assert masks(run("noise:3", "one", seed=1)) == masks(run("noise:3", "two", seed=2))


def test_a_folder_takes_runs_of_one_corruption(run: Callable[..., Run]) -> None:
    run("noise:3")
    for other in ("noise:4", None):
        with pytest.raises(BadInputError, match=r"holds another run\.[^:]*:\s+corruption: noise:3 and"):
            run(other)
    assert run("noise:3").record.status == "complete"


def test_runs_of_other_frames_are_not_compared(run: Callable[..., Run]) -> None:
    clean, noisy = run(None, "clean"), run("noise:5", "noisy")
    found = vos_bench.compare(clean, noisy)
    assert found.verdict == "cannot be compared"
    assert "baseline has corruption of the frames 'none', this run has 'noise:5'" in str(found.error)
    assert vos_bench.compare(noisy, run("noise:5", "again")).verdict == "same"


def test_label_maps_of_others_do_not_say_what_their_method_saw(run: Callable[..., Run]) -> None:
    noisy = run("noise:5", "noisy")
    protocol = noisy.record.protocol.replace(init=None, frames_seen=None, corruption="")
    record = structs.replace(noisy.record, kind="score", protocol=protocol)
    assert vos_bench.compare(noisy, replace(noisy, record=record)).verdict == "same"


def test_the_command_says_what_is_wrong_before_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", "copy-first", "--dataset", "demo", "--corrupt", "fog:3"]) == 2
    said = capsys.readouterr().err
    assert said.count("--corrupt fog:3: there is no corruption 'fog'") == 1
    assert not list(tmp_path.iterdir())
