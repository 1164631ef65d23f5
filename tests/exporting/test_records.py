"""Scores in the forms of the Hugging Face hub, read back by its own package, and as a table for MLflow and W&B."""

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from vos_bench.cli import main
from vos_bench.errors import BadInputError
from vos_bench.exporting import export_records
from vos_bench.records import MethodEntry, Run, WeightsEntry, load_run, write_record
from vos_bench.records.files import run_file, sequence_file

MakeRun = Callable[..., Run]


@pytest.fixture
def saved(make_run: MakeRun, tmp_path: Path) -> Callable[..., Path]:
    """Write a made-up run to disk and return its folder."""

    def save(name: str = "one", *, method: str = "mine", **more: Any) -> Path:
        run = make_run({"a": (0.8, 0.832)}, method=method, **more)
        weights = WeightsEntry(name="mine-base", file="mine.pth", sha256="a" * 64)
        record = run.record.replace(method=MethodEntry(name=method, weights=weights, config={"size": 480}))
        run = replace(run, folder=tmp_path / "runs" / name, record=record)
        write_record(run.record, run_file(run.folder))
        for sequence in run.sequence_records.values():
            write_record(sequence, sequence_file(run.folder, sequence.name))
        return run.folder

    return save


def test_eval_results_have_the_fields_that_the_hub_documents(saved: Callable[..., Path], tmp_path: Path) -> None:
    about = {"dataset": "owner/davis", "task": "val", "source": "https://example.org/log", "source-name": "log"}
    (path,) = export_records(saved(), "eval-results", out=tmp_path / "out", about=about)
    assert path == tmp_path / "out" / ".eval_results" / "demo.yaml"
    (entry,) = yaml.safe_load(path.read_text())
    assert entry["dataset"] == {"id": "owner/davis", "task_id": "val"}
    assert entry["value"] == 81.6
    assert entry["date"] == "2026-01-01T00:00:00Z"
    assert entry["source"] == {"url": "https://example.org/log", "name": "log"}
    assert entry["notes"].startswith("J&F in percent; demo val, 1 sequence (a); protocol davis")
    assert "weights mine-base (sha256 aaaaaaaa)" in entry["notes"]
    assert set(entry) <= {"dataset", "value", "verifyToken", "date", "source", "evaluation_framework", "notes"}


def test_notes_say_how_many_of_the_run_were_scored(saved: Callable[..., Path], tmp_path: Path) -> None:
    folder = saved()
    record = load_run(folder).record
    names, counts = tuple("abcd"), record.counts.replace(selected=4)
    write_record(record.replace(dataset=record.dataset.replace(sequences=names), counts=counts), run_file(folder))
    (path,) = export_records(folder, "eval-results", out=tmp_path, about={"dataset": "owner/davis"})
    assert "; demo val, 1 of the run's 4 sequences; " in path.read_text("utf-8")


def test_a_corrupted_run_says_so_in_every_form(saved: Callable[..., Path], tmp_path: Path) -> None:
    folder = saved()
    run = load_run(folder)
    protocol = run.record.protocol.replace(corruption="noise:5")
    write_record(run.record.replace(protocol=protocol), run_file(folder))
    for form in ("eval-results", "model-card", "runs-csv"):
        about = {"dataset": "owner/davis"} if form == "eval-results" else {}
        (path,) = export_records(folder, form, out=tmp_path / form, about=about)
        assert "corrupted by noise:5" in path.read_text()


def test_eval_results_are_read_by_the_hubs_own_package(saved: Callable[..., Path], tmp_path: Path) -> None:
    hub = pytest.importorskip("huggingface_hub", minversion="1.4", reason="needs huggingface_hub 1.4 or later")
    (path,) = export_records(saved(), "eval-results", out=tmp_path / "out", about={"dataset": "owner/davis"})
    (entry,) = hub.parse_eval_result_entries(yaml.safe_load(path.read_text()))
    assert (entry.dataset_id, entry.task_id, entry.value) == ("owner/davis", "default", 81.6)
    assert hub.eval_result_entries_to_yaml([entry]) == yaml.safe_load(path.read_text())


def test_a_model_card_is_read_by_the_hubs_own_package(saved: Callable[..., Path], tmp_path: Path) -> None:
    hub = pytest.importorskip("huggingface_hub", reason="needs huggingface_hub")
    folder = saved()
    saved("two", seed=1, protocol=None)
    about = {"license": "mit", "dataset": "owner/davis", "source": "https://example.org"}
    (path,) = export_records(folder.parent, "model-card", out=tmp_path / "out", about=about)
    assert "&id" not in path.read_text(encoding="utf-8"), "two runs, and no alias of YAML"
    card = hub.ModelCard.load(path)
    assert (card.data.license, card.data.model_name) == ("mit", "mine (mine-base)")
    found = {each.metric_type: each for each in card.data.eval_results}
    assert found["J&F"].metric_value == 81.6
    assert (found["F"].dataset_type, found["F"].dataset_split, found["F"].task_type) == (
        "owner/davis",
        "val",
        "mask-generation",
    )
    assert "| demo | val | mine (mine-base) |" in card.text
    assert card.text.count("- mine (mine-base): demo val, 1 sequence (a)") == 2
    assert "; seed 0; data " in card.text
    assert "; seed 1; data " in card.text


