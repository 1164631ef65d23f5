"""The published numbers against the text of the paper that they are quoted from."""

import csv
import re
from pathlib import Path

import pytest

from vos_bench.reports.published import PAPER, SCORES, SETTINGS, Published, load, named, select

TABLES = {
    "Table 2": ("YouTube-VOS 2018", ("G", "J_seen", "J_unseen", "F_seen", "F_unseen"), ("extra-data", "only-ytvos")),
    "Table 3": ("DAVIS 2017", ("J&F", "J", "F"), ("extra-data", "only-davis")),
}
"""Table to its dataset, its lines, and the settings of its two halves."""

OFF_AVERAGE = {("OnAVOS", "YouTube-VOS 2018", "extra-data"), ("Siam-Mask", "YouTube-VOS 2018", "box-init")}
"""Rows of the paper whose parts do not average to the score that it prints; each carries a doubt."""


def paper_table(shared: Path, number: str) -> list[list[str]]:
    """The cells of a table in the paper's text, line by line."""
    text = (shared / "docs" / "lwl-paper.md").read_text()
    body = re.split(r"\n\s*\n", text[text.index(f"{number}. ") :])[1]
    return [line.split("\t") for line in body.splitlines()]


def numbers(cells: list[str]) -> list[float | None]:
    return [None if cell == "-" else float(cell) for cell in cells]


def from_paper(dataset: str, setting: str) -> list[Published]:
    return select(dataset, settings=(setting,), source=PAPER)


@pytest.mark.parametrize("table", sorted(TABLES))
def test_tables_2_and_3_of_the_paper_are_quoted_exactly(shared: Path, table: str) -> None:
    dataset, scores, settings = TABLES[table]
    lines = paper_table(shared, table)
    methods = lines[1][1:]
    rows = [row for setting in settings for row in from_paper(dataset, setting)]
    assert [row.method for row in rows] == methods
    # The line of citations after the methods' names has one cell too few and is shifted against the scores: it is
    # the names, not the citations, that say whose a score is.
    for score, line in zip(scores, lines[3:], strict=True):
        assert [row.percent.get(score) for row in rows] == numbers(line[1:]), score


def test_table_1_of_the_paper_is_quoted_exactly(shared: Path) -> None:
    rows = [row for row in load() if row.method.startswith("LWL ablation")]
    assert [row.percent["J"] for row in rows] == numbers(paper_table(shared, "Table 1")[1][1:])


def test_table_4_of_the_paper_is_quoted_exactly(shared: Path) -> None:
    halves = [("YouTube-VOS 2018", TABLES["Table 2"][1]), ("DAVIS 2017", TABLES["Table 3"][1])]
    for line in paper_table(shared, "Table 4")[2:]:
        method = line[0].partition(" [")[0]
        found = [
            row.percent.get(score)
            for dataset, scores in halves
            for row in named(method, from_paper(dataset, "box-init"))
            for score in scores
        ]
        assert found == numbers(line[1:]), method


CORRECTED = {"SAM2.1_L + MOSEv2 MSS LVT16": "SAM2.1-L RCMS (MSS LVT16)"}
"""A row whose classic J&F stood among adaptive ones, and the row that has both in its place."""


