"""Draws the frames and label maps of a scene in integers, so that every machine draws the same."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .fixed import TICKS, TURN, Integers, RandomIntegers, curve_q8, sine_q16, turn_q16
from .scene import Layer, Light, Scene, Wave
from .sprites import Packed, Sprite, unpack

HEIGHT, WIDTH = 240, 416

_LANES, _HALVES = np.uint64(0x00FF00FF00FF00FF), np.uint64(0x0080008000800080)

_SHADOW_LEVELS = 3
"""How much coarser a level of the pyramid a shadow is taken from, which makes it soft."""


class RenderedFrame(NamedTuple):
    """One frame and its truth: H x W x 3 and H x W."""

    image: NDArray[np.uint8]
    labels: NDArray[np.uint8]


class _Place(NamedTuple):
    """Where a sprite is on the screen: Q8 pixels, angle in 1/4096 turn, width in Q8 percent."""

    x: int
    y: int
    size: int
    angle: int
    width: int


class _Region(NamedTuple):
    """A rectangle of the screen, half-open."""

    top: int
    bottom: int
    left: int
    right: int


def render(scene: Scene) -> Iterator[RenderedFrame]:
    """Yield the frames of a scene in order."""
    random = RandomIntegers(scene.seed)
    for frame in range(scene.frames):
        canvas = np.zeros((HEIGHT, WIDTH, 3), np.int32)
        labels = np.zeros((HEIGHT, WIDTH), np.uint8)
        for layer in scene.layers:
            if frame >= layer.starts:
                _draw(layer, frame, canvas, labels)
        _light(scene.light, frame, canvas)
        canvas += _noise(random)
        yield RenderedFrame(np.clip(canvas, 0, 255).astype(np.uint8), labels)


def _draw(layer: Layer, frame: int, canvas: NDArray[np.int32], labels: NDArray[np.uint8]) -> None:
    times = [frame * TICKS + k * TICKS // (2 * layer.exposures) for k in range(layer.exposures)]
    places = [_place(layer, time) for time in times]
    if layer.shadow and not layer.sprite.tiled:
        _shade(layer, places[0], times[0], canvas)
    region = _region(layer.sprite, places)
    if region is None:
        return
    moments = [_pixels(layer, place, time, region) for place, time in zip(places, times, strict=True)]
    pixels: NDArray[np.int32] = np.add.reduce(moments) // len(times)
    colours, alpha = pixels[..., :3] * layer.gain // 100, pixels[..., 3]
    if layer.sprite.tiled:
        canvas[:] = colours
        return
    view = canvas[region.top : region.bottom, region.left : region.right]
    view[:] = colours + (view * (255 - alpha)[..., None] + 127) // 255
    labels[region.top : region.bottom, region.left : region.right][alpha >= 128] = layer.object_id


def _shade(layer: Layer, place: _Place, time: int, canvas: NDArray[np.int32]) -> None:
    fallen = place._replace(x=place.x + place.size // 24, y=place.y + place.size // 14)
    region = _region(layer.sprite, [fallen])
    if region is None:
        return
    alpha = _pixels(layer, fallen, time, region, coarser=_SHADOW_LEVELS)[..., 3]
    view = canvas[region.top : region.bottom, region.left : region.right]
    view[:] = view * (25500 - alpha * layer.shadow)[..., None] // 25500


def _place(layer: Layer, time: int) -> _Place:
    x, y, size, degrees, width = curve_q8(layer.track, time)
    return _Place(x, y, max(size, 1), degrees * TURN // (360 << 8), width or 1)


def _region(sprite: Sprite, places: list[_Place]) -> _Region | None:
    """Return the part of the screen that a sprite may touch, or None when it is outside."""
    if sprite.tiled:
        return _Region(0, HEIGHT, 0, WIDTH)
    reach = [((place.size * 7) >> 11) + 8 for place in places]  # the half diagonal, with room for waves
    top = min((place.y >> 8) - r for place, r in zip(places, reach, strict=True))
    bottom = max((place.y >> 8) + r for place, r in zip(places, reach, strict=True))
    left = min((place.x >> 8) - r for place, r in zip(places, reach, strict=True))
    right = max((place.x >> 8) + r for place, r in zip(places, reach, strict=True))
    region = _Region(max(0, top), min(HEIGHT, bottom), max(0, left), min(WIDTH, right))
    return region if region.top < region.bottom and region.left < region.right else None


def _pixels(layer: Layer, place: _Place, time: int, region: _Region, coarser: int = 0) -> NDArray[np.int32]:
    """Return a region's premultiplied colours and alpha of a layer, H x W x 4."""
    sprite = layer.sprite
    step = (sprite.extent << 24) // place.size  # Q16 pixels of the sprite a pixel of the screen
    u, v = _sprite_coordinates(sprite, place, region, step)
    u, v = _bent(u, v, layer.waves, sprite.extent, time)
    level = coarser
    while step > 3 << 15:
        step >>= 1
        level += 1
    return _sampled(sprite, min(level, len(sprite.levels) - 1), u, v)


