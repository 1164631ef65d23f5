"""RGMP's network, its scales, and the background that has a pass of its own."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch.nn import functional

from vos_bench.api import UNTRAINED, Prompt
from vos_bench.methods.rgmp.method import RgmpConfig, RgmpMethod
from vos_bench.methods.rgmp.network import RgmpNetwork
from vos_bench.parts.merging import merge, softmax_of_logits


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return RgmpNetwork().eval()


def test_it_has_as_many_parameters_as_published(network):
    assert sum(parameter.numel() for parameter in network.parameters()) == pytest.approx(51.5e6, rel=2e-3)


@torch.no_grad()
def test_the_global_convolution_reaches_seven_by_seven_places(network):
    x = torch.zeros(1, 4096, 9, 9)
    reach = network.Decoder.GC(x + functional.one_hot(torch.tensor(40), 81).view(1, 1, 9, 9)) - network.Decoder.GC(x)
    touched = reach.abs().amax((0, 1)) > 0
    assert touched[1:8, 1:8].all()
    assert touched.sum() == 49


@torch.no_grad()
def test_it_answers_at_the_frames_size_and_at_every_level(network):
    frames, masks = torch.rand(2, 3, 64, 96), torch.rand(2, 1, 64, 96)
    features = network.Encoder(frames, masks)
    assert [x.shape[1] for x in features] == [256, 512, 1024, 2048]
    answers = network.Decoder(features, network.refer(frames, masks))
    assert [tuple(x.shape[1:]) for x in answers] == [(2, 64, 96), (2, 16, 24), (2, 8, 12), (2, 4, 6), (2, 2, 3)]
    found = network.propagate(frames, masks, features[-1])
    torch.testing.assert_close(found, network.Decoder(features, features[-1])[0].softmax(1)[:, 1:])


@torch.no_grad()
@pytest.mark.parametrize("aligned", [True, False])
def test_the_decoder_enlarges_with_corners_that_meet_unless_told_otherwise(aligned):
    config = RgmpConfig() if aligned else RgmpConfig(align_corners=False)
    decoder = RgmpMethod(config, weights=UNTRAINED).network.Decoder
    features = [
        torch.randn(1, channels, 64 // 2**k, 96 // 2**k) for k, channels in enumerate((256, 512, 1024, 2048), 2)
    ]
    reference = torch.randn(1, 2048, 2, 3)

    def enlarged(x, size):
        rows, columns = (_interpolation(n, m, aligned=aligned) for n, m in zip(x.shape[2:], size, strict=True))
        return torch.einsum("Hh,bchw,Ww->bcHW", rows, x, columns)

    def branch(x, first, second):
        return x + second(first(x.relu()).relu())

    level = branch(decoder.GC(torch.cat([features[3], reference], 1)), decoder.convG1, decoder.convG2)
    for refine, skip in ((decoder.RF4, features[2]), (decoder.RF3, features[1]), (decoder.RF2, features[0])):
        joined = branch(refine.convFS1(skip), refine.convFS2, refine.convFS3) + enlarged(level, skip.shape[2:])
        level = branch(joined, refine.convMM1, refine.convMM2)
    expected = enlarged(decoder.pred2(level.relu()), (64, 96))
    torch.testing.assert_close(decoder(features, reference)[0], expected, rtol=1e-3, atol=1e-4)


def _interpolation(cells, pixels, *, aligned):
    """Return the matrix of linear interpolation from cells to pixels, one row a pixel."""
    numbers = torch.arange(pixels)
    places = numbers * (cells - 1) / (pixels - 1) if aligned else (numbers + 0.5) * cells / pixels - 0.5
    return (1 - (places.clamp(0, cells - 1)[:, None] - torch.arange(cells)).abs()).clamp(min=0)


def square(left, side, size=(96, 192)):
    mask = np.zeros(size, bool)
    mask[8 : 8 + side, left : left + side] = True
    return mask


def start(config, *masks):
    torch.manual_seed(0)
    method = RgmpMethod(config, weights=UNTRAINED)
    image = np.random.default_rng(0).integers(0, 256, (96, 192, 3), dtype=np.uint8)
    method.initialize(image, Prompt(masks=dict(enumerate(masks, start=1))))
    return method, image


def test_frames_are_always_padded_and_every_scale_takes_the_next_multiple_above():
    method, image = start(RgmpConfig(), square(0, 8))
    assert method.padding == (16, 16, 16, 16)
    frame = method.padding.pad(torch.from_numpy(image).permute(2, 0, 1)[None] / 255)
    [track] = method._tracks
    shapes = {scale: tuple(x.shape[-2:]) for scale, x in track.references.items()}
    assert shapes == {0.5: (3, 4), 0.75: (4, 6), 1.0: (4, 7)}
    answers = []
    for height, width in ((96, 128), (128, 192), (128, 224)):
        small, mask = (
            functional.interpolate(x, size=(height, width), mode="bilinear", align_corners=False)
            for x in (frame, track.mask[None, None])
        )
        found = method.network.propagate(small, mask, method.network.refer(small, mask))
        answers.append(functional.interpolate(found, size=(128, 224), mode="bilinear", align_corners=False)[:, 0])
    torch.testing.assert_close(method.find(frame), sum(answers) / 3)


def test_a_single_object_competes_with_nothing():
    method, image = start(RgmpConfig(scales=(1.0,)), square(0, 40))
    [track] = method._tracks
    assert set(track.mask.unique().tolist()) == {0.0, 1.0}
    found = method.find(method.padding.pad(torch.from_numpy(image).permute(2, 0, 1)[None] / 255))
    assert torch.equal(method.merge(found, 0), torch.cat([1 - found, found]))


def test_with_several_objects_the_background_has_a_pass_of_its_own():
    config = RgmpConfig(scales=(1.0,))
    method, image = start(config, square(0, 40), square(100, 40))
    before = [track.mask for track in method._tracks]
    union = method._union
    assert union is not None
    torch.testing.assert_close(union.mask, sum(before), rtol=0, atol=1e-5)
    frame = method.padding.pad(torch.from_numpy(image / 255).float().permute(2, 0, 1)[None])
    asked = method.network.propagate(frame, union.mask[None, None], union.references[1.0])[0]
    found = method.find(frame)
    torch.testing.assert_close(method.merge(found, 0), softmax_of_logits(torch.cat([1 - asked, found])))


@pytest.mark.parametrize("masks", [(square(0, 40), square(100, 40)), (square(0, 40),)])
def test_without_that_pass_the_background_follows_from_the_objects(masks):
    method, image = start(RgmpConfig(scales=(1.0,), union_background=False), *masks)
    assert method._union is None
    found = method.find(method.padding.pad(torch.from_numpy(image / 255).float().permute(2, 0, 1)[None]))
    torch.testing.assert_close(method.merge(found, 0), merge(found, rule="soft-aggregation"))


def test_scales_are_above_zero():
    with pytest.raises(ValidationError, match="greater than 0"):
        RgmpConfig(scales=(0.0, 1.0))
