"""Disks that are full or cannot be written, also for root: one message, nothing finished is lost. In this process."""

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch

from vos_bench.cli import main
from vos_bench.errors import BadInputError
from vos_bench.parts.checkpoints import write_tensors
from vos_bench.records import load_run
from vos_bench.running.run import RunSettings, run_method
from vos_bench.training import checkpoint

Capture = pytest.CaptureFixture[str]
Train = Callable[..., int]


@pytest.fixture
def train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, works: ModuleType) -> Train:  # noqa: ARG001
    """Train the made-up method for six steps with a checkpoint after every second."""
    plugin = importlib.import_module("fake_ablation")
    monkeypatch.syspath_prepend(str(plugin.install(tmp_path / "site")))
    monkeypatch.syspath_prepend(str(tmp_path / "site"))

    def call(out: Path, *arguments: str) -> int:
        return main(["train", "fake", "--recipe", "quick", "--device", "cpu", "--out", str(out), *arguments])

    return call


def said_once(capsys: Capture, *words: str) -> None:
    said = capsys.readouterr().err
    assert said.count("vos-bench: ") == 1
    assert all(word in said for word in words), said


def settings(fake_vos: ModuleType, out: Path) -> RunSettings:
    specs = {name: fake_vos.Spec(length=20, size=(40, 60), truth=False) for name in "abcdef"}
    return RunSettings(
        method=fake_vos.info("Drift"), dataset=fake_vos.FakeDataset(specs), out=out / "out", device="cpu"
    )


def test_a_run_on_a_disk_that_fills_up_loses_nothing_finished(
    breaking: ModuleType, fake_vos: ModuleType, small_disk: Path
):
    full = settings(fake_vos, small_disk)
    with pytest.raises(BadInputError, match=r"No space left on device.*Finished sequences are kept"):
        run_method(full)
    finished = load_run(full.out).sequence_records
    assert 0 < len(finished) < 6
    assert {sequence.status for sequence in finished.values()} == {"done"}
    assert not list(full.out.rglob("*.part"))
    breaking.remount(small_disk, "size=8m")
    assert run_method(full).record.status == "complete"


def test_a_run_in_a_folder_that_became_read_only_stops_and_changes_nothing(
    breaking: ModuleType, fake_vos: ModuleType, small_disk: Path
):
    breaking.remount(small_disk, "size=8m")
    first = settings(fake_vos, small_disk)
    assert run_method(first).record.status == "complete"
    (first.out / "sequences" / "c.json").unlink()
    before = {path: path.stat().st_mtime_ns for path in first.out.rglob("*")}
    breaking.remount(small_disk, "ro")
    with pytest.raises(BadInputError, match="cannot be written: Read-only file system"):
        run_method(first)
    assert {path: path.stat().st_mtime_ns for path in first.out.rglob("*")} == before
    breaking.remount(small_disk, "rw")
    assert run_method(first).record.status == "complete"


@pytest.mark.parametrize("fault", ["size=16k", "ro"])
def test_a_scoring_that_cannot_be_saved_says_so_and_is_done_when_it_can(
    breaking: ModuleType, works: ModuleType, small_disk: Path, tmp_path: Path, capsys: Capture, fault: str
):
    truth, masks = works.make_label_maps(tmp_path)
    score = ["score", str(masks), "--truth", str(truth), "--out", str(small_disk / "out")]
    breaking.remount(small_disk, fault)
    assert main(score) == 2
    said_once(capsys, str(small_disk), "Read-only file system" if fault == "ro" else "No space left on device")
    assert not list(small_disk.rglob("*.part"))
    breaking.remount(small_disk, "rw,size=8m")
    assert main(score) == 0


def test_what_a_killed_scoring_left_half_written_is_swept_away(works: ModuleType, tmp_path: Path):
    truth, masks = works.make_label_maps(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "timing.csv.gz.123.part").write_bytes(b"half")
    assert main(["score", str(masks), "--truth", str(truth), "--out", str(tmp_path / "out")]) == 0
    assert not list((tmp_path / "out").glob("*.part"))


def test_a_checkpoint_or_weights_too_large_for_the_disk_are_said_plainly(small_disk: Path):
    tensors = {"w": torch.zeros(500_000)}
    for save in (
        lambda: checkpoint.save_checkpoint(small_disk, tensors),
        lambda: write_tensors(small_disk / "weights.safetensors", tensors, metadata={}),
    ):
        with pytest.raises(BadInputError, match=r"cannot be written: .*No space left on device"):
            save()
    assert not list(small_disk.iterdir())


@pytest.mark.parametrize("pages", [1, 4, 6], ids=["curves", "first checkpoint", "second checkpoint"])
def test_a_training_on_a_full_disk_keeps_its_checkpoint_and_goes_on(
    breaking: ModuleType, train: Train, small_disk: Path, tmp_path: Path, capsys: Capture, pages: int
):
    out, undisturbed = small_disk / "out", tmp_path / "undisturbed"
    assert train(undisturbed) == 0
    breaking.remount(small_disk, f"size={4 * pages}k")
    assert train(out) == 2
    said_once(capsys, str(out), "cannot be written", "No space left on device")
    assert not list(out.rglob("*.part"))
    breaking.remount(small_disk, "size=8m")
    assert train(out, *(["--resume"] if (out / checkpoint.CHECKPOINT).exists() else [])) == 0
    for name in ("weights.safetensors", "weights.json"):
        assert (out / name).read_bytes() == (undisturbed / name).read_bytes()


def test_a_training_in_a_read_only_folder_stops_before_it_begins(
    breaking: ModuleType, train: Train, small_disk: Path, capsys: Capture
):
    breaking.remount(small_disk, "ro")
    assert train(small_disk / "out") == 2
    said_once(capsys, "cannot be the run's folder: Read-only file system")
    breaking.remount(small_disk, "rw")
    assert train(small_disk / "out") == 0
    breaking.remount(small_disk, "ro")
    assert train(small_disk / "out", "--resume") == 2
    said_once(capsys, "cannot be written: Read-only file system")


def test_a_training_that_is_refused_leaves_the_record_that_is_there(train: Train, tmp_path: Path, capsys: Capture):
    out = tmp_path / "out"
    assert train(out) == 0
    before = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    assert train(out) == 2
    said_once(capsys, "holds a training already")
    assert train(out, "--resume", "--set", "width=5") == 2
    said_once(capsys, "cannot resume with other settings: width: 3 before, 5 now")
    assert {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()} == before


def test_a_second_training_in_the_same_folder_says_so_and_stops(train: Train, tmp_path: Path, capsys: Capture):
    from vos_bench.files.locks import FolderLock

    with FolderLock(tmp_path / "out", shard=None).held():
        assert train(tmp_path / "out") == 2
    said_once(capsys, "another run is at work in this folder")
    assert not (tmp_path / "out" / "training.json").exists()


def test_what_a_killed_training_left_half_written_is_swept_away(train: Train, tmp_path: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "checkpoint.pt.123.part").write_bytes(b"half")
    assert train(tmp_path / "out") == 0
    assert not list((tmp_path / "out").glob("*.part"))