def _sprite_coordinates(sprite: Sprite, place: _Place, region: _Region, step: int) -> tuple[Integers, Integers]:
    """Return where in the sprite each pixel of a region lies, in Q16 pixels of level 0 from its top left corner."""
    cosine, sine = turn_q16(place.angle)
    x = ((np.arange(region.left, region.right, dtype=np.int64) << 8) + 128 - place.x)[None, :]
    y = ((np.arange(region.top, region.bottom, dtype=np.int64) << 8) + 128 - place.y)[:, None]
    along, down = (cosine * x + sine * y) >> 16, (cosine * y - sine * x) >> 16
    height, width = sprite.levels[0].shape
    if not sprite.tiled:
        height, width = height - 2, width - 2
    across = step * 25600 // place.width
    return ((along * across) >> 8) + (width << 15), ((down * step) >> 8) + (height << 15)


def _bent(u: Integers, v: Integers, waves: tuple[Wave, ...], extent: int, time: int) -> tuple[Integers, Integers]:
    bent_u, bent_v = u, v
    for wave in waves:
        cycles = (u * wave.along_x + v * wave.along_y) // extent  # Q16 hundredths of a cycle
        moment = (wave.speed * time * (1 << 16)) // TICKS + (wave.offset << 16)
        angle = ((cycles + moment) * TURN // 100) >> 16
        shift = sine_q16(angle) * (wave.amplitude * extent) // 1000
        if wave.grows_to != wave.grows_from:
            down = (v * 1000 // extent) - (wave.grows_from << 16)
            shift = shift * np.clip(down // (wave.grows_to - wave.grows_from), 0, 1 << 16) >> 16
        bent_u, bent_v = (bent_u + shift, bent_v) if wave.sideways else (bent_u, bent_v + shift)
    return bent_u, bent_v


def _sampled(sprite: Sprite, level: int, u: Integers, v: Integers) -> NDArray[np.int32]:
    """Return bilinear samples of one level; u and v are Q16 pixels of level 0 from the top left corner."""
    picture = sprite.levels[level]
    height, width = picture.shape
    u, v = (u >> level) - (1 << 15), (v >> level) - (1 << 15)
    column, row = u >> 16, v >> 16
    across, down = (u >> 8 & 255).astype(np.uint64), (v >> 8 & 255).astype(np.uint64)
    inside = _mirrored if sprite.tiled else _framed
    left, right = inside(column, width), inside(column + 1, width)
    upper, lower = inside(row, height) * width, inside(row + 1, height) * width
    flat = picture.ravel()
    above = _mixed(flat.take(upper + left), flat.take(upper + right), across)
    below = _mixed(flat.take(lower + left), flat.take(lower + right), across)
    return unpack(_mixed(above, below, down))


def _mixed(first: Packed, second: Packed, share: Packed) -> Packed:
    """Return first * (256 - share) / 256 + second * share / 256 in each of the four lanes, rounded."""
    mixed: Packed = (first * (np.uint64(256) - share) + second * share + _HALVES) >> np.uint64(8) & _LANES
    return mixed


def _mirrored(index: Integers, size: int) -> Integers:
    index = index % (2 * size)
    return np.minimum(index, 2 * size - 1 - index)


def _framed(index: Integers, size: int) -> Integers:
    return np.clip(index + 1, 0, size - 1)


def _light(light: Light, frame: int, canvas: NDArray[np.int32]) -> None:
    colour = np.array(curve_q8(light.keys, frame * TICKS), dtype=np.int64)
    gain = np.broadcast_to(colour, (1, WIDTH, 3))
    if light.band:
        phase = np.arange(WIDTH) * TURN // WIDTH - light.band_speed * frame * TURN // 100
        dark = (sine_q16(phase) + (1 << 16)) * light.band // 200  # Q16, up to band / 100
        gain = gain * ((1 << 16) - dark)[None, :, None] >> 16
    canvas[:] = canvas * gain // 25600


def _noise(random: RandomIntegers) -> NDArray[np.int32]:
    """Return a camera's noise, from -1 to 1."""
    bits = random.bytes(HEIGHT * WIDTH * 3).reshape(HEIGHT, WIDTH, 3).astype(np.int32)
    return (bits & 1) - (bits >> 1 & 1)
