"""The paper's table 1, what each part of LWL adds, as published and as measured here; and further axes."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from vos_bench.names import counted
from vos_bench.recorded import JsonValue
from vos_bench.records import Run, RunRecord
from vos_bench.tables import SPREAD, Column, Table, percent

from .measured import MEASURED, ORIGIN, measured
from .paper import EXPLANATION, HERE, assemble, measured_row, published_row
from .published import SETTINGS, load
from .variants import VariantRow, axis_of, variant_rows

DATASET = "ytvos19-holdout"
TITLE = "What each part of LWL adds (table 1 of the LWL paper)"
AXIS = "table1"
AXES_TITLE = "Ablations along further axes"
_PREFIX = "LWL ablation: "
_KEYS = ("label_source", "weight_source", "learner_gradient")


def make_table(runs: Sequence[Run]) -> Table:
    """Return the published row of each step and the measured ones.

    A run that `vos-bench ablate` made says itself which step it is; of any other, LWL's settings tell.
    """
    published = _published()
    order = {row["method"]: i for i, row in enumerate(published)}
    steps = [(row, step(row.runs[0].record)) for row in measured(runs, wanted=_is_step)]
    steps.sort(key=lambda pair: (pair[0].name, order[pair[1]]))
    ours = [{**measured_row(row, HERE), "method": f"{row.name}: {name}"} for row, name in steps]
    made = [row for row in variant_rows(runs) if row.setup.axis == AXIS]
    columns = [Column("method"), ORIGIN, percent("J")]
    if made:
        columns += [percent("J&F"), Column("training", digits=1, unit="min")]
    rows = [*published, *ours, *(variant_row(row, name=f"{row.setup.method}: {row.label}") for row in made)]
    notes = (EXPLANATION, *_orders(made, list(order)), *waiting(runs))
    return assemble(TITLE, columns, rows, notes, across="method")


def make_axes_table(runs: Sequence[Run]) -> Table:
    """Return the further axes of ablations, a group for each; the steps of table 1 are in the report `ablation`."""
    found = [row for row in variant_rows(runs) if row.setup.axis != AXIS]
    columns = (
        Column("value"),
        percent("J"),
        percent("F"),
        percent("J&F"),
        Column("training", digits=1, unit="min"),
    )
    rows = [
        {**variant_row(row, name=row.label), "value": row.label, "group": f"{row.setup.axis}: {row.setup.heading}"}
        for row in found
    ]
    summaries = {row.setup.axis: axis.summary for row in found if (axis := axis_of(row.setup))}
    notes = (*(f"{name}: {summary}" for name, summary in summaries.items()), *waiting(runs))
    return assemble(AXES_TITLE, columns, rows, notes)


def variant_row(row: VariantRow, *, name: str) -> dict[str, Any]:
    """Return a row of a table of a variant that was measured here."""
    seeds = f"mean ± spread over {len(row.seeds)} seeds" if len(row.seeds) > 1 else f"seed {row.seeds[0]}"
    return {
        "group": f"{row.setup.heading}, {seeds}",
        "method": name,
        "origin": MEASURED,
        "rank": row.rank,
        "notes": row.notes,
        **row.scores,
        **{score + SPREAD: value for score, value in row.spread.items()},
        "training": row.minutes,
    }


def waiting(runs: Sequence[Run]) -> Iterable[str]:
    """Say how many runs of an ablation have no row yet."""
    count = sum(run.record.ablation is not None and not run.record.scores for run in runs)
    if count:
        yield f"Left out: {counted(count, 'run')} of an ablation, not finished or without scores."


def _published() -> list[dict[str, Any]]:
    return [
        {
            **published_row(row),
            "method": row.method.removeprefix(_PREFIX),
            "group": f"LWL as published: {SETTINGS[row.setting]}",
        }
        for row in load()
        if row.method.startswith(_PREFIX)
    ]


def _orders(rows: Sequence[VariantRow], steps: Sequence[str]) -> Iterable[str]:
    """Say for each complete set of measured steps whether J rises as in the paper, and by more than chance."""
    for setup in dict.fromkeys(row.setup for row in rows):
        found = {row.label: row for row in rows if row.setup == setup and row.ranked}
        if set(found) != set(steps):
            continue
        order = sorted(steps, key=lambda step: found[step].scores["J"])
        text = "the means of J rise from step to step as in the paper"
        if order != [*steps]:
            text = f"the means of J rise as {' < '.join(order)}, another order than the paper's"
        yield f"{setup.method} on {setup.dataset}: {text}; {_certainty([found[step] for step in steps])}."


def _certainty(rows: Sequence[VariantRow]) -> str:
    """Say which steps are no larger than the spread of the seeds on either side of them."""
    if not all(row.spread for row in rows):
        return "one seed each does not tell how much of a step is chance"
    within = [
        f"{after.label} ({100 * gain:+z.1f}, between spreads of {100 * before.spread['J']:.1f} and "
        f"{100 * after.spread['J']:.1f})"
        for before, after in pairwise(rows)
        if abs(gain := after.scores["J"] - before.scores["J"]) <= max(before.spread["J"], after.spread["J"])
    ]
    return f"within the spread of the seeds: {', '.join(within) or 'none'}"


def step(record: RunRecord) -> str:
    """Return which step of the ablation a run's settings are, empty for a method without such settings."""
    found = _find(record.method.config)
    if not all(key in found for key in _KEYS):
        return ""
    if found["label_source"] == "mask":
        return "+End-to-end" if found["learner_gradient"] else "Baseline"
    return "+Label Generator" if found["weight_source"] == "ones" else "+Weight Predictor"


def _is_step(record: RunRecord) -> bool:
    return record.ablation is None and record.dataset.name == DATASET and bool(step(record))


def _find(config: Mapping[str, JsonValue]) -> dict[str, Any]:
    """Return the settings that make up a step, however deep in the configuration they lie."""
    found = {key: config[key] for key in _KEYS if key in config}
    for value in config.values():
        if isinstance(value, dict):
            found = {**_find(value), **found}
    return found
