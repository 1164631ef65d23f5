"""Cut-outs and backdrops as image pyramids, and the drawing of their silhouettes, in integers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .fixed import Integers

Point = tuple[int, int]
Polygon = Sequence[Point]
"""Corners (x, y) in pixels of the photograph; the outline is smoothed."""

Packed = NDArray[np.uint64]
"""H x W; red, green, blue and alpha of a pixel in one number, 16 bits each, so that one product scales all four."""

_FINE = 4
"""Sub-pixels a side in which silhouettes are drawn before they are averaged."""

_LEVELS = 5
"""How many times a picture is halved."""


@dataclass(frozen=True)
class Sprite:
    """A picture with transparency, at every power-of-two scale.

    Attributes:
        levels: Premultiplied colours and alpha, packed as `pack` does; each level halves the last. A sprite that is
            not tiled has a transparent frame of one pixel around each.
        extent: The longer side of its picture in pixels of level 0.
        tiled: Whether it goes on outside its border, mirrored; else it is transparent there.
    """

    levels: tuple[Packed, ...]
    extent: int
    tiled: bool = False


def pack(pixels: NDArray[np.int32]) -> Packed:
    """Pack H x W x 4 values of 0..255."""
    lanes = np.ascontiguousarray(pixels, dtype="<u2").view("<u8")[..., 0]
    return lanes.astype(np.uint64)


def unpack(pixels: Packed) -> NDArray[np.int32]:
    """Return the H x W x 4 values that `pack` packed."""
    return np.ascontiguousarray(pixels, dtype="<u8")[..., None].view("<u2").astype(np.int32)


def cut_out(pixels: NDArray[np.uint8], outlines: Sequence[Polygon]) -> Sprite:
    """Return what lies inside any of `outlines`."""
    return masked(pixels, silhouette(outlines, pixels.shape[0], pixels.shape[1]))


def masked(pixels: NDArray[np.uint8], inside: NDArray[np.bool_]) -> Sprite:
    """Return a sprite from a picture and its silhouette, which has 4 x 4 sub-pixels a pixel."""
    alpha = _soft(inside)
    rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    alpha, colours = alpha[box], pixels[box][..., :3].astype(np.int32)
    premultiplied = np.dstack([(colours * alpha[..., None] + 127) // 255, alpha])
    return Sprite(tuple(np.pad(pack(level), 1) for level in _pyramid(premultiplied)), extent=max(alpha.shape))


def backdrop(pixels: NDArray[np.uint8]) -> Sprite:
    """Return an opaque picture that goes on for ever, mirrored at its borders."""
    opaque = np.dstack([pixels[..., :3], np.full(pixels.shape[:2], 255, np.uint8)]).astype(np.int32)
    height, width = (side >> _LEVELS << _LEVELS for side in opaque.shape[:2])
    return Sprite(tuple(map(pack, _pyramid(opaque[:height, :width]))), extent=max(height, width), tiled=True)


def shaded(pixels: NDArray[np.uint8], inside: NDArray[np.bool_], depth: int) -> NDArray[np.uint8]:
    """Darken a picture, H x W x 3, towards the rim and the foot of its silhouette, which makes it look round.

    `inside` is the silhouette, 4 x 4 sub-pixels a pixel; the dark rim is `depth` pixels wide.
    """
    alpha = _soft(inside)
    for _ in range(3):
        alpha = _box_mean(alpha, depth)
    fall = 64 * np.arange(pixels.shape[0])[:, None] // pixels.shape[0]
    light = 96 + alpha * 180 // 255 - fall
    lit: NDArray[np.uint8] = np.clip(pixels[..., :3] * light[..., None] >> 8, 0, 255).astype(np.uint8)
    return lit


def silhouette(outlines: Sequence[Polygon], height: int, width: int, *, unit: int = 1) -> NDArray[np.bool_]:
    """Return the union of outlines with 4 x 4 sub-pixels a pixel; `unit` is how many of their units make a pixel."""
    inside = np.zeros((height * _FINE, width * _FINE), np.bool_)
    for outline in outlines:
        inside |= _fill(outline, height, width, unit)
    return inside


def strokes(line: Polygon, widths: Sequence[int]) -> list[Polygon]:
    """Return a bent line of changing width (in quarters of a pixel) as one four-sided outline a piece."""
    pieces: list[Polygon] = []
    for (x0, y0), (x1, y1), w0, w1 in zip(line[:-1], line[1:], widths[:-1], widths[1:], strict=True):
        dx, dy = x1 - x0, y1 - y0
        length = max(1, math.isqrt(dx * dx + dy * dy))
        pieces.append([
            (4 * x0 - dy * w0 // length, 4 * y0 + dx * w0 // length),
            (4 * x0 + dy * w0 // length, 4 * y0 - dx * w0 // length),
            (4 * x1 + dy * w1 // length, 4 * y1 - dx * w1 // length),
            (4 * x1 - dy * w1 // length, 4 * y1 + dx * w1 // length),
        ])  # fmt: skip
    return pieces


def _fill(outline: Polygon, height: int, width: int, unit: int) -> NDArray[np.bool_]:
    """Return the inside of a smoothed outline by the even-odd rule, sub-pixel by sub-pixel."""
    corners = _smoothed(np.array(outline, dtype=np.int64) * (_FINE * 16 // unit))
    crossings = np.zeros((height * _FINE, width * _FINE + 1), np.uint8)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y0 > y1:
            x0, y0, x1, y1 = x1, y1, x0, y0
        rows = np.arange(max(0, -((8 - y0) // 16)), min(height * _FINE, -((8 - y1) // 16)))
        if rows.size:
            x = x0 + (rows * 16 + 8 - y0) * (x1 - x0) // (y1 - y0)
            crossings[rows, np.clip((x + 8) // 16, 0, width * _FINE)] ^= 1
    return np.bitwise_xor.accumulate(crossings[:, :-1], axis=1).astype(np.bool_)


def _smoothed(corners: Integers, rounds: int = 2) -> Integers:
    """Cut the corners by Chaikin's rule: each side gives its points at one and at three quarters."""
    for _ in range(rounds):
        following = np.roll(corners, -1, axis=0)
        corners = np.stack([(3 * corners + following) // 4, (corners + 3 * following) // 4], axis=1).reshape(-1, 2)
    return corners


def _soft(inside: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Average sub-pixels to alpha in 0..255."""
    height, width = (side // _FINE for side in inside.shape)
    counts = inside.reshape(height, _FINE, width, _FINE).sum(axis=(1, 3), dtype=np.int32)
    alpha: NDArray[np.int32] = counts * 255 // _FINE**2
    return alpha


def _box_mean(values: NDArray[np.int32], radius: int) -> NDArray[np.int32]:
    """Return the mean over squares of 2 radius + 1 pixels, with zeros outside."""
    for axis in (0, 1):
        pad = [(0, 0), (0, 0)]
        pad[axis] = (radius + 1, radius)
        sums = np.cumsum(np.pad(values, pad), axis=axis, dtype=np.int64)
        side, count = 2 * radius + 1, values.shape[axis]
        upper, lower = np.take(sums, range(side, side + count), axis), np.take(sums, range(count), axis)
        values = ((upper - lower) // side).astype(np.int32)
    return values


def _pyramid(level: NDArray[np.int32]) -> list[NDArray[np.int32]]:
    levels = [np.ascontiguousarray(level)]
    for _ in range(_LEVELS):
        last = levels[-1]
        even = np.pad(last, ((0, last.shape[0] % 2), (0, last.shape[1] % 2), (0, 0)))
        four = even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]
        levels.append((four + 2) >> 2)
    return levels
