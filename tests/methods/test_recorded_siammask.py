"""SiamMask gives what its authors' code was recorded to give, with the same made-up weights.

Where the recording is from, and which tolerances hold, its README says. OpenCV 4 and 5 paste masks differently; each is
compared with the label maps that were recorded with it.
"""

import importlib.util
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from vos_bench.api import Prediction, Prompt
from vos_bench.methods.siammask.config import SiamMaskConfig, Variant
from vos_bench.methods.siammask.method import SiamMaskMethod
from vos_bench.methods.siammask.network import SEARCH, TEMPLATE, Cell, Search, Template
from vos_bench.methods.siammask.tracking import ANCHORS, NOWHERE, WINDOW, Target
from vos_bench.parts.merging import highest_above

STATE, LOGIT, HALF, RAW = 1e-3, 1e-3, 0.03, 1e-4
SOFT = 0.032
"""OpenCV 4, which recorded the soft masks, rounds what version 5 does not."""

LABELS = "labels_cv5" if int(cv2.__version__.split(".")[0]) >= 5 else "labels"


@pytest.fixture(scope="module")
def folder(shared: Path) -> Path:
    folder = shared / "golden" / "rest" / "siammask"
    if not folder.is_dir():
        pytest.skip("needs the recordings of SiamMask in shared/golden/rest")
    return folder


@pytest.fixture(scope="module")
def data(folder: Path) -> Any:
    return np.load(folder / "siammask.npz")


@pytest.fixture(scope="module")
def weights(shared: Path, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Variant], Path]:
    """Write made-up weights in the form of the authors' file; the base variant has no refinement."""
    spec = importlib.util.spec_from_file_location("siammask_recipe", folder / "recipe.py")
    assert spec is not None
    assert spec.loader is not None
    recipe = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recipe)
    rows = [line.split("\t") for line in (shared / "keys" / "SiamMask_sharp.tsv").read_text().splitlines()[1:]]
    shapes = {key: () if shape == "scalar" else tuple(map(int, shape.split("x"))) for key, shape, *_ in rows}
    tensors = recipe.state_dict(shapes)
    out = tmp_path_factory.mktemp("siammask")

    def write(variant: Variant) -> Path:
        chosen = {k: x for k, x in tensors.items() if variant == "sharp" or not k.startswith("refine_model.")}
        content = {f"module.{key}": torch.from_numpy(np.asarray(x)) for key, x in chosen.items()}
        path = out / f"{variant}.pth"
        torch.save({"epoch": 20, "arch": "Custom", "state_dict": content}, path)
        return path

    return write


@pytest.fixture(scope="module")
def sharp(weights: Callable[[Variant], Path]) -> SiamMaskMethod:
    return SiamMaskMethod(weights=weights("sharp"))


@pytest.fixture(scope="module")
def modules(sharp: SiamMaskMethod, data: Any) -> Iterator[tuple[Target, Template, Search]]:
    """The second object of the first frame, and what the network makes of it and of the next frame."""
    labels, frames = data["dogs_labels_gt"], data["dogs_rgb"]
    sharp.initialize(frames[0], Prompt(masks={2: labels[0] == 2}))
    track = sharp.tracks[2]
    crop = track.target.search().cut(frames[1], track.target.beyond, SEARCH)
    with torch.inference_mode():
        yield track.target, track.template, sharp.network.search(sharp._pixels([crop]), track.template)


def close(found: Any, wanted: NDArray[np.floating], tolerance: float) -> None:
    np.testing.assert_allclose(np.asarray(found), wanted, rtol=0, atol=tolerance * max(1, np.abs(wanted).max() / 60))


def test_anchors_and_window_are_the_recorded_ones(data: Any) -> None:
    np.testing.assert_array_equal(ANCHORS[::625], data["mod_anchors_first_of_each"])
    np.testing.assert_array_equal(ANCHORS[[1, 25]], data["mod_anchors_cell_0_1"])
    np.testing.assert_array_equal(WINDOW, data["mod_window"])


def test_crops_are_the_recorded_ones(data: Any) -> None:
    frames, (x, y, width, height) = data["dogs_rgb"], map(float, data["mod_box_xywh"])
    target = Target.started(frames[0], (x, y, x + width, y + height))
    np.testing.assert_array_equal(target.beyond[::-1], data["mod_avg_chans"].astype(np.uint8))
    assert (target.template().side, target.search().side) == tuple(data["mod_crop_sides"])
    for region, frame, side, name in ((target.template(), 0, TEMPLATE, "z"), (target.search(), 1, SEARCH, "x")):
        crop = region.cut(frames[frame], target.beyond, side)
        np.testing.assert_array_equal(crop[..., ::-1], data[f"mod_{name}_crop_bgr"])


def test_features_are_the_recorded_ones(modules: tuple[Target, Template, Search], data: Any) -> None:
    _, _, search = modules
    for level, (channels, pixels) in enumerate(((8, 4), (16, 3), (32, 2), (64, 2))):
        close(search.levels[level][0, ::channels, ::pixels, ::pixels], data[f"mod_f{level}"], RAW)
    close(search.narrow[0, ::16, ::2, ::2], data["mod_search"], RAW)


