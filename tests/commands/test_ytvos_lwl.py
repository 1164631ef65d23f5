"""The command that the tool is known by, word for word: `vos-bench run lwl --dataset ytvos18`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from vos_bench.labelmaps import object_ids, read_label_map
from vos_bench.methods.lwl.checkpoint import save_network
from vos_bench.methods.lwl.config import BackboneConfig, LwlConfig
from vos_bench.methods.lwl.network import LwlNetwork

Call = Callable[..., int]
COMMAND = ("run", "lwl", "--dataset", "ytvos18")
TINY = LwlConfig(
    backbone=BackboneConfig(name="resnet18"),
    target_channels=16,
    label_channels=4,
    label_encoder_channels=(4, 4, 8),
    decoder_channels=4,
)
VIDEOS = {"1a2b3c": {1: ("person", 0), 3: ("cat", 1)}, "4d5e6f": {2: ("unicorn_unseen", 0)}}


@pytest.fixture
def data(ytvos_tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with YouTubeVOS18 in it, named by VOS_BENCH_DATA: two sequences of three frames."""
    ytvos_tree.build(tmp_path / "data" / "YouTubeVOS18", videos=VIDEOS, annotated=2, step=2, size=(64, 96))
    monkeypatch.setenv("VOS_BENCH_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with lwl.safetensors, named by VOS_BENCH_WEIGHTS: a tiny network that learned nothing."""
    torch.manual_seed(0)
    save_network(LwlNetwork(TINY), tmp_path / "weights" / "lwl.safetensors")
    monkeypatch.setenv("VOS_BENCH_WEIGHTS", str(tmp_path / "weights"))
    return tmp_path / "weights"


@pytest.mark.usefixtures("weights")
def test_the_literal_command_works_where_root_and_weights_are_configured(
    call: Call, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(*COMMAND) == 0, capsys.readouterr().out
    (path,) = Path("runs/ytvos18/lwl").glob("*/run.json")
    record = json.loads(path.read_text())
    assert (record["status"], record["scores"], record["counts"]["done"]) == ("complete", {}, 2)
    assert record["protocol"]["frames_seen"] == "all"
    assert record["dataset"]["frames"] == 6
    assert record["method"]["weights"]["file"] == "lwl.safetensors"
    masks = {
        str(mask.relative_to(path.parent / "masks")): read_label_map(mask) for mask in path.parent.rglob("masks/*/*")
    }
    assert sorted(masks) == ["1a2b3c/00000.png", "1a2b3c/00002.png", "4d5e6f/00000.png", "4d5e6f/00002.png"]
    assert object_ids(masks["1a2b3c/00000.png"]) == (1,)
    assert 3 in object_ids(masks["1a2b3c/00002.png"])
    said = capsys.readouterr()
    assert "masks written, not scored" in said.out
    assert "left for 1 sequence" in said.err
    assert call("package", path.parent, "--out", "lwl.zip") == 0
    assert data.is_dir()


@pytest.mark.usefixtures("data")
def test_without_weights_all_three_ways_to_name_them_are_said(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(*COMMAND) == 2
    said = capsys.readouterr().err
    for way in ("--weights FILE", "VOS_BENCH_WEIGHTS", '[weights] lwl = "FILE"'):
        assert way in said


@pytest.mark.usefixtures("weights")
def test_without_a_root_all_three_ways_to_name_it_are_said(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(*COMMAND) == 2
    said = capsys.readouterr().err
    for way in ("--root DIR", "VOS_BENCH_DATA", '[data] ytvos18 = "DIR"'):
        assert way in said
