"""STM's network, against its formulas."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from vos_bench.api import UNTRAINED, Prompt
from vos_bench.methods.stm.method import StmConfig, StmMethod
from vos_bench.methods.stm.network import StmNetwork
from vos_bench.parts.space_time import MemoryEntry


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return StmNetwork().eval()


def test_it_has_as_many_parameters_as_published(network):
    assert sum(parameter.numel() for parameter in network.parameters()) == 38_925_570


def test_first_every_fifth_and_the_previous_frame_are_remembered_by_default():
    config = StmConfig()
    assert (config.memory.first, config.memory.every, config.memory.previous) == (True, 5, True)
    assert (config.merge, config.memory.most) == ("soft-aggregation", None)


def test_keys_are_compared_by_the_dot_product_over_the_root_of_128(network):
    memory, query = torch.randn(2, 128, 6), torch.randn(2, 128, 4)
    expected = torch.einsum("scm,scq->smq", memory, query) / 128**0.5
    torch.testing.assert_close(network.similarity(memory, query), expected)


@torch.no_grad()
def test_zeros_of_the_padding_are_black_pixels_and_the_sum_of_other_masks_is_clipped(network):
    frame = network.preprocess(torch.full((1, 3, 32, 32), 255.0))
    assert frame.max() == 1
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    assert network.Encoder_Q.normalised(mean).abs().max() == 0
    query, masks = network.encode_query(frame), torch.ones(1, 1, 32, 32)
    once, twice = (network.memorise(frame, query, masks, k * masks) for k in (1, 2))
    assert torch.equal(once.value, twice.value)


@torch.no_grad()
def test_one_frame_serves_all_objects_as_if_it_were_given_for_each(network):
    frames = torch.rand(1, 3, 32, 48)
    masks = torch.rand(2, 1, 32, 48)
    query = network.encode_query(frames)
    memory = network.memorise(frames, query, masks, masks.flip(0))
    together = network.segment(query, memory)
    assert (query.key.shape, query.value.shape) == ((1, 128, 2, 3), (1, 512, 2, 3))
    assert (memory.key.shape, memory.value.shape) == ((2, 128, 6), (2, 512, 6))
    for k in range(2):
        alone = network.segment(query, network.memorise(frames, query, masks[k : k + 1], masks[1 - k : 2 - k]))
        torch.testing.assert_close(together[k], alone[0], rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_the_object_is_the_second_of_two_logits_at_four_times_the_finest_features(network):
    x, skips = torch.randn(1, 1024, 2, 2), (torch.randn(1, 512, 4, 4), torch.randn(1, 256, 8, 8))
    decoder = network.Decoder
    level = decoder.ResMM(decoder.convFM(x))
    for refine, skip in ((decoder.RF3, skips[0]), (decoder.RF2, skips[1])):
        size = (skip.shape[-2], skip.shape[-1])
        coarser = functional.interpolate(level, size=size, mode="bilinear", align_corners=False)
        level = refine.ResMM(refine.ResFS(refine.convFS(skip)) + coarser)
    logits = functional.interpolate(decoder.pred2(level.relu()), size=(32, 32), mode="bilinear", align_corners=False)
    torch.testing.assert_close(network.decode(x, skips), logits.softmax(1)[:, 1])


@torch.no_grad()
def test_a_video_is_followed_as_published():
    """Two objects on frames of odd size, step by step: what is padded, merged, remembered for a while and for good."""
    torch.manual_seed(0)
    method = StmMethod(weights=UNTRAINED)
    network, border = method.network, (5, 6, 6, 7)
    images = np.random.default_rng(0).integers(0, 256, (8, 51, 69, 3), dtype=np.uint8)
    masks = np.zeros((2, 51, 69), bool)
    masks[0, 5:30, 5:30], masks[1, 20:45, 40:65] = True, True
    method.initialize(images[0], Prompt(masks={1: masks[0], 2: masks[1]}))
    planes, kept = torch.from_numpy(masks).float(), []
    frames = [functional.pad(torch.from_numpy(x).permute(2, 0, 1)[None] / 255, border) for x in images]
    for number in range(1, len(images)):
        padded = functional.pad(planes, border)[:, None]
        before = network.memorise(frames[number - 1], network.encode_query(frames[number - 1]), padded, padded.flip(0))
        seen = [*kept, before]
        memory = MemoryEntry(*(torch.cat(parts, dim=2) for parts in zip(*seen, strict=True)))
        found = network.segment(network.encode_query(frames[number]), memory)
        odds = torch.cat([(1 - found).prod(0, keepdim=True), found]).clamp(1e-7, 1 - 1e-7).logit().softmax(0)
        planes = odds[1:, 6:-7, 5:-6]
        kept = seen if (number - 1) % 5 == 0 else kept
        answer = method.step(images[number]).probabilities
        assert answer is not None
        np.testing.assert_allclose(answer[1:].astype(np.float32), planes.numpy(), rtol=2e-3, atol=1e-4)
    assert memory.key.shape[2] == 3 * 4 * 5
    assert planes.std() > 1e-3
