"""The scripts of docs/cluster.md do what they say: every shard is run once; the table is what the formula gives."""

import importlib.util
import os
import re
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "cluster.md").read_text("utf-8")

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the scripts are for bash")


def blocks(language: str) -> list[str]:
    return [block.content for block in MarkdownIt().parse(PAGE) if block.type == "fence" and block.info == language]


def shards(script: str, folder: Path, *, vos_bench: str = "", **environment: str) -> list[str]:
    """Run a script with stand-ins for vos-bench and ssh, and return the shards that it asks for."""
    commands = {"vos-bench": f'echo "$@" >> {folder}/calls; {vos_bench}', "ssh": f'cd {folder}; eval "${{2#*&& }}"'}
    for name, line in commands.items():
        (folder / name).write_text(f"#!/bin/bash\n{line}\n")
        (folder / name).chmod(0o755)
    path = f"{folder}:{os.environ['PATH']}"
    subprocess.run(["bash", "-eu", "-c", script], check=True, cwd=folder, env=environment | {"PATH": path})
    return re.findall(r"--shard (\S+)", (folder / "calls").read_text())


def test_the_array_of_slurm_runs_every_shard_once(tmp_path: Path):
    (script,) = (block for block in blocks("bash") if "#SBATCH" in block)
    first, last = map(int, re.findall(r"--array=(\d+)-(\d+)", script)[0])
    for task in range(first, last + 1):
        found = slurm_task(script, tmp_path, task=task, count=last - first + 1)
    assert found == [f"{i}/64" for i in range(1, 65)]


def slurm_task(script: str, folder: Path, *, task: int, count: int) -> list[str]:
    given = {"SLURM_ARRAY_TASK_ID": task, "SLURM_ARRAY_TASK_COUNT": count, "SLURM_CPUS_PER_TASK": 8}
    return shards(script, folder, **{name: str(value) for name, value in given.items()})


def test_a_task_that_is_given_again_alone_runs_its_own_shard(tmp_path: Path):
    (script,) = (block for block in blocks("bash") if "#SBATCH" in block)
    assert slurm_task(script, tmp_path, task=17, count=1) == ["18/64"]


def test_the_indexed_job_runs_every_shard_once(tmp_path: Path):
    (block,) = blocks("yaml")
    job: dict[str, Any] = yaml.safe_load(block)
    spec = job["spec"]
    assert (job["apiVersion"], job["kind"], spec["completionMode"]) == ("batch/v1", "Job", "Indexed")
    pod = spec["template"]["spec"]
    (container,) = pod["containers"]
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["volumes"]}
    for index in range(spec["completions"]):
        found = shards(container["args"][0], tmp_path, JOB_COMPLETION_INDEX=str(index))
    assert found == [f"{i}/8" for i in range(1, 9)]


def test_the_loop_over_machines_runs_every_shard_once(tmp_path: Path):
    (script,) = (block for block in blocks("bash") if "ssh" in block)
    assert sorted(shards(script, tmp_path)) == ["1/3", "2/3", "3/3"]


def test_the_loop_over_machines_names_the_shard_that_failed(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    (script,) = (block for block in blocks("bash") if "ssh" in block)
    assert len(shards(script, tmp_path, vos_bench='case "$*" in *2/3*) exit 5;; esac')) == 3
    assert capfd.readouterr().err == "shard 2 on gpu2 left with 5: give its command again\n"


@pytest.fixture
def costing() -> ModuleType:
    spec = importlib.util.spec_from_file_location("costing", ROOT / "benchmarks" / "costing.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_of_costs_is_what_the_formula_gives(costing: ModuleType):
    assert costing.table(costing.SPEEDS, [1, 8, 64]) in PAGE
    performance = (ROOT / "docs" / "performance.md").read_text("utf-8")
    assert all(figure in performance for figure in ("18.1 ± 0.1 FPS", "29.8 ± 1.0 FPS", "964 / 990"))


def test_equal_sequences_take_what_the_bounds_say(costing: ModuleType):
    found = costing.bounds(10.0, 1, frames=(100, 100))
    assert found == (8940.0, 8940.0)
    many = costing.bounds(10.0, 894, frames=(100, 100))
    assert many.least == 50.0
    assert many.most == pytest.approx(10 + 50 * (1 - 1 / 894))
