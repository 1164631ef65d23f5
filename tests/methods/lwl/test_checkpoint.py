"""The authors' checkpoint and ours: names in both directions, conversion, and what does not fit."""

import json

import pytest
import torch

from vos_bench import registry
from vos_bench.errors import BadInputError
from vos_bench.methods.lwl.checkpoint import convert, load_network, save_network
from vos_bench.methods.lwl.config import BackboneConfig, LwlConfig
from vos_bench.methods.lwl.names import from_reference, is_reference
from vos_bench.methods.lwl.network import LwlNetwork
from vos_bench.parts.checkpoints import read_metadata, read_tensors, write_tensors

SMALL = LwlConfig(
    backbone=BackboneConfig(name="mobilenetv3_small_050"), target_channels=8, label_channels=2, decoder_channels=4
)


@pytest.fixture(scope="module")
def keys(shared):
    """Reference names and shapes of both networks."""
    rows = [line.split("\t") for line in (shared / "keys" / "LWL.tsv").read_text().splitlines()[1:]]
    shapes = {
        (net, key): () if shape == "scalar" else tuple(map(int, shape.split("x"))) for net, key, shape, *_ in rows
    }
    return {net: {key: shape for (of, key), shape in shapes.items() if of == net} for net in ("mask", "box")}


@pytest.mark.parametrize(("net", "count"), [("mask", 480), ("box", 490)])
def test_names_map_one_to_one(keys, network, net, count):
    ours = {name: tuple(x.shape) for name, x in network(net).state_dict().items()}
    assert len(keys[net]) == count
    assert from_reference(keys[net]) == ours
    assert len(from_reference(keys[net])) == count
    assert is_reference(keys[net])
    assert not is_reference(ours)


@pytest.mark.parametrize("zipped", [True, False])
def test_the_authors_checkpoint_converts_to_the_same_network(tmp_path, reference_weights, network, zipped):
    source, out = tmp_path / "lwl_boxinit.pth", tmp_path / "box.safetensors"
    torch.save(
        {"net": reference_weights("box"), "net_type": "LWTLBoxNet", "epoch": 50},
        source,
        _use_new_zipfile_serialization=zipped,
    )
    registry.resolve(registry.method("lwl").converter)(source, out)
    converted = load_network(out)
    expected = network("box").state_dict()
    for name, x in converted.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert torch.equal(x, expected[name]), name
    assert converted.config.box_encoder
    assert not any(name.endswith("num_batches_tracked") for name in read_tensors(out))
    assert read_metadata(out)["source"] == "lwl_boxinit.pth"
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")] == []


def test_a_checkpoint_of_another_system_is_refused_with_a_list(tmp_path, reference_weights):
    weights = dict(reference_weights("mask"))
    del weights["decoder.project.conv1.bias"]
    weights["label_encoder.label_pred.0.weight"] = torch.ones(8, 64, 3, 3)
    weights["target_model.filter_initializer.weight"] = torch.ones(1)
    path = tmp_path / "other.pth"
    torch.save({"net": weights}, path)
    with pytest.raises(BadInputError) as caught:
        convert(path, tmp_path / "out.safetensors")
    message = str(caught.value)
    assert "1 missing: decoder.head.conv1.bias" in message
    assert "1 unexpected: target_model.filter_initializer.weight" in message
    assert "label_encoder.label.weight (8, 64, 3, 3), expected (16, 64, 3, 3)" in message
    assert not (tmp_path / "out.safetensors").exists()


def test_our_own_file_says_which_network_it_is(tmp_path):
    network, path = LwlNetwork(SMALL), tmp_path / "small.safetensors"
    save_network(network, path, metadata={"data": "none"})
    read = load_network(path)
    assert read.config == SMALL
    assert all(torch.equal(x, network.state_dict()[name]) for name, x in read.state_dict().items())
    assert read_metadata(path)["data"] == "none"
    assert not read.training


def test_half_precision_weights_become_float32():
    network = LwlNetwork(SMALL)
    read = load_network({name: x.half() for name, x in network.state_dict().items()}, SMALL)
    assert {x.dtype for x in read.parameters()} == {torch.float32}


def test_a_network_config_of_another_version_is_named(tmp_path):
    path = tmp_path / "future.safetensors"
    config = json.loads(SMALL.model_dump_json()) | {"attention": True}
    write_tensors(path, {"a": torch.ones(1)}, metadata={"lwl_config": json.dumps(config)})
    with pytest.raises(BadInputError, match=r"future\.safetensors: its network config .*attention"):
        load_network(path)
