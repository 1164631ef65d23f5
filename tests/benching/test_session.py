"""Timings by the protocol: warm-up, repeats, masks that are the very ones scored, and what spoils a figure."""

import os
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

import vos_bench
from vos_bench.api import Prediction, Sequence
from vos_bench.benching import passes
from vos_bench.benching.session import Repeats, bench_method
from vos_bench.environment import ProcessorUse
from vos_bench.errors import BadInputError, MethodError
from vos_bench.progress import Progress
from vos_bench.records import load_run, run_file
from vos_bench.running.run import RunSettings, run_method

QUICK = Repeats(3, quick=True)


class Listener(Progress):
    def __init__(self) -> None:
        self.passes: list[tuple[str, int]] = []
        self.frames = 0

    def pass_started(self, name: str, what: str, frames: int) -> None:  # noqa: ARG002
        self.passes.append((what, frames))

    def frame_done(self, name: str) -> None:  # noqa: ARG002
        self.frames += 1


@pytest.fixture(autouse=True)
def quiet_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what else the test machine does out of it."""
    monkeypatch.setattr(ProcessorUse, "share_of_others", 0.0)


@pytest.fixture
def long_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a handful of frames count as a whole repeat."""
    monkeypatch.setattr("vos_bench.timing.ENOUGH_FRAMES", 10)
    monkeypatch.setattr("vos_bench.timing.ENOUGH_SECONDS", 0.0)


def make(fake_vos: ModuleType, out: Path, method: str = "Drift", specs: dict | None = None, **settings) -> RunSettings:
    specs = specs if specs is not None else {"a": fake_vos.Spec(), "b": fake_vos.Spec(length=6, starts={1: 0, 2: 3})}
    return RunSettings(
        method=fake_vos.info(method), dataset=fake_vos.FakeDataset(specs), out=out, device="cpu", **settings
    )


def test_the_longest_sequence_of_each_shape_warms_up_and_then_the_set_is_repeated(fake_vos: ModuleType, tmp_path: Path):
    specs = {"a": fake_vos.Spec(), "b": fake_vos.Spec(length=6), "c": fake_vos.Spec(length=5, starts={1: 0, 2: 1})}
    listener = Listener()
    bench_method(make(fake_vos, tmp_path / "out", specs=specs), repeats=QUICK, progress=listener)
    assert listener.passes[:2] == [("warm-up", 6), ("warm-up", 5)]
    assert listener.passes[2:] == [(f"repeat {n} of 3", frames) for n in (1, 2, 3) for frames in (4, 6, 5)]
    assert listener.frames == 11 + 3 * 15


def test_each_frame_of_each_repeat_is_kept(fake_vos: ModuleType, tmp_path: Path):
    found = bench_method(make(fake_vos, tmp_path / "out"), repeats=QUICK)
    times = found.sequence_records["b"].timings
    assert times.frame == (*found.sequence_records["b"].timings.frame[:6],) * 3
    assert times.repeat == (1,) * 6 + (2,) * 6 + (3,) * 6
    assert times.phase[::6] == ("init",) * 3
    assert not times.read_ahead
    table = pd.read_csv(tmp_path / "out" / "timing.csv.gz")
    assert sorted(table["repeat"].unique()) == [1, 2, 3]
    assert len(table) == 30


@pytest.mark.usefixtures("long_enough")
def test_a_repeat_is_as_many_passes_as_the_protocol_asks_for(fake_vos: ModuleType, tmp_path: Path):
    found = bench_method(make(fake_vos, tmp_path / "out", specs={"a": fake_vos.Spec()}), repeats=Repeats(3))
    assert found.record.bench is not None
    assert found.record.bench.passes == (3, 3, 3)
    timing = found.record.timing
    assert timing is not None
    assert (timing.repeats, timing.frames, timing.indicative, timing.reasons) == (3, 36, False, ())
    assert timing.fps is not None
    assert len(timing.fps_repeats) == 3


def test_a_short_timing_has_latencies_and_no_fps(fake_vos: ModuleType, tmp_path: Path):
    timing = bench_method(make(fake_vos, tmp_path / "out"), repeats=QUICK).record.timing
    assert timing is not None
    assert timing.step_ms is not None
    assert (timing.indicative, timing.fps, timing.fps_with_init) == (True, None, None)


