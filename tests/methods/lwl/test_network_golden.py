"""Every module gives what the authors' implementation was recorded to give."""

import torch
from torch import Tensor

from vos_bench.methods.lwl.box_encoder import box_mask
from vos_bench.methods.lwl.few_shot_learner import WeightedSamples, descend
from vos_bench.methods.lwl.target_model import normalise_instances

TOLERANCE = 1e-4


def assert_same(ours: Tensor, recorded: Tensor) -> None:
    assert ours.shape == recorded.shape
    assert (ours - recorded).abs().max() <= TOLERANCE * recorded.abs().max()


def objects_first(recorded: Tensor) -> Tensor:
    return recorded.transpose(0, 1)


@torch.inference_mode()
def test_backbone_has_the_reference_strides_and_scaling(network, golden):
    recorded, ours = golden("R_recipe_backbone"), network("mask")
    features = ours.extract(recorded["img"])
    for layer, stride in ((1, 4), (2, 8), (3, 16), (4, 32)):
        assert_same(features[stride], recorded[f"backbone.layer{layer}"])
    stem = ours.backbone.network
    assert_same(stem.maxpool(stem.act1(stem.bn1(stem.conv1(recorded["img"])))), recorded["backbone.stem"])


def test_images_become_bgr_less_the_mean(network):
    scaled = network("mask").scale_images(torch.tensor([10.0, 20.0, 30.0]).view(1, 3, 1, 1))
    torch.testing.assert_close(scaled.flatten(), torch.tensor([30 - 102.9801, 20 - 115.9465, 10 - 122.7717]))


@torch.inference_mode()
def test_target_features_have_the_recorded_values(network, golden):
    recorded, ours = golden("R_recipe_backbone"), network("mask")
    layer3 = recorded["backbone.layer3"]
    assert_same(ours.target_extractor.conv(layer3), recorded["tm_feat.prenorm"])
    assert_same(ours.target_features({16: layer3}), recorded["tm_feat"])


def test_instance_norm_has_the_recorded_values(golden):
    units = golden("units")
    assert_same(normalise_instances(units["l2_in"], (1 / 4608) ** 0.5), units["l2_out"])


@torch.inference_mode()
def test_label_encoder_has_the_recorded_values(network, golden):
    recorded, encoder = golden("R_recipe_label_encoder"), network("mask").label_encoder
    for name in ("", "_240x416"):
        labels = encoder(recorded[f"masks{name}"])
        assert_same(labels.labels, recorded[f"label{name}"].squeeze(1))
        assert_same(labels.weights, recorded[f"weight{name}"].squeeze(1))
    assert_same(torch.relu(encoder.stem(recorded["masks"])), recorded["conv_block"])
    assert_same(encoder.block1(recorded["pool"]), recorded["res1"])
    assert_same(encoder.block2(recorded["res1"]), recorded["res2"])


def fitted(network, recorded, *, weights, iterations, samples=slice(None), start=None):
    data = WeightedSamples(objects_first(recorded["feat"][samples]), objects_first(recorded["label"][samples]), weights)
    return network("mask").learn(data, start, iterations=iterations)


@torch.inference_mode()
def test_learner_gives_the_recorded_filters_after_1_5_and_20_iterations(network, golden):
    recorded = golden("R_recipe_learner")
    weights = objects_first(recorded["sample_weight"])
    for iterations in (1, 5, 20):
        fit = fitted(network, recorded, weights=weights, iterations=iterations)
        assert_same(fit.filters, recorded[f"filter_k{iterations}"])
    assert_same(fit.scores, objects_first(recorded["scores_k20"]))


@torch.inference_mode()
def test_learner_continues_from_a_filter_on_other_samples(network, golden):
    recorded = golden("R_recipe_learner")
    weights = objects_first(recorded["sample_weight"][:2]) / 0.5
    start = recorded["filter_k20"]
    fit = fitted(network, recorded, weights=weights, iterations=3, samples=slice(2), start=start)
    assert_same(fit.filters, recorded["filter_k20_then3_on_first2_weights_div_0.5"])


