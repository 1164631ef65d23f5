"""Tables of SA-V, MOSE, LVOS and VOST: published rows of all sources, and beside them what was measured here."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from vos_bench.records import Run, RunRecord
from vos_bench.tables import Column, Table, percent

from .measured import ORIGIN, measured, unscored
from .paper import BENCHMARKS as PAPER_BENCHMARKS
from .paper import EXPLANATION, HERE, Benchmark, assemble, counterparts, measured_row, merge_row, published_row
from .published import SETTINGS, Published

DOTTED = ("J&F_dot", "J", "F_dot", "J&F_dot_disappear", "J&F_dot_reappear", "F", "J&F")
"""The scores of MOSEv2; the last two are classic."""

SAV_VAL = Benchmark("SA-V", "SA-V", "sav", "val", ("J&F", "J", "F"), SETTINGS)
SAV_TEST = Benchmark("SA-V", "SA-V", "sav", "test", ("J&F", "J", "F"), SETTINGS, published_split="test")
MOSEV1 = Benchmark("MOSE of 2023", "MOSE", "mosev1", "valid", ("J&F", "J", "F"), SETTINGS)
MOSEV2 = Benchmark("MOSEv2 validation", "MOSEv2", "mosev2", "valid", DOTTED, SETTINGS)
MOSEV2_TEST = Benchmark("MOSEv2 test", "MOSEv2", "mosev2", "test", DOTTED, SETTINGS, published_split="test")
LVOS1 = Benchmark("LVOS v1 validation", "LVOS v1", "lvos1", "valid", ("J&F", "J", "F", "V"), SETTINGS, protocol="lvos")
LVOS2 = Benchmark(
    "LVOS v2 validation",
    "LVOS v2",
    "lvos2",
    "valid",
    ("J&F", "J", "F", "J_seen", "F_seen", "J_unseen", "F_unseen", "V"),
    SETTINGS,
    protocol="lvos",
)
VOST = Benchmark(
    "VOST validation", "VOST", "vost", "val", ("J", "J_last", "J_recall", "J_decay", "J&F"), SETTINGS, protocol="vost"
)
ALL = (*PAPER_BENCHMARKS, SAV_VAL, SAV_TEST, MOSEV1, MOSEV2, LVOS1, LVOS2, VOST)
"""Every benchmark of which something is published."""

CHALLENGES = "Test set, in challenges"
ADAPTIVE = (
    "J&F_dot and F_dot match boundaries within a distance that shrinks with the object; J&F and F are classic. Papers "
    "mean J&F_dot where they say J&F of MOSEv2."
)
BY_OTHER_TOOL = "Rows that another tool than the benchmark's own judged are ranked apart: its means are others."


def sav(runs: Sequence[Run]) -> Table:
    """Return SA-V: val and test beside each other."""
    rows: dict[str, dict[str, Any]] = {}
    notes: list[str] = [EXPLANATION]
    for half in (SAV_VAL, SAV_TEST):
        published = half.rows()
        for row in published:
            key = f"published {row.method} {row.setting} {row.notes[0]}"
            merge_row(rows, key, published_row(row, prefix=half.split))
        for ours in measured(runs, wanted=_wanted(half)):
            found = measured_row(ours, HERE, counterparts(ours, published, half), prefix=half.split)
            merge_row(rows, ours.identity, found)
        notes += unscored(runs, wanted=_wanted(half))
    columns = [Column("method"), ORIGIN]
    for half in (SAV_VAL, SAV_TEST):
        columns += [percent(f"{half.split} {name}", label=name, group=half.split) for name in half.scores]
    notes += _other_splits(runs, SAV_VAL, SAV_TEST)
    return assemble("SA-V, val and test", columns, [*rows.values()], notes)


def mosev1(runs: Sequence[Run]) -> Table:
    """Return MOSE of 2023, on its valid split."""
    return _table(MOSEV1, runs)


def mosev2(runs: Sequence[Run]) -> Table:
    """Return MOSEv2: adaptive and classic scores in columns of their own, the challenges' test set apart."""
    columns = [
        percent(name, label=name.removeprefix("J&F_dot_"), group="classic" if name in ("F", "J&F") else "adaptive")
        for name in DOTTED
    ]
    challenges = [{**_published_row(row, MOSEV2_TEST), "group": CHALLENGES} for row in MOSEV2_TEST.rows()]
    for row in challenges:
        row["rank"] = f"test {row['rank']}"
    return _table(MOSEV2, runs, columns=columns, more=challenges, notes=(ADAPTIVE,))


def lvos1(runs: Sequence[Run]) -> Table:
    """Return LVOS v1, on its valid split."""
    return _table(LVOS1, runs, notes=(BY_OTHER_TOOL,))


def lvos2(runs: Sequence[Run]) -> Table:
    """Return LVOS v2, on its valid split."""
    return _table(LVOS2, runs, notes=(BY_OTHER_TOOL,))


def vost(runs: Sequence[Run]) -> Table:
    """Return VOST, on its val split: J is its score, and J&F that of other tools."""
    columns = [percent(name, group="not VOST's" if name == "J&F" else "") for name in VOST.scores]
    note = "VOST has no F. J_last is J over the last quarter of the frames, J_tr in papers; J&F is by other tools."
    return _table(VOST, runs, columns=columns, notes=(note, BY_OTHER_TOOL))


def _table(
    benchmark: Benchmark,
    runs: Sequence[Run],
    *,
    columns: Sequence[Column] = (),
    more: Sequence[dict[str, Any]] = (),
    notes: Iterable[str] = (),
) -> Table:
    published = benchmark.rows()
    ours = measured(runs, wanted=_wanted(benchmark))
    rows = [
        *(_published_row(row, benchmark) for row in published),
        *more,
        *(measured_row(row, HERE, counterparts(row, published, benchmark)) for row in ours),
    ]
    below = (*notes, EXPLANATION, *unscored(runs, wanted=_wanted(benchmark)), *_other_splits(runs, benchmark))
    scores = columns or [*map(percent, benchmark.scores)]
    return assemble(benchmark.title, (Column("method"), ORIGIN, *scores), rows, below)


def _published_row(row: Published, benchmark: Benchmark) -> dict[str, Any]:
    """Return a published row; one that another tool judged has a group and a ranking of its own."""
    found = published_row(row)
    if row.protocol in ("", benchmark.protocol):
        return found
    return {
        **found,
        "group": f"{found['group']}, by the protocol {row.protocol}",
        "rank": f"{found['rank']} {row.protocol}",
    }


def _wanted(benchmark: Benchmark) -> Callable[[RunRecord], bool]:
    """Return whether a record is about a benchmark, started as it may be: a note says how, and ranks tell it apart."""
    return lambda record: (record.dataset.name, record.dataset.split) == (benchmark.dataset, benchmark.split)


def _other_splits(runs: Sequence[Run], *benchmarks: Benchmark) -> Iterable[str]:
    """Say which runs on the dataset are left out, so that nobody looks for them."""
    known = {each.split for each in benchmarks}
    here = (run.record.dataset for run in runs if run.record.dataset.name == benchmarks[0].dataset)
    if others := sorted({data.split for data in here} - known):
        yield f"Left out: runs on the splits {', '.join(others)}."