def test_the_heads_answer_as_recorded(
    sharp: SiamMaskMethod, modules: tuple[Target, Template, Search], data: Any
) -> None:
    _, template, search = modules
    network: Any = sharp.network
    close(search.scores, data["mod_cls"], RAW)
    close(search.deltas, data["mod_loc"], RAW)
    for head, kernels, name in (
        (network.rpn_model.cls, template.cls, "cls"),
        (network.rpn_model.loc, template.loc, "loc"),
        (network.mask_model.mask, template.mask, "mask"),
    ):
        shared = head.correlate(kernels, search.narrow)
        step = 1 if name == "mask" else 2
        close(shared[0, ::16, ::step, ::step], data[f"mod_corr_{name}"], RAW)
    close(shared[0, :, 12, 12], data["mod_corr_mask_c12_12"], RAW)
    close(network.mask_model.mask.head(shared[..., 12:13, 12:13]).flatten(), data["mod_mask63_raw_c12_12"], RAW)
    close(network.refine_model.deconv(shared[..., 12:13, 12:13])[0], data["mod_deconv_c12_12"], RAW)


@pytest.mark.parametrize("cell", [Cell(12, 12), Cell(0, 24), Cell(20, 3)])
def test_the_refined_mask_is_the_recorded_one(
    sharp: SiamMaskMethod, modules: tuple[Target, Template, Search], data: Any, cell: Cell
) -> None:
    _, template, search = modules
    [logits] = sharp.network.masks(search, template, [cell])
    close(logits, data[f"mod_refine_logit_y{cell.row}_x{cell.column}"], LOGIT)


class Play:
    """One recorded run: frames with the objects that start on them, and what is recorded of each."""

    def __init__(self, data: Any, name: str, frames: str) -> None:
        self.images, self.truth = data[f"{frames}_rgb"], data[f"{frames}_labels_gt"]
        self.data, self.name = data, name

    def follow(self, method: SiamMaskMethod, starts: dict[int, int], ends: dict[int, int] | None = None) -> None:
        """Compare every label map, state and soft mask; `starts` and `ends`: object to its first and last frame."""
        for number, image in enumerate(self.images):
            new = Prompt(masks={k: self.mask(number, k) for k, start in starts.items() if start == number})
            planes = self.step(method, number, image, new)
            for k in planes:
                if ends and number > ends.get(k, number):
                    planes[k] = np.full_like(planes[k], NOWHERE)  # the authors' list of frames has ended
            labels = highest_above(planes, method.config.rules.threshold, image.shape[:2])
            np.testing.assert_array_equal(labels, self.data[f"{self.name}_{LABELS}"][number])
            for k in planes:
                self.compare(method, k, number - starts[k], planes[k])

    def mask(self, number: int, k: int) -> NDArray[np.bool_]:
        truth = self.truth[number]
        return np.asarray(truth > 0 if self.name in ("single", "base63") else truth == k)

    def step(self, method: SiamMaskMethod, number: int, image: Any, new: Prompt) -> dict[int, Any]:
        """Return the soft masks that the method merges on a frame, and check its own answer."""
        seen: dict[int, Any] = {}
        predict = method._prediction

        def keep(planes: Mapping[int, Any], size: tuple[int, ...]) -> Prediction:
            seen.update(planes)
            return predict(planes, size)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(method, "_prediction", keep)
            prediction = method.step(image, new) if number else method.initialize(image, new)
        assert np.isin(prediction.labels, [0, *method.tracks]).all()
        return dict(sorted(seen.items()))

    def compare(self, method: SiamMaskMethod, k: int, step: int, plane: Any) -> None:
        target, found = method.tracks[k].target, method.tracks[k].found
        rows = self.data[f"{self.name}_states"]
        row = rows[(rows[:, 0] == k - 1) & (rows[:, 1] == step)]
        if not len(row):
            return
        [(_, _, x, y, width, height, score, *cell)] = row
        np.testing.assert_allclose((*target.centre, *target.size), (x, y, width, height), rtol=0, atol=STATE)
        if step:
            assert found is not None
            assert found.score == pytest.approx(score, abs=STATE)
            assert tuple(cell) in (tuple(found.cell), (-1, -1))
        if (name := f"{self.name}_soft_obj{k - 1}_step{step}") in self.data.files:
            np.testing.assert_allclose(plane, self.data[name].astype(np.float32), rtol=0, atol=SOFT)


def test_three_objects_are_followed_as_recorded(sharp: SiamMaskMethod, data: Any) -> None:
    Play(data, "multi", "dogs").follow(sharp, {1: 0, 2: 0, 3: 0})


def test_late_objects_are_followed_as_recorded(sharp: SiamMaskMethod, data: Any) -> None:
    Play(data, "late", "dogs").follow(sharp, {1: 0, 2: 2, 3: 1}, ends={2: 5})


def test_one_object_is_followed_as_recorded(sharp: SiamMaskMethod, data: Any) -> None:
    Play(data, "single", "bmx").follow(sharp, {1: 0})


def test_the_base_variant_follows_as_recorded(weights: Callable[[Variant], Path], data: Any) -> None:
    method = SiamMaskMethod(SiamMaskConfig(variant="base"), weights=weights("base"))
    Play(data, "base63", "bmx").follow(method, {1: 0})
