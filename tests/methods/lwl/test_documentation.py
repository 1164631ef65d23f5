"""The Python of docs/lwl.md runs as it stands."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from vos_bench.methods.lwl.checkpoint import save_network
from vos_bench.methods.lwl.config import BackboneConfig, LwlConfig
from vos_bench.methods.lwl.network import LwlNetwork
from vos_bench.methods.lwl.parameters import TrackerConfig

PAGE = Path(__file__).resolve().parents[3] / "docs" / "lwl.md"


@pytest.mark.parametrize("block", re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL))
def test_every_python_block_runs(block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    config = LwlConfig(
        backbone=BackboneConfig(name="mobilenetv3_small_050"), target_channels=8, label_channels=2, decoder_channels=4
    )
    save_network(LwlNetwork(config), Path("lwl.safetensors"))
    images = np.random.default_rng(0).integers(0, 255, (2, 60, 80, 3), dtype=np.uint8)
    mask = np.zeros((60, 80), bool)
    mask[10:30, 20:50] = True
    names = {"first_image": images[0], "first_mask": mask, "images": iter(images[1:])}
    exec(compile(block, str(PAGE), "exec"), names)
    if "prediction" in names:
        assert names["prediction"].labels.shape == (60, 80)
        assert names["prediction"].probabilities.shape == (2, 60, 80)


def test_the_table_of_parameters_has_every_parameter():
    named = set(re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert named == set(TrackerConfig.model_fields) - {"parameters"}
