"""One config describes a network: the paper's variants, other backbones, and what cannot be built."""

import pytest
import torch
from pydantic import ValidationError
from torch.nn import functional

from vos_bench.errors import BadInputError
from vos_bench.methods.lwl.config import (
    BASELINE,
    BOX_NETWORK,
    END_TO_END,
    LABEL_GENERATOR,
    MASK_NETWORK,
    LwlConfig,
)
from vos_bench.methods.lwl.few_shot_learner import WeightedSamples
from vos_bench.methods.lwl.network import LwlNetwork
from vos_bench.methods.lwl.upsampling import double, double_and_convolve
from vos_bench.parts.backbone_config import IMAGENET, LITE, MASK_RCNN, BackboneConfig
from vos_bench.parts.fusion import fuse_normalisation

SMALL = {"backbone": BackboneConfig(name="mobilenetv3_small_050"), "target_channels": 8, "decoder_channels": 16}


@pytest.fixture(autouse=True)
def seeded():
    """The same fresh parameters every time: in a narrow decoder chance may leave no unit alive."""
    torch.manual_seed(0)


def count(network):
    return sum(parameter.numel() for parameter in network.parameters())


def step(network, size=(64, 96)):
    """One training step's forward pass: fit on one frame, decode another."""
    images = network.scale_images(torch.rand(2, 3, *size) * 255)
    features = network.extract(images)
    target = network.target_features(features)
    masks = (torch.rand(1, 1, *size) > 0.5).float()
    samples = WeightedSamples(target[None, :1], *(x[None] for x in network.encode_labels(masks)))
    fit = network.learn(samples, iterations=3)
    encoding = network.score(target[None, 1:], fit.filters)[0]
    return network.decode(encoding, {stride: x[1:] for stride, x in features.items()}, size)


def test_released_networks_have_the_published_size():
    assert count(LwlNetwork(MASK_NETWORK)) == 36_658_722
    assert count(LwlNetwork(BOX_NETWORK)) == 37_406_514


@pytest.mark.parametrize("name", ["tf_efficientnet_lite0", "resnet18", "convnext_atto", "swin_tiny_patch4_window7_224"])
@torch.no_grad()
def test_any_timm_backbone_with_the_decoders_strides_works(name):
    config = LwlConfig(backbone=BackboneConfig(name=name), target_channels=8, decoder_channels=8)
    size = (224, 224) if name.startswith("swin") else (64, 96)
    assert step(LwlNetwork(config).eval(), size).shape == (1, 1, *size)


def test_variants_of_table_1_differ_by_what_the_paper_says():
    assert (BASELINE.label_channels, BASELINE.label_source, BASELINE.weight_source) == (1, "mask", "ones")
    assert not BASELINE.learner_gradient
    assert BASELINE.replace(learner_gradient=True) == END_TO_END
    assert MASK_NETWORK.replace(weight_source="ones") == LABEL_GENERATOR


@pytest.mark.parametrize(
    ("variant", "learns"),
    [
        # The baseline's features get a gradient where the target model is applied, but none through the learner.
        (BASELINE, {"target_extractor": True, "label_encoder": False, "learner": False}),
        (END_TO_END, {"target_extractor": True, "label_encoder": False, "learner": True}),
        (LABEL_GENERATOR, {"target_extractor": True, "label_encoder": True, "learner": True}),
        (MASK_NETWORK, {"target_extractor": True, "label_encoder": True, "learner": True}),
    ],
    ids=["baseline", "end-to-end", "label-generator", "whole"],
)
def test_gradients_reach_the_parts_that_a_variant_trains(variant, learns):
    network = LwlNetwork(variant.replace(**SMALL)).eval()
    step(network).sum().backward()
    for name, expected in learns.items():
        gradients = [parameter.grad for parameter in getattr(network, name).parameters()]
        assert any(gradient is not None and gradient.any() for gradient in gradients) == expected, name


def test_the_baselines_labels_are_the_mask_averaged_to_the_target_stride():
    masks = (torch.rand(2, 1, 64, 96) > 0.5).float()
    labels, weights = LwlNetwork(BASELINE.replace(**SMALL)).encode_labels(masks)
    torch.testing.assert_close(labels, functional.avg_pool2d(masks, 16))
    assert (weights == 1).all()


