"""The things that move: outlines traced in photographs, and shapes that are grown from random numbers."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from . import outlines
from .fixed import TURN, RandomIntegers, sine_q16
from .photographs import CLAY, GRANITE, STEEL, photograph, tinted
from .sprites import Point, Sprite, cut_out, masked, shaded, silhouette, strokes


@cache
def person() -> Sprite:
    """An astronaut in an orange suit."""
    return cut_out(photograph("astronaut"), [outlines.PERSON])


@cache
def shuttle() -> Sprite:
    """A space shuttle with its tank."""
    return cut_out(photograph("astronaut"), [outlines.SHUTTLE])


@cache
def patch() -> Sprite:
    """A round embroidered patch."""
    return cut_out(photograph("astronaut"), [outlines.PATCH])


@cache
def helmet() -> Sprite:
    """A black helmet."""
    return cut_out(photograph("astronaut"), [outlines.HELMET])


@cache
def flag() -> Sprite:
    """A striped flag that hangs down."""
    return cut_out(photograph("astronaut"), [outlines.FLAG])


@cache
def cat() -> Sprite:
    """A tabby cat's face."""
    return cut_out(photograph("chelsea"), [outlines.CAT])


@cache
def cup() -> Sprite:
    """A cup of coffee on its saucer."""
    return cut_out(photograph("coffee"), [outlines.CUP])


@cache
def cameraman() -> Sprite:
    """A man in a dark coat."""
    return cut_out(photograph("camera"), [outlines.CAMERAMAN])


@cache
def tripod() -> Sprite:
    """A camera on a tripod with thin legs."""
    return cut_out(tinted(photograph("camera"), STEEL), outlines.TRIPOD)


@cache
def horse(kind: str = "tabby") -> Sprite:
    """A horse; its coat is `tabby` or `grey`."""
    inside = photograph("horse")[..., 3] >= 128
    inside &= photograph("horse")[..., 0] < 128
    height, width = inside.shape
    if kind == "tabby":
        coat = _covered(photograph("chelsea")[0:84, 60:330], height, width)
    else:
        coat = tinted(_covered(photograph("gravel")[:, :, :3], height, width), GRANITE)
    fine = inside.repeat(4, axis=0).repeat(4, axis=1)
    return masked(shaded(coat, fine, depth=7), fine)


def _covered(pixels: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Tile a picture, mirrored, over a larger one."""
    return np.pad(
        pixels,
        ((0, max(0, height - pixels.shape[0])), (0, max(0, width - pixels.shape[1])), (0, 0)),
        mode="symmetric",
    )[:height, :width]


def pebble(pixels: NDArray[np.uint8], random: RandomIntegers) -> Sprite:
    """A round thing of any texture with an uneven outline."""
    size, corners = 200, 64
    angle = np.arange(corners, dtype=np.int64) * TURN // corners
    radius = np.full(corners, 70 << 16, dtype=np.int64)
    for cycles in range(2, 7):
        bump = random.between(0, 24 // (cycles - 1))
        radius += bump * sine_q16(angle * cycles + random.between(0, TURN))
    x = (radius * sine_q16(angle + TURN // 4)) >> 32
    y = (radius * sine_q16(angle) * random.between(60, 100) // 100) >> 32
    outline: list[Point] = [(100 + int(a), 100 + int(b)) for a, b in zip(x, y, strict=True)]
    inside = silhouette([outline], size, size)
    top, left = random.between(0, pixels.shape[0] - size), random.between(0, pixels.shape[1] - size)
    return masked(shaded(pixels[top : top + size, left : left + size], inside, depth=12), inside)


def twig(pixels: NDArray[np.uint8], random: RandomIntegers, twigs: int = 7) -> Sprite:
    """A branch with thin twigs."""
    size = 240
    trunk = [(20 + 40 * k, 120 + random.between(-14, 14)) for k in range(6)]
    pieces = strokes(trunk, [28 - 4 * k for k in range(6)])
    for k in range(twigs):
        x, y = trunk[1 + k % 4]
        side = 1 if k % 2 else -1
        line = [(x, y)]
        for _ in range(3):
            line.append((line[-1][0] + random.between(4, 26), line[-1][1] + side * random.between(14, 32)))
        pieces += strokes(line, [12, 10, 8, 6])
    inside = silhouette(pieces, size, size, unit=4)
    return masked(shaded(_covered(pixels, size, size), inside, depth=4), inside)


@cache
def pillar() -> Sprite:
    """A crooked pillar of bricks."""
    bricks, random = tinted(photograph("brick"), CLAY)[:480, 60:260], RandomIntegers(11)
    left = [(20 + random.between(-6, 6), y) for y in range(0, 481, 32)]
    right = [(180 + random.between(-6, 6), y) for y in range(480, -1, -32)]
    inside = silhouette([left + right], 480, 200)
    return masked(shaded(bricks, inside, depth=14), inside)
