"""Memory that runs out in one sequence, and a GPU that is lost."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
from joblib.externals.loky import get_reusable_executor

from vos_bench.progress import Progress
from vos_bench.records import load_run
from vos_bench.running.faults import GpuLostError, Halving, halved, ran_out_of_memory
from vos_bench.running.run import RunSettings, run_method

FIVE = {k: 0 if k < 5 else 1 for k in range(1, 6)}
"""Five objects, one of which starts late."""


@pytest.fixture
def settings(fake_vos: ModuleType, tmp_path: Path) -> RunSettings:
    specs = {
        name: fake_vos.Spec(length=6, size=(20, 24), starts=FIVE, fault=fault)
        for name, fault in {"a": "", "b": "sick", "c": "", "d": "sick"}.items()
    }
    return RunSettings(
        method=fake_vos.info("Hungry"), dataset=fake_vos.FakeDataset(specs), out=tmp_path / "out", device="cpu"
    )


@pytest.fixture
def fresh_workers() -> Iterator[None]:
    """Workers know the modules that could be imported when they began, so none may be left from another test."""
    get_reusable_executor().shutdown(wait=True, kill_workers=True)
    yield
    get_reusable_executor().shutdown(wait=True, kill_workers=True)


def masks(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.glob("masks/*/*.png"))}


@pytest.fixture
def unbroken(fake_vos: ModuleType, settings: RunSettings, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """What comes out where there is memory enough."""
    out = settings.out.with_name("unbroken")
    with monkeypatch.context() as patch:
        patch.setattr(fake_vos.Hungry, "fits", 9)
        assert run_method(replace(settings, out=out)).record.status == "complete"
    return masks(out)


@pytest.mark.parametrize(
    ("method", "jobs"), [("Hungry", 1), ("Hungry", 2), ("HungryOnTheProcessor", 1), ("HungryInNumPy", 1)]
)
def test_out_of_memory_starts_the_sequence_again_with_half_the_objects_at_a_time(
    fake_vos: ModuleType,
    settings: RunSettings,
    unbroken: dict[str, bytes],
    method: str,
    jobs: int,
    fresh_workers: None,  # noqa: ARG001
):
    record = run_method(replace(settings, method=fake_vos.info(method), jobs=jobs)).record
    assert record.status == "complete"
    assert masks(settings.out) == unbroken
    sequences = load_run(settings.out).sequence_records
    halvings = tuple(f"out of memory with {a} objects at a time: run with {b}" for a, b in ((5, 3), (3, 2)))
    for name, short in {"a": False, "b": True, "c": False, "d": True}.items():
        assert sequences[name].notes == (halvings if short else ()), name
        assert sequences[name].objects_at_once == (2 if short else None)
        assert (sequences[name].frames, sequences[name].objects) == (6, 5)
    said = "out of memory, and run again with fewer objects at a time: b, d"
    assert said in record.notes
    assert record.timing is not None
    assert jobs == 2 or said in record.timing.reasons


@pytest.mark.parametrize(
    ("method", "at_once", "message"),
    [
        ("Glutton", 1, "out of memory, with 1 object at a time too; expected more memory"),
        ("Stubborn", None, "out of memory, and stubborn cannot take fewer objects at a time; expected more memory"),
        ("AllAtOnce", None, "out of memory, and allatonce cannot take fewer objects at a time; expected more memory"),
    ],
)
def test_a_sequence_that_never_fits_fails_alone_and_says_why(
    fake_vos: ModuleType, settings: RunSettings, method: str, at_once: int | None, message: str
):
    record = run_method(replace(settings, method=fake_vos.info(method))).record
    assert (record.counts.done, record.counts.failed) == (2, 2)
    sequences = load_run(settings.out).sequence_records
    assert [name for name, found in sequences.items() if found.status == "failed"] == ["b", "d"]
    for name in "bd":
        assert sequences[name].error.startswith("raised OutOfMemoryError on frame 00002: CUDA out of memory")
        assert message in sequences[name].error
        assert sequences[name].objects_at_once == at_once


def test_other_errors_are_no_shortage_of_memory():
    assert not ran_out_of_memory(RuntimeError("CUDA error: device-side assert triggered"))
    assert not ran_out_of_memory(ValueError("shapes do not match"))


@pytest.mark.parametrize(
    ("most", "objects", "found"),
    [
        (4, 9, Halving(4, 2)),
        (4, 3, Halving(3, 2)),
        (8, 1, None),
        (1, 5, None),
        (None, 5, None),
        (8, 0, None),
    ],
)
def test_what_is_halved_is_how_many_objects_really_went_together(most: int, objects: int, found: Halving | None):
    assert halved(most, objects) == found


class Names(Progress):
    def __init__(self) -> None:
        self.started: list[str] = []

    def sequence_started(self, name: str, frames: int) -> None:  # noqa: ARG002
        self.started.append(name)


def test_a_lost_gpu_ends_the_run_and_leaves_the_rest_untouched(fake_vos: ModuleType, settings: RunSettings):
    lost = replace(settings, method=fake_vos.info("LosesTheGpu"))
    with pytest.raises(GpuLostError, match=r"(?s)b: raised Accelerator.*illegal memory access.*same command goes on"):
        run_method(lost)
    found = load_run(settings.out)
    assert {name: sequence.status for name, sequence in found.sequence_records.items()} == {"a": "done", "b": "failed"}
    assert (found.record.status, found.record.counts.done) == ("started", 1)

    names = Names()
    with pytest.raises(GpuLostError, match="d: "):
        run_method(lost, progress=names)
    assert names.started == ["c", "d"]  # what failed before comes last, so that it cannot keep the others waiting
    names = Names()
    with pytest.raises(GpuLostError, match="b: "):
        run_method(lost, progress=names)
    assert names.started == ["b"]


def test_a_gpu_that_still_answers_costs_one_sequence(
    fake_vos: ModuleType, settings: RunSettings, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("torch.cuda.synchronize", lambda _device: None)
    record = run_method(replace(settings, method=fake_vos.info("LosesTheGpu"))).record
    assert (record.counts.done, record.counts.failed) == (2, 2)
    assert run_method(replace(settings, method=fake_vos.info("LosesTheGpu"))).record.counts.done == 2