def test_weights_of_a_fresh_predictor_are_one():
    masks = torch.rand(1, 1, 32, 32)
    assert (LwlNetwork(MASK_NETWORK.replace(**SMALL)).encode_labels(masks).weights == 1).all()


@pytest.mark.parametrize("stride", [4, 8, 16])
@torch.no_grad()
def test_the_target_stride_can_be_changed(stride):
    network = LwlNetwork(LwlConfig(**SMALL, target_stride=stride)).eval()
    labels = network.encode_labels(torch.rand(1, 1, 64, 96)).labels
    assert labels.shape[-2:] == network.target_features(network.extract(torch.rand(1, 3, 64, 96))).shape[-2:]
    assert labels.shape[-2:] == (64 // stride, 96 // stride)


@pytest.mark.parametrize(("kernel", "labels"), [(1, 1), (3, 4), (5, 16)])
@torch.no_grad()
def test_filter_size_and_label_channels_can_be_changed(kernel, labels):
    network = LwlNetwork(LwlConfig(**SMALL, filter_size=kernel, label_channels=labels)).eval()
    assert step(network).shape == (1, 1, 64, 96)


def test_input_scaling_follows_the_backbone_unless_set():
    assert BackboneConfig().resolved_scaling == MASK_RCNN
    assert BackboneConfig(name="tf_efficientnet_lite0").resolved_scaling == LITE
    assert BackboneConfig(name="resnet18").resolved_scaling == IMAGENET
    assert BackboneConfig(scaling=IMAGENET).resolved_scaling == IMAGENET
    assert BackboneConfig().resolved_layout == "caffe"
    assert BackboneConfig(layout="timm").resolved_layout == "timm"


def test_the_box_network_is_the_mask_network_with_a_box_encoder():
    assert BOX_NETWORK.replace(box_encoder=False) == MASK_NETWORK


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"filter_size": 2}, "must be odd"),
        ({"label_source": "mask", "weight_source": "ones"}, "needs label_channels 1"),
        ({"label_source": "mask", "label_channels": 1}, "shares its trunk"),
        ({"decoder_strides": (4, 8), "decoder_multiples": (1, 1)}, "from deep to fine"),
        ({"decoder_multiples": (4, 2)}, "one number for each"),
    ],
)
def test_configs_that_make_no_sense_are_refused(values, message):
    with pytest.raises(ValidationError, match=message):
        LwlConfig(**values)


@pytest.mark.parametrize(
    ("backbone", "message"),
    [
        (BackboneConfig(name="resnet18", layout="caffe"), "needs bottleneck blocks"),
        (BackboneConfig(name="no_such_net"), "timm cannot build it"),
        (BackboneConfig(name="vit_tiny_patch16_224"), "no features at stride"),
    ],
)
def test_backbones_that_do_not_fit_are_named(backbone, message):
    with pytest.raises(BadInputError, match=f"backbone {backbone.name}: .*{message}"):
        LwlNetwork(LwlConfig(backbone=backbone))


@pytest.mark.parametrize("name", ["resnet18", "tf_efficientnet_lite0"])
@torch.no_grad()
def test_folding_the_normalisation_changes_nothing_but_rounding(name):
    torch.manual_seed(0)
    network = LwlNetwork(LwlConfig(backbone=BackboneConfig(name=name), target_channels=8, decoder_channels=8)).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            module.weight.uniform_(0.5, 1.5)
    image = network.scale_images(torch.rand(1, 3, 64, 96) * 255)
    encoding = torch.rand(1, 16, 4, 6)
    before = network.decode(encoding, network.extract(image), (64, 96))
    fuse_normalisation(network)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in network.modules())
    after = network.decode(encoding, network.extract(image), (64, 96))
    assert (after - before).abs().max() <= 1e-4 * before.abs().max()


@pytest.mark.parametrize("size", [(4, 4), (7, 9), (30, 52)])
@torch.inference_mode()
def test_one_convolution_equals_bicubic_doubling_and_a_convolution(size):
    x, weight, bias = torch.randn(2, 5, *size), torch.randn(1, 5, 3, 3), torch.randn(1)
    expected = functional.conv2d(double(x), weight, bias, padding=1)
    assert (double_and_convolve(x, weight, bias) - expected).abs().max() <= 1e-5 * expected.abs().max()
