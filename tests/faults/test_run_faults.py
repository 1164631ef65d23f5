"""Faults of methods, data and disks during a run: one clear message, nothing lost."""

import errno
import os
import re
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from vos_bench.errors import BadInputError
from vos_bench.progress import Progress
from vos_bench.records import load_run
from vos_bench.running.run import RunSettings, run_method


@pytest.fixture
def settings(fake_vos: ModuleType, tmp_path: Path) -> RunSettings:
    specs = {"a": fake_vos.Spec(), "b": fake_vos.Spec(fault="sick"), "c": fake_vos.Spec()}
    return RunSettings(
        method=fake_vos.info("Drift"), dataset=fake_vos.FakeDataset(specs), out=tmp_path / "out", device="cpu"
    )


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("Raises", r"raised ValueError on frame 00001: cannot bear \(12, 16, 3\)"),
        ("Exits", "raised SystemExit on frame 00001: 3"),
        ("WrongShape", r"frame 00001: returned labels of shape \(11, 16\); expected the frame's \(12, 16\)"),
        ("UnknownId", r"frame 00001: returned the unknown object 7; expected 0 \(background\) to 1"),
        ("NegativeId", "frame 00001: returned the unknown object -1"),
        ("FloatLabels", "frame 00001: returned labels of type float32; expected whole numbers"),
        ("EndlessTime", "frame 00001: reports inf milliseconds; expected a time, or None"),
        ("BareArray", "frame 00001: returned ndarray; expected a Prediction"),
        ("WrongProbabilities", r"returned probabilities of shape \(7, 12, 16\); expected \(2, 12, 16\)"),
    ],
)
def test_a_methods_fault_fails_one_sequence_and_the_others_finish(
    fake_vos: ModuleType, settings: RunSettings, method: str, message: str
):
    record = run_method(replace(settings, method=fake_vos.info(method))).record
    assert (record.status, record.counts.done, record.counts.failed) == ("failed", 2, 1)
    assert record.scored
    sequences = load_run(settings.out).sequence_records
    assert [name for name, sequence in sequences.items() if sequence.status == "failed"] == ["b"]
    assert re.search(message, sequences["b"].error)
    assert sequences["b"].frames == 1


def test_a_method_that_fails_after_its_last_answer_fails_one_sequence_too(fake_vos: ModuleType, settings: RunSettings):
    record = run_method(replace(settings, method=fake_vos.info("FailsToFinish"))).record
    assert (record.counts.done, record.counts.failed) == (2, 1)
    assert load_run(settings.out).sequence_records["b"].error == "ValueError: has lost its log"


def test_the_traceback_of_a_method_is_kept_for_its_author(fake_vos: ModuleType, settings: RunSettings):
    run_method(replace(settings, method=fake_vos.info("Raises")))
    failed = load_run(settings.out).sequence_records["b"]
    assert "fake_vos.py" in failed.traceback
    assert failed.traceback.endswith("ValueError: cannot bear (12, 16, 3)\n")
    run_method(replace(settings, method=fake_vos.info("WrongShape"), out=settings.out.with_name("other")))
    assert load_run(settings.out.with_name("other")).sequence_records["b"].traceback == ""


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("TooFew", "gave 1 answer for 4 frames; expected one a frame"),
        ("TooMany", "gave more answers than the 4 frames it was given"),
        ("Eager", "gave answer 1 before it took frame 1"),
    ],
)
def test_a_wrong_number_of_answers_fails_the_sequence(
    fake_vos: ModuleType, settings: RunSettings, method: str, message: str
):
    record = run_method(replace(settings, method=fake_vos.info(method))).record
    assert record.counts.failed == 3
    assert message in load_run(settings.out).sequence_records["a"].error


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("unreadable", "b/00002: cannot be read: OSError: 00002.jpg is cut off"),
        ("absent", "JPEGImages/b: there is no such folder"),
    ],
)
def test_a_fault_of_the_data_fails_one_sequence_and_the_others_finish(
    fake_vos: ModuleType, settings: RunSettings, fault: str, message: str
):
    specs = settings.dataset.specs | {"b": fake_vos.Spec(fault=fault)}
    record = run_method(replace(settings, dataset=fake_vos.FakeDataset(specs))).record
    assert (record.counts.done, record.counts.failed) == (2, 1)
    assert load_run(settings.out).sequence_records["b"].error == message


@pytest.mark.parametrize("start", [{}, {1: 0}], ids=["nothing", "an empty mask"])
def test_a_sequence_that_nothing_starts_fails_with_a_message(fake_vos: ModuleType, settings: RunSettings, start: dict):
    specs = {"a": fake_vos.Spec(), "b": fake_vos.Spec(starts=start, empty=(1,))}
    record = run_method(replace(settings, dataset=fake_vos.FakeDataset(specs))).record
    assert (record.counts.done, record.counts.failed) == (1, 1)
    assert (
        "to start from; expected a label map with at least one object"
        in load_run(settings.out).sequence_records["b"].error
    )


def test_an_interruption_keeps_what_is_finished(settings: RunSettings):
    class Interrupting(Progress):
        def frame_done(self, name: str) -> None:
            if name == "c":
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_method(settings, progress=Interrupting())
    found = load_run(settings.out)
    assert found.record.status == "started"
    assert (found.record.counts.done, found.record.counts.selected) == (2, 3)
    assert sorted(found.sequence_records) == ["a", "b"]
    assert (settings.out / "objects.csv").exists()
    assert run_method(settings).record.status == "complete"


def test_a_file_where_the_folder_is_expected_is_named(settings: RunSettings):
    settings.out.touch()
    with pytest.raises(BadInputError, match=r"out: cannot be the run's folder: .*; expected one that can be made"):
        run_method(settings)


def test_a_file_above_the_folder_is_named(settings: RunSettings):
    settings.out.touch()
    with pytest.raises(BadInputError, match=r"out/deep: cannot be the run's folder: Not a directory"):
        run_method(replace(settings, out=settings.out / "deep"))


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a file system that not even root can write to")
def test_a_folder_that_cannot_be_made_is_named(settings: RunSettings):
    with pytest.raises(BadInputError, match=r"/proc/vos-bench: cannot be the run's folder"):
        run_method(replace(settings, out=Path("/proc/vos-bench")))


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_named(settings: RunSettings):
    settings.out.mkdir(mode=0o555)
    with pytest.raises(BadInputError, match=r"out: cannot be the run's folder: Permission denied"):
        run_method(settings)


def test_a_full_disk_ends_the_run_and_the_same_command_goes_on(settings: RunSettings, monkeypatch: pytest.MonkeyPatch):
    original = Path.replace

    def replace_until_full(self: Path, target: Path) -> Path:
        if "masks/b/00002" in str(target):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return original(self, target)

    monkeypatch.setattr(Path, "replace", replace_until_full)
    with pytest.raises(
        BadInputError, match=r"masks/b/00002\.png: .*No space left on device.*Finished sequences are kept"
    ):
        run_method(settings)
    monkeypatch.undo()
    assert list(load_run(settings.out).sequence_records) == ["a"]
    assert not list(settings.out.rglob("*.part"))
    assert run_method(settings).record.status == "complete"
