"""The weights `lwl-lite-open`: their card, what they share with `lwl-lite`, and that records tell them apart."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import vos_bench
from vos_bench import registry, weights
from vos_bench.api import Prompt
from vos_bench.datasets.demo import PIXELS
from vos_bench.errors import BadInputError
from vos_bench.methods.lwl.checkpoint import load_network
from vos_bench.methods.lwl.config import LITE_NETWORK
from vos_bench.methods.lwl.lite import LiteTrackerConfig, LwlLiteMethod
from vos_bench.methods.lwl.lite_recipe import OPEN
from vos_bench.parts.checkpoints import read_metadata, read_tensors
from vos_bench.records.identity import default_out

NAME = "lwl-lite-open"
INFO = next(each for each in registry.method("lwl-lite").weights if each.name == NAME)

Disc = Callable[[int], tuple[np.ndarray, np.ndarray]]


@pytest.fixture(scope="module")
def shipped() -> Path:
    chosen = weights.choose(registry.method("lwl-lite"), NAME)
    assert chosen is not None
    assert (chosen.name, chosen.licence) == (NAME, INFO.licence)
    return Path(chosen.path)


def test_they_have_to_be_named() -> None:
    chosen = weights.choose(registry.method("lwl-lite"), None)
    assert chosen is not None
    assert chosen.name == "lwl-lite"


def test_both_files_together_stay_small(shipped: Path) -> None:
    assert load_network(shipped).config == LITE_NETWORK
    assert {tensor.dtype for tensor in read_tensors(shipped).values()} == {torch.float16}
    assert shipped.stat().st_size <= 9 * 2**20
    assert sum(path.stat().st_size for path in shipped.parent.glob("*.safetensors")) <= 16 * 2**20


def test_the_card_says_what_the_file_is_and_how_it_came_to_be(shipped: Path) -> None:
    card = json.loads(shipped.with_suffix(".json").read_text(encoding="utf-8"))
    inside = json.loads(read_metadata(shipped)["card"])
    assert {**card, "scores": inside["scores"]} == {**card, **inside}
    assert (card["method"], card["recipe"], card["steps"]) == ("lwl-lite", "open", OPEN.settings.steps)
    assert card["seed"] == OPEN.settings.seed
    assert [(each["name"], each["split"], each["fingerprint"]) for each in card["data"]] == [
        ("demo", "train", PIXELS["train"])
    ]
    assert "public domain" in card["licence"]
    assert "NC" not in card["licence"] + INFO.licence
    assert card["sha256"] == INFO.sha256 == hashlib.sha256(shipped.read_bytes()).hexdigest()
    assert [(each["part"], each["licence"]) for each in card["starts_from"]] == [("backbone", "Apache-2.0")]
    assert card["cpu_hours"] > 0
    assert {"davis16 val J&F", "demo val J&F"} <= set(card["scores"])


def test_the_recipe_starts_from_no_other_weights_and_sees_no_other_data() -> None:
    assert OPEN.settings.weights == {}
    assert [(share.dataset, share.split) for share in OPEN.settings.data] == [("demo", "train")]


def test_the_licence_of_the_backbone_comes_along(shipped: Path) -> None:
    text = (shipped.parent / "LICENSE.efficientnet-lite0.txt").read_text(encoding="utf-8")
    assert "Copyright (c) 2020, ML Illustrated" in text
    assert "TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION" in text


def test_only_the_backbone_is_that_of_the_other_weights(shipped: Path) -> None:
    ours, others = read_tensors(shipped), read_tensors(shipped.with_name("lwl-lite.safetensors"))
    assert ours.keys() <= others.keys()
    learned = {name for name in ours if not name.startswith("backbone.")}
    assert all(torch.equal(ours[name], others[name]) for name in ours.keys() - learned)
    assert not any(torch.equal(ours[name], others[name]) for name in learned if ours[name].dim() == 4)


def test_they_follow_a_disc(shipped: Path, disc: Disc) -> None:
    method = LwlLiteMethod(LiteTrackerConfig(), weights=shipped)
    image, mask = disc(50)
    method.initialize(image, Prompt(masks={1: mask}))
    for x in range(54, 90, 4):
        image, mask = disc(x)
        found = method.step(image).labels == 1
        assert (found & mask).sum() / (found | mask).sum() > 0.8


def test_a_box_is_refused_with_a_way_out(shipped: Path, disc: Disc) -> None:
    method = LwlLiteMethod(LiteTrackerConfig(), weights=shipped)
    image, _ = disc(50)
    with pytest.raises(BadInputError, match=r"(?s)no box encoder.*--box-start grabcut"):
        method.initialize(image, Prompt(boxes={1: (26.0, 36.0, 75.0, 85.0)}))


def test_records_never_print_them_under_the_plain_name(tmp_path: Path) -> None:
    run = vos_bench.run("lwl-lite", "demo", weights=NAME, sequences=["fast-motion"], out=tmp_path / "open")
    own = vos_bench.run("lwl-lite", "demo", sequences=["fast-motion"], out=tmp_path / "own")
    assert (run.record.method.title, own.record.method.title) == (f"lwl-lite ({NAME})", "lwl-lite")
    weights_entry = run.record.method.weights
    assert weights_entry is not None
    assert (weights_entry.name, weights_entry.sha256, weights_entry.licence) == (NAME, INFO.sha256, INFO.licence)
    assert default_out(run.record) != default_out(own.record)
    with pytest.raises(BadInputError, match="weights"):
        vos_bench.run("lwl-lite", "demo", sequences=["fast-motion"], out=tmp_path / "open")
