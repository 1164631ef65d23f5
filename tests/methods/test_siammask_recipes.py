"""SiamMask's training pairs, their labels and losses, and that its stages follow each other."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vos_bench.methods.siammask.checkpoint import load_network
from vos_bench.methods.siammask.network import SiamMaskNetwork
from vos_bench.methods.siammask.pairs import PairRule, PairSettings, PairTransform, crop, intersection_over_union
from vos_bench.methods.siammask.recipes import BASE, BASE_TRUNK, REFINE, box_loss, mask_windows, score_loss
from vos_bench.training.sampling import MiniSequence
from vos_bench.training.session import find_recipe, train

STILL = PairSettings(
    search_shift=0, search_scale=0, template_shift=0, template_scale=0, blur=0, grey=0, negative=0, jitter=0
)


def given(colour: int = 200) -> MiniSequence:
    """Two frames with one object of 40 x 20 pixels."""
    mask = np.zeros((120, 160), bool)
    mask[50:70, 60:100] = True
    image = np.where(mask[..., None], colour, 20).astype(np.uint8).repeat(3, 2)
    return MiniSequence([image, image], [mask, mask])


class Supply:
    """Gives another object."""

    def draw(self, _rng: object) -> None: ...

    def read(self, _drawn: object) -> MiniSequence:
        return given(90)


def test_the_stages_exist_and_have_the_stated_numbers() -> None:
    assert [find_recipe("siammask", name).name for name in ("base", "base-trunk", "refine")] == [
        "base",
        "base-trunk",
        "refine",
    ]
    for recipe in (BASE, BASE_TRUNK):
        assert recipe.settings.steps_per_epoch * recipe.settings.batch_size == 600_000
        assert recipe.settings.loss_weights == (1, 1.2, 36)
    epoch = BASE.settings.steps_per_epoch
    rates = [0.005 * BASE.schedule(epoch * n) for n in (0, 4, 5)] + [
        0.005 * BASE_TRUNK.schedule(epoch * n) for n in (0, 9)
    ]
    assert rates == pytest.approx([0.001, 0.005, 0.005, 0.005 * 0.5 ** (5 / 14), 0.0025])
    assert REFINE.settings.steps_per_epoch * REFINE.settings.batch_size == 200_000
    ends = [0.01 * REFINE.schedule(REFINE.settings.steps_per_epoch * n) for n in (0, 19)]
    assert ends == pytest.approx([0.01, 0.0025])


def test_two_frames_of_a_pair_show_the_object_and_are_not_far_apart() -> None:
    visible, rng = np.ones(100, bool), np.random.default_rng(0)
    visible[::3] = False
    drawn = np.array([PairRule(reach=20).draw(visible, rng, 0) for _ in range(300)])
    assert visible[drawn].all()
    assert np.abs(np.diff(drawn)).max() <= 20
    assert (np.diff(drawn) < 0).any()
    assert PairRule().draw(np.ones(1, bool), rng, 0) == (0, 0)


def test_a_crop_has_the_box_with_its_context_at_127_pixels_and_says_where_it_is() -> None:
    rng = np.random.default_rng(0)
    found = crop(given(), 0, 127, 0, 0, rng)
    context = np.sqrt(70 * 50)
    np.testing.assert_allclose(found.size, np.array([40, 20]) * 127 / context)
    rows, columns = np.nonzero(found.mask)
    assert columns.mean() == pytest.approx(63, abs=0.6)
    assert rows.mean() == pytest.approx(63, abs=0.6)
    assert columns.max() - columns.min() + 1 == pytest.approx(found.size[0], abs=2)
    shifted = crop(given(), 0, 255, 64, 0.18, rng)
    rows, columns = np.nonzero(shifted.mask)
    assert columns.mean() - 127 == pytest.approx(shifted.centre[0], abs=1.5)
    assert rows.mean() - 127 == pytest.approx(shifted.centre[1], abs=1.5)
    assert np.abs(shifted.centre).max() > 3


def test_anchors_that_overlap_the_box_are_positive_and_far_ones_negative() -> None:
    batch = PairTransform(STILL)(given(), np.random.default_rng(0), Supply())  # type: ignore[arg-type]
    classes = batch["classes"]
    assert classes.shape == (5, 25, 25)
    assert (classes == 1).sum() <= 16
    assert ((classes == 1) | (classes == 0)).sum() == 64
    shape, row, column = (classes == 1).nonzero()[0].tolist()
    dx, dy, dw, dh = batch["deltas"][:, shape, row, column]
    anchor = [(104, 32), (88, 40), (64, 64), (40, 80), (32, 96)][shape]
    centre = -96 + 8 * column + dx * anchor[0], -96 + 8 * row + dy * anchor[1]
    np.testing.assert_allclose(centre, (0, 0), atol=1e-4)
    size = np.array([40, 20]) * 127 / np.sqrt(70 * 50)
    np.testing.assert_allclose((dw.exp() * anchor[0], dh.exp() * anchor[1]), size, rtol=1e-5)
    assert batch["search"].shape == (3, 255, 255)
    assert batch["search"][:, 127, 127].tolist() == [200, 200, 200]


def test_a_negative_pair_shows_another_object_and_has_sixteen_negatives_in_the_middle() -> None:
    settings = STILL.replace(negative=1.0)
    batch = PairTransform(settings)(given(), np.random.default_rng(0), Supply())  # type: ignore[arg-type]
    assert batch["template"][0, 63, 63] == 200
    assert batch["search"][0, 127, 127] == 90
    assert (batch["classes"] == 0).sum() == 16
    assert (batch["classes"] == 1).sum() == 0
    _, rows, columns = (batch["classes"] == 0).nonzero(as_tuple=True)
    assert ((rows - 12).abs() <= 3).all()
    assert ((columns - 12).abs() <= 3).all()


def test_overlap_is_intersection_over_union() -> None:
    places, sizes = np.array([[0.0, 0.0], [5.0, 0.0], [50.0, 0.0]]), np.full((3, 2), 10.0)
    found = intersection_over_union(places, sizes, np.zeros(2), np.full(2, 10.0))
    np.testing.assert_allclose(found, [1, 1 / 3, 0])


def test_losses_count_positive_and_negative_anchors_by_halves_and_nothing_else() -> None:
    classes = torch.full((2, 5, 3, 3), -1)
    classes[0, 2, 1, 1], classes[1, 0, 0, 0] = 1, 0
    scores = torch.zeros(2, 10, 3, 3, requires_grad=True)
    found = score_loss(scores, classes)
    assert found.item() == pytest.approx(np.log(2))
    [gradient] = torch.autograd.grad(found, [scores])
    assert gradient[0, 5 + 2, 1, 1] < 0 < gradient[1, 5, 0, 0]
    assert gradient.count_nonzero() == 4
    deltas, wanted = torch.zeros(2, 20, 3, 3), torch.ones(2, 4, 5, 3, 3)
    assert box_loss(deltas, wanted, classes).item() == pytest.approx(2)
    assert score_loss(scores.detach(), torch.full_like(classes, -1)).item() == 0


def test_each_cell_is_to_draw_the_mask_around_it() -> None:
    masks = torch.zeros(1, 255, 255)
    masks[0, 127, 127] = 1
    cut = mask_windows(masks, 25)
    assert cut.shape == (1, 25, 25, 127, 127)
    assert cut[0, 12, 12, 63, 63] == 1
    assert cut[0, 12, 13, 63, 55] == 1
    assert mask_windows(torch.zeros(1, 143, 143), 3).shape == (1, 3, 3, 127, 127)


def test_only_the_parts_of_a_stage_learn_and_have_their_statistics_learned() -> None:
    network = SiamMaskNetwork()
    for recipe, kept in (
        (BASE, "features.features.layer3"),
        (BASE_TRUNK, "features.features.layer1"),
        (REFINE, "rpn_model"),
    ):
        groups = recipe.parameter_groups(network)
        learning = {id(p) for group in groups for p in group.parameters}
        assert {id(p) for p in network.parameters() if p.requires_grad} == learning
        recipe.training_mode(network)
        part = network.get_submodule(kept)
        assert not any(p.requires_grad for p in part.parameters())
        assert not any(module.training for module in part.modules())
        assert network.mask_model.training
    [trunk, *_] = BASE_TRUNK.parameter_groups(network)
    assert trunk.learning_rate == pytest.approx(0.0005)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small tree of YouTube-VOS."""
    root = tmp_path_factory.mktemp("ytvos")
    images, labels = (root / "train" / name / "0a1b" for name in ("JPEGImages", "Annotations"))
    names = [f"{n:05d}" for n in range(4)]
    for folder in (images, labels):
        folder.mkdir(parents=True)
    for number, name in enumerate(names):
        frame = np.random.default_rng(number).integers(0, 256, (48, 64, 3), dtype=np.uint8)
        Image.fromarray(frame).save(images / f"{name}.jpg")
        drawn = np.zeros((48, 64), np.uint8)
        drawn[10:30, 10 + number : 40 + number] = 1
        picture = Image.fromarray(drawn)
        picture.putpalette([0, 0, 0, 128, 0, 0] + [0] * 762)
        picture.save(labels / f"{name}.png")
    meta = {"videos": {"0a1b": {"objects": {"1": {"category": "dog", "frames": names}}}}}
    (root / "train" / "meta.json").write_text(json.dumps(meta))
    return root


def test_the_stages_train_one_after_the_other(root: Path, tmp_path: Path) -> None:
    small = (
        *("epochs=1", "steps_per_epoch=1", "workers=0", "batch_size=2", "pairs.negative=0"),
        'data=[{dataset="ytvos18"}]',
    )
    before: Path | None = None
    for name, variant in (("base", "base"), ("base-trunk", "base"), ("refine", "sharp")):
        start = (f'weights={{network="{before}"}}',) if before else ()
        result = train(
            "siammask",
            name,
            out=tmp_path / name,
            root={"ytvos18": root},
            settings=(*small, *start, "learning_rates={heads=1e-9, trunk=1e-9}"),
            device="cpu",
        )
        assert result.record.step == 1
        assert "ssumed" in result.record.note
        assert result.weights is not None
        assert load_network(result.weights).variant == variant
        before = result.weights
