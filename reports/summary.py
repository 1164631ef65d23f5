"""The report `summary`: methods by benchmarks, as papers of today print them."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from vos_bench.records import Run
from vos_bench.tables import Column, Table, percent

from .benchmarks import ADAPTIVE, LVOS1, LVOS2, MOSEV1, MOSEV2, SAV_TEST, SAV_VAL, VOST
from .measured import ORIGIN, measured, unscored
from .paper import DAVIS17, HERE, MASK_SETTINGS, YTVOS19, Benchmark, assemble, measured_row, merge_row
from .published import ALSO_IN, DOUBT, SETTINGS, Published, select

FEWEST = 3
"""Of so many benchmarks a source has to print figures of a method to have a line of it."""


JUDGED = "judged by"
"""How a remark begins that another tool than the benchmark's own judged."""


@dataclass(frozen=True)
class Shown:
    """One benchmark of the summary: its heading and the scores that papers print of it."""

    heading: str
    benchmark: Benchmark
    scores: tuple[str, ...] = ("J&F",)

    def column(self, score: str) -> str:
        """Return the name of the column of one score."""
        return f"{self.heading} {score}"


SHOWN = (
    Shown("DAVIS 2017 val", DAVIS17),
    Shown("YouTube-VOS 2019 val", YTVOS19, ("G",)),
    Shown("MOSE val", MOSEV1),
    Shown("MOSEv2 val", MOSEV2, ("J&F_dot", "J&F")),
    Shown("LVOS v1 val", LVOS1),
    Shown("LVOS v2 val", LVOS2),
    Shown("SA-V val", SAV_VAL),
    Shown("SA-V test", SAV_TEST),
    Shown("VOST val", VOST, ("J", "J_last")),
)

NOTES = (
    f"A published line is one method as one source prints it, where it has figures of {FEWEST} benchmarks at least; "
    "lines of the same system by other sources stand next to it, unless they repeat it. All start from masks.",
    "Lines are ranked among those of one training setting; sources and training data still differ, and a number beside "
    "a figure says what is doubtful in it. Rows measured here are ranked apart, where data and rules are equal.",
    ADAPTIVE,
)


def make_table(runs: Sequence[Run]) -> Table:
    """Return the table."""
    columns = [Column("method"), ORIGIN]
    for shown in SHOWN:
        columns += [percent(shown.column(score), label=score, group=shown.heading) for score in shown.scores]
    rows = [*_published_rows(), *_measured_rows(runs)]
    below = [note for shown in SHOWN for note in unscored(runs, wanted=shown.benchmark.wants("mask"))]
    return assemble("Summary: methods by benchmarks", columns, rows, (*NOTES, *dict.fromkeys(below)))


@dataclass
class _Line:
    """One method as one source prints it."""

    method: str
    setting: str
    citations: dict[str, None] = field(default_factory=dict)
    values: dict[str, float] = field(default_factory=dict)
    remarks: dict[str, tuple[str, ...]] = field(default_factory=dict)
    benchmarks: set[str] = field(default_factory=set)
    also: dict[str, None] = field(default_factory=dict)

    def conflicts(self, values: dict[str, float]) -> bool:
        return any(self.values.get(column, value) != value for column, value in values.items())

    def add(self, shown: Shown, row: Published, citation: str, values: dict[str, float]) -> None:
        self.citations[citation] = None
        self.benchmarks.add(shown.benchmark.published)
        self.values |= values
        for column in values:
            self.remarks[column] = (*self.remarks.get(column, ()), *row.remarks(citation))

    def take_over(self, other: "_Line") -> None:
        """Name the sources of a line that repeats this one, and keep what is doubtful in it."""
        self.also |= other.citations
        for column, notes in other.remarks.items():
            self.remarks[column] = (*self.remarks[column], *(note for note in notes if note.startswith(DOUBT)))

    def holds(self, other: "_Line") -> bool:
        """Return whether it has all figures of another line."""
        return all(self.values.get(column) == value for column, value in other.values.items())

    def row(self) -> dict[str, Any]:
        """Return the row; what is doubtful in a figure, or judged by another tool, stands beside it."""
        everywhere = [note for note in self._all() if not note.startswith((DOUBT, JUDGED))]
        doubts = {
            column: tuple(note for note in dict.fromkeys(notes) if note not in everywhere)
            for column, notes in self.remarks.items()
        }
        return {
            "group": SETTINGS[self.setting],
            "method": self.method,
            "origin": "published",
            "rank": f"published {self.setting}",
            "notes": (*self.citations, *(f"{ALSO_IN}{each}" for each in self.also), *everywhere),
            "doubts": {column: notes for column, notes in doubts.items() if notes},
            **self.values,
        }

    def _all(self) -> Iterable[str]:
        return dict.fromkeys(note for notes in self.remarks.values() for note in notes)


def _published_rows() -> Iterable[dict[str, Any]]:
    lines: dict[tuple[str, str, str], list[_Line]] = {}
    years: dict[str, int] = {}
    for shown in SHOWN:
        benchmark = shown.benchmark
        for row in select(benchmark.published, split=benchmark.published_split, settings=MASK_SETTINGS):
            years[row.system] = min(row.year, years.get(row.system, row.year))
            values = {shown.column(score): row.scores[score] for score in shown.scores if score in row.scores}
            for citation in (row.notes[0], *row.also) if values else ():
                found = lines.setdefault((row.system, document(citation), row.setting), [])
                fitting = next((line for line in found if not line.conflicts(values)), None)
                if fitting is None:
                    fitting = _Line(row.method, row.setting)
                    found.append(fitting)
                fitting.add(shown, row, citation, values)
    systems: dict[tuple[str, str], list[_Line]] = {}
    for (system, _, setting), found in lines.items():
        systems.setdefault((system, setting), []).extend(found)
    order = sorted(systems, key=lambda key: (list(SETTINGS).index(key[1]), years[key[0]], key[0]))
    kept = (line for key in order for line in _without_repeats(systems[key]) if len(line.benchmarks) >= FEWEST)
    return [line.row() for line in kept]


def _without_repeats(lines: Iterable[_Line]) -> list[_Line]:
    """Return one system's lines, those with most figures first; one that another holds is named as a source of this."""
    kept: list[_Line] = []
    for line in sorted(lines, key=lambda line: -len(line.values)):
        fuller = next((each for each in kept if each.holds(line)), None)
        if fuller is None:
            kept.append(line)
        else:
            fuller.take_over(line)
    return kept


def document(citation: str) -> str:
    """Return a citation without the table of the document, whose tables share lines."""
    return re.sub(r",? \(?Tables? \d.*$", "", citation)


def _measured_rows(runs: Sequence[Run]) -> list[dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for shown in SHOWN:
        for ours in measured(runs, wanted=shown.benchmark.wants("mask")):
            merge_row(rows, ours.identity, measured_row(ours, HERE, prefix=shown.heading))
    return [*rows.values()]
