import hashlib
import json
import math

import cv2
import numpy as np
import pytest
from PIL import Image

from vos_bench.cli import main
from vos_bench.errors import BadInputError
from vos_bench.methods.lwl.checkpoint import load_network, save_network
from vos_bench.methods.lwl.config import BackboneConfig, LwlConfig
from vos_bench.methods.lwl.network import LwlNetwork
from vos_bench.parts.checkpoints import read_metadata
from vos_bench.records import read_record
from vos_bench.training import session
from vos_bench.training.loop import TrainingOutcome
from vos_bench.training.record import TrainingRecord
from vos_bench.training.session import find_recipe, train

TINY = LwlConfig(
    backbone=BackboneConfig(name="test_efficientnet"),
    decoder="lite",
    context_stride=32,
    target_channels=16,
    decoder_channels=4,
    decoder_strides=(32, 16, 8, 4, 2),
    decoder_multiples=(4, 4, 2, 2, 1),
    label_encoder_channels=(4, 8, 8),
)
SMALL = ("crop.height=64", "crop.width=96", "workers=0", "batch_size=1", "epochs=1", "cool_down=0")


def davis_tree(root, names=("bear", "boat"), frames=12):
    """A tree of the DAVIS layout: an object moves over a speckled ground."""
    rng = np.random.default_rng(0)
    palette = [0, 0, 0, 128, 0, 0] + [0] * 762
    for name in names:
        images, labels = (root / kind / "480p" / name for kind in ("JPEGImages", "Annotations"))
        images.mkdir(parents=True)
        labels.mkdir(parents=True)
        for frame in range(frames):
            image = rng.integers(0, 256, (96, 128, 3), dtype=np.uint8)
            cv2.imwrite(str(images / f"{frame:05d}.jpg"), image)
            label = np.zeros((96, 128), np.uint8)
            label[30:60, 20 + 4 * frame : 60 + 4 * frame] = 1
            picture = Image.fromarray(label)
            picture.putpalette(palette)
            picture.save(labels / f"{frame:05d}.png")
    for year in ("2016", "2017"):
        lists = root / "ImageSets" / year
        lists.mkdir(parents=True)
        (lists / "train.txt").write_text("".join(f"{name}\n" for name in names))
        (lists / "val.txt").write_text("")
    return root


@pytest.fixture(scope="module")
def davis(tmp_path_factory):
    return davis_tree(tmp_path_factory.mktemp("davis"))


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    path = tmp_path_factory.mktemp("start") / "tiny.safetensors"
    save_network(LwlNetwork(TINY), path)
    return path


def as_settings(config: LwlConfig) -> tuple[str, ...]:
    values = config.model_dump(exclude={"backbone"})
    chosen = {name: value for name, value in values.items() if value is not None}
    settings = [f"network.{name}={json.dumps(value)}" for name, value in chosen.items()]
    return (*settings, 'network.backbone.name="test_efficientnet"')


def test_a_training_writes_its_record_weights_and_card(tmp_path, davis, start):
    result = train(
        "lwl-lite",
        "stage2",
        out=tmp_path,
        root={"davis16": davis},
        weights=start,
        settings=(*as_settings(TINY), *SMALL, "steps_per_epoch=2"),
        device="cpu",
    )
    record = json.loads((tmp_path / "training.json").read_text())
    assert (record["status"], record["step"], record["method"], record["recipe"]) == ("done", 2, "lwl-lite", "stage2")
    assert record["data"][0]["name"] == "davis16"
    assert len(record["data"][0]["fingerprint"]) == 64
    assert record["settings"]["batch_size"] == 1
    assert record["start"] == {"network": hashlib.sha256(start.read_bytes()).hexdigest()}
    assert result.weights is not None
    assert record["weights_sha256"] == hashlib.sha256(result.weights.read_bytes()).hexdigest()
    card = json.loads((tmp_path / "weights.json").read_text())
    assert json.loads(read_metadata(result.weights)["card"]) == card
    assert "CC BY-NC" in card["licence"]
    assert load_network(result.weights).config == TINY
    assert str(davis) not in (tmp_path / "training.json").read_text()
    assert list(result.curves["step"]) == [1, 2]
    assert result.curves["loss"].notna().all()


def test_a_validation_that_is_no_number_is_none_in_the_record(tmp_path, davis, start, monkeypatch):
    outcome = TrainingOutcome("interrupted", 2, {}, {"loss": math.nan, "J": np.float64(0.5)})
    monkeypatch.setattr(session, "train_recipe", lambda *_, **__: outcome)
    weights = {"weights": start, "settings": (*as_settings(TINY), *SMALL)}
    result = train("lwl-lite", "stage2", out=tmp_path, root={"davis16": davis}, device="cpu", **weights)
    assert result.record.validation == {"loss": None, "J": 0.5}
    assert read_record(TrainingRecord, tmp_path / "training.json") == result.record


def test_an_unknown_recipe_is_said_plainly():
    with pytest.raises(BadInputError, match="no recipe 'stage3'; known: box, davis"):
        find_recipe("lwl", "stage3")


def test_a_missing_file_of_weights_is_said_plainly(tmp_path, davis):
    with pytest.raises(BadInputError, match="there is no such file"):
        train("lwl", "davis", out=tmp_path, root=davis, weights={"network": tmp_path / "none.pth"})


@pytest.mark.parametrize(
    ("device", "message"), [("gpu", "expected auto, cpu, cuda or cuda:N"), ("cuda:99", "GPUs that torch can use")]
)
def test_an_unknown_device_is_one_message_before_the_data_are_read(tmp_path, capsys, device, message):
    arguments = ["--root", str(tmp_path / "absent"), "--out", str(tmp_path / "out"), "--device", device]
    assert main(["train", "lwl-lite", "--recipe", "stage2", *arguments]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()
