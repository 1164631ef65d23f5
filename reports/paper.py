"""The paper's tables, with the published rows and those that were measured here side by side."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from vos_bench.names import counted
from vos_bench.records import Run, RunRecord
from vos_bench.records.selection import MARK
from vos_bench.tables import SPREAD, Column, Table, percent

from .measured import MEASURED, ORIGIN, PUBLISHED, RESULTS_ONLY, Measured, measured, unscored
from .published import DOUBT, PAPER, SETTINGS, Published, named, select
from .published_sequences import command, comparison

HERE = "Measured with vos-bench"
IMPORTED = "Label maps that their authors published, scored here"
SHARED = f"over the sequences that all runs have {MARK}"
YTVOS_SCORES = ("G", "J_seen", "J_unseen", "F_seen", "F_unseen")
DAVIS_SCORES = ("J&F", "J", "F")
EXPLANATION = (
    "Published rows are quoted from their sources and ranked among each other; rows measured here are ranked apart, "
    "and only where data, protocol and metrics are the same."
)


@dataclass(frozen=True)
class Benchmark:
    """Where a table's rows come from.

    Attributes:
        title: The table's title.
        published: The dataset's name in the published data.
        dataset: The dataset's registered name.
        split: The split of the measured rows.
        scores: The columns.
        settings: The training settings of the published rows, in order.
        source: How the sources of the published rows begin; empty for all of them.
        published_split: The split in the published data.
        protocol: The rules of its own tool, where published rows may be by those of another.
    """

    title: str
    published: str
    dataset: str
    split: str
    scores: tuple[str, ...]
    settings: Collection[str]
    source: str = ""
    published_split: str = "val"
    protocol: str = ""

    def rows(self) -> list[Published]:
        """Return the published rows."""
        return select(self.published, split=self.published_split, settings=self.settings, source=self.source)

    def wants(self, init: str) -> Callable[[RunRecord], bool]:
        """Return whether a record is about this benchmark and started as `init` says, or from nobody knows what."""
        return lambda record: (
            (record.dataset.name, record.dataset.split) == (self.dataset, self.split)
            and (record.protocol.init or "mask") == init
        )


MASK_SETTINGS = tuple(setting for setting in SETTINGS if setting != "box-init")
YTVOS18 = Benchmark(
    "YouTube-VOS 2018 validation (table 2 of the LWL paper)",
    "YouTube-VOS 2018",
    "ytvos18",
    "valid",
    YTVOS_SCORES,
    MASK_SETTINGS,
    PAPER,
)
DAVIS17 = Benchmark(
    "DAVIS 2017 validation (table 3 of the LWL paper)",
    "DAVIS 2017",
    "davis17",
    "val",
    DAVIS_SCORES,
    MASK_SETTINGS,
    PAPER,
)
YTVOS19 = Benchmark("YouTube-VOS 2019 validation", "YouTube-VOS 2019", "ytvos19", "valid", YTVOS_SCORES, MASK_SETTINGS)
DAVIS16 = Benchmark("DAVIS 2016 validation", "DAVIS 2016", "davis16", "val", DAVIS_SCORES, MASK_SETTINGS)
BENCHMARKS = (YTVOS18, DAVIS17, YTVOS19, DAVIS16)


def ytvos18(runs: Sequence[Run]) -> Table:
    """Return the paper's table 2."""
    return _table(YTVOS18, runs)


def davis17(runs: Sequence[Run]) -> Table:
    """Return the paper's table 3."""
    return _table(DAVIS17, runs)


def ytvos18_all(runs: Sequence[Run]) -> Table:
    """Return all that is published on YouTube-VOS 2018, from every source."""
    return _table(_every_source(YTVOS18), runs)


def davis17_all(runs: Sequence[Run]) -> Table:
    """Return all that is published on DAVIS 2017, from every source."""
    return _table(_every_source(DAVIS17), runs)


def ytvos19(runs: Sequence[Run]) -> Table:
    """Return YouTube-VOS 2019; the paper has no table of it."""
    return _table(YTVOS19, runs)


def davis16(runs: Sequence[Run]) -> Table:
    """Return DAVIS 2016; the paper has no table of it."""
    return _table(DAVIS16, runs)


def _score_column(score: str) -> Column:
    return percent(score, label="G (overall)" if score == "G" else "")


def _every_source(benchmark: Benchmark) -> Benchmark:
    title = f"{benchmark.published} validation, from all sources"
    return Benchmark(
        title, benchmark.published, benchmark.dataset, benchmark.split, benchmark.scores, benchmark.settings
    )


def _table(benchmark: Benchmark, runs: Sequence[Run]) -> Table:
    published = benchmark.rows()
    ours = measured(runs, wanted=benchmark.wants("mask"))
    notes = (EXPLANATION, *unscored(runs, wanted=benchmark.wants("mask")), *_elsewhere(benchmark, runs))
    rows = [
        *(published_row(row, also=command(row, benchmark.dataset, benchmark.split)) for row in published),
        *(measured_row(row, HERE, counterparts(row, published, benchmark)) for row in ours),
    ]
    columns = (Column("method"), ORIGIN, *map(_score_column, benchmark.scores))
    return assemble(benchmark.title, columns, rows, notes, across="method")