def test_the_hubs_own_package_keeps_runs_apart_when_it_writes_a_card_again(
    saved: Callable[..., Path], tmp_path: Path
) -> None:
    hub = pytest.importorskip("huggingface_hub", reason="needs huggingface_hub")
    folder = saved()
    for name, changed in (("two", {"corruption": "noise:5"}), ("three", {"frames_seen": "annotated"})):
        other = load_run(saved(name))
        protocol = other.record.protocol.replace(**changed)
        write_record(other.record.replace(protocol=protocol), run_file(other.folder))
    again = load_run(saved("four"))  # the same run, measured again
    write_record(again.record.replace(created="2026-11-30T00:00:00Z"), run_file(again.folder))
    (path,) = export_records(folder.parent, "model-card", out=tmp_path / "out")
    hub.ModelCard.load(path).save(tmp_path / "again.md")
    (model,) = yaml.safe_load((tmp_path / "again.md").read_text(encoding="utf-8").split("---")[1])["model-index"]
    assert [len(each["metrics"]) for each in model["results"]] == [7] * 4
    assert sum(each["dataset"]["name"].endswith("corrupted by noise:5") for each in model["results"]) == 1


def test_runs_csv_has_a_line_a_run_and_the_columns_of_mlflow(saved: Callable[..., Path], tmp_path: Path) -> None:
    saved("one", fps=20.0, p50=40.0)
    folder = saved("two", method="other", seed=3)
    (path,) = export_records(folder.parent, "runs-csv", out=tmp_path / "out")
    first, second = csv.DictReader(path.read_text().splitlines())
    assert [*first][:5] == ["run_id", "run_name", "status", "start_time", "end_time"]
    assert all(name.partition(".")[0] in ("metrics", "params", "tags") for name in [*first][5:])
    assert float(first["metrics.J_and_F"]) == pytest.approx(0.816)
    assert (float(first["metrics.fps"]), float(first["metrics.p50_ms"])) == (20.0, 40.0)
    assert second["metrics.fps"] == ""
    assert (second["params.method"], second["params.seed"], second["params.config.size"]) == ("other", "3", "480")
    assert first["run_id"] != second["run_id"]
    assert first["status"] == "FINISHED"
    assert not any("&" in name for name in first)


def test_a_text_that_a_spreadsheet_computes_is_kept_from_it(saved: Callable[..., Path], tmp_path: Path) -> None:
    (path,) = export_records(saved(method="=1+1"), "runs-csv", out=tmp_path / "out")
    (row,) = csv.DictReader(path.read_text().splitlines())
    assert row["params.method"] == "'=1+1"


@pytest.mark.parametrize(
    ("form", "about", "message"),
    [
        ("eval-results", {}, r"the form requires what the files do not say; add --about dataset=OWNER/DATASET$"),
        ("eval-results", {"dataset": "davis"}, "--about dataset=davis: expected the dataset's id on the hub"),
        ("eval-results", {"dataset": "a/b", "source-name": "x"}, "add --about source=https"),
    ],
)
def test_what_is_missing_is_one_message(saved: Callable[..., Path], form: str, about: dict, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        export_records(saved(), form, about=about)


def test_runs_that_do_not_fit_are_refused(saved: Callable[..., Path], tmp_path: Path) -> None:
    folder = saved()
    saved("two", method="other")
    with pytest.raises(BadInputError, match="found 2 runs, expected one"):
        export_records(folder.parent, "eval-results", about={"dataset": "a/b"})
    with pytest.raises(BadInputError, match=r"found runs of mine \(mine-base\), other .*--about name=NAME"):
        export_records(folder.parent, "model-card")
    with pytest.raises(BadInputError, match=r"holds no run\.json"):
        export_records(tmp_path / "nowhere", "runs-csv")
    for path in (folder / "sequences").iterdir():
        path.unlink()
    bare = json.loads(run_file(folder).read_text())
    run_file(folder).write_text(json.dumps({**bare, "scores": {}, "scored": False}))
    with pytest.raises(BadInputError, match=r"found no scores in .*expected a run that was scored"):
        export_records(folder, "model-card")


def test_the_command_writes_them_and_refuses_options_without_effect(
    saved: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = saved()
    assert main(["export", str(folder), "--format", "runs-csv"]) == 0
    assert capsys.readouterr().out.strip() == str(folder / "export" / "runs-csv" / "runs.csv")
    card = ("export", str(folder), "--format", "model-card")
    assert main([*card, "--about", "license=mit", "--about", "name=Mine"]) == 0
    assert "# Mine" in (folder / "export" / "model-card" / "README.md").read_text()
    for more, message in (
        (("--root", str(tmp_path)), "--root"),
        (("--sequences", "a"), "--sequences a has no effect"),
        (("--about", "licence=mit"), "--about licence: --format model-card has no use for it; did you mean license?"),
        (("--about", "license"), "--about license: expected NAME=VALUE"),
        (("--about", "name=a", "--about", "name=b"), "--about name: named twice"),
    ):
        assert main([*card, *more]) == 2
        assert message in capsys.readouterr().err
    assert main(["export", str(folder), "--format", "coco", "--about", "name=x"]) == 2
    assert "--about name: --format coco has no use for it; it takes none" in capsys.readouterr().err
