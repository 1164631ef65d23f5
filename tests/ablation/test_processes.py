"""Jobs that are killed, stopped or shared between processes."""

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from python_processes import run_python
from safetensors.torch import load_file

from vos_bench.ablation.jobs import jobs_of, state_of, steps_done
from vos_bench.records import load_run

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")

Start = Callable[..., "subprocess.Popen[str]"]
ONE = ("--table", "held-out")
JOB = "held-out/all/seed0"
PATIENCE_SECONDS = 900


def wait_for(condition: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.005)


def finish(process: "subprocess.Popen[str]") -> str:
    said = process.communicate(timeout=PATIENCE_SECONDS)[0]
    assert process.returncode == 0, said
    return said


def result(out: Path) -> dict[str, object]:
    """What must not depend on how often a job was interrupted."""
    record = load_run(out / JOB / "run").record
    masks = {path.name: path.read_bytes() for path in sorted((out / JOB / "run/masks").rglob("*.png"))}
    tensors = load_file(out / JOB / "training/weights.safetensors")
    weights = {name: value.tolist() for name, value in tensors.items()}
    steps = [json.loads(line)["step"] for line in (out / JOB / "training/curves.jsonl").read_text().splitlines()]
    return {"scores": record.scores, "masks": masks, "weights": weights, "steps": steps}


@pytest.fixture
def undisturbed(ablate: Callable[..., int]) -> dict[str, object]:
    assert ablate("--out", "undisturbed", *ONE) == 0
    return result(Path("undisturbed"))


def test_a_job_killed_in_its_training_and_again_in_its_run_ends_as_an_undisturbed_one(
    undisturbed: dict[str, object], ablate: Callable[..., int], start: Start, plugin: ModuleType
) -> None:
    out = Path("killed")
    [job] = jobs_of(plugin.PLAN, plugin.PLAN.chosen(["held-out"]), seeds=None, out=out)
    process = start("--out", out, *ONE, hold="training:never")
    wait_for(lambda: steps_done(job) == 4, process)
    assert state_of(job).text == "training 4 of 6"
    process.kill()
    process.wait()
    assert state_of(job).text == "stopped at 4 of 6"

    process = start("--out", out, *ONE, hold="run:never")
    wait_for((out / JOB / "run/sequences/a.json").exists, process)
    assert state_of(job).text == "running 1 of 3"
    process.kill()
    process.wait()
    assert state_of(job).text == "stopped at 1 of 3"

    assert ablate("--out", out, *ONE) == 0
    assert result(out) == undisturbed


def test_a_training_that_is_asked_to_stop_saves_and_goes_on_with_its_minutes(
    undisturbed: dict[str, object], ablate: Callable[..., int], start: Start, plugin: ModuleType
) -> None:
    out = Path("stopped")
    [job] = jobs_of(plugin.PLAN, plugin.PLAN.chosen(["held-out"]), seeds=None, out=out)
    process = start("--out", out, *ONE, hold="training:go")
    wait_for(Path("go.held").exists, process)  # the fifth step has begun
    assert steps_done(job) == 4
    process.terminate()
    Path("go").touch()
    said = process.communicate(timeout=PATIENCE_SECONDS)[0]
    assert process.returncode == 130, said
    assert "the same command goes on from there" in said
    interrupted = json.loads((job.training / "training.json").read_text())
    assert (interrupted["status"], interrupted["step"]) == ("interrupted", 5)
    assert ablate("--out", out, *ONE) == 0
    assert result(out) == undisturbed
    record = json.loads((job.training / "training.json").read_text())
    assert record["total_seconds"] > interrupted["total_seconds"] > 0


def test_two_processes_share_the_jobs_and_do_none_twice(start: Start) -> None:
    out = Path("shared")
    processes = [start("--out", out, "--seeds", "0,1,2", hold="training:go") for _ in range(2)]
    for process in processes:
        wait_for(lambda: len(list(out.rglob("checkpoint.pt"))) == 2, process)
    Path("go").touch()
    said = [finish(process) for process in processes]
    done = [[line.split()[0] for line in text.splitlines() if "(one of" in line] for text in said]
    jobs = {f"width/{value}/seed{seed}" for value in (3, 5) for seed in range(3)}
    assert all(done)
    assert sorted(done[0] + done[1]) == sorted(jobs)
    assert {load_run(out / job / "run").record.status for job in jobs} == {"complete"}


def test_a_job_at_work_elsewhere_is_left_alone_and_shown(
    start: Start, ablate: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    out = Path("elsewhere")
    process = start("--out", out, *ONE, hold="training:never")
    wait_for((out / JOB / "training/checkpoint.pt").exists, process)
    assert ablate("--out", out, *ONE) == 0
    said = capsys.readouterr().out
    assert "1 job is at work in another process" in said
    assert "training 4 of 6" in said or "training 3 of 6" in said or "training 2 of 6" in said


def test_listing_jobs_and_their_state_loads_no_torch(start: Start) -> None:
    finish(start("--out", "here", *ONE))
    script = (
        "import sys; from vos_bench.cli import main; "
        "main(['ablate', 'fake', '--scale', 'small', '--out', 'here', '--table', 'all', '--status']); "
        "main(['ablate', 'lwl', '--scale', 'lite', '--table', 'all', '--status']); "
        "sys.exit('torch' in sys.modules)"
    )
    assert "held-out/all/seed0" in run_python("-c", script).stdout
