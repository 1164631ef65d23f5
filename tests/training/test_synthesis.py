import numpy as np
import pytest

from vos_bench.training.sampling import MiniSequence
from vos_bench.training.synthesis import SynthesisSettings, synthesise

NOTHING = SynthesisSettings(still=0, paste=0, colour=0, drift=0, blur=0)


def given(seed: int = 0, frames: int = 3) -> MiniSequence:
    rng = np.random.default_rng(seed)
    images = [rng.integers(0, 256, (60, 80, 3), dtype=np.uint8) for _ in range(frames)]
    masks = [np.zeros((60, 80), bool) for _ in range(frames)]
    for number, mask in enumerate(masks):
        mask[20:40, 10 + number : 40 + number] = True
    return MiniSequence(images, masks)


def donor(_rng: np.random.Generator) -> MiniSequence:
    return given(1)


def made(settings: SynthesisSettings, seed: int = 0) -> MiniSequence:
    return synthesise(given(), donor, settings, np.random.default_rng(seed))


def test_with_nothing_asked_nothing_changes():
    before, after = given(), made(NOTHING)
    assert all(np.array_equal(a, b) for a, b in zip(before.images, after.images, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(before.masks, after.masks, strict=True))


def test_still_repeats_the_first_frame():
    images, masks, _ = made(NOTHING.model_copy(update={"still": 1.0}))
    assert all(np.array_equal(image, images[0]) for image in images)
    assert all(np.array_equal(mask, masks[0]) for mask in masks)


def changed(after: MiniSequence) -> list[np.ndarray]:
    return [(a != b).any(axis=2) for a, b in zip(given().images, after.images, strict=True)]


@pytest.mark.parametrize("seed", range(8))
def test_a_distractor_in_front_hides_the_target_where_it_lies(seed):
    after = made(NOTHING.model_copy(update={"paste": 1.0, "paste_is_target": 0.0, "paste_behind": 0.0}), seed)
    for before, mask, new in zip(given().masks, after.masks, changed(after), strict=True):
        assert not (mask & ~before).any()
        assert new[before & ~mask].mean() > 0.9 if (before & ~mask).any() else True


@pytest.mark.parametrize("seed", range(8))
def test_a_distractor_behind_leaves_the_target_whole(seed):
    after = made(NOTHING.model_copy(update={"paste": 1.0, "paste_is_target": 0.0, "paste_behind": 1.0}), seed)
    for before, mask in zip(given().masks, after.masks, strict=True):
        assert (before & ~mask).mean() < 0.01


def test_a_pasted_target_is_the_object_to_follow():
    after = made(NOTHING.model_copy(update={"paste": 1.0, "paste_is_target": 1.0}), seed=3)
    for mask, new in zip(after.masks, changed(after), strict=True):
        assert mask.any()
        assert new[mask].mean() > 0.9


def test_a_pasted_target_that_hardly_shows_hides_what_it_covers(monkeypatch):
    monkeypatch.setattr("vos_bench.training.synthesis.LEAST_TARGET", 60 * 80)
    after = made(NOTHING.model_copy(update={"paste": 1.0, "paste_is_target": 1.0}), seed=3)
    covered = [before & new for before, new in zip(given().masks, changed(after), strict=True)]
    assert any(region.any() for region in covered)
    for before, mask, region in zip(given().masks, after.masks, covered, strict=True):
        assert not (mask & ~before).any()
        assert (mask & region).sum() <= 0.5 * region.sum()


def test_colours_of_all_frames_change_alike():
    grey = MiniSequence([np.full((8, 8, 3), 100, np.uint8)] * 2, [np.ones((8, 8), bool)] * 2)
    settings = NOTHING.model_copy(update={"colour": 1.0})
    images, _, _ = synthesise(grey, donor, settings, np.random.default_rng(0))
    assert np.array_equal(images[0], images[1])
    assert not np.array_equal(images[0], grey.images[0])


def test_inputs_are_left_as_they_were():
    source = given()
    synthesise(source, donor, SynthesisSettings(paste=1.0, still=0.0), np.random.default_rng(0))
    assert all(np.array_equal(a, b) for a, b in zip(source.images, given().images, strict=True))
