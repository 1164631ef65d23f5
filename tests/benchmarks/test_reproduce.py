"""README's results are those of committed records, and the script that makes them again says what it found."""

import json
import runpy
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from vos_bench.cli import main
from vos_bench.records import load_run

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "benchmarks" / "reproduce.py"


@pytest.fixture(scope="module")
def reproduce() -> Any:
    return SimpleNamespace(**runpy.run_path(str(SCRIPT)))


def rows() -> list[Any]:
    found = runpy.run_path(str(SCRIPT))
    return list(found["readme_rows"](found["README"].read_text(encoding="utf-8")))


ROWS = rows()


def test_every_row_of_the_tables_is_looked_at() -> None:
    main_table = [row for row in ROWS if row.table == "main"]
    assert len(main_table) == 2 * 9
    assert len(ROWS) == 2 * 9 + 3
    assert all(row.printed for row in ROWS)
    assert {row.dataset for row in ROWS} == {"davis16", "demo"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.title} {row.dataset}")
def test_a_row_of_readme_has_its_record_and_the_figures_of_it(row: Any, reproduce: Any) -> None:
    record = reproduce.record_of(row)
    said = row.key in reproduce.unrecorded(reproduce.README.read_text(encoding="utf-8"))
    assert said == (record is None)
    if record is None:
        return
    assert reproduce.misprints(row, record) == []
    assert record.record.counts.scored == record.record.counts.selected == reproduce.SEQUENCES[row.dataset]
    assert (record.record.method.name, record.record.dataset.name) == (row.method, row.dataset)
    if row.table == "main":  # the weights of the other table were trained for it and have no name
        assert reproduce.name_in_readme(record.record.method) == row.name
    assert record.record.protocol.init == "mask"


def test_rows_of_which_no_record_was_kept_are_those_that_readme_names(reproduce: Any) -> None:
    text = "Of old. No record was kept of `ridge`\nand `x` on DAVIS: it takes long."
    assert reproduce.unrecorded(text) == {("main", "ridge", "davis16"), ("main", "x", "davis16")}
    assert reproduce.unrecorded("") == set()
    assert len(reproduce.unrecorded(reproduce.README.read_text(encoding="utf-8"))) < 4


def test_a_figure_that_is_not_recorded_is_named(reproduce: Any) -> None:
    row = ROWS[0]
    wrong = reproduce.Row(row.table, row.method, row.dataset, {**row.printed, "J": "12.3"})
    (said,) = reproduce.misprints(wrong, reproduce.record_of(row))
    assert said.startswith("J 12.3, recorded ")


def test_a_row_is_run_again_and_compared(
    reproduce: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert reproduce.main(["--methods", "copy-first", "--datasets", "demo"]) == 0
    said = capsys.readouterr().out
    assert "copy-first on demo: reproduced, to " in said
    assert load_run(tmp_path / "runs/reproduced/demo/copy-first").record.status == "complete"


def test_what_cannot_be_run_says_why_and_is_no_failure(reproduce: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert reproduce.main(["--methods", "stm-lite,copy-first", "--datasets", "davis16"]) == 0
    said = capsys.readouterr().out
    assert "stm-lite (equal terms) on davis16: cannot be run here: its weights (sha256 177d7ea2) are not in the" in said
    assert "copy-first on davis16: cannot be run here: its data are not here; give --root" in said


@pytest.mark.parametrize(
    ("differences", "said"),
    [
        ({"J&F": 0.0, "J": 0.0, "F": 0.0}, "reproduced, to the last bit"),
        ({"J&F": 0.0005, "J": 0.001, "F": 0.0}, "reproduced, to 0.1000 points"),
        ({"J&F": -0.002, "J": 0.0, "F": -0.004}, "off by J&F -0.20, J +0.00, F -0.40"),
    ],
)
def test_a_verdict_says_by_how_much(reproduce: Any, differences: dict[str, float], said: str) -> None:
    assert reproduce.verdict(differences) == said


@pytest.fixture
def kept(reproduce: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of archives, and a checkout, of its own."""
    values = reproduce.keep.__globals__
    monkeypatch.setitem(values, "RESULTS", tmp_path / "results")
    monkeypatch.setitem(values, "CHECKOUT", tmp_path)
    return tmp_path / "results"


def test_a_run_is_kept_as_an_archive_of_its_records_and_the_same_bytes_each_time(
    reproduce: Any, kept: Path, results: Callable[[str], Path]
) -> None:
    run = results("lite-rivals") / "stm-lite" / "run"
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    record["method"] |= {"name": "ridge", "weights": None}
    mine = shutil.copytree(run, kept.parent / "run")
    (mine / "run.json").write_text(json.dumps(record), encoding="utf-8")
    place = reproduce.keep(mine)
    assert place == kept / "davis16-ridge.tar.xz"
    first = place.read_bytes()
    assert reproduce.keep(mine).read_bytes() == first
    with tarfile.open(place) as archive:
        assert sorted(archive.getnames())[:2] == ["run.json", "sequences/blackswan.json"]
        assert len(archive.getnames()) == 21


def test_a_run_of_another_thing_is_not_kept(
    reproduce: Any, kept: Path, results: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        reproduce.main(["--keep", str(results("lite-rivals") / "stm-lite" / "run")])
    assert "is a run of stm-lite (weights.safetensors) on davis16 val, which README has no row of" in (
        capsys.readouterr().err
    )
    assert not kept.exists()


def test_a_run_with_other_weights_does_not_take_the_place_of_the_methods_own(
    reproduce: Any, kept: Path, results: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run = shutil.copytree(results("lite-rivals") / "stm-lite" / "run", kept.parent / "run")
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    record["method"]["name"] = "lwl-lite"
    record["method"]["weights"]["name"] = "lwl-lite-of-mine"
    (run / "run.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(SystemExit):
        reproduce.main(["--keep", str(run)])
    assert "lwl-lite (lwl-lite-of-mine) on davis16 val, which README has no row of" in capsys.readouterr().err
    assert not kept.exists()


def test_part_of_a_dataset_is_not_kept(
    reproduce: Any, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["run", "copy-first", "--dataset", "demo", "--sequences", "tiny", "--out", "part"]) == 0
    with pytest.raises(SystemExit):
        reproduce.main(["--keep", "part"])
    assert not kept.exists()
