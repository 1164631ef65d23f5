"""Published figures of sequences and objects: the data, and the reports that hold runs against them."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vos_bench.api import ReportOptions
from vos_bench.cli import main
from vos_bench.comparing.significance import object_scores
from vos_bench.errors import BadInputError, NotComparableError
from vos_bench.records import ObjectRecord, ProtocolEntry, Run
from vos_bench.reports import attributes, delta, paper
from vos_bench.reports.page.comparisons import run_rows
from vos_bench.reports.page.site import write_page
from vos_bench.reports.published_sequences import PublishedSequences, load, named, on, source

MakeRun = Callable[..., Run]


def published(method: str, dataset: str = "davis16", split: str = "val") -> PublishedSequences:
    [found] = [each for each in on(dataset, split) if each.method == method]
    return found


@pytest.fixture
def run16(make_run: MakeRun) -> Run:
    """A run that has STM's scores of three val sequences of DAVIS 2016, but for one that is ten points better."""
    scores = {name: tuple(published("STM").objects[name][1]) for name in ("blackswan", "camel", "goat")}
    scores["camel"] = (scores["camel"][0] - 0.1, scores["camel"][1] - 0.1)
    return of(make_run(scores), "davis16")


@pytest.fixture
def run17(make_run: MakeRun) -> Run:
    """A run that has STM's scores of all objects of two sequences of DAVIS 2017 val, but for one object."""
    made = of(make_run(dict.fromkeys(("bike-packing", "blackswan"), (0.5, 0.5))), "davis17")
    sequences = {}
    for name, record in made.sequence_records.items():
        figures = dict(published("STM", "davis17").objects[name])
        objects = [scored(record.scores[0], key, each.J, each.F) for key, each in figures.items()]
        if name == "bike-packing":
            objects[1] = scored(record.scores[0], 2, 0.1, 0.3)
        sequences[name] = record.replace(scores=tuple(objects), objects=len(objects))
    return Run(made.folder, made.record, sequences)


def scored(like: ObjectRecord, key: int, J: float, F: float) -> ObjectRecord:
    return like.replace(object=key, J=J, F=F)


def of(run: Run, dataset: str, split: str = "val") -> Run:
    data = run.record.dataset.replace(name=dataset, split=split)
    return Run(run.folder, run.record.replace(dataset=data), run.sequence_records)


def test_the_figures_are_those_of_the_site(shared: Path) -> None:
    folder, names = shared / "data" / "DAVIS-official-results", {"OSVOS-S": "osvoss", "MHP-VOS": "mhpvos"}
    ours = {
        (each.dataset, names.get(each.method, each.method.lower()), name, key): tuple(figures)
        for each in load()
        for name, objects in each.objects.items()
        for key, figures in objects.items()
    }
    theirs = {
        ("davis16", row["method"], row["sequence"], 1): (float(row["J_mean"]), float(row["F_mean"]))
        for row in csv.DictReader((folder / "davis2016-per-sequence.csv").read_text().splitlines())
    } | {
        ("davis17", row["method"], row["sequence"], int(row["object"])): (float(row["J_mean"]), float(row["F_mean"]))
        for row in csv.DictReader((folder / "davis2017-per-object.csv").read_text().splitlines())
    }
    assert len(theirs) == 4601
    assert ours == theirs


def test_the_file_says_where_it_is_from_and_when_that_was_read() -> None:
    assert "davisvideochallenge/davischallenge.github.io, commit 30be16f, read 2026-" in source()
    assert len({each.method for each in load() if each.dataset == "davis16"}) == 59
    assert len({each.method for each in load() if each.dataset == "davis17"}) == 19
    sizes = {(each.dataset, each.split): sum(map(len, each.objects.values())) for each in load()}
    assert sizes == {
        ("davis16", "train"): 30,
        ("davis16", "val"): 20,
        ("davis17", "val"): 61,
        ("davis17", "test-dev"): 89,
    }


def test_methods_are_found_whatever_the_case_and_the_hyphens() -> None:
    assert named(["stm", "Siam-RCNN", "PreMVOS"]) == ["STM", "SiamRCNN", "PReMVOS"]
    with pytest.raises(BadInputError, match=r"--published OSVO: .*did you mean OSVOS\?"):
        named(["OSVO"])


def test_delta_holds_a_run_against_a_published_method_with_its_interval(run16: Run) -> None:
    table = delta.make_table([run16], published=["stm"])
    whole, first, *rest = table.rows
    assert (whole["of"], whole["objects"], whole["group"]) == (
        "all 3 sequences",
        3,
        "mine (runs/mine) against STM (published)",
    )
    assert whole["change"] == pytest.approx(-0.1 / 3)
    assert whole["from"] == pytest.approx(-0.1)
    assert whole["to"] == pytest.approx(0)
    assert (first["of"], first["change"]) == ("camel", pytest.approx(-0.1))
    assert first["baseline J&F"] == published("STM").objects["camel"][1].score
    assert [row["change"] for row in rest] == pytest.approx([0, 0])
    assert any("paired bootstrap over 3 sequences" in note for note in table.notes)
    assert source() in table.notes


def test_delta_tells_the_objects_of_a_sequence_apart(run17: Run) -> None:
    table = delta.make_table([run17], published=["STM"])
    found = {row["of"]: row["change"] for row in table.rows}
    second = published("STM", "davis17").objects["bike-packing"][2].score
    assert found["bike-packing, object 1"] == 0
    assert found["bike-packing, object 2"] == pytest.approx(0.2 - second)
    assert found["bike-packing"] == pytest.approx((0.2 - second) / 2)
    assert "blackswan, object 1" not in found


