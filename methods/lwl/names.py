"""The reference's parameter names and ours, one to one."""

from collections.abc import Mapping
from typing import TypeVar

Value = TypeVar("Value")

_REFERENCE_LEVELS = {"layer4": "stride32", "layer3": "stride16", "layer2": "stride8", "layer1": "stride4"}
_OUR_REFINEMENT = {"conv1x1": "mix", "bblock.0": "conv1", "bblock.1": "norm", "bblock.3": "conv2"}


def _level_table(level: str, ours: str) -> dict[str, str]:
    refinements = {
        f"decoder.{block}.{level}.{part}": f"decoder.levels.{ours}.{name}.{renamed}"
        for block, name in (("RRB1", "refine1"), ("RRB2", "refine2"))
        for part, renamed in _OUR_REFINEMENT.items()
    }
    return refinements | {
        f"decoder.TSE.{level}.reduce.0": f"decoder.levels.{ours}.reduce1",
        f"decoder.TSE.{level}.reduce.2": f"decoder.levels.{ours}.reduce2",
        f"decoder.TSE.{level}.transform.0": f"decoder.levels.{ours}.fusion.conv1",
        f"decoder.TSE.{level}.transform.2": f"decoder.levels.{ours}.fusion.conv2",
        f"decoder.TSE.{level}.transform.4": f"decoder.levels.{ours}.fusion.conv3",
        f"decoder.CAB.{level}.convreluconv.0": f"decoder.levels.{ours}.attention.conv1",
        f"decoder.CAB.{level}.convreluconv.2": f"decoder.levels.{ours}.attention.conv2",
        f"decoder.proj.{level}.0": f"decoder.levels.{ours}.lateral",
    }


def _table() -> dict[str, str]:
    """Return the start of each reference name and of ours."""
    table = {
        "feature_extractor": "backbone.network",
        "target_model.feature_extractor.0": "target_extractor.conv",
        "target_model.filter_optimizer.residual_module.filter_reg": "learner.regularisation",
        "decoder.project": "decoder.head",
        "label_encoder.conv_block.0": "label_encoder.stem",
        "label_encoder.label_pred.0": "label_encoder.label",
        "label_encoder.samp_w_pred": "label_encoder.weight",
        "box_label_encoder.label_pred.0": "box_encoder.label",
    }
    blocks = {
        "label_encoder.res1": "label_encoder.block1",
        "label_encoder.res2": "label_encoder.block2",
        "box_label_encoder.res.0": "box_encoder.block1",
        "box_label_encoder.res.1": "box_encoder.block2",
    }
    parts = {"conv1": "conv1", "conv2": "conv2", "downsample": "shortcut"}
    table |= {f"{a}.{part}": f"{b}.{renamed}" for a, b in blocks.items() for part, renamed in parts.items()}
    for level, ours in _REFERENCE_LEVELS.items():
        table |= _level_table(level, ours)
    return table


_OURS = _table()


def from_reference(tensors: Mapping[str, Value]) -> dict[str, Value]:
    """Give a reference state dict our names; a name that the reference does not have stays as it is."""
    return {_renamed(name): value for name, value in tensors.items()}


def is_reference(tensors: Mapping[str, Value]) -> bool:
    """Tell whether a state dict has the reference's names."""
    return any(name.startswith("feature_extractor.") for name in tensors)


def _renamed(name: str) -> str:
    start = name
    while start:
        if start in _OURS:
            return _OURS[start] + name[len(start) :]
        start = start.rpartition(".")[0]
    return name
