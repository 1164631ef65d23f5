"""Energy per frame: RAPL's and NVML's counters, made up, their wrap-around, and what stands where there is none."""

import ctypes
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from vos_bench.benching import energy
from vos_bench.benching.energy import EnergyMeter
from vos_bench.benching.session import Repeats, bench_method
from vos_bench.cli import main
from vos_bench.environment import MachineState
from vos_bench.records import BenchEntry, EnergyUse, Run, load_run
from vos_bench.records.latency_table import latency_table
from vos_bench.running.run import RunSettings
from vos_bench.tables import render

RANGE = 262_143_328_850
"""Microjoules after which a counter wraps, as an Intel processor of a server has it."""


def zone(powercap: Path, name: str, microjoules: int, *, what: str) -> Path:
    folder = powercap / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "name").write_text(f"{what}\n")
    (folder / "max_energy_range_uj").write_text(f"{RANGE}\n")
    return counted(folder, microjoules)


def counted(folder: Path, microjoules: int) -> Path:
    (folder / "energy_uj").write_text(f"{microjoules}\n")
    return folder


@pytest.fixture
def powercap(tmp_path: Path) -> Path:
    """Two packages, each with parts that lie in it, memory beside them, and what counts the same once more."""
    folder = tmp_path / "powercap"
    zone(folder, "intel-rapl:0", 1_000_000, what="package-0")
    zone(folder, "intel-rapl:0:0", 900_000, what="core")
    zone(folder, "intel-rapl:0:1", 50_000_000, what="dram")
    zone(folder, "intel-rapl:1", 2_000_000, what="package-1")
    zone(folder, "intel-rapl:2", 7_000_000, what="psys")
    zone(folder, "intel-rapl-mmio:0", 1_000_000, what="package-0")
    (folder / "intel-rapl").mkdir()
    return folder


def test_packages_and_memory_are_added_and_their_parts_are_not(powercap: Path) -> None:
    meter = EnergyMeter(powercap=powercap)
    for name, now in (
        ("intel-rapl:0", 11_000_000),
        ("intel-rapl:0:0", 800_000_000),
        ("intel-rapl:0:1", 51_500_000),
        ("intel-rapl:1", 5_000_000),
        ("intel-rapl:2", 900_000_000),
        ("intel-rapl-mmio:0", 900_000_000),
    ):
        counted(powercap / name, now)
    meter.update()
    use = meter.use(frames=10)
    assert use.processor_joules == pytest.approx(10 + 1.5 + 3)
    assert use.per_frame("processor") == pytest.approx(1.45)
    assert (use.gpu_joules, use.per_frame("GPU"), use.lacking) == (None, None, {})


def test_a_counter_that_wraps_goes_on(powercap: Path) -> None:
    package = powercap / "intel-rapl:0"
    counted(package, RANGE - 4_000_000)
    meter = EnergyMeter(powercap=powercap)
    for now in (RANGE - 1_000_000, 2_000_000, 3_000_000):
        counted(package, now)
        meter.update()
    assert meter.use(1).processor_joules == pytest.approx(4 + 3)
    for _ in range(2):  # each time once round
        counted(package, RANGE - 1_000_000)
        meter.update()
        counted(package, 3_000_000)
        meter.update()
    assert meter.use(1).processor_joules == pytest.approx(7 + 2 * RANGE / 1e6)


def test_without_counters_there_is_no_figure_and_nothing_to_say(tmp_path: Path) -> None:
    for folder in (tmp_path / "nowhere", tmp_path):
        meter = EnergyMeter(powercap=folder)
        meter.update()
        assert meter.use(10).per_frame("processor") == "no counter"
        assert meter.notes == []


def forbidden(path: Path, **_: Any) -> str:
    raise PermissionError(13, "Permission denied", str(path))


