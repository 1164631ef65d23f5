"""LWL as the harness and as a library build it: weights, parameters, precision, compilation."""

import numpy as np
import pytest
import torch
from torch import nn

from vos_bench import registry
from vos_bench.api import UNTRAINED, Prompt
from vos_bench.config import apply_overrides
from vos_bench.errors import BadInputError
from vos_bench.methods.lwl import load
from vos_bench.methods.lwl.checkpoint import save_network
from vos_bench.methods.lwl.config import BackboneConfig, LwlConfig
from vos_bench.methods.lwl.network import LwlNetwork
from vos_bench.methods.lwl.parameters import BOX, YTVOS, TrackerConfig
from vos_bench.methods.lwl.tracker import LwlTracker

SIZE = (120, 160)


@pytest.fixture(scope="module")
def weights_file(tmp_path_factory):
    torch.manual_seed(0)
    config = LwlConfig(
        backbone=BackboneConfig(name="mobilenetv3_small_050"), target_channels=16, label_channels=4, decoder_channels=8
    )
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_network(LwlNetwork(config), path)
    return path


@pytest.fixture
def video():
    generator = np.random.default_rng(0)
    return list(generator.integers(0, 255, (3, *SIZE, 3), dtype=np.uint8))


@pytest.fixture
def mask():
    mask = np.zeros(SIZE, bool)
    mask[20:60, 30:90] = True
    return mask


def build(name="lwl", **options):
    return registry.resolve(registry.method(name).factory)(**options)


def test_the_registered_method_runs_from_a_file_of_weights(weights_file, video, mask):
    method = build(config=TrackerConfig(crop_size=(64, 112)), weights=weights_file)
    method.wants_probabilities = False
    assert np.array_equal(method.initialize(video[0], Prompt(masks={1: mask})).labels, mask)
    prediction = method.step(video[1])
    assert prediction.labels.shape == SIZE
    assert prediction.probabilities is None


def test_the_small_one_gives_probabilities_to_who_wants_them(video, mask):
    method = build("lwl-lite", weights=UNTRAINED)
    method.initialize(video[0], Prompt(masks={1: mask}))
    assert method.step(video[1]).probabilities is None
    method.wants_probabilities = True
    assert method.step(video[2]).probabilities.shape == (2, *SIZE)


def test_with_random_parameters_it_is_the_released_network(video, mask):
    method = build(config=TrackerConfig(crop_size=(64, 112)), weights=UNTRAINED)
    assert sum(parameter.numel() for parameter in method._tracker._engine.network.parameters()) > 36_000_000
    assert np.array_equal(method.initialize(video[0], Prompt(masks={1: mask})).labels, mask)
    labels = method.step(video[1]).labels
    assert labels.shape == SIZE
    assert 0.05 < (labels == 1).mean() < 0.95  # it finds something, so that equal label maps say something


def test_without_weights_it_says_how_to_get_them_and_what_needs_none():
    with pytest.raises(BadInputError) as caught:
        build()
    message = str(caught.value)
    for part in (
        "lwl_stage2.pth",
        "1Xnm4A2BRBliDBKO4EEFHAQfGyfOMsVyY",
        "vos-bench convert lwl",
        "lwl-lite",
        "--init box",
    ):
        assert part in message


def test_five_lines_follow_an_object_through_any_iterator_of_images(weights_file, video, mask):
    tracker = load(weights_file, crop_size=(64, 112), memory_size=2, update_iterations=1, crop_rule="head")
    predictions = [tracker.initialize(video[0], Prompt(masks={1: mask}))]
    predictions.extend(tracker.step(image) for image in iter(video[1:]))
    assert all(prediction.labels.shape == SIZE for prediction in predictions)
    assert all(prediction.probabilities.shape == (2, *SIZE) for prediction in predictions)
    torch.testing.assert_close(tracker.probabilities.sum(dim=0), torch.ones(SIZE))


def test_weights_may_be_a_state_dict_in_the_reference_names(reference_weights, video, mask):
    tracker = load(reference_weights("mask"), crop_size=(64, 112), first_iterations=1, probabilities=False)
    tracker.initialize(video[0], Prompt(masks={1: mask}))
    assert tracker.step(video[1]).probabilities is None


def test_an_unknown_parameter_is_named_with_those_there_are(weights_file):
    with pytest.raises(BadInputError, match=r"crop_sise.*known: parameters, crop_size, "):
        load(weights_file, crop_sise=(64, 112))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"crop_size": (64, 100)}, "multiples of 16"),
        ({"scale_change": (1.2, 1.1)}, "least, most"),
        ({"memory_size": 0}, "memory_size"),
        ({"crop_rule": "middle"}, "crop_rule"),
        ({"learning_rate": 1.5}, "learning_rate"),
        ({"parameters": "davis"}, "parameters"),
    ],
)
def test_parameters_out_of_range_are_refused(weights_file, values, message):
    with pytest.raises(BadInputError, match=message):
        load(weights_file, **values)


def test_every_parameter_can_be_set_from_the_command_line():
    config = apply_overrides(
        TrackerConfig(), ["crop_size=[240,416]", "memory_size=8", "update_iterations=1", "crop_rule=head"]
    )
    assert (config.crop_size, config.memory_size, config.crop_rule) == ((240, 416), 8, "head")
    assert config.update_rule("mask").update_iterations == 1