def test_each_run_is_held_against_each_method(run16: Run) -> None:
    groups = [row["group"] for row in delta.make_table([run16, run16], published=["STM", "OSVOS"]).rows]
    assert len(groups) == 4 * 4
    assert [group.partition(" against ")[2] for group in dict.fromkeys(groups)] == [
        "STM (published)",
        "OSVOS (published)",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda run: of(run, "davis17", "test-challenge"),
            "no figures of sequences are published of STM on it; known: none",
        ),
        (lambda run: of(run, "davis16", "train"), "published of STM on it; known: .*FST"),
        (
            lambda run: Run(
                run.folder, run.record.replace(protocol=ProtocolEntry(name="all-frames")), run.sequence_records
            ),
            "protocol all-frames: no figures",
        ),
    ],
)
def test_a_run_on_other_data_or_by_another_protocol_is_not_comparable(
    run16: Run, change: Callable[[Run], Run], message: str
) -> None:
    with pytest.raises(NotComparableError, match=message):
        delta.make_table([change(run16)], published=["STM"])


def test_without_a_run_there_is_nothing_to_hold_against() -> None:
    with pytest.raises(BadInputError, match="found no run"):
        delta.make_table([], published=["STM"])


def test_attributes_puts_published_methods_beneath_the_runs_of_their_data(run17: Run) -> None:
    table = attributes.make_table([run17], published=["STM", "siam-rcnn"])
    rows = [row for row in table.rows if row["sequence"] == "davis17 val: bike-packing" and row["object"] == "2"]
    assert [row["method"] for row in rows] == ["mine", "SiamRCNN (published)", "STM (published)"]
    assert rows[0]["J"] == 0.1
    assert (rows[2]["J"], rows[2]["F"]) == published("STM", "davis17").objects["bike-packing"][2]
    assert {row["rank"] for row in rows[1:]} == {None}
    means = [row for row in table.rows if row["object"] == "all" and row["method"] == "STM (published)"]
    assert [row["J&F"] for row in means] == [published("STM", "davis17").means(["bike-packing"]).score]
    assert {row["sequence"] for row in table.rows} == {"davis17 val: bike-packing", "davis17 val: blackswan"}
    assert source() in table.notes


def test_attributes_shows_published_figures_without_any_run() -> None:
    rows = attributes.make_table([], published=["STM"]).rows
    assert sum(row["object"] != "all" for row in rows) == 20 + 61 + 89
    assert {row["method"] for row in rows} == {"STM (published)"}


def test_the_commands_take_published_methods(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["report", "attributes", "--published", "stm", "--format", "csv"]) == 0
    assert "davis17 val: bike-packing" in capsys.readouterr().out
    assert main(["report", "davis17", "--published", "stm"]) == 2
    assert "report davis17 is a table and takes no --published" in capsys.readouterr().err
    assert main(["report", "attributes", "--published", "nobody"]) == 2
    assert "--published nobody: no figures" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("build", "known", "unknown"),
    [
        (
            paper.davis17,
            {("STM", 0.818), ("PreMVOS", 0.778), ("FEELVOS", 0.715)},
            {("STM", 0.43), ("AGAME", 0.7), ("LWL", 0.816)},
        ),
        (paper.davis16, {("STM (+YV)", 0.893), ("RANet+", 0.871)}, {("STM (static+DAVIS)", 0.865), ("RANet", 0.855)}),
    ],
)
def test_rows_of_published_means_lead_to_the_figures_behind_them_where_these_agree(
    build: Callable[..., Any], known: set[tuple[str, float]], unknown: set[tuple[str, float]]
) -> None:
    linked = {
        (row["method"], round(row["J&F"], 3)): notes[0]
        for row in build([]).rows
        if "J&F" in row and (notes := [note for note in row["notes"] if note.startswith("each sequence and object")])
    }
    assert known <= linked.keys()
    assert not unknown & linked.keys()
    assert linked[next(iter(known))].startswith("each sequence and object: vos-bench report attributes --published ")


def test_a_runs_page_holds_it_against_all_published_methods(run16: Run) -> None:
    rows = {row.method: row for row in run_rows(run16)}
    assert len(rows) == 59
    scores = object_scores(run16)
    expected = np.mean(
        [scores[name][1] - each[1].score for name, each in published("OSVOS").objects.items() if name in scores]
    )
    assert rows["OSVOS"].change.difference == pytest.approx(expected)
    assert rows["OSVOS"].after == pytest.approx(np.mean([each[1] for each in scores.values()]))


def test_the_page_shows_what_is_published_of_a_sequence(run17: Run, tmp_path: Path) -> None:
    folder = Run(tmp_path / "run", run17.record, run17.sequence_records)
    write_page([folder], ReportOptions(out=tmp_path / "site", root=tmp_path))
    page = (tmp_path / "site" / "sequence-001.html").read_text()
    best = sorted(on("davis17", "val"), key=lambda each: -each.means(["bike-packing"]).score)
    said = ", ".join(f"{each.method} {100 * each.means(['bike-packing']).score:.1f}" for each in best[:5])
    assert f"published: {said}, …" in page
    assert page.count('<span class="tag">published</span>') == len(best) == 18
    assert "object 2: J&amp;F" in page
    assert ">20.0<" in page
    text = (tmp_path / "site" / "run-001.html").read_text()
    assert "Against published methods" in text
    assert "paired bootstrap" in text
    assert "30be16f" in text


def test_data_of_which_nothing_is_published_has_no_such_parts(make_run: MakeRun, tmp_path: Path) -> None:
    run = of(make_run({"a": (0.5, 0.5)}), "gone")
    write_page([Run(tmp_path, run.record, run.sequence_records)], ReportOptions(out=tmp_path / "site", root=tmp_path))
    assert "published:" not in (tmp_path / "site" / "sequence-001.html").read_text()
    assert "Against published methods" not in (tmp_path / "site" / "run-001.html").read_text()
