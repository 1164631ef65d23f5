"""Rows of ablations from records: one a variant, its seeds put together, only where all conditions are equal."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

import numpy as np

from vos_bench import registry
from vos_bench.ablation.plan import Axis
from vos_bench.errors import BadInputError
from vos_bench.names import counted
from vos_bench.records import AblationEntry, Run, RunRecord
from vos_bench.records.identity import rules


class Setup(NamedTuple):
    """What the variants of one axis must share to be compared.

    Attributes:
        method: What was run; a small variant stands under its own name.
        plan: Whose ablation it is, and its scale.
        rules: The data and the protocol.
        dataset: Name and split.
    """

    method: str
    plan: tuple[str, str]
    axis: str
    rules: str
    dataset: str

    @property
    def heading(self) -> str:
        """What a reader must know at once: that these rows are of this method, on these data."""
        return f"{self.method}, measured on {self.dataset}"


@dataclass(frozen=True)
class VariantRow:
    """One variant, measured with one or several seeds.

    Attributes:
        label: What tables call it.
        seeds: Those that all variants of the axis have, ascending.
        scores: Means over the seeds; fractions.
        spread: Sample standard deviations, where there are several seeds.
        minutes: Of training, the mean over the seeds; None where nothing was trained.
        notes: What is assumed, how it was trained, when it was run, and what is wrong with it.
        ranked: Whether it may be ranked among its axis.
    """

    setup: Setup
    value: str
    label: str
    seeds: tuple[int, ...]
    scores: dict[str, float]
    spread: dict[str, float]
    minutes: float | None
    notes: tuple[str, ...]
    ranked: bool
    runs: tuple[Run, ...] = field(repr=False)

    @property
    def rank(self) -> str | None:
        """What only comparable rows share; None for a row that is never ranked."""
        return repr((self.setup, self.seeds, _budget(self.runs[0].record))) if self.ranked else None


_Seeds = dict[int, Run]


def variant_rows(runs: Iterable[Run]) -> list[VariantRow]:
    """Return the rows of all ablations among the runs, axes and values in the order of their plan.

    Variants are compared by the seeds that all values of their axis have; the others wait.
    """
    found: dict[Setup, dict[str, _Seeds]] = {}
    for run in sorted(runs, key=lambda run: run.record.ended):
        entry = run.record.ablation
        if entry is None or not run.record.scores or run.record.status == "started":
            continue
        for variant in entry.variants:
            values = found.setdefault(_setup(run.record, entry, variant.axis), {})
            # The same run made twice counts once: its later result is no second seed.
            values.setdefault(variant.value, {})[run.record.seed] = run
    rows = [row for setup, values in found.items() for row in _rows_of_axis(setup, values)]
    return sorted(rows, key=lambda row: (row.setup.method, row.setup.dataset, *_place(row.setup, row.value)))


def _setup(record: RunRecord, entry: AblationEntry, axis: str) -> Setup:
    dataset = record.dataset.title
    return Setup(record.method.name, (entry.method, entry.scale), axis, rules(record), dataset)


def _rows_of_axis(setup: Setup, values: dict[str, _Seeds]) -> Iterable[VariantRow]:
    shared = set.intersection(*(set(seeds) for seeds in values.values()))
    for value, seeds in values.items():
        chosen = sorted(shared or seeds)
        yield _row(setup, value, [seeds[seed] for seed in chosen], waiting=sorted(set(seeds) - set(chosen)))


def _row(setup: Setup, value: str, runs: Sequence[Run], *, waiting: Sequence[int]) -> VariantRow:
    records = [run.record for run in runs]
    entry = records[0].ablation
    assert entry is not None
    [variant] = [each for each in entry.variants if (each.axis, each.value) == (setup.axis, value)]
    names = [name for name in records[0].scores if all(name in record.scores for record in records)]
    scores = {name: [record.scores[name] for record in records] for name in names}
    seconds = [s for record in records if record.ablation and (s := record.ablation.training_seconds) is not None]
    troubles = tuple(_troubles(records))
    return VariantRow(
        setup=setup,
        value=value,
        label=variant.label or value,
        seeds=tuple(record.seed for record in records),
        scores={name: float(np.mean(each)) for name, each in scores.items()},
        spread={name: float(np.std(each, ddof=1)) for name, each in scores.items() if len(each) > 1},
        minutes=float(np.mean(seconds)) / 60 if seconds else None,
        notes=(*_notes(records, variant.note, waiting), *troubles),
        ranked=not troubles,
        runs=tuple(runs),
    )


def _notes(records: Sequence[RunRecord], note: str, waiting: Sequence[int]) -> Iterable[str]:
    if note:
        yield note
    yield _conditions(records[0])
    yield _weights(records)
    if len(records) > 1:
        yield f"mean ± sample standard deviation over the seeds {', '.join(str(record.seed) for record in records)}"
    if waiting:
        yield f"left out: seed {', '.join(map(str, waiting))}, which not all variants of this axis have"


def _conditions(record: RunRecord) -> str:
    data, protocol = record.dataset, record.protocol
    settings = " ".join(record.method.config_as_passed)
    return (
        f"{data.name} {data.split}, {counted(len(data.sequences), 'sequence')}, protocol {protocol.name}, "
        f"{protocol.frames_seen} "
        f"frames seen" + (f", run with {settings}" if settings else "")
    )


def _weights(records: Sequence[RunRecord]) -> str:
    dates = " and ".join(sorted({record.ended[:10] for record in records}))
    entry, weights = records[0].ablation, records[0].method.weights
    if entry is not None and entry.recipe:
        what = f"trained here, {counted(entry.steps, 'step')} of the recipe {entry.recipe}"
    else:
        what = weights.described if weights else "no weights"
    return f"{what}; run {dates} with vos-bench {records[0].environment.vos_bench}"


def _troubles(records: Sequence[RunRecord]) -> Iterable[str]:
    for record in records:
        counts = record.counts
        if counts.scored < counts.selected:
            yield f"NOT RANKED: means over {counts.scored} of {counted(counts.selected, 'sequence')}"


def _budget(record: RunRecord) -> tuple[str, int]:
    """Return what every training of an axis must have had alike."""
    entry = record.ablation
    return (entry.recipe, entry.steps) if entry else ("", 0)


def axis_of(setup: Setup) -> Axis | None:
    """Return the axis as its plan has it, None where the plan is not installed or has lost it."""
    return next((axis for axis in _axes(*setup.plan) if axis.name == setup.axis), None)


@cache
def _axes(method: str, scale: str) -> tuple[Axis, ...]:
    try:
        infos = registry.method(method).ablations
        return next((tuple(registry.resolve(info.factory).axes) for info in infos if info.scale == scale), ())
    except BadInputError:
        return ()


def _place(setup: Setup, value: str) -> tuple[int, str, int, str]:
    """Return where a value stands: by its plan, what is unknown last."""
    axes = _axes(*setup.plan)
    names = [axis.name for axis in axes]
    number = names.index(setup.axis) if setup.axis in names else len(names)
    values = [variant.value for variant in axes[number].variants] if number < len(names) else []
    return number, setup.axis, values.index(value) if value in values else len(values), value
