"""`vos-bench ablate`: variants and seeds become jobs, jobs become records."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from vos_bench.ablation.jobs import jobs_of, state_of
from vos_bench.cli import main
from vos_bench.files.locks import FolderLock
from vos_bench.records import load_run, run_file
from vos_bench.training.session import find_recipe

Ablate = Callable[..., int]
OUT = Path("out")


def run_of(job: str) -> Path:
    return OUT / job / "run"


def test_each_variant_and_seed_becomes_a_training_and_a_record(
    ablate: Ablate, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ablate("--out", OUT) == 0
    folders = {str(path.parent.parent.relative_to(OUT)) for path in OUT.rglob("run/run.json")}
    assert folders == {f"width/{value}/seed{seed}" for value in (3, 5) for seed in (0, 1)}
    record = load_run(run_of("width/5/seed1")).record
    assert (record.status, record.numerics and record.numerics.seed) == ("complete", 1)
    assert record.method.weights is not None
    assert record.method.weights.name == "ablation width 5"
    assert record.ablation is not None
    assert (record.ablation.method, record.ablation.scale, record.ablation.steps) == ("fake", "small", 6)
    assert record.ablation.training_seconds is not None
    training = json.loads((OUT / "width/5/seed1/training/training.json").read_text())
    assert (training["settings"]["width"], training["settings"]["seed"]) == (5, 1)
    said = capsys.readouterr().out
    assert "width/5/seed1" in said
    assert "done" in said


def test_variants_of_several_axes_that_are_the_same_system_share_one_job(ablate: Ablate) -> None:
    assert ablate("--out", OUT, "--table", "rate,rows") == 0
    assert sorted(path.name for path in OUT.iterdir()) == ["rate", "rows", "width"]
    record = load_run(run_of("width/3/seed0")).record
    assert record.ablation is not None
    assert [(each.axis, each.value) for each in record.ablation.variants][:2] == [("width", "3"), ("rate", "default")]
    assert not run_file(run_of("width/3/seed1")).exists()


def test_a_variant_without_training_is_only_run(ablate: Ablate) -> None:
    assert ablate("--out", OUT, "--table", "rows") == 0
    record = load_run(run_of("rows/4/seed0")).record
    assert (record.method.weights, record.method.config) == (None, {"rows": 4})
    assert record.ablation is not None
    assert (record.ablation.training_seconds, record.ablation.variants[0].note) == (None, "far off")
    assert not (OUT / "rows/4/seed0/training").exists()


def test_a_second_start_finds_nothing_to_do_and_changes_nothing(ablate: Ablate) -> None:
    assert ablate("--out", OUT) == 0
    files = {path: path.read_bytes() for path in OUT.rglob("*") if path.is_file() and ".locks" not in path.parts}
    assert ablate("--out", OUT) == 0
    assert files == {path: path.read_bytes() for path in files}


def test_seeds_and_settings_of_the_user_reach_every_training_and_run(ablate: Ablate) -> None:
    assert ablate("--out", OUT, "--seeds", "7", "--set", "steps_per_epoch=2", "--run-set", "rows=1") == 0
    assert sorted(path.name for path in OUT.rglob("seed*")) == ["seed7", "seed7"]
    record = load_run(run_of("width/3/seed7")).record
    assert record.method.config == {"rows": 1}
    assert record.ablation is not None
    assert record.ablation.steps == 2


def test_sequences_that_are_asked_for_later_are_added(ablate: Ablate) -> None:
    assert ablate("--out", OUT, "--table", "rows", "--sequences", "a") == 0
    assert load_run(run_of("rows/0/seed0")).record.dataset.sequences == ("a",)
    assert ablate("--out", OUT, "--table", "rows") == 0
    assert load_run(run_of("rows/0/seed0")).record.dataset.sequences == ("a", "b", "c")


def test_sequences_of_the_evaluation_can_be_left_out_of_the_training(ablate: Ablate) -> None:
    assert ablate("--out", OUT, "--table", "held-out") == 0
    training = json.loads((OUT / "held-out/all/seed0/training/training.json").read_text())
    assert training["settings"]["skipped"] == ["x", "a", "b", "c"]


def test_a_job_that_fails_does_not_stop_the_others(ablate: Ablate, capsys: pytest.CaptureFixture[str]) -> None:
    assert ablate("--out", OUT, "--table", "spoilt") == 1
    assert "failed: spoilt/yes/seed0" in capsys.readouterr().err
    assert load_run(run_of("width/3/seed0")).record.status == "complete"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--set", "rate=0.5"), "was trained with another rate: 0.1, and this is 0.5"),
        (("--run-set", "rows=2"), "config.rows: 0 and 2"),
    ],
)
def test_a_folder_of_other_settings_is_refused(
    ablate: Ablate, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    assert ablate("--out", OUT, "--seeds", "0") == 0
    assert ablate("--out", OUT, "--seeds", "0", *arguments) == 2
    said = capsys.readouterr().err
    assert message in said
    assert "give another --out" in said


def test_records_without_their_trainings_are_taken_as_they_are(ablate: Ablate) -> None:
    assert ablate("--out", OUT, "--seeds", "0") == 0
    for path in list(OUT.rglob("training")):
        shutil.rmtree(path)
    assert ablate("--out", OUT, "--seeds", "0") == 0
    assert not list(OUT.rglob("weights.safetensors"))


def test_a_record_learns_of_axes_that_the_plan_got_later(
    ablate: Ablate, plugin: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = plugin.PLAN
    monkeypatch.setattr(plugin, "PLAN", whole.replace(axes=whole.axes[:1]))
    assert ablate("--out", OUT, "--seeds", "0") == 0
    before = load_run(run_of("width/3/seed0")).record
    monkeypatch.setattr(plugin, "PLAN", whole)
    assert ablate("--out", OUT, "--seeds", "0") == 0
    after = load_run(run_of("width/3/seed0")).record
    assert before.ablation is not None
    assert after.ablation is not None
    assert (len(before.ablation.variants), len(after.ablation.variants)) == (1, 3)
    assert after.replace(ablation=None) == before.replace(ablation=None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--table", "widht"), "--table widht: there is no such table or axis; did you mean width?"),
        (("--table", "xyz"), "known: width, rate, rows, spoilt, held-out, all"),
        (("--seeds", "x"), "--seeds x"),
        (("--set", "depth=3"), "there is no 'depth'"),
    ],
)
def test_what_is_unknown_is_said_plainly(
    ablate: Ablate, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    assert ablate("--out", OUT, *arguments) == 2
    assert message in capsys.readouterr().err


def test_scales_are_named_where_there_are_several(ablate: Ablate, capsys: pytest.CaptureFixture[str]) -> None:
    assert ablate(scale="huge") == 2
    assert "there is no scale 'huge'; known: small, needy" in capsys.readouterr().err


def test_a_method_without_ablations_names_those_that_have_some(
    plugin: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plugin.INFO.ablations
    assert main(["ablate", "copy-first"]) == 2
    assert "copy-first: offers no ablation; those that do: fake, lwl" in capsys.readouterr().err


def test_a_file_that_trainings_need_must_be_named(ablate: Ablate, capsys: pytest.CaptureFixture[str]) -> None:
    assert ablate("--out", OUT, scale="needy") == 2
    assert "give --start stem=FILE, any stem" in capsys.readouterr().err
    assert ablate("--out", OUT, "--table", "rows", scale="needy") == 0


def test_the_status_names_every_stage(ablate: Ablate, plugin: ModuleType) -> None:
    def text(seed: int = 0) -> str:
        [job] = jobs_of(plugin.PLAN, plugin.PLAN.chosen(["held-out"]), seeds=(seed,), out=OUT)
        return state_of(job).text

    assert text() == "waiting"
    assert ablate("--out", OUT, "--table", "held-out") == 0
    job = OUT / "held-out/all/seed0"
    assert text() == "done"
    (job / "run/run.json").rename(job / "run.json")
    assert text() == "trained"
    record = json.loads((job / "training/training.json").read_text())
    (job / "training/training.json").write_text(json.dumps({**record, "status": "started"}))
    assert text() == "stopped at 6 of 6"
    with FolderLock(job, shard=None).held():
        assert text() == "training 6 of 6"
    run = json.loads((job / "run.json").read_text())
    (job / "run/run.json").write_text(json.dumps({**run, "status": "started"}))
    (job / "run/sequences/b.json").unlink()
    assert text() == "stopped at 2 of 3"
    with FolderLock(job, shard=None).held():
        assert text() == "running 2 of 3"
    assert text(seed=5) == "waiting"


def test_the_status_does_nothing_and_writes_json(ablate: Ablate) -> None:
    assert ablate("--out", OUT, "--status", "--table", "all", "--json", "state.json") == 0
    assert not OUT.exists()
    jobs = json.loads(Path("state.json").read_text())["jobs"]
    assert [job["job"] for job in jobs][:2] == ["width/3/seed0", "width/5/seed0"]
    assert {job["state"] for job in jobs} == {"waiting"}
    assert jobs[0]["also"] == "rate/default, spoilt/no"


def test_a_first_seed_of_every_variant_comes_before_a_second_one(plugin: ModuleType) -> None:
    jobs = jobs_of(plugin.PLAN, plugin.PLAN.chosen(["width"]), seeds=None, out=OUT)
    assert [job.seed for job in jobs] == [0, 0, 1, 1]


def test_the_plans_recipes_exist(plugin: ModuleType) -> None:
    assert plugin.INFO.recipes
    assert find_recipe("fake", "quick").name == "quick"
