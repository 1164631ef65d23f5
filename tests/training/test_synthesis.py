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
    made_of_one = made(NOTHING.replace(still=1.0))
    assert all(np.array_equal(image, made_of_one.images[0]) for image in made_of_one.images)
    assert all(np.array_equal(mask, made_of_one.masks[0]) for mask in made_of_one.masks)


def changed(after: MiniSequence) -> list[np.ndarray]:
    return [(a != b).any(axis=2) for a, b in zip(given().images, after.images, strict=True)]


@pytest.mark.parametrize("seed", range(8))
def test_a_distractor_in_front_hides_the_target_where_it_lies(seed):
    after = made(NOTHING.replace(paste=1.0, paste_is_target=0.0, paste_behind=0.0), seed)
    for before, mask, new in zip(given().masks, after.masks, changed(after), strict=True):
        assert not (mask & ~before).any()
        assert new[before & ~mask].mean() > 0.9 if (before & ~mask).any() else True


@pytest.mark.parametrize("seed", range(8))
def test_a_distractor_behind_leaves_the_target_whole(seed):
    after = made(NOTHING.replace(paste=1.0, paste_is_target=0.0, paste_behind=1.0), seed)
    for before, mask in zip(given().masks, after.masks, strict=True):
        assert (before & ~mask).mean() < 0.01


def test_a_pasted_target_is_the_object_to_follow():
    after = made(NOTHING.replace(paste=1.0, paste_is_target=1.0), seed=3)
    for mask, new in zip(after.masks, changed(after), strict=True):
        assert mask.any()
        assert new[mask].mean() > 0.9


def test_a_pasted_target_that_hardly_shows_hides_what_it_covers(monkeypatch):
    monkeypatch.setattr("vos_bench.training.synthesis.LEAST_TARGET", 60 * 80)
    after = made(NOTHING.replace(paste=1.0, paste_is_target=1.0), seed=3)
    covered = [before & new for before, new in zip(given().masks, changed(after), strict=True)]
    assert any(region.any() for region in covered)
    for before, mask, region in zip(given().masks, after.masks, covered, strict=True):
        assert not (mask & ~before).any()
        assert (mask & region).sum() <= 0.5 * region.sum()


def test_colours_of_all_frames_change_alike():
    grey = MiniSequence([np.full((8, 8, 3), 100, np.uint8)] * 2, [np.ones((8, 8), bool)] * 2)
    settings = NOTHING.replace(colour=1.0)
    images = synthesise(grey, donor, settings, np.random.default_rng(0)).images
    assert np.array_equal(images[0], images[1])
    assert not np.array_equal(images[0], grey.images[0])


def test_inputs_are_left_as_they_were():
    source = given()
    synthesise(source, donor, SynthesisSettings(paste=1.0, still=0.0), np.random.default_rng(0))
    assert all(np.array_equal(a, b) for a, b in zip(source.images, given().images, strict=True))


def still() -> MiniSequence:
    first = given()
    return MiniSequence([first.images[0]] * 3, [first.masks[0]] * 3)


def test_a_camera_moves_stills_and_leaves_videos_alone():
    settings = NOTHING.replace(camera=1.0)
    moved = synthesise(still(), donor, settings, np.random.default_rng(0))
    assert np.array_equal(moved.images[0], still().images[0])
    assert all((image != moved.images[0]).any() for image in moved.images[1:])
    assert all((mask != moved.masks[0]).any() and mask.any() for mask in moved.masks[1:])
    assert all(np.array_equal(a, b) for a, b in zip(made(settings).images, given().images, strict=True))


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("as_target", [0.0, 1.0])
def test_a_rival_is_the_other_object_and_shares_no_pixel_with_the_target(seed, as_target):
    after = made(NOTHING.replace(paste=1.0, pastes=2, paste_is_target=as_target), seed)
    assert len(after.rivals) == 3
    assert not any((mask & rival).any() for mask, rival in zip(after.masks, after.rivals, strict=True))


def test_without_a_pasted_object_there_is_no_rival():
    assert made(NOTHING).rivals == []


@pytest.mark.parametrize("seed", range(8))
def test_a_look_alike_shows_the_target_again_and_is_not_followed(seed):
    settings = NOTHING.replace(paste=1.0, lookalike=1.0, paste_is_target=1.0)
    flat = MiniSequence([20 + 180 * np.dstack([mask] * 3).astype(np.uint8) for mask in given().masks], given().masks)
    after = synthesise(flat, donor, settings, np.random.default_rng(seed))
    for before, mask in zip(given().masks, after.masks, strict=True):
        assert not (mask & ~before).any()
    assert any((rival & ~before).any() for rival, before in zip(after.rivals, flat.masks, strict=True))


def test_swing_changes_a_pasted_object_from_frame_to_frame():
    alone = NOTHING.replace(paste=1.0, paste_is_target=1.0)
    straight, swung = made(alone, 3), made(alone.replace(swing=1.0), 3)
    assert np.array_equal(straight.masks[0], swung.masks[0])
    assert any((a != b).any() for a, b in zip(straight.masks[1:], swung.masks[1:], strict=True))


def test_a_pasted_object_has_its_size_in_relation_to_its_frame():
    def small(_rng: np.random.Generator) -> MiniSequence:
        return MiniSequence([image[::2, ::2] for image in given(1).images], [mask[::2, ::2] for mask in given(1).masks])

    settings = NOTHING.replace(paste=1.0, paste_is_target=1.0)
    sizes = [
        synthesise(given(), small, settings.replace(paste_scale=scale), np.random.default_rng(3)).masks[0].sum()
        for scale in ("pixels", "frame")
    ]
    assert 3 < sizes[1] / sizes[0] < 5


def test_what_would_hide_the_target_is_not_pasted():
    settings = NOTHING.replace(paste=1.0, paste_is_target=0.0, paste_behind=0.0, pastes=3, least_scale=0.3)
    area = given().masks[0].sum()
    assert any(made(settings, seed).masks[0].sum() < area for seed in range(8))
    assert all(made(settings.replace(least_left=1.0), seed).masks[0].sum() == area for seed in range(8))


def test_the_first_settings_draw_what_they_always_drew():
    """The weights that ship were trained on these draws."""
    after = made(SynthesisSettings(paste=1.0, still=0.5, blur=0.5), 5)
    sums = [int(image.sum()) for image in after.images], [int(mask.sum()) for mask in after.masks]
    assert sums == ([1929258, 1951218, 1944115], [322, 202, 144])
