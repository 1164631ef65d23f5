"""STCN's network, against its formulas, and the files that are not quite its own."""

import math

import numpy as np
import pytest
import torch
from torchvision.transforms import Resize

from vos_bench.api import UNTRAINED, Prompt
from vos_bench.methods.stcn.checkpoint import load_network
from vos_bench.methods.stcn.method import StcnConfig, StcnMethod
from vos_bench.methods.stcn.network import StcnNetwork
from vos_bench.parts.merging import merge
from vos_bench.parts.soft_masks import working_size


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return StcnNetwork().eval()


def test_it_has_as_many_parameters_as_published(network):
    assert sum(parameter.numel() for parameter in network.parameters()) == pytest.approx(54.43e6, rel=2e-4)


def test_first_and_every_fifth_frame_are_remembered_and_twenty_places_read():
    config = StcnConfig()
    assert (config.memory.first, config.memory.every, config.memory.previous, config.top) == (True, 5, False, 20)
    assert StcnMethod(StcnConfig(top=3), weights=UNTRAINED).network.top == 3


def test_larger_frames_are_shrunk_to_480_pixels_and_memories_restart_where_objects_start():
    config = StcnConfig()
    assert (config.working_side, config.memory.restarts) == (480, True)


def test_the_longer_side_loses_its_fraction_and_others_round_it():
    image, mask = np.zeros((500, 890, 3), np.uint8), np.ones((500, 890), bool)
    method = StcnMethod(weights=UNTRAINED)
    method.find = method.remember = lambda *_: None
    method.initialize(image, Prompt(masks={1: mask}))
    assert method._working == Resize(480)(torch.zeros(1, 500, 890)).shape[1:] == (480, 854)
    assert Resize(480)(torch.zeros(1, 719, 1281)).shape[1:] == (480, 855)
    assert working_size((719, 1281), 480, whole=math.floor) == (480, 855)
    assert working_size((500, 890), 304) == (304, 541)
    assert working_size((240, 416), 480, whole=math.floor) == (240, 416)


def test_where_objects_start_the_older_ones_are_merged_before_and_after_the_new_mask_is_put_in():
    method = StcnMethod(weights=UNTRAINED)
    found, given = torch.tensor([0.7, 0.2, 0.0]).view(1, 1, 3), torch.tensor([0.0, 0.0, 1.0]).view(1, 1, 3)
    once = merge(found, rule="soft-aggregation")[1:]
    expected = merge(torch.cat([once, given]), rule="soft-aggregation")
    torch.testing.assert_close(method.merge(torch.cat([found, given]), 1), expected)
    torch.testing.assert_close(method.merge(found, 0)[1:], once)
    torch.testing.assert_close(method.merge(given, 1)[1:], given, rtol=0, atol=1e-6)


def test_keys_are_compared_by_their_distance_but_for_what_all_places_share(network):
    memory, query = torch.randn(2, 64, 6), torch.randn(2, 64, 4)
    distance = (memory[:, :, :, None] - query[:, :, None]).square().sum(1)
    expected = (query.square().sum(1)[:, None] - distance) / 64**0.5
    torch.testing.assert_close(network.similarity(memory, query), expected, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_all_objects_share_the_frames_key_and_have_values_of_their_own(network):
    frames, masks = network.preprocess(torch.full((1, 3, 32, 48), 128.0)), torch.rand(2, 1, 32, 48)
    query = network.encode_query(frames)
    memory = network.memorise(frames, query, masks, masks.flip(0))
    assert torch.equal(memory.key, query.key.flatten(2))
    assert memory.value.shape == (2, 512, 6)
    together = network.segment(query, memory)
    for k in range(2):
        alone = network.segment(query, network.memorise(frames, query, masks[k : k + 1], masks[1 - k : 2 - k]))
        torch.testing.assert_close(together[k], alone[0], rtol=1e-4, atol=1e-5)


def test_zeros_of_the_padding_are_the_mean_colour(network):
    mean = 255 * torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    assert network.preprocess(mean).abs().max() < 1e-6


@torch.no_grad()
def test_attention_scales_channels_and_then_places(network):
    attention, x = network.value_encoder.fuser.attention, torch.randn(2, 512, 3, 4)
    first, second = attention.ChannelGate.mlp[1], attention.ChannelGate.mlp[3]
    pooled = [second(first(p).relu()) for p in (x.flatten(2).mean(2), x.flatten(2).max(2).values)]
    scaled = x * sum(pooled).sigmoid()[:, :, None, None]
    planes = torch.stack([scaled.max(1).values, scaled.mean(1)], 1)
    torch.testing.assert_close(attention(x), scaled * attention.SpatialGate.spatial.conv(planes).sigmoid())


def test_a_trainers_checkpoint_and_the_stage_with_four_inputs_are_taken(network, tmp_path):
    tensors = network.state_dict()
    first = tensors["value_encoder.conv1.weight"]
    path = tmp_path / "stage0_checkpoint.pth"
    state = {**tensors, "value_encoder.conv1.weight": first[:, :4].clone()}
    torch.save({"it": 300, "network": state, "optimizer": {"state": {}, "param_groups": []}, "scheduler": {}}, path)
    read = load_network(path).value_encoder.conv1.weight
    assert torch.equal(read[:, :4], first[:, :4])
    assert read[:, 4].abs().max() == 0
