"""What a training says of itself: `training.json` and the weights' card. Kept apart, so that reading loads no torch."""

from typing import Literal

from msgspec import field

from vos_bench.environment import Environment
from vos_bench.recorded import JsonValue, Recorded

SCHEMA_VERSION: Literal[1] = 1
RECORD, WEIGHTS, CARD = "training.json", "weights.safetensors", "weights.json"


class TrainingData(Recorded, frozen=True, kw_only=True):
    """One dataset that a training drew from.

    Attributes:
        fingerprint: Hash of frames, truth and list.
        left_out: Sequences of the split that were not trained on.
    """

    name: str
    split: str
    fingerprint: str
    licence: str
    left_out: tuple[str, ...] = ()


class TrainingRecord(Recorded, frozen=True, kw_only=True):
    """What a stranger needs to trust or repeat a training; `training.json`.

    Attributes:
        schema_version: Version of this file.
        status: `started` until the training is done or was interrupted.
        method: The method's name.
        recipe: The recipe's name.
        note: What the recipe says of itself: where paper and code differ, which values are assumed, what it costs.
        settings: All of the recipe's numbers.
        settings_as_passed: The `--set` arguments, word for word.
        data: The datasets.
        start: Files that the training started from: part of the network to the file's sha256.
        environment: The machine and the software.
        step: Optimiser steps done.
        seconds: How long this start of the training took; a resumed one starts from zero.
        total_seconds: How long the steps took, over all starts; work that was lost to a kill is not counted.
        validation: What the last validation measured; None for what was infinite or no number.
        weights_sha256: Of `weights.safetensors`, None while there is none.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    status: Literal["started", "interrupted", "done"]
    method: str
    recipe: str
    note: str = ""
    settings: dict[str, JsonValue]
    settings_as_passed: tuple[str, ...] = ()
    data: tuple[TrainingData, ...]
    start: dict[str, str] = field(default_factory=dict)
    environment: Environment
    step: int = 0
    seconds: float = 0.0
    total_seconds: float = 0.0
    validation: dict[str, float | None] = field(default_factory=dict)
    weights_sha256: str | None = None


class WeightsCard(Recorded, frozen=True, kw_only=True):
    """What goes with a file of weights, beside it and inside it.

    Attributes:
        method: What the weights are for.
        recipe: How they were trained.
        steps: Optimiser steps.
        data: What they were trained on, with its licence.
        licence: Under which the weights may be used.
        commit: Commit of the code that trained them; empty for an installed package.
        scores: Measured scores by name, as fractions; at first those of the training's validation.
    """

    method: str
    recipe: str
    steps: int
    data: tuple[TrainingData, ...]
    licence: str
    commit: str = ""
    scores: dict[str, float | None] = field(default_factory=dict)
