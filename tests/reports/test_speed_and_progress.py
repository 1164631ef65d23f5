"""The reports `speed`, `latency`, `progress` and `attributes`."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from vos_bench.environment import GpuEntry
from vos_bench.records import Run
from vos_bench.records.identity import hardware
from vos_bench.records.latency_table import latency_table
from vos_bench.reports import attributes, progress, speed
from vos_bench.tables import render
from vos_bench.timing import FrameTimings, Latency, TimingSummary

MakeRun = Callable[..., Run]

TIMES = FrameTimings(
    frame=("0", "1", "2", "3"),
    objects=(1, 1, 1, 2),
    phase=("init", "step", "step", "step"),
    decode_ms=(None,) * 4,
    stream_ms=(50.0, 10.0, 30.0, 40.0),
    model_ms=(None,) * 4,
    write_ms=(None,) * 4,
)


def timed(run: Run, *, fps: float = 37.5, indicative: bool = False, gpu: str = "") -> Run:
    timing = TimingSummary(
        definition="how",
        indicative=indicative,
        reasons=("too short",) if indicative else (),
        frames=4,
        fps=fps,
        step_ms=Latency(p50=30, p90=40, p99=40),
    )
    sequences = {name: each.replace(timings=TIMES, peak_mib=100.0) for name, each in run.sequence_records.items()}
    record = run.record.replace(timing=timing)
    if gpu:
        entry = GpuEntry(name=gpu, memory_mib=1)
        environment = record.environment.replace(gpus=(entry,))
        assert record.numerics is not None
        numerics = record.numerics.replace(device="cuda")
        record = record.replace(environment=environment, numerics=numerics)
    return replace(run, record=record, sequence_records=sequences)


def test_speed_has_a_line_for_each_number_of_objects(make_run: MakeRun) -> None:
    rows = pd.DataFrame(speed.make_table([timed(make_run({"a": (0.5, 0.5)}))]).rows)
    ours = rows[rows["method"] == "mine"].set_index("objects")
    assert list(ours.index) == ["all", "1", "2"]
    assert ours.loc["all", "FPS"] == 37.5
    assert ours.loc["1", "FPS"] == 1000 * 2 / 40
    assert (ours.loc["1", "init"], ours.loc["1", "p50"], ours.loc["1", "p99"]) == (50.0, 10.0, 30.0)
    assert ours.loc["2", "FPS"] == 25.0
    assert ours.loc["all", "memory"] == 100.0


def test_speed_ranks_on_one_machine_only_and_no_mere_indication(make_run: MakeRun) -> None:
    def runs(*, gpu: str = "", indicative: bool = False) -> list[Run]:
        first, second = (make_run({"a": (0.5, 0.5)}, method=name) for name in ("x", "y"))
        return [timed(first, fps=20, gpu="H200"), timed(second, fps=10, gpu=gpu, indicative=indicative)]

    assert "**20.00**" in render(speed.make_table(runs(gpu="H200")), "markdown")
    assert "**20.00**" not in render(speed.make_table(runs(gpu="V100")), "markdown")
    assert "**20.00**" not in render(speed.make_table(runs()), "markdown"), "a processor is not that GPU"
    assert "**20.00**" not in render(speed.make_table(runs(gpu="H200", indicative=True)), "markdown")


def test_float32_is_not_ranked_with_what_was_rounded_to_tf32(make_run: MakeRun) -> None:
    def on(device: str, **numerics: Any) -> str:
        record = timed(make_run({"a": (0.5, 0.5)}), gpu="H200").record
        assert record.numerics is not None
        changed = record.numerics.replace(device=device, **numerics)
        return hardware(record.replace(numerics=changed))

    assert on("cuda", tf32=False) == "H200, float32"
    assert on("cuda", tf32=True) == on("cuda", amp="tf32", tf32=True) == "H200, tf32"
    assert on("cuda", amp="fp16", tf32=False) == "H200, fp16"
    assert on("cpu", tf32=True).endswith(", float32")


def test_an_indication_has_latencies_by_number_of_objects_and_no_fps(make_run: MakeRun) -> None:
    run = timed(make_run({"a": (0.5, 0.5)}), indicative=True)
    assert run.record.timing is not None
    timing = run.record.timing.replace(fps=None, step_ms=Latency(p50=30, p90=40, p99=40))
    run = replace(run, record=run.record.replace(timing=timing))
    rows = [row for row in speed.make_table([run]).rows if row["method"] == "mine"]
    assert [row["objects"] for row in rows] == ["all", "1", "2"]
    assert all(row["FPS"] is None for row in rows)
    assert [row["p50"] for row in rows] == [30, 10.0, 40.0]


def test_latencies_say_under_which_conditions_they_were_taken(make_run: MakeRun) -> None:
    run = timed(make_run({"a": (0.5, 0.5)}), indicative=True)
    noisy = replace(run, record=run.record.replace(protocol=run.record.protocol.replace(corruption="noise:3")))
    plain, corrupted = (row["notes"] for row in latency_table([run, noisy]).rows)
    assert corrupted == ("corrupted by noise:3", *plain)
    ours = [row for row in speed.make_table([run, noisy]).rows if row["method"] == "mine" and row["objects"] == "all"]
    assert ["corrupted by noise:3" in row["notes"] for row in ours] == [False, True]


def test_the_speed_on_corrupted_frames_is_not_ranked_with_that_on_others(make_run: MakeRun) -> None:
    run = timed(make_run({"a": (0.5, 0.5)}))
    noisy = replace(run, record=run.record.replace(protocol=run.record.protocol.replace(corruption="noise:3")))
    ranks = [row["rank"] for row in speed.make_table([run, run, noisy]).rows if row.get("rank")]
    assert len(ranks) == 3
    assert len(set(ranks)) == 2


def test_published_speeds_stand_alone_and_unranked_without_a_record() -> None:
    table = speed.make_table([])
    assert {row["group"] for row in table.rows} == {speed.AUTHORS}
    assert not any(row.get("rank") for row in table.rows)
    lwl = next(row for row in table.rows if row["method"] == "LWL")
    assert lwl["FPS"] == 14
    assert "single-object" in " ".join(lwl["notes"])


def test_progress_follows_one_method_under_one_set_of_rules(make_run: MakeRun) -> None:
    def at(date: str, run: Run) -> Run:
        return replace(run, record=run.record.replace(finished=date))

    runs = [
        at("2026-03-01", make_run({"a": (0.6, 0.6)})),
        at("2026-01-01", make_run({"a": (0.5, 0.5)})),
        at("2026-02-01", make_run({"a": (0.9, 0.9)}, fingerprint="e" * 64)),
        at("2026-02-15", make_run({"a": (0.8, 0.8)}, seed=1)),
    ]
    rows = pd.DataFrame(progress.make_table(runs).rows)
    same = rows[rows["group"].str.endswith("(rules 1)")]
    assert list(same["date"]) == ["2026-01-01", "2026-02-15", "2026-03-01"]
    assert same["change"].iloc[:2].isna().all()
    assert abs(same["change"].iloc[2] - 0.1) < 1e-12
    assert len(rows[rows["group"].str.endswith("(rules 2)")]) == 1


def test_attributes_ranks_within_an_object_and_names_failures(make_run: MakeRun) -> None:
    table = attributes.make_table(
        [make_run({"a": (0.5, 0.5), "b": (0.9, 0.9)}, method="x"), make_run({"a": (0.6, 0.6), "b": None}, method="y")]
    )
    text = render(table, "markdown")
    assert "**60.0**" in text
    assert "**90.0**" not in text
    assert "failed: the method raised ValueError" in text


def test_timings_stand_in_the_order_of_sizes_and_numbers_of_objects(make_run: MakeRun) -> None:
    names = ["made-up-416x240-1", "made-up-832x480-2", "made-up-832x480-10", "made-up-1280x720-1"]
    runs = []
    for name in sorted(names):
        run = make_run({"a": (0.8, 0.8)}, p50=10.0)
        data = run.record.dataset.replace(name=name)
        runs.append(replace(run, record=run.record.replace(dataset=data)))
    assert [row["data"] for row in latency_table(runs).rows] == names


def test_a_timing_shows_what_torch_allocated_and_what_it_held_on_the_gpu(make_run: MakeRun) -> None:
    run = make_run({"a": (0.8, 0.8), "b": (0.8, 0.8)}, p50=10.0)
    memory = {"a": (100.0, 300.0), "b": (200.0, 250.0)}
    sequences = {
        name: run.sequence_records[name].replace(peak_gpu_mib=used, peak_gpu_reserved_mib=held)
        for name, (used, held) in memory.items()
    }
    [row] = latency_table([replace(run, sequence_records=sequences)]).rows
    assert (row["GPU memory"], row["GPU reserved"]) == (200.0, 300.0)


def test_a_timing_without_records_of_sequences_has_a_line_without_objects(make_run: MakeRun) -> None:
    run = replace(make_run({"a": (0.8, 0.8)}, p50=10.0), sequence_records={})
    (row,) = latency_table([run]).rows
    assert row["objects"] is None
    assert row["p50"] == 10.0


@pytest.mark.parametrize("width", [60, 80])
def test_a_narrow_terminal_keeps_what_a_report_is_about(make_run: MakeRun, width: int) -> None:
    runs = [timed(make_run({"a": (0.5, 0.5)}, method=f"a-method-of-some-name-{k}")) for k in (1, 2)]
    tables = {"FPS": (speed.make_table(runs), latency_table(runs)), "J&F": (progress.make_table(runs),)}
    for name, found in tables.items():
        for table in found:
            lines = render(table, "text", width=width).splitlines()
            assert name in next(line for line in lines if " method " in line or " date " in line).split()