def test_parameter_sets_are_chosen_by_the_prompt_unless_named():
    assert TrackerConfig().update_rule("mask") == YTVOS
    assert TrackerConfig().update_rule("box") == BOX
    assert TrackerConfig(parameters="box").update_rule("mask") == BOX
    assert TrackerConfig(parameters="ytvos").update_rule("box") == YTVOS
    assert TrackerConfig(update_interval=3).update_rule("box") == BOX.replace(update_interval=3)


def test_published_parameters_are_the_defaults():
    config = TrackerConfig()
    assert (config.crop_size, config.memory_size, config.first_iterations) == ((480, 832), 32, 20)
    assert (YTVOS.learning_rate, YTVOS.first_weight_floor, YTVOS.update_interval, YTVOS.update_iterations) == (
        0.1,
        0.25,
        1,
        3,
    )
    assert (BOX.learning_rate, BOX.first_weight_floor, BOX.update_interval, BOX.update_iterations) == (0.2, 0, 5, 5)
    assert BOX.lower_first_weight
    assert not YTVOS.lower_first_weight


def test_the_network_given_is_left_as_it_is(video, mask):
    network = LwlNetwork(
        LwlConfig(backbone=BackboneConfig(name="mobilenetv3_small_050"), target_channels=8, decoder_channels=4)
    )
    before = {name: x.clone() for name, x in network.state_dict().items()}
    tracker = LwlTracker(network, TrackerConfig(crop_size=(64, 112)))
    tracker.initialize(video[0], Prompt(masks={1: mask}))
    tracker.step(video[1])
    assert network.training
    assert all(torch.equal(x, before[name]) for name, x in network.state_dict().items())
    assert all(parameter.requires_grad for parameter in network.parameters())


def iou(a, b):
    return np.count_nonzero(a & b) / max(np.count_nonzero(a | b), 1)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize("amp", ["bf16", "fp16"])
def test_half_precision_keeps_the_masks(network, golden_folder, device, amp):
    if device == "cuda" and not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    if (device, amp) == ("cpu", "fp16"):
        pytest.skip("PyTorch has no fast float16 on most CPUs; bf16 runs the same code")
    data = np.load(golden_folder / "seq_two_objects.npz")
    prompt = Prompt(masks={1: data["labels"][4] == 2})
    config = TrackerConfig(crop_size=(192, 320))
    exact, half = LwlTracker(network("mask"), config), LwlTracker(network("mask"), config, device=device, amp=amp)
    for tracker in (exact, half):
        tracker.initialize(data["frames"][4], prompt)
    for image in data["frames"][5:8]:
        labels = [tracker.step(image).labels for tracker in (exact, half)]
        assert labels[0].any()
        assert iou(labels[0] == 1, labels[1] == 1) >= 0.995


def test_compiling_takes_the_parts_that_run_every_frame(network, monkeypatch):
    compiled = []
    monkeypatch.setattr(nn.Module, "compile", lambda self, mode: compiled.append((type(self).__name__, mode)))
    LwlTracker(network("mask"), compile=True)
    assert compiled == [(name, "default") for name in ("Backbone", "LabelEncoder", "Decoder")]


def test_copies_of_what_cuda_graphs_write_over_change_no_mask(weights_file, video, mask):
    plain, copying = (load(weights_file, crop_size=(64, 112), objects_per_pass=1) for _ in range(2))
    copying._engine._has_graphs = True  # as on a GPU; here nothing is a graph
    prompt = Prompt(masks={1: mask, 2: np.roll(mask, 20, axis=1) & ~mask})
    for tracker in (plain, copying):
        tracker.initialize(video[0], prompt)
    for image in video[1:]:
        assert np.array_equal(plain.step(image).labels, copying.step(image).labels)


def test_a_compiled_network_gives_the_same_masks(weights_file, video, mask, monkeypatch):
    compile_module = nn.Module.compile
    monkeypatch.setattr(nn.Module, "compile", lambda self, **_: compile_module(self, backend="eager"))
    plain, compiled = (load(weights_file, crop_size=(64, 112), compile=choice) for choice in (False, True))
    for tracker in (plain, compiled):
        tracker.initialize(video[0], Prompt(masks={1: mask}))
    for image in video[1:]:
        assert np.array_equal(plain.step(image).labels, compiled.step(image).labels)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_gives_the_masks_of_the_cpu(network, golden_folder):
    data = np.load(golden_folder / "seq_two_objects.npz")
    config = TrackerConfig(crop_size=(192, 320), first_iterations=5)
    trackers = [LwlTracker(network("mask"), config, device=device) for device in ("cpu", "cuda")]
    prompt = Prompt(masks={k: data["labels"][4] == k for k in (1, 2)})
    for tracker in trackers:
        tracker.initialize(data["frames"][4], prompt)
    for image in data["frames"][5:8]:
        labels = [tracker.step(image).labels for tracker in trackers]
        for k in (1, 2):
            assert iou(labels[0] == k, labels[1] == k) >= 0.995