def test_a_missing_permission_is_said_once_with_what_to_do(powercap: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = Path.read_text
    monkeypatch.setattr(
        Path, "read_text", lambda path, **more: forbidden(path) if path.name == "energy_uj" else read(path, **more)
    )
    meter = EnergyMeter(powercap=powercap)
    for _ in range(3):
        meter.update()
    (note,) = meter.notes
    assert f"{powercap / 'intel-rapl:*' / 'energy_uj'} may be read by root alone; `sudo chmod a+r" in note
    assert meter.use(10).per_frame("processor") == "no permission"


def test_a_counter_that_stops_to_be_readable_has_no_figure(powercap: Path) -> None:
    meter = EnergyMeter(powercap=powercap)
    (powercap / "intel-rapl:1" / "energy_uj").write_text("nonsense")
    meter.update()
    assert meter.use(10).per_frame("processor") == "not readable"
    assert meter.use(10).processor_joules is None


class Nvml(SimpleNamespace):
    """A library that knows one GPU, whose counter goes up by 30 J from one reading to the next."""

    uuid = b"GPU-1"
    millijoules = 1_000
    answers = 0

    def nvmlInit_v2(self) -> int:  # noqa: N802
        return 0

    def nvmlDeviceGetHandleByUUID(self, uuid: bytes, device: Any) -> int:  # noqa: N802
        device._obj.value = 77
        return 0 if uuid == self.uuid else 6

    def nvmlDeviceGetTotalEnergyConsumption(self, device: ctypes.c_void_p, energy: Any) -> int:  # noqa: N802
        assert device.value == 77
        self.millijoules += 30_000
        energy._obj.value = self.millijoules
        return self.answers


def test_a_gpu_counts_for_itself(powercap: Path) -> None:
    meter = EnergyMeter("GPU-1", powercap=powercap, nvml=Nvml())
    meter.update()
    meter.update()
    use = meter.use(frames=20)
    assert use.gpu_joules == pytest.approx(60)
    assert use.per_frame("GPU") == pytest.approx(3)
    assert use.per_frame("processor") == 0


@pytest.mark.parametrize(
    ("gpu", "library"),
    [("GPU-2", Nvml()), ("GPU-1", Nvml(answers=3)), ("GPU-1", SimpleNamespace(nvmlInit_v2=lambda: 9))],
)
def test_a_gpu_that_does_not_tell_has_no_figure(powercap: Path, gpu: str, library: Any) -> None:
    meter = EnergyMeter(gpu, powercap=powercap, nvml=library)
    meter.update()
    assert meter.use(20).per_frame("GPU") == "no counter"
    assert meter.use(20).processor_joules == 0


def test_a_machine_without_the_driver_has_none_either(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(energy, "NVML_LIBRARY", "libnothing-of-this-name.so.1")
    assert EnergyMeter("GPU-1", powercap=tmp_path).use(1).lacking == {"processor": "no counter", "GPU": "no counter"}


def bench(fake_vos: ModuleType, out: Path) -> Run:
    dataset = fake_vos.FakeDataset({"a": fake_vos.Spec(), "b": fake_vos.Spec(length=6)})
    settings = RunSettings(method=fake_vos.info("Drift"), dataset=dataset, out=out, device="cpu")
    return bench_method(settings, repeats=Repeats(3, quick=True))


def test_a_timing_keeps_what_the_machine_counted(
    fake_vos: ModuleType, tmp_path: Path, powercap: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings = iter(range(100))

    def one_joule_more(path: Path) -> Callable[[], float]:
        del path
        return lambda: float(next(readings))

    monkeypatch.setattr(energy, "_reader", one_joule_more)
    for name in ("intel-rapl:0:1", "intel-rapl:1"):
        (powercap / name / "name").write_text("core")
    monkeypatch.setattr(energy.EnergyMeter.__init__, "__kwdefaults__", {"powercap": powercap, "nvml": None})
    run = bench(fake_vos, tmp_path / "out")
    assert run.record.bench is not None
    # three passes over sequences of 4 and 6 frames, a joule each
    assert run.record.bench.energy == EnergyUse(frames=30, processor_joules=6.0)
    assert load_run(tmp_path / "out").record == run.record
    text = render(latency_table([run]), "markdown")
    assert "energy [J/frame]" in text
    assert "| 0.20 |" in text
    assert "Both are indicative always" in text


def with_energy(run: Run, use: EnergyUse | None) -> Run:
    entry = BenchEntry(
        warm_up_seconds=0,
        passes=(1,),
        start=MachineState(),
        end=MachineState(),
        processor_seconds=0,
        share_of_others=0,
        label_maps_sha256="0",
        energy=use,
    )
    return replace(run, record=run.record.replace(bench=entry))


def test_the_table_has_the_column_where_some_run_has_a_figure(make_run: Callable[..., Run]) -> None:
    run = make_run({"a": (0.5, 0.5)}, p50=10.0)
    old, without = with_energy(run, None), with_energy(run, EnergyUse(frames=3, lacking={"processor": "no counter"}))
    assert "energy" not in render(latency_table([run, old, without]), "text")
    counts = with_energy(run, EnergyUse(frames=4, processor_joules=10.0, gpu_joules=100.0))
    rows = latency_table([counts, without, run]).rows
    assert [row["energy"] for row in rows] == [2.5, "no counter", None]
    assert [row["GPU energy"] for row in rows] == [25.0, None, None]
    barred = with_energy(run, EnergyUse(frames=4, lacking={"processor": "no permission"}))
    assert "no permission" in render(latency_table([barred]), "text")


def test_the_command_says_what_is_true_of_the_machine_once(
    tmp_path: Path, powercap: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(energy, "_reader", lambda _: lambda: _raise(energy._NoFigureError("no permission")))
    monkeypatch.setattr(energy.EnergyMeter.__init__, "__kwdefaults__", {"powercap": powercap, "nvml": None})
    monkeypatch.setenv("COLUMNS", "300")
    command = ["bench", "copy-first", "--size", "64x48,96x64", "--frames", "3", "--quick", "--repeats", "1"]
    assert main([*command, "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert said.count("may be read by root alone") == 1
    assert "no permission" in said


def _raise(error: Exception) -> float:
    raise error


def test_a_terminal_keeps_latencies_before_columns_without_a_figure(make_run: Callable[..., Run]) -> None:
    table = latency_table([make_run({"a": (0.5, 0.5)}, p50=10.0)])
    text = render(table, "text", width=60)
    assert "p50 [ms]" in text
    assert "FPS" not in text.partition("─")[0], "no run has one"
    assert "GPU memory" in text.partition("Not shown for lack of room: ")[2]
