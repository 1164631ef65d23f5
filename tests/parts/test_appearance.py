import numpy as np
import pytest

from vos_bench.api import Image
from vos_bench.parts.appearance import Appearance, AppearanceConfig, Palette, region_of

SIZE = (40, 60)
RED, GREEN, BLUE = (200, 30, 30), (30, 180, 40), (30, 40, 200)


def picture(left: tuple[int, int, int], right: tuple[int, int, int]) -> Image:
    image = np.empty((*SIZE, 3), np.uint8)
    image[:, :30], image[:, 30:] = left, right
    return image


def learned(image: Image, plane: np.ndarray, **settings: float) -> tuple[Palette, Appearance]:
    config = AppearanceConfig(colours=8, **settings)
    palette = Palette(image, config.colours, similarity=config.similarity, seed=0)
    appearance = Appearance(SIZE, config, palette=palette)
    appearance.learn(palette.index(image), plane)
    return palette, appearance


def left_half() -> np.ndarray:
    plane = np.zeros(SIZE, np.float32)
    plane[:, :30] = 1
    return plane


def everywhere() -> tuple[slice, slice]:
    return slice(0, SIZE[0]), slice(0, SIZE[1])


def test_a_palette_puts_like_colours_together_and_unlike_ones_apart() -> None:
    palette = Palette(picture(RED, GREEN), 2, similarity=2.0, seed=0)
    indices = palette.index(picture(RED, GREEN))
    assert len(np.unique(indices[:, :30])) == len(np.unique(indices[:, 30:])) == 1
    assert indices[0, 0] != indices[0, -1]


def test_a_palette_names_a_colour_it_has_not_seen_after_the_nearest_one() -> None:
    palette = Palette(picture(RED, GREEN), 2, similarity=2.0, seed=0)
    reddish = np.full((1, 1, 3), (180, 50, 40), np.uint8)
    assert palette.index(reddish)[0, 0] == palette.index(picture(RED, GREEN))[0, 0]


def test_a_palette_is_the_same_for_the_same_seed() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    one, two = (Palette(noise, 16, similarity=3.0, seed=5).index(noise) for _ in range(2))
    np.testing.assert_array_equal(one, two)


def test_an_image_smaller_than_the_palette_gives_a_smaller_palette() -> None:
    assert len(Palette(np.zeros((2, 2, 3), np.uint8), 16, similarity=3.0, seed=0)) == 4


def test_spreading_keeps_the_sum_and_leaves_most_to_the_colour_itself() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    spread = Palette(noise, 16, similarity=10.0, seed=5).spread(np.eye(16, dtype=np.float32))
    np.testing.assert_allclose(spread.sum(axis=1), 1, rtol=1e-5)
    assert (spread.argmax(axis=1) == np.arange(16)).all()
    assert (spread > 0).sum() > 16


def test_colours_speak_for_the_object_wherever_they_are() -> None:
    palette, appearance = learned(picture(RED, GREEN), left_half())
    evidence = appearance.anywhere(palette.index(picture(GREEN, RED)))
    assert (evidence[:, :30] < -1).all()
    assert (evidence[:, 30:] > 1).all()


def test_colours_at_a_place_tell_two_red_things_apart() -> None:
    image = picture(RED, RED)
    palette, appearance = learned(image, left_half())
    evidence = appearance.in_place(palette.index(image), everywhere())
    assert (evidence[:, :16] > 1).all()
    assert (evidence[:, -12:] < -1).all()


@pytest.mark.parametrize("limit", [0.5, 2.0])
def test_no_evidence_exceeds_the_limit(limit: float) -> None:
    palette, appearance = learned(picture(RED, GREEN), left_half(), limit=limit)
    indices = palette.index(picture(RED, GREEN))
    for evidence in (appearance.anywhere(indices), appearance.in_place(indices, everywhere())):
        assert evidence.dtype == np.float32
        assert np.abs(evidence).max() == pytest.approx(limit)


def test_a_frame_without_the_object_teaches_nothing() -> None:
    palette, appearance = learned(picture(RED, GREEN), left_half())
    indices = palette.index(picture(RED, GREEN))
    before = appearance.anywhere(indices), appearance.in_place(indices, everywhere())
    appearance.learn(palette.index(picture(BLUE, BLUE)), np.zeros(SIZE, np.float32))
    np.testing.assert_array_equal(before[0], appearance.anywhere(indices))
    np.testing.assert_array_equal(before[1], appearance.in_place(indices, everywhere()))


def test_a_rate_of_zero_keeps_the_first_frame_and_one_forgets_it() -> None:
    image, swapped = picture(RED, GREEN), picture(GREEN, RED)
    for rate, sign in ((0.0, 1), (1.0, -1)):
        palette, appearance = learned(image, left_half(), rate=rate, first_share=0.0)
        appearance.learn(palette.index(swapped), left_half())
        assert np.sign(appearance.anywhere(palette.index(image))[0, 0]) == sign


def test_a_region_surrounds_what_is_found_and_ends_at_the_frame() -> None:
    plane = np.zeros((40, 60), np.float32)
    plane[10:20, 50:58] = 0.9
    assert region_of(plane, margin=0.5, least=1) == (slice(4, 26), slice(45, 60))
    assert region_of(plane * 0.5, margin=0.5) is None
