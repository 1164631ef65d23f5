"""The published numbers against the text of the paper that they are quoted from."""

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
"""Rows of the paper whose parts do not average to the score that it prints; each carries a DOUBT."""


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


def test_the_file_is_that_of_the_shared_folder(shared: Path) -> None:
    ours = Path(__file__).parents[2] / "reports" / "published.csv"
    assert ours.read_bytes() == (shared / "published" / "published.csv").read_bytes()


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
        assert any(note.startswith("DOUBT") for note in row.notes)


def test_every_row_has_a_source_and_a_known_setting_and_scores_are_fractions() -> None:
    rows = load()
    assert len(rows) == 323
    for row in rows:
        assert row.notes[0]
        assert row.setting in SETTINGS
        assert set(row.scores) <= set(SCORES)
        assert all(0 < value < 1 for value in row.scores.values())


def test_a_lite_variant_is_not_the_plain_method() -> None:
    rows = from_paper("DAVIS 2017", "extra-data")
    assert named("lwl", rows)
    assert not named("lwl-lite", rows)
