"""The demo's training sequences: drawn by lot, from other silhouettes and backdrops than the validation sequences."""

from collections.abc import Callable

from . import actors, backdrops
from .fixed import Dice
from .photographs import CLAY, FUR, LICHEN, SAND, SLATE, STEEL, STRAW, Tint, photograph, tinted
from .scene import Key, Layer, Light, Scene, Wave
from .sprites import Sprite

_TINTS: tuple[Tint, ...] = (CLAY, LICHEN, SAND, SLATE, STRAW, FUR, STEEL)
_TEXTURES = ("brick", "grass", "gravel")


def training_scenes(count: int = 12) -> tuple[Scene, ...]:
    """Return `count` scenes drawn by lot; the first n are the same for every count from n on."""
    return tuple(_scene(number) for number in range(count))


def _scene(number: int) -> Scene:
    dice = Dice(number, 1)
    frames = dice.between(25, 32)
    objects = dice.between(1, 3)
    layers = [Layer(_backdrop(dice), _pan(dice, frames))]
    layers += [_moving(_actor(dice), dice, frames, object_id) for object_id in range(1, objects + 1)]
    if dice.between(0, 2) == 0:  # something passes in front
        layers.append(_moving(_pebble(dice), dice, frames, 0))
    light = Light() if dice.between(0, 2) else _lamp(dice, frames)
    return Scene(f"train-{number:02d}", frames, tuple(layers), light, seed=1000 + number)


def _texture(dice: Dice) -> Sprite:
    name, tint = _TEXTURES[dice.between(0, 2)], _TINTS[dice.between(0, len(_TINTS) - 1)]
    return backdrops.ground(name, tint)


def _backdrop(dice: Dice) -> Sprite:
    if dice.between(0, 3) == 0:
        return backdrops.scenery(("astronaut", "chelsea")[dice.between(0, 1)])
    return _texture(dice)


def _pebble(dice: Dice) -> Sprite:
    name, tint = _TEXTURES[dice.between(0, 2)], _TINTS[dice.between(0, len(_TINTS) - 1)]
    return actors.pebble(tinted(photograph(name), tint), dice)


def _twig(dice: Dice) -> Sprite:
    return actors.twig(tinted(photograph("grass"), _TINTS[dice.between(0, len(_TINTS) - 1)]), dice)


def _actor(dice: Dice) -> Sprite:
    whole: tuple[Callable[[], Sprite], ...] = (
        actors.helmet, actors.flag, actors.cameraman, lambda: actors.horse("grey"),
        lambda: _pebble(dice), lambda: _pebble(dice), lambda: _twig(dice),
    )  # fmt: skip
    return whole[dice.between(0, len(whole) - 1)]()


def _pan(dice: Dice, frames: int) -> tuple[Key, ...]:
    def key(frame: int) -> Key:
        return Key(frame, dice.between(160, 256), dice.between(80, 160), 600, dice.between(-4, 4), 100)

    return key(0), key(frames - 1)


def _moving(sprite: Sprite, dice: Dice, frames: int, object_id: int) -> Layer:
    """Let a sprite wander through a few places, turning, growing and bending as the dice say."""
    size, turn = dice.between(70, 170), dice.between(-30, 30)
    stops = dice.between(3, 5)
    track: list[Key] = []
    for stop in range(stops):
        # The first stop lies well inside the screen, so that there is something to start from.
        margin = 60 if stop == 0 else 0
        x, y = dice.between(margin, 416 - margin), dice.between(margin, 240 - margin)
        track.append(Key(stop * (frames - 1) // (stops - 1), x, y, size, turn, dice.between(80, 100)))
        size, turn = size * dice.between(80, 125) // 100, turn + dice.between(-40, 40)
    waves = tuple(
        Wave(
            sideways=bool(k), amplitude=dice.between(5, 30), along_x=dice.between(0, 150), along_y=dice.between(0, 150),
            speed=dice.between(3, 9), offset=dice.between(0, 99),
        )
        for k in range(2)
    )  # fmt: skip
    return Layer(sprite, tuple(track), object_id, waves=waves, exposures=1 + 3 * dice.between(0, 1))


def _lamp(dice: Dice, frames: int) -> Light:
    keys: list[tuple[int, int, int, int]] = []
    for frame in range(0, frames, 8):
        level = dice.between(55, 108)
        red, green, blue = (level + dice.between(-12, 12) for _ in range(3))
        keys.append((frame, red, green, blue))
    return Light(tuple(keys), band=dice.between(0, 45), band_speed=dice.between(100, 300))
