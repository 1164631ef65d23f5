"""STM, STCN, RGMP, FRTM and OSVOS give what their authors' code was recorded to give, with the same made-up weights.

Each recording says where it is from and with which settings in its README; the tolerances are those of that page.
"""

import importlib.util
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from vos_bench.api import Method, Prompt
from vos_bench.methods.frtm.config import FrtmConfig, SolverConfig, SynthesisConfig
from vos_bench.methods.frtm.method import FrtmMethod
from vos_bench.methods.frtm.network import FrtmNetwork
from vos_bench.methods.frtm.target_model import TargetModel
from vos_bench.methods.osvos.config import OsvosConfig
from vos_bench.methods.osvos.method import OsvosMethod
from vos_bench.methods.rgmp.method import RgmpMethod
from vos_bench.methods.stcn.method import StcnMethod
from vos_bench.methods.stm.method import StmMethod
from vos_bench.parts.fine_tuning import TuningBudget

MOST_PIXELS = 5
SOFT, SHARE, FLOAT16, FLOAT32 = 2e-3, 1e-2, 2e-3, 1e-4


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    return shared / "golden" / "baselines"


@pytest.fixture(scope="module")
def recipe(folder: Path) -> ModuleType:
    """Computes every tensor of a network from its name and shape."""
    spec = importlib.util.spec_from_file_location("baselines_recipe", folder / "recipe.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def weights_file(shared: Path, recipe: ModuleType, tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Write made-up weights in the form of the authors' file, from the list of its names and shapes."""
    path = tmp_path / "weights.pth"

    def write(keys: str, method: str, *, prefix: str = "", more: dict[str, tuple[int, ...]] | None = None) -> Path:
        rows = [line.split("\t") for line in (shared / "keys" / keys).read_text().splitlines()[1:]]
        shapes = {
            key.removeprefix("module."): () if shape == "scalar" else tuple(map(int, shape.split("x")))
            for key, shape, *_ in rows
        }
        tensors = recipe.state_dict(shapes | (more or {}), method)
        content: Any = {f"{prefix}{key}": torch.from_numpy(np.asarray(value)) for key, value in tensors.items()}
        torch.save({"model": content} if method == "frtm" else content, path)
        return path

    yield write
    path.unlink(missing_ok=True)


@contextmanager
def watched(**modules: nn.Module) -> Iterator[dict[str, list[Any]]]:
    """Keep what modules give; under `NAME.input` what they get."""
    seen: dict[str, list[Any]] = defaultdict(list)

    def keep(name: str) -> Callable[..., None]:
        def hook(_module: nn.Module, given: tuple[Any, ...], found: Any) -> None:
            seen[f"{name}.input"].append(given[0])
            seen[name].append(found)

        return hook

    hooks = [module.register_forward_hook(keep(name)) for name, module in modules.items()]
    yield seen
    for hook in hooks:
        hook.remove()


class Recording:
    """One recorded run.

    Attributes:
        data: All that was recorded, by name.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.data = np.load(folder / name / f"{name}.npz")
        given = dict(zip(self.data["given_frame"].tolist(), self.data["given_labels"], strict=True))
        self._seen: set[int] = set()
        self._prompts = {number: self._prompt(labels) for number, labels in given.items()}

    def _prompt(self, labels: Any) -> Prompt:
        new = sorted(set(np.unique(labels).tolist()) - self._seen - {0})
        self._seen.update(new)
        return Prompt(masks={k: labels == k for k in new})

    def play(self, method: Method, most: int = 9) -> Iterator[tuple[int, Any]]:
        """Yield the number of each of the first `most` frames, and what the method says of it."""
        for number, image in enumerate(self.data["frames"][:most]):
            new = self._prompts.get(number)
            yield number, method.step(image, new) if number else method.initialize(image, new or Prompt())

    def by_frame(self, name: str) -> dict[int, Any]:
        """Return what was recorded on some frames only: the number of the frame to its planes, P x H x W."""
        planes = np.moveaxis(self.data[name].astype(np.float32), 1, 0)
        return dict(zip(self.data["soft_frames"].tolist(), planes, strict=True))

    def assert_followed(self, method: Method, most: int = 9) -> None:
        """Compare the labels of the first `most` frames, and the soft maps of those that were recorded."""
        soft = self.by_frame("soft")
        for number, prediction in self.play(method, most):
            assert np.count_nonzero(prediction.labels != self.data["labels"][number]) <= MOST_PIXELS, number
            if number in soft:
                planes = prediction.probabilities.astype(np.float32)
                np.testing.assert_allclose(planes, soft[number][: len(planes)], rtol=0, atol=SOFT)

    def assert_recorded(self, name: str, found: Any) -> None:
        """Compare a tensor on the way."""
        wanted = self.data[f"mid_{name}"]
        tolerance = FLOAT16 if wanted.dtype == np.float16 else FLOAT32
        scale = np.abs(wanted.astype(np.float32)).max()
        np.testing.assert_allclose(
            np.asarray(found), wanted.astype(np.float32), rtol=tolerance, atol=tolerance * scale, err_msg=name
        )


def test_stm_follows_its_authors_run(folder: Path, weights_file: Callable[..., Path]) -> None:
    run = Recording(folder, "stm")
    method = StmMethod(weights=weights_file("STM_weights.pth.tsv", "stm", prefix="module."))
    network: Any = method.network
    heads = network.KV_M_r4
    with watched(key=heads.Key, value=heads.Value, decoder=network.Decoder) as seen:
        run.assert_followed(method)
    run.assert_recorded("memory_key_t0", seen["key"][0])
    run.assert_recorded("memory_value_t0_first48", seen["value"][0][:, :48])
    run.assert_recorded("read_and_own_value_t1_first32", seen["decoder.input"][0][:, :32])
    logits, wanted = seen["decoder"][0], run.data["mid_decoder_logits_t1_padded"].astype(np.float32)
    np.testing.assert_allclose(logits, wanted, rtol=FLOAT16, atol=FLOAT16 * np.abs(wanted).max())


def test_stcn_follows_its_authors_run(folder: Path, weights_file: Callable[..., Path]) -> None:
    run = Recording(folder, "stcn")
    method = StcnMethod(weights=weights_file("STCN_stcn.pth.tsv", "stcn"))
    network: Any = method.network
    parts = {"key": network.key_proj, "thin": network.key_comp, "value": network.value_encoder}
    with watched(**parts, decoder=network.decoder) as seen:
        run.assert_followed(method)
    run.assert_recorded("key_of_first_encoded_frame", seen["key"][0])
    run.assert_recorded("thin_first48", seen["thin"][0][:, :48])
    run.assert_recorded("value_of_first_frame_first48", seen["value"][0][:, :48])
    run.assert_recorded("probability_of_first_segmented_frame_padded", seen["decoder"][0][:1].sigmoid())


def test_rgmp_follows_its_authors_run(folder: Path, weights_file: Callable[..., Path]) -> None:
    run = Recording(folder, "rgmp")
    method = RgmpMethod(weights=weights_file("RGMP_weights.pth.tsv", "rgmp", prefix="module."))
    with watched(encoder=method.network.Encoder, decoder=method.network.Decoder) as seen:
        run.assert_followed(method, most=5)
    union_after_three_objects_at_three_scales = 9
    run.assert_recorded(
        "stride32_first_call_first64", seen["encoder"][union_after_three_objects_at_three_scales][-1][:, :64]
    )
    for level, logits in enumerate(seen["decoder"][0]):
        run.assert_recorded(f"decoder_first_call_{level}", logits[-1:])


def test_osvos_follows_its_authors_run(
    folder: Path, weights_file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vos_bench.methods.osvos.method.augmented", lambda given, *_: given)
    run = Recording(folder, "osvos")
    config = OsvosConfig(budget=TuningBudget(steps=2))
    method = OsvosMethod(config, weights=weights_file("OSVOS_parent_epoch-239.pth.tsv", "osvos"))
    soft = run.by_frame("soft")
    with torch.no_grad():
        frames = torch.from_numpy(run.data["frames"][[0, 8]]).permute(0, 3, 1, 2).float()
        parent = torch.stack([method.probabilities(method.parent, method.preprocess(frame[None])) for frame in frames])
    run.assert_recorded("parent_probability", parent[None])
    for number, prediction in run.play(method):
        if number == 0:
            continue
        assert np.count_nonzero(prediction.labels != run.data["labels"][number]) <= MOST_PIXELS, number
        if number in soft:
            np.testing.assert_allclose(prediction.probabilities[1:].astype(np.float32), soft[number], atol=SOFT)
    tuned: Any = method._copies[0]
    run.assert_recorded("fuse_weight", tuned.fuse.weight)
    run.assert_recorded("stage0_conv0_weight", tuned.stages[0][0].weight)
    run.assert_recorded("stage0_conv0_bias", tuned.stages[0][0].bias)
    run.assert_recorded("stage4_conv2_weight_first4_first32", tuned.stages[4][5].weight[:4, :32])


def backbone_shapes() -> dict[str, tuple[int, ...]]:
    """Return names and shapes of the ResNet-18 that FRTM's file lacks, under the authors' names of stages."""
    tensors = FrtmNetwork("resnet18").state_dict()
    return {name: tuple(x.shape) for name, x in tensors.items() if name.startswith("backbone.")}


def test_frtm_follows_its_authors_run(
    folder: Path, recipe: ModuleType, weights_file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With few steps of conjugate gradients: with the authors' ten, their own code differs from itself."""
    projection, kernel = (torch.from_numpy(x) for x in recipe.target_model(256))
    start = TargetModel(projection[:, :, 0, 0], kernel)
    monkeypatch.setattr("vos_bench.methods.frtm.method.random_model", lambda *_: start)
    run, merged = Recording(folder, "frtm"), list[Tensor]()
    config = FrtmConfig(
        solver=SolverConfig(first_steps=(2, 2), filter_steps=2), synthesis=SynthesisConfig(samples=0), memory_size=5
    )
    method = FrtmMethod(config, weights=weights_file("FRTM_rn18.tsv", "frtm", more=backbone_shapes()))
    remember = method.remember
    monkeypatch.setattr(method, "remember", lambda *given: (merged.append(given[1]), remember(*given)))
    with watched(refiner=method.network.refiner) as seen:
        for number, prediction in run.play(method):
            assert np.count_nonzero(prediction.labels != run.data["labels"][number]) <= MOST_PIXELS, number
            assert_same_targets(run, method, number)
    run.assert_recorded("score_t01", torch.cat(seen["refiner.input"][:2]))
    run.assert_recorded("score_t08", torch.cat(seen["refiner.input"][-3:]))
    run.assert_recorded("logit_t01", torch.cat(seen["refiner"][:2]))
    for number, wanted in run.by_frame("winner_share").items():
        planes = merged[number]
        share = torch.where(planes == planes.amax(0), planes, 0).numpy() if number else np.zeros_like(planes)
        apart = np.abs(share - wanted[: len(share)]).max(axis=0) > SHARE
        assert np.count_nonzero(apart) <= MOST_PIXELS, number


def assert_same_targets(run: Recording, method: FrtmMethod, number: int) -> None:
    """Compare the target models after a frame: both layers where an object starts, then filter and sample weights."""
    for k, target in enumerate(method._targets, start=1):
        if f"mid_filter_{k}_t{number:02d}" in run.data.files:
            weights = np.zeros(5, np.float32)
            weights[: len(target.memory.weights)] = target.memory.weights
            run.assert_recorded(f"weights_{k}_t{number:02d}", weights)
            run.assert_recorded(f"filter_{k}_t{number:02d}", target.model.filter)
        elif number == 0:
            run.assert_recorded(f"project_{k}", target.model.projection[:, :, None, None])
            run.assert_recorded(f"filter_{k}", target.model.filter)
