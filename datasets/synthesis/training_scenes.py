"""The demo's training sequences, drawn by lot; of the outlines in val they have the horse's alone."""

from collections.abc import Callable

from . import actors, backdrops
from .fixed import RandomIntegers
from .photographs import CLAY, FUR, LICHEN, SAND, SLATE, STEEL, STRAW, Tint, photograph, tinted
from .scene import Key, Layer, Light, Scene, Wave
from .sprites import Sprite

_TINTS: tuple[Tint, ...] = (CLAY, LICHEN, SAND, SLATE, STRAW, FUR, STEEL)
_TEXTURES = ("brick", "grass", "gravel")


def training_scenes(count: int = 12) -> tuple[Scene, ...]:
    """Return `count` scenes drawn by lot; the first n are the same for every count from n on."""
    return tuple(_scene(number) for number in range(count))


def _scene(number: int) -> Scene:
    random = RandomIntegers(number, 1)
    frames = random.between(25, 32)
    objects = random.between(1, 3)
    layers = [Layer(_backdrop(random), _pan(random, frames))]
    layers += [_moving(_actor(random), random, frames, object_id) for object_id in range(1, objects + 1)]
    if random.between(0, 2) == 0:  # something passes in front
        layers.append(_moving(_pebble(random), random, frames, 0))
    light = Light() if random.between(0, 2) else _lamp(random, frames)
    return Scene(f"train-{number:02d}", frames, tuple(layers), light, seed=1000 + number)


def _texture(random: RandomIntegers) -> Sprite:
    name, tint = _TEXTURES[random.between(0, 2)], _TINTS[random.between(0, len(_TINTS) - 1)]
    return backdrops.ground(name, tint)


def _backdrop(random: RandomIntegers) -> Sprite:
    if random.between(0, 3) == 0:
        return backdrops.scenery(("astronaut", "chelsea")[random.between(0, 1)])
    return _texture(random)


def _pebble(random: RandomIntegers) -> Sprite:
    name, tint = _TEXTURES[random.between(0, 2)], _TINTS[random.between(0, len(_TINTS) - 1)]
    return actors.pebble(tinted(photograph(name), tint), random)


def _twig(random: RandomIntegers) -> Sprite:
    return actors.twig(tinted(photograph("grass"), _TINTS[random.between(0, len(_TINTS) - 1)]), random)


def _actor(random: RandomIntegers) -> Sprite:
    whole: tuple[Callable[[], Sprite], ...] = (
        actors.helmet, actors.flag, actors.cameraman, lambda: actors.horse("grey"),
        lambda: _pebble(random), lambda: _pebble(random), lambda: _twig(random),
    )  # fmt: skip
    return whole[random.between(0, len(whole) - 1)]()


def _pan(random: RandomIntegers, frames: int) -> tuple[Key, ...]:
    def key(frame: int) -> Key:
        return Key(frame, random.between(160, 256), random.between(80, 160), 600, random.between(-4, 4), 100)

    return key(0), key(frames - 1)


def _moving(sprite: Sprite, random: RandomIntegers, frames: int, object_id: int) -> Layer:
    """Let a sprite wander through a few places, turning, growing and bending at random."""
    size, turn = random.between(70, 170), random.between(-30, 30)
    stops = random.between(3, 5)
    track: list[Key] = []
    for stop in range(stops):
        # The first stop lies well inside the screen, so that there is something to start from.
        margin = 60 if stop == 0 else 0
        x, y = random.between(margin, 416 - margin), random.between(margin, 240 - margin)
        track.append(Key(stop * (frames - 1) // (stops - 1), x, y, size, turn, random.between(80, 100)))
        size, turn = size * random.between(80, 125) // 100, turn + random.between(-40, 40)
    waves = tuple(
        Wave(
            sideways=bool(k), amplitude=random.between(5, 30),
            along_x=random.between(0, 150), along_y=random.between(0, 150),
            speed=random.between(3, 9), offset=random.between(0, 99),
        )
        for k in range(2)
    )  # fmt: skip
    return Layer(sprite, tuple(track), object_id, waves=waves, exposures=1 + 3 * random.between(0, 1))


def _lamp(random: RandomIntegers, frames: int) -> Light:
    keys: list[tuple[int, int, int, int]] = []
    for frame in range(0, frames, 8):
        level = random.between(55, 108)
        red, green, blue = (level + random.between(-12, 12) for _ in range(3))
        keys.append((frame, red, green, blue))
    return Light(tuple(keys), band=random.between(0, 45), band_speed=random.between(100, 300))