def box(runs: Sequence[Run]) -> Table:
    """Return the paper's table 4: objects start from boxes, on both datasets."""
    halves = [Benchmark("", each.published, each.dataset, each.split, each.scores, ("box-init",), PAPER)
              for each in (YTVOS18, DAVIS17)]  # fmt: skip
    rows: dict[str, dict[str, Any]] = {}
    notes: list[str] = []
    for half in halves:
        published = half.rows()
        for row in published:
            also = command(row, half.dataset, half.split)
            merge_row(rows, f"published {row.method}", published_row(row, prefix=half.published, also=also))
        for ours in measured(runs, wanted=half.wants("box")):
            found = measured_row(ours, HERE, counterparts(ours, published, half), prefix=half.published)
            merge_row(rows, ours.identity, found)
        notes += unscored(runs, wanted=half.wants("box"))
    columns = [Column("method"), ORIGIN]
    for half in halves:
        columns += [percent(f"{half.published} {name}", label=name, group=half.published) for name in half.scores]
    title = "Start from boxes, YouTube-VOS 2018 and DAVIS 2017 validation (table 4 of the LWL paper)"
    return assemble(title, columns, [*rows.values()], (EXPLANATION, *notes))


def merge_row(rows: dict[str, dict[str, Any]], key: str, row: dict[str, Any]) -> None:
    """Add a row, or its columns and notes to the same system's row on the other dataset."""
    if key not in rows:
        rows[key] = row
        return
    before = rows[key]
    ranks = [each["rank"] for each in (before, row)]
    same = ranks[0] == ranks[1]
    rank = None if None in ranks else ranks[0] if same else " and ".join(ranks)
    notes = tuple(dict.fromkeys((*before["notes"], *row["notes"])))
    doubts = {**before.get("doubts", {}), **row.get("doubts", {})}
    rows[key] = {**before, **row, "rank": rank, "notes": notes, "doubts": doubts}


def published_row(row: Published, *, prefix: str = "", also: str = "") -> dict[str, Any]:
    """Return a published row; its scores' names begin with `prefix`, and its last note is `also`."""
    plain = tuple(note for note in row.notes if not note.startswith(DOUBT))
    return {
        "group": SETTINGS[row.setting],
        "method": row.method,
        "origin": PUBLISHED,
        "rank": f"published {row.setting}",
        "notes": (*plain, also) if also else plain,
        "doubts": {_named(name, prefix): notes for name, notes in row.doubts.items()},
        **{_named(name, prefix): value for name, value in row.scores.items()},
    }


def measured_row(row: Measured, group: str, notes: Iterable[str] = (), *, prefix: str = "") -> dict[str, Any]:
    """Return a measured row; its scores' names begin with `prefix`."""
    heading = {MEASURED: group, RESULTS_ONLY: IMPORTED}.get(row.origin, f"Judged by the {row.origin}")
    return {
        "group": f"{heading}, {SHARED}" if row.shared else heading,
        "method": row.name,
        "origin": row.origin,
        "rank": row.comparable,
        "notes": (*row.notes, *notes),
        **{_named(name, prefix): value for name, value in row.scores.items()},
        **{_named(name, prefix) + SPREAD: value for name, value in row.spread.items()},
    }


def _named(name: str, prefix: str) -> str:
    return f"{prefix} {name}" if prefix else name


def assemble(
    title: str,
    columns: Sequence[Column],
    rows: Sequence[dict[str, Any]],
    notes: Iterable[str],
    *,
    across: str = "",
) -> Table:
    """Return the table of rows that `published_row` and `measured_row` made; `across` is that of `Table`.

    A doubt stands beside the figure that it is about, and among the row's notes where the table does not show this one.
    """
    shown = {column.name for column in columns}
    return Table(
        title,
        tuple(columns),
        [_with_shown_doubts(row, shown) for row in rows],
        tuple(notes),
        group="group",
        rank="rank",
        footnotes="notes",
        doubts="doubts",
        across=across,
    )


def _with_shown_doubts(row: dict[str, Any], shown: Collection[str]) -> dict[str, Any]:
    doubts = row.get("doubts", {})
    elsewhere = [note for column, notes in doubts.items() if column not in shown for note in notes]
    return {
        **row,
        "notes": (*row["notes"], *elsewhere),
        "doubts": {column: notes for column, notes in doubts.items() if column in shown},
    }


def counterparts(row: Measured, published: Iterable[Published], benchmark: Benchmark) -> Iterable[str]:
    """Say what is published of a method that was measured under the very name, and how to see each sequence."""
    for found in named(row.own_name, published):
        numbers = ", ".join(f"{score} {value:g}" for score, value in found.percent.items())
        yield f"published as {found.method} ({SETTINGS[found.setting].lower()}): {numbers} [{found.notes[0]}]"
    if link := comparison(row.own_name, benchmark.dataset, benchmark.split):
        yield link


def _elsewhere(benchmark: Benchmark, runs: Sequence[Run]) -> Iterable[str]:
    """Say which runs on the dataset are left out, so that nobody looks for them."""
    here = [run.record for run in runs if run.record.dataset.name == benchmark.dataset]
    boxes = sum(record.protocol.init == "box" for record in here)
    splits = sorted({record.dataset.split for record in here} - {benchmark.split})
    if boxes:
        yield f"Left out: {counted(boxes, 'run')} from boxes; the report `box` has those on its two datasets."
    if splits:
        yield f"Left out: runs on the splits {', '.join(splits)}."
