"""AGSS-VOS gives what its authors' code was recorded to give, with the same made-up weights; and its own rules.

Where the recording is from, and which tolerances hold, its README says. The recorded runs follow a given flow; the flow
network is compared by itself.
"""

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from vos_bench.api import UNTRAINED, Prompt
from vos_bench.errors import BadInputError
from vos_bench.methods.agss_vos.checkpoint import convert, load_network
from vos_bench.methods.agss_vos.config import AgssConfig, Script
from vos_bench.methods.agss_vos.flow_network import FlowNetwork, correlation, flow_between, scaled
from vos_bench.methods.agss_vos.method import AgssMethod, carried
from vos_bench.methods.agss_vos.sizes import network_size
from vos_bench.parts.checkpoints import read_metadata, read_tensors
from vos_bench.parts.merging import merge

SHARE, RAW, FLOW, HALF = 1e-4, 1e-3, 1e-3, 2e-3


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    folder = shared / "golden" / "rest" / "agss"
    if not folder.is_dir():
        pytest.skip("needs the recordings of AGSS-VOS in shared/golden/rest")
    return folder


@pytest.fixture(scope="module")
def data(folder: Path) -> Any:
    return np.load(folder / "agss.npz")


@pytest.fixture(scope="module")
def tensors(shared: Path, folder: Path) -> dict[str, dict[str, torch.Tensor]]:
    """The made-up weights of both networks, by the authors' keys."""
    spec = importlib.util.spec_from_file_location("agss_recipe", folder / "recipe.py")
    assert spec is not None
    assert spec.loader is not None
    recipe: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recipe)

    def made(keys: str, make: Callable[..., dict[str, Any]]) -> dict[str, torch.Tensor]:
        rows = [line.split("\t") for line in (shared / "keys" / f"{keys}.tsv").read_text().splitlines()[1:]]
        shapes = {key: () if size == "scalar" else tuple(map(int, size.split("x"))) for key, size, *_ in rows}
        return {key: torch.from_numpy(np.asarray(value)) for key, value in make(shapes).items()}

    return {"seg": made("AGSSVOS", recipe.state_dict), "flow": made("FlowNet2C", recipe.flow_state_dict)}


