import hashlib
import math
import re

import numpy as np
import pytest

from vos_bench.datasets.synthesis.fixed import TICKS, TURN, RandomIntegers, curve_q8, sine_q16
from vos_bench.datasets.synthesis.photographs import FOLDER, tinted
from vos_bench.datasets.synthesis.renderer import HEIGHT, WIDTH, render
from vos_bench.datasets.synthesis.scene import Key, Layer, Scene
from vos_bench.datasets.synthesis.scenes import validation_scenes
from vos_bench.datasets.synthesis.sprites import backdrop, cut_out, masked, pack, silhouette, unpack
from vos_bench.datasets.synthesis.training_scenes import training_scenes


def test_sines_are_right_to_the_last_place():
    angles = np.arange(-2 * TURN, 2 * TURN)
    expected = [round(math.sin(2 * math.pi * angle / TURN) * 65536) for angle in angles.tolist()]
    np.testing.assert_array_equal(sine_q16(angles), expected)


def test_a_curve_goes_through_its_keys_and_holds_at_its_ends():
    keys = ((2, 10, -5), (6, 30, 7), (9, 0, 0))
    for frame, *values in keys:
        assert curve_q8(keys, frame * TICKS) == tuple(value * 256 for value in values)
    assert curve_q8(keys, 0) == (2560, -1280)
    assert curve_q8(keys, 999) == (0, 0)


def test_dice_fall_the_same_everywhere():
    random = RandomIntegers(7, 1)
    assert [random.between(1, 6) for _ in range(12)] == [6, 3, 4, 5, 3, 1, 1, 3, 2, 4, 3, 2]
    assert random.bytes(5).tolist() == [227, 5, 99, 77, 241]


def test_packed_pixels_come_back_whole():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 4)).astype(np.int32)
    np.testing.assert_array_equal(unpack(pack(pixels)), pixels)


def test_a_silhouette_covers_the_area_of_its_outline():
    square = [(x, 10) for x in range(10, 50, 5)] + [(50, y) for y in range(10, 50, 5)]
    square += [(x, 50) for x in range(50, 10, -5)] + [(10, y) for y in range(50, 10, -5)]
    area = silhouette([square], 60, 60).sum() / 16
    assert area == pytest.approx(1600, rel=0.01)


def test_a_sprite_at_its_own_size_is_drawn_where_its_track_says():
    red = np.full((40, 60, 3), (200, 30, 30), np.uint8)
    box = masked(red, np.ones((160, 240), np.bool_))
    grey = backdrop(np.full((64, 64, 3), 90, np.uint8))
    scene = Scene("box", 1, (Layer(grey, (Key(0, 208, 120, 64),)), Layer(box, (Key(0, 100, 80, 60),), 3, shadow=0)))
    (drawn,) = render(scene)
    rows, columns = np.nonzero(drawn.labels == 3)
    assert (rows.min(), rows.max() + 1, columns.min(), columns.max() + 1) == (60, 100, 70, 130)
    assert abs(drawn.image[80, 100].astype(int) - (200, 30, 30)).max() <= 1
    assert abs(drawn.image[10, 10].astype(int) - 90).max() <= 1


def test_what_is_in_front_hides_what_is_behind():
    red = np.full((40, 40, 3), 200, np.uint8)
    box = cut_out(red, [[(0, 0), (40, 0), (40, 40), (0, 40)]])
    layers = (
        Layer(backdrop(red), (Key(0, 208, 120, 64),)),
        Layer(box, (Key(0, 100, 100, 40),), 1),
        Layer(box, (Key(0, 100, 100, 60),)),
    )
    (drawn,) = render(Scene("hidden", 1, layers))
    assert not drawn.labels.any()


def test_a_tint_maps_black_and_white_to_its_ends():
    grey = np.array([[[0] * 3, [255] * 3]], np.uint8)
    np.testing.assert_array_equal(tinted(grey, ((1, 2, 3), (40, 50, 60), (7, 8, 9))), [[[1, 2, 3], [7, 8, 9]]])


def test_the_readme_of_the_photographs_states_the_hash_and_the_licence_of_each():
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    rows = [[cell.strip(" `") for cell in line.split("|")[1:-1]] for line in text.splitlines() if ".png`" in line]
    files = sorted(FOLDER.glob("*.png"))
    assert {row[0]: row[-1] for row in rows} == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }
    assert {row[3] for row in rows} == {"public domain", "CC0 1.0"}


def test_the_demo_uses_every_photograph_that_ships():
    code = "".join(path.read_text(encoding="utf-8") for path in FOLDER.parent.glob("*.py"))
    assert set(re.findall(r'photograph\("(\w+)"\)', code)) == {path.stem for path in FOLDER.glob("*.png")}


def test_every_validation_scene_has_its_own_difficulty_and_seed():
    scenes = validation_scenes()
    assert 8 <= len(scenes) <= 12
    assert [scene.name for scene in scenes] == sorted({scene.name for scene in scenes})
    assert len({scene.seed for scene in scenes}) == len(scenes)
    assert all(25 <= scene.frames <= 40 for scene in scenes)
    assert all(1 <= len({layer.object_id for layer in scene.layers} - {0}) <= 4 for scene in scenes)


def test_training_scenes_are_a_series_that_can_be_continued():
    assert [scene.name for scene in training_scenes(3)] == ["train-00", "train-01", "train-02"]
    short, long = training_scenes(1)[0], training_scenes(2)[0]
    assert [layer.track for layer in short.layers] == [layer.track for layer in long.layers]


def test_a_scene_is_drawn_the_same_each_time():
    scene = validation_scenes()[-1]
    first, again = next(render(scene)), next(render(scene))
    np.testing.assert_array_equal(first.image, again.image)
    assert first.image.shape == (HEIGHT, WIDTH, 3)
