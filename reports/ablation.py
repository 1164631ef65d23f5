"""The paper's table 1: what each part of LWL adds, on 300 sequences held out of the YouTube-VOS 2019 training set."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from vos_bench.records import Run, RunRecord
from vos_bench.tables import Column, Table, percent

from .measured import measured
from .paper import EXPLANATION, HERE, assemble, measured_row, published_row
from .published import SETTINGS, load

DATASET = "ytvos19-holdout"
TITLE = "Ablation on 300 held-out sequences of YouTube-VOS 2019 train (table 1 of the LWL paper)"
_PREFIX = "LWL ablation: "
_KEYS = ("label_source", "weight_source", "learner_gradient")


def build(runs: Sequence[Run]) -> Table:
    """Return the published row of each step and the measured ones; LWL's settings tell which step a run is."""
    rows = []
    for row in load():
        if row.method.startswith(_PREFIX):
            name = row.method.removeprefix(_PREFIX)
            rows.append({**published_row(row), "method": name, "group": f"LWL as published: {SETTINGS[row.setting]}"})
    ours = [
        {**measured_row(row, HERE), "method": f"{row.name}: {step(row.runs[0].record)}"}
        for row in measured(runs, wanted=_is_step)
    ]
    order = {row["method"]: i for i, row in enumerate(rows)}
    ours.sort(key=lambda row: (row["method"].partition(": ")[0], order[row["method"].partition(": ")[2]]))
    return assemble(TITLE, (Column("method"), Column("origin"), percent("J")), [*rows, *ours], (EXPLANATION,))


def step(record: RunRecord) -> str:
    """Return which step of the ablation a run's settings are, empty for a method without such settings."""
    found = _find(record.method.config)
    if not all(key in found for key in _KEYS):
        return ""
    if found["label_source"] == "mask":
        return "+End-to-end" if found["learner_gradient"] else "Baseline"
    return "+Label Generator" if found["weight_source"] == "ones" else "+Weight Predictor"


def _is_step(record: RunRecord) -> bool:
    return record.dataset.name == DATASET and bool(step(record))


def _find(config: Mapping[str, JsonValue]) -> dict[str, Any]:
    """Return the settings that make up a step, however deep in the configuration they lie."""
    found = {key: config[key] for key in _KEYS if key in config}
    for value in config.values():
        if isinstance(value, dict):
            found = {**_find(value), **found}
    return found