def test_the_scores_are_those_of_a_plain_run(fake_vos: ModuleType, tmp_path: Path):
    timed = bench_method(make(fake_vos, tmp_path / "timed"), repeats=QUICK)
    plain = run_method(make(fake_vos, tmp_path / "plain")).record
    assert timed.record.scored
    assert timed.record.scores == plain.scores
    masks = sorted(path.relative_to(tmp_path / "plain") for path in (tmp_path / "plain").glob("masks/*/*"))
    assert len(masks) == 10
    assert all((tmp_path / "timed" / path).read_bytes() == (tmp_path / "plain" / path).read_bytes() for path in masks)


@pytest.mark.usefixtures("long_enough")
def test_passes_that_differ_give_no_fps(fake_vos: ModuleType, tmp_path: Path):
    specs = {"a": fake_vos.Spec(length=10)}
    found = bench_method(make(fake_vos, tmp_path / "out", "Moody", specs), repeats=Repeats(3))
    timing = found.record.timing
    assert timing is not None
    assert timing.reasons == ("a: the passes gave 3 different results",)
    assert timing.fps is None


@pytest.mark.usefixtures("long_enough")
def test_files_that_are_not_what_was_timed_give_no_fps(
    fake_vos: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    honest = passes.write_masks
    monkeypatch.setattr(
        passes, "write_masks", lambda folder, frame, labels, names: honest(folder, frame, 0 * labels, names)
    )
    timing = bench_method(make(fake_vos, tmp_path / "out"), repeats=Repeats(3)).record.timing
    assert timing is not None
    assert timing.reasons[0] == "a: the label maps on disk are not those of the timed passes"
    assert timing.fps is None


@pytest.mark.usefixtures("long_enough")
def test_a_method_that_finds_nothing_gives_no_fps(
    fake_vos: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(fake_vos.Drift, "answer", lambda self, _: Prediction(0 * self.labels))
    timing = bench_method(make(fake_vos, tmp_path / "out"), repeats=Repeats(3)).record.timing
    assert timing is not None
    assert timing.reasons == (
        "no label map has an object but those that were given: that passes are equal says nothing",
    )
    assert timing.fps is None


def test_frames_stay_in_memory_from_pass_to_pass_over_one_sequence(
    fake_vos: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    reads: list[str] = []
    read = passes.read_frames

    def counted(sequence: Sequence, *plan, **how):
        reads.append(sequence.name)
        return read(sequence, *plan, **how)

    monkeypatch.setattr(passes, "read_frames", counted)
    bench_method(make(fake_vos, tmp_path / "one", specs={"a": fake_vos.Spec()}), repeats=QUICK)
    assert reads == ["a"]
    bench_method(make(fake_vos, tmp_path / "two"), repeats=Repeats(1, quick=True))
    assert reads[1:] == ["a", "b", "a", "b"]


@pytest.mark.usefixtures("long_enough")
def test_the_work_of_others_gives_no_fps(fake_vos: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ProcessorUse, "share_of_others", 0.25)
    timing = bench_method(make(fake_vos, tmp_path / "out"), repeats=Repeats(3)).record.timing
    assert timing is not None
    assert timing.reasons == ("others used 25% of the machine's processors",)
    assert timing.fps is None


def test_without_truth_nothing_is_written_but_the_record(fake_vos: ModuleType, tmp_path: Path):
    specs = {"a": fake_vos.Spec(truth=False)}
    found = bench_method(make(fake_vos, tmp_path / "out", specs=specs), repeats=QUICK)
    assert not found.record.scored
    assert not (tmp_path / "out" / "masks").exists()
    assert found.record.bench is not None
    assert len(found.record.bench.label_maps_sha256) == 64


def test_a_second_timing_replaces_the_first(fake_vos: ModuleType, tmp_path: Path):
    settings = make(fake_vos, tmp_path / "out")
    bench_method(settings, repeats=Repeats(2, quick=True))
    found = bench_method(settings, repeats=Repeats(1, quick=True))
    assert set(found.sequence_records["a"].timings.repeat) == {1}


def test_a_timing_of_other_sequences_leaves_nothing_of_the_first(fake_vos: ModuleType, tmp_path: Path):
    for name in ("a", "b"):
        settings = make(fake_vos, tmp_path / "out", sequences=(name,))
        found = bench_method(settings, repeats=Repeats(1, quick=True))
    assert set(found.sequence_records) == {"b"}
    assert [path.name for path in (tmp_path / "out" / "masks").iterdir()] == ["b"]
    assert set(pd.read_csv(tmp_path / "out" / "timing.csv.gz")["sequence"]) == {"b"}


def test_a_method_that_fails_gives_one_message_and_no_figures(fake_vos: ModuleType, tmp_path: Path):
    specs = {"a": fake_vos.Spec(fault="sick")}
    with pytest.raises(MethodError, match=r"^a: raised ValueError on frame 00001: cannot bear"):
        bench_method(make(fake_vos, tmp_path / "out", "Raises", specs), repeats=QUICK)
    assert '"status":"started"' in run_file(tmp_path / "out").read_text().replace(" ", "")


def test_a_method_hears_of_the_end_of_every_pass(fake_vos: ModuleType, tmp_path: Path):
    found = bench_method(make(fake_vos, tmp_path / "out", "Logs"), repeats=QUICK)
    warm_ups, passes_of_both = 2, 3 * 2
    assert found.sequence_records["b"].log == f"ended {warm_ups + passes_of_both}"
    assert found.sequence_records["a"].log == f"ended {warm_ups + passes_of_both - 1}"


def test_a_method_hears_of_the_end_of_a_pass_that_fails(
    fake_vos: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    heard: list[str] = []
    monkeypatch.setattr(fake_vos.Raises, "finish", lambda _: heard.append("end") or "")
    with pytest.raises(MethodError, match=r"^a: raised ValueError"):
        bench_method(
            make(fake_vos, tmp_path / "out", "Raises", {"a": fake_vos.Spec(fault="sick")}),
            repeats=QUICK,
        )
    assert heard == ["end"]


def test_a_method_that_cannot_finish_is_one_message(fake_vos: ModuleType, tmp_path: Path):
    specs = {"a": fake_vos.Spec(fault="sick")}
    with pytest.raises(MethodError, match=r"^a: ValueError: has lost its log$"):
        bench_method(make(fake_vos, tmp_path / "out", "FailsToFinish", specs), repeats=QUICK)


def test_no_repeat_is_refused(fake_vos: ModuleType, tmp_path: Path):
    with pytest.raises(BadInputError, match="--repeats 0: expected 1 or more"):
        bench_method(make(fake_vos, tmp_path / "out"), repeats=Repeats(0))


@pytest.mark.usefixtures("long_enough")
def test_other_processes_on_the_gpu_give_no_fps(fake_vos: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\ncase $1 in *compute-apps*) echo {os.getpid()}; echo 1;; esac\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    specs = {"a": fake_vos.Spec()}
    timing = bench_method(make(fake_vos, tmp_path / "cpu", specs=specs)).record.timing
    assert timing is not None
    assert timing.reasons == (), "the processor does not mind"
    monkeypatch.setattr("vos_bench.benching.session._gpu", lambda _: "GPU-a")
    timing = bench_method(make(fake_vos, tmp_path / "gpu", specs=specs)).record.timing
    assert timing is not None
    assert (timing.reasons, timing.fps) == (("processes of others that computed on the GPU: 1",), None)


def test_python_code_times_a_made_up_video(fake_vos: ModuleType, tmp_path: Path):
    info = fake_vos.info("Drift")
    timed = vos_bench.bench(info, size=(64, 48), objects=2, frames=4, repeats=1, quick=True, device="cpu", out=tmp_path)
    assert timed.record.dataset.name == "made-up-64x48-2"
    assert timed.record.timing is not None
    assert timed.record.timing.frames == 4
    assert load_run(timed.folder).record == timed.record


def test_the_size_of_a_video_goes_with_no_dataset(fake_vos: ModuleType):
    with pytest.raises(BadInputError, match="size, objects or frames with a dataset: expected one of the two"):
        vos_bench.bench(fake_vos.info("Drift"), "demo", objects=2)


@pytest.mark.parametrize(("count", "message"), [(0, "expected 1 or more"), (10**8, "expected at most 1000")])
def test_how_often_is_bounded(fake_vos: ModuleType, tmp_path: Path, count: int, message: str):
    with pytest.raises(BadInputError, match=f"--repeats {count}: {message}"):
        bench_method(make(fake_vos, tmp_path / "out"), repeats=Repeats(count))