@torch.inference_mode()
def test_learner_takes_every_kind_of_weight(network, golden):
    recorded = golden("R_recipe_learner")
    first = fitted(
        network, recorded, weights=objects_first(recorded["spatial_weight"][:1]), iterations=20, samples=slice(1)
    )
    assert_same(first.filters, recorded["filter_init_1sample_k20"])
    unweighted = fitted(network, recorded, weights=torch.tensor(0.5), iterations=5)
    assert_same(unweighted.filters, recorded["filter_noweight_k5"])
    by_frame = fitted(network, recorded, weights=recorded["temporal_weight"].view(1, 4, 1, 1, 1), iterations=5)
    assert_same(by_frame.filters, recorded["filter_1dweight_k5"])


@torch.inference_mode()
def test_learner_fits_two_objects_at_once_each_with_its_own_step(network, golden):
    recorded = golden("R_recipe_learner")
    samples = WeightedSamples(*(objects_first(recorded[f"seq2_{name}"]) for name in ("feat", "label", "weight")))
    fit = network("mask").learn(samples, iterations=5)
    assert_same(fit.filters, recorded["seq2_filter_k5"])
    assert_same(fit.scores, objects_first(recorded["seq2_scores"]))


@torch.inference_mode()
def test_learner_loss_falls_as_recorded(network, golden):
    recorded = golden("R_recipe_learner")
    features, labels = objects_first(recorded["feat"]), objects_first(recorded["label"])
    weights, reg = objects_first(recorded["sample_weight"]), recorded["filter_reg"]
    filters, losses = network("mask").empty_filters(1, features), []
    for iteration in range(21):
        filters, scores = descend(
            WeightedSamples(features, labels, weights), filters, ridge=reg.square(), iterations=min(iteration, 1)
        )
        residuals = torch.cat([(weights * (scores - labels)).flatten(), (reg * filters).flatten()])
        losses.append(residuals.square().mean())
    assert_same(torch.stack(losses), recorded["losses"])


@torch.inference_mode()
def test_decoder_has_the_recorded_values(network, golden):
    recorded, decoder = golden("R_recipe_decoder"), network("mask").decoder
    features = {stride: recorded[f"in.layer{layer}"] for layer, stride in ((1, 4), (2, 8), (3, 16), (4, 32))}
    encoding = recorded["scores"].squeeze(1)
    outputs = {}
    for name, level in decoder.levels.items():
        level.register_forward_hook(lambda _m, _i, output, name=name: outputs.update({name: output}))
    deepest = decoder.levels["stride32"]
    deepest.fusion.register_forward_hook(lambda _m, _i, output: outputs.update(fusion=output))
    deepest.attention.register_forward_hook(lambda _m, _i, output: outputs.update(attention=output))
    assert_same(decoder(encoding, features, (96, 160)), recorded["logits"])
    for layer, stride in ((1, 4), (2, 8), (3, 16), (4, 32)):
        assert_same(outputs[f"stride{stride}"], recorded[f"out.RRB2.layer{layer}"])
    assert_same(outputs["fusion"], recorded["out.TSE.layer4"])
    assert_same(outputs["attention"], recorded["out.CAB.layer4"])
    assert_same(decoder(encoding, features, (90, 150)), recorded["logits_to_90x150"])


@torch.inference_mode()
def test_decoder_shares_one_image_among_objects(network, golden):
    recorded, decoder = golden("R_recipe_decoder"), network("mask").decoder
    features = {stride: recorded[f"in.layer{layer}"] for layer, stride in ((1, 4), (2, 8), (3, 16), (4, 32))}
    logits = decoder(recorded["scores"].squeeze(1).flip(0), features, (96, 160), image_of_object=torch.tensor([1, 0]))
    assert_same(logits.flip(0), recorded["logits"])


@torch.inference_mode()
def test_box_encoder_has_the_recorded_values(network, golden):
    recorded, ours = golden("R_recipe_box_encoder"), network("box")
    for name in ("", "neg_"):
        mask = box_mask(tuple(recorded[f"{name}box"][0].tolist()), (96, 160))
        assert torch.equal(mask, recorded[f"{name}box_mask"][0, 0])
    encoding = ours.encode_boxes(recorded["box_mask"], recorded["feat"])
    assert_same(encoding, recorded["encoding"].squeeze(1))
    image = golden("R_recipe_backbone")["img"]
    assert_same(ours.decode(encoding, ours.extract(image), (96, 160)), recorded["logits"])