def gathered(shared: Path, name: str) -> list[dict[str, str]]:
    with (shared / "published" / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def ours_of(row: dict[str, str]) -> list[Published]:
    dataset = "LVOS v1" if row["dataset"] == "LVOS" else row["dataset"]
    method = CORRECTED.get(row["method"], row["method"])
    return [
        each
        for each in load()
        if (each.method, each.dataset, each.split, each.setting) == (method, dataset, row["split"], row["setting"])
    ]


def main_figure(row: dict[str, str]) -> tuple[str, float]:
    adaptive = row["dataset"] == "MOSEv2" and row["method"] not in CORRECTED
    names = {"J_and_F": "J&F_dot" if adaptive else "J&F", "G": "G", "J": "J"}
    return next((name, float(row[column])) for column, name in names.items() if row[column])


@pytest.mark.parametrize(("name", "count"), [("published.csv", 323), ("published-today.csv", 422)])
def test_every_gathered_figure_is_in_the_file(shared: Path, name: str, count: int) -> None:
    rows = gathered(shared, name)
    assert len(rows) == count
    for row in rows:
        score, value = main_figure(row)
        assert any(each.percent.get(score) == value for each in ours_of(row)), row


def test_every_gathered_doubt_is_in_the_file(shared: Path) -> None:
    rows = [row for row in gathered(shared, "published-today.csv") if "DOUBT" in row["source"]]
    assert len(rows) == 80
    for row in rows:
        score, value = main_figure(row)
        assert any(each.percent.get(score) == value and each.doubts.get(score) for each in ours_of(row)), row


def test_figures_of_one_system_that_differ_say_so_on_each_side() -> None:
    said = {
        (row.percent.get("J&F"), note)
        for row in load()
        if (row.system, row.dataset, row.setting) == ("SAM 2.1-L", "LVOS v2", "extra-data")
        for note in row.doubts["J&F"]
        if "sources differ" in note
    }
    assert {value for value, _ in said} == {79.6, 80.6, 84.0, 84.1}
    (note,) = {note for _, note in said}  # the same sentence beside each of them
    for figure in ("79.6 (SAM 3 paper Table 6)", "80.6 (sam2 README)", "84.0 (SAM2Long paper Table 1)"):
        assert figure in note


def test_what_sam_2_printed_of_lvos_v2_is_of_136_videos() -> None:
    rows = [row for row in select("LVOS v2") if row.method.startswith(("sam2_", "sam2.1_"))]
    assert len(rows) == 8
    assert all(any("136 of the 140 videos" in note for note in row.doubts["J&F"]) for row in rows)


def test_three_rows_of_before_are_corrected() -> None:
    (small, *_) = [row for row in select("MOSE") if row.method == "EfficientTAM-S"]
    assert "34 million parameters" in " ".join(small.notes)
    assert "34" not in small.hardware
    (rcms,) = [row for row in select("MOSEv2") if row.method == "SAM2.1-L RCMS (MSS LVT16)"]
    assert (rcms.percent["J&F_dot"], rcms.percent["J&F"]) == (54.4, 55.6)
    assert not select("LVOS")
    assert {row.percent["J&F"] for row in select("LVOS v1") if row.method.startswith("SAM 2 Hiera")} == {74.9, 76.1}


AVERAGES = {"G": ("J_seen", "J_unseen", "F_seen", "F_unseen"), "J&F": ("J", "F")}
"""A score to its parts, whose mean it is."""


def test_the_papers_averages_hold_except_where_a_doubt_says_so() -> None:
    off, checked = set(), 0
    for row in load():
        for score, names in AVERAGES.items():
            parts = [row.percent[name] for name in names if name in row.percent]
            if row.notes[0].startswith(PAPER) and len(parts) == len(names) and score in row.percent:
                checked += 1
                # The parts and their mean are each rounded to a tenth.
                if abs(sum(parts) / len(parts) - row.percent[score]) > 0.1 + 1e-9:
                    off.add((row.method, row.dataset, row.setting))
    assert checked == 11 + 15, "rows with all parts: 9 of table 2, 12 of table 3, 2 and 3 of table 4"
    assert off == OFF_AVERAGE
    for method, dataset, setting in off:
        (row,) = named(method, from_paper(dataset, setting))
        assert any(note.startswith("doubtful ") for note in row.notes)


def test_every_row_has_a_source_and_a_known_setting_and_scores_are_fractions() -> None:
    rows = load()
    assert len(rows) == 604, "323 of before, of which one is replaced, and 282 new ones"
    for row in rows:
        assert row.notes[0]
        assert row.setting in SETTINGS
        assert set(row.scores) <= set(SCORES)
        assert all(0 < value < 1 for value in row.scores.values())


def test_a_lite_variant_is_not_the_plain_method() -> None:
    rows = from_paper("DAVIS 2017", "extra-data")
    assert named("lwl", rows)
    assert not named("lwl-lite", rows)


def test_no_note_speaks_in_the_marks_of_the_file_or_in_names_of_columns() -> None:
    notes = {note for row in load() for note in row.notes}
    assert len(notes) > 150
    marks = r"NOTE|DOUBT|ALSO|J_and_F|\bfps =|@ [0-9a-f]{7}|digest \("
    assert [note for note in sorted(notes) if re.search(marks, note)] == []