@pytest.fixture(scope="module")
def weights(tensors: dict[str, dict[str, torch.Tensor]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file in the authors' form: the segmentation network as DataParallel wrote it, without counters of batches."""
    path = tmp_path_factory.mktemp("agss") / "agss.pth"
    seg = {f"module.{key}": x for key, x in tensors["seg"].items() if not key.endswith("num_batches_tracked")}
    torch.save({"seg": seg, "flow": tensors["flow"]}, path)
    yield path
    path.unlink()


@pytest.fixture(scope="module")
def built(weights: Path) -> dict[Script, AgssMethod]:
    """Both scripts, around one network, with the recorded flow."""
    scripts: tuple[Script, Script] = ("davis", "ytvos")
    methods = {script: AgssMethod(AgssConfig(script=script), weights=weights) for script in scripts}
    methods["ytvos"].network = methods["davis"].network
    for method in methods.values():
        method.flow = lambda small: field(*small.shape[:2])  # type: ignore[method-assign]
    return methods


def field(height: int, width: int) -> NDArray[np.float32]:
    """Return the flow that the recorded runs were given."""
    right = 1 + 2 * np.sin(2 * np.pi * np.arange(height) / height)[:, None].repeat(width, 1)
    down = 1.5 * np.cos(2 * np.pi * np.arange(width) / width)[None].repeat(height, 0)
    return np.stack([right, down], -1).astype(np.float32)


def close(found: Any, wanted: NDArray[np.floating], tolerance: float) -> None:
    np.testing.assert_allclose(np.asarray(found), wanted.astype(np.float32), rtol=tolerance, atol=tolerance)


@torch.inference_mode()
def test_every_module_gives_what_was_recorded(built: dict[Script, AgssMethod], data: Any) -> None:
    method, first = built["davis"], data["dogs_labels_gt"][0]
    method.initialize(data["dogs_rgb"][0], Prompt(masks={k: first == k for k in (1, 2, 3)}))
    [group] = method._groups
    close(group.reference[0, ::16], data["mod_ref_r5"], RAW)
    masks = group.shares
    close(carried(masks, torch.from_numpy(field(128, 256)))[:, 0], data["mod_warped"], SHARE)
    frame = method._scaled(cv2.resize(data["dogs_rgb"][1], (256, 128), interpolation=cv2.INTER_LINEAR))
    seg: Any = method.network.seg
    seen = seg.Encoder.conv1(frame)
    features = seg.Encoder(seen, masks.amax(0, keepdim=True))
    close(features[0][0, ::32, ::2, ::2], data["mod_r2"], RAW)
    close(features[2][0, ::64], data["mod_r4"], RAW)
    objects = seg.Encoder.attend(seen, masks)
    close(objects.fine[:, ::64, ::2, ::2], data["mod_obj_r2"], RAW)
    close(objects.attention[:, ::32], data["mod_obj_atn"], RAW)
    shared = seg.Decoder.shared(features, group.reference)
    close(shared[0, ::16], data["mod_m3"], RAW)
    kept: list[torch.Tensor] = []
    hook = seg.Decoder.RF2.register_forward_hook(lambda _module, _given, found: kept.append(found))
    close(seg.Decoder.draw(shared, objects), data["mod_logits"], RAW)
    hook.remove()
    close(kept[0][:, ::64, ::2, ::2], data["mod_m2"], RAW)
    shares = merge(seg(frame, masks, group.reference, at_once=2), rule="odds-share")[1:]
    close(shares[:, ::2, ::2], data["mod_prob"], SHARE)


@pytest.mark.parametrize(
    ("name", "script", "late"), [("davis", "davis", {}), ("ytv", "ytvos", {2: 2}), ("late", "davis", {2: 2})]
)
def test_the_recorded_runs_are_followed(
    built: dict[Script, AgssMethod], data: Any, name: str, script: Script, late: dict[int, int]
) -> None:
    method, written = (
        built[script],
        dict(zip(data[f"{name}_label_frames"].tolist(), data[f"{name}_labels"], strict=True)),
    )
    for number, image in enumerate(data["dogs_rgb"]):
        truth = data["dogs_labels_gt"][number]
        new = Prompt(masks={k: truth == k for k in (1, 2, 3) if late.get(k, 0) == number})
        prediction = method.step(image, new) if number else method.initialize(image, new)
        if number in written:
            np.testing.assert_array_equal(prediction.labels, written[number])
        if number == 0:
            close(method._groups[0].reference[0, ::32], data[f"{name}_ref_r5"], RAW)
        if (recorded := f"{name}_prob_step{number}") in data.files:
            close(method._groups[0].shares[:, 0, ::2, ::2], data[recorded], SHARE)


@torch.inference_mode()
def test_warped_masks_are_the_recorded_ones(built: dict[Script, AgssMethod], data: Any) -> None:
    method, first = built["davis"], data["dogs_labels_gt"][0]
    method.initialize(data["dogs_rgb"][0], Prompt(masks={k: first == k for k in (1, 2, 3)}))
    for number in range(1, 7):
        warped = carried(method._groups[0].shares, torch.from_numpy(field(128, 256)))
        if (recorded := f"davis_warped_step{number}") in data.files:
            close(warped[:, 0, ::2, ::2], data[recorded], HALF)
        method.step(data["dogs_rgb"][number])


@torch.inference_mode()
@pytest.mark.parametrize(("name", "size"), [("flow_a", (256, 128)), ("flow_b", (200, 120))])
def test_the_flow_network_gives_what_was_recorded(
    built: dict[Script, AgssMethod], data: Any, name: str, size: tuple[int, int]
) -> None:
    network = built["davis"].network.flow
    assert network is not None
    before, now = (cv2.resize(x, size, interpolation=cv2.INTER_LINEAR) for x in data["dogs_rgb"][:2])
    pair = [cv2.resize(x, tuple(n // 64 * 64 for n in size), interpolation=cv2.INTER_LINEAR) for x in (now, before)]
    pixels = torch.from_numpy(np.stack(pair)[..., ::-1].copy()).permute(0, 3, 1, 2).float()
    close(network(scaled(pixels)[None])[0], data[f"{name}_flow2"], FLOW)
    features = [network.conv3(network.conv2(network.conv1(scaled(pixels)[k : k + 1]))) for k in range(2)]
    close(correlation(*features)[0, ::20], data[f"{name}_corr"], FLOW)
    close(flow_between(network, now, before, "cpu"), data[name], FLOW)


def test_correlation_is_the_mean_product_at_every_second_displacement() -> None:
    first, second = torch.randn(1, 3, 30, 28), torch.randn(1, 3, 30, 28)
    found = correlation(first, second)
    assert found.shape == (1, 441, 30, 28)
    down, right = -4, 6
    plane = (down + 20) // 2 * 21 + (right + 20) // 2
    expected = (first[0, :, 20, 10] * second[0, :, 20 + down, 10 + right]).mean()
    torch.testing.assert_close(found[0, plane, 20, 10], expected)
    assert found[0, 0, 5, 25] == 0


def test_no_flow_is_nearly_but_not_quite_where_it_was() -> None:
    plane = torch.arange(8.0).expand(1, 1, 4, 8)
    moved = carried(plane, torch.zeros(4, 8, 2))
    torch.testing.assert_close(moved[0, 0, 0], torch.arange(8.0) * 7 / 8)


@pytest.mark.parametrize(
    ("size", "script", "expected"),
    [
        ((480, 854), "davis", (448, 832)),
        ((480, 854), "ytvos", (192, 384)),
        ((720, 1280), "davis", (704, 1280)),
        ((720, 1280), "ytvos", (320, 640)),
        ((768, 1344), "davis", (576, 960)),
        ((1080, 1920), "davis", (320, 640)),
        ((1920, 1080), "davis", (640, 320)),
        ((160, 285), "ytvos", (128, 256)),
        ((33, 47), "davis", (64, 64)),
    ],
)
def test_sizes_are_multiples_of_64_rounded_down(
    size: tuple[int, int], script: Script, expected: tuple[int, int]
) -> None:
    assert network_size(size, script) == expected


def test_groups_by_first_frame_share_nothing_but_the_label_map(data: Any, built: dict[Script, AgssMethod]) -> None:
    method, frames, truth = built["davis"], data["dogs_rgb"], data["dogs_labels_gt"]
    method.initialize(frames[0], Prompt(masks={1: truth[0] == 1}))
    method.step(frames[1], Prompt(masks={2: truth[1] == 2, 3: np.zeros_like(truth[1], bool)}))
    method.step(frames[2])
    alone = method._groups[0].shares
    assert [group.ids for group in method._groups] == [[1], [2]]
    method.initialize(frames[0], Prompt(masks={1: truth[0] == 1}))
    for frame in frames[1:3]:
        method.step(frame)
    assert torch.equal(method._groups[0].shares, alone)


@torch.inference_mode()
def test_an_object_of_which_nothing_is_left_stays_lost_by_the_script_for_youtube(
    data: Any, built: dict[Script, AgssMethod]
) -> None:
    frames, truth = data["dogs_rgb"], data["dogs_labels_gt"]
    expected: dict[Script, bool] = {"davis": False, "ytvos": True}
    for script, lost in expected.items():
        method = built[script]
        method.initialize(frames[0], Prompt(masks={1: truth[0] == 1, 2: truth[0] == 2}))
        method._groups[0].shares[0] = 0.4
        method.step(frames[1])
        assert bool((method._groups[0].shares[0] == 0).all()) is lost
        assert (method._groups[0].shares[1] > 0).any()


def test_the_authors_file_is_converted_with_both_networks(weights: Path, tmp_path: Path) -> None:
    out = tmp_path / "agss.safetensors"
    convert(weights, out)
    assert read_metadata(out) == {"format": "agss-vos", "source": "agss.pth"}
    assert {name.partition(".")[0] for name in read_tensors(out)} == {"seg", "flow"}
    expected = load_network(weights).state_dict()
    for name, x in load_network(out).state_dict().items():
        assert torch.equal(x, expected[name]) or name.endswith("num_batches_tracked")


def test_a_file_without_the_flow_network_serves_dis_alone(
    tensors: dict[str, dict[str, torch.Tensor]], tmp_path: Path
) -> None:
    path = tmp_path / "seg.pth"
    torch.save({"seg": tensors["seg"]}, path)
    assert AgssMethod(AgssConfig(flow="dis"), weights=path).network.flow is None
    with pytest.raises(BadInputError, match=r"(?s)no flow network, expected FlowNet2-C .*flow=dis"):
        AgssMethod(weights=path)
    torch.save({"net": tensors["flow"]}, path)
    with pytest.raises(BadInputError, match="none of the keys seg, flow"):
        AgssMethod(weights=path)
    first = next(iter(tensors["seg"]))
    torch.save({"seg": {k: x for k, x in tensors["seg"].items() if k != first}, "flow": tensors["flow"]}, path)
    with pytest.raises(BadInputError, match=f"1 missing: seg.{first}"):
        AgssMethod(weights=path)


def square(size: tuple[int, int], top: int, left: int, side: int) -> NDArray[np.bool_]:
    mask = np.zeros(size, bool)
    mask[top : top + side, left : left + side] = True
    return mask


@pytest.fixture(scope="module")
def untrained() -> AgssMethod:
    torch.manual_seed(0)
    return AgssMethod(AgssConfig(objects_per_pass=3), weights=UNTRAINED)


@pytest.mark.parametrize("size", [(64, 80), (33, 47), (130, 70)])
def test_late_empty_tiny_and_vanishing_objects(untrained: AgssMethod, size: tuple[int, int]) -> None:
    images = np.random.default_rng(0).integers(0, 256, (4, *size, 3), dtype=np.uint8)
    start = Prompt(masks={1: square(size, 0, 0, 20), 2: np.zeros(size, bool), 3: square(size, 20, 20, 1)})
    answers = [untrained.initialize(images[0], start), untrained.step(images[1])]
    answers += [untrained.step(images[2], Prompt(masks={4: np.ones(size, bool)})), untrained.step(images[3])]
    for number, (labels, probabilities, _) in enumerate(answers):
        assert labels.shape == size
        assert labels.dtype == np.uint16
        assert set(np.unique(labels)) <= {0, 1, 3, *([4] if number >= 2 else [])}
        assert probabilities is not None
        assert probabilities.shape == ((4 if number < 2 else 5), *size)
        np.testing.assert_allclose(probabilities.sum(0, dtype=np.float32), 1, atol=2e-3)
        assert not probabilities[2].any()


def test_frames_of_1080p_are_answered_at_their_own_size(untrained: AgssMethod) -> None:
    size = (1080, 1920)
    images = np.random.default_rng(2).integers(0, 256, (2, *size, 3), dtype=np.uint8)
    untrained.initialize(images[0], Prompt(masks={1: square(size, 1000, 1800, 120)}))
    assert untrained.step(images[1]).labels.shape == size
    assert untrained._size == (320, 640)


def test_twenty_objects_and_fewer_at_a_time(untrained: AgssMethod) -> None:
    size = (64, 80)
    images = np.random.default_rng(1).integers(0, 256, (2, *size, 3), dtype=np.uint8)
    masks = {k + 1: square(size, 16 * (k // 5), 16 * (k % 5), 14) for k in range(20)}
    answers = []
    for count in (20, 3):
        untrained.objects_at_once = count
        untrained.initialize(images[0], Prompt(masks=masks))
        probabilities = untrained.step(images[1]).probabilities
        assert probabilities is not None
        answers.append(probabilities.astype(np.float32))
    np.testing.assert_allclose(answers[0], answers[1], atol=2e-3)


def test_wrong_calls_are_named() -> None:
    method, image = AgssMethod(AgssConfig(flow="dis"), weights=UNTRAINED), np.zeros((64, 80, 3), np.uint8)
    with pytest.raises(BadInputError, match="step was called before initialize"):
        method.step(image)
    with pytest.raises(BadInputError, match="object 1 is given as a box, expected a mask"):
        method.initialize(image, Prompt(boxes={1: (5.0, 5.0, 25.0, 25.0)}))
    method.initialize(image, Prompt(masks={1: square((64, 80), 5, 5, 20)}))
    assert method.step(image).labels.shape == (64, 80)
    with pytest.raises(BadInputError, match="agss-vos: no weights"):
        AgssMethod()


def test_the_flow_network_has_as_many_parameters_as_published() -> None:
    assert sum(p.numel() for p in FlowNetwork().parameters()) == 39_175_298
