"""Further samples of an object's first frame: the object is moved over a guess of what lies behind it."""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Generic, NamedTuple, TypeVar

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from vos_bench.api import Image, Mask
from vos_bench.training.augmentation import box_of

from .config import SynthesisConfig

Choice = TypeVar("Choice")

_SIDE = 160
"""Pixels of the shorter side at which the hole behind an object is filled."""

_TRIES = 50
"""Draws for each sample that is wanted, until an object that leaves too few pixels is given up."""

_MOST_CARDS = 100
"""A share is rounded to a fraction of no larger denominator."""


class Sample(NamedTuple):
    """A frame and where the object is on it."""

    image: Image
    mask: Mask


class Deck(Generic[Choice]):
    """Choices that are drawn without replacement; when all were drawn, they are shuffled again."""

    def __init__(self, choices: Sequence[Choice], rng: Generator) -> None:
        self._choices, self._rng = choices, rng
        self._left: list[int] = []

    def draw(self) -> Choice:
        """Return one choice."""
        self._left = self._left or self._rng.permutation(len(self._choices)).tolist()
        return self._choices[self._left.pop()]


def _share(share: float, rng: Generator) -> Deck[bool]:
    """Return a deck in which a share of the cards says yes: one of five for 0.2."""
    fraction = Fraction(share).limit_denominator(_MOST_CARDS)
    return Deck([card < fraction.numerator for card in range(fraction.denominator)], rng)


class Moves:
    """How objects of one frame are moved: every quantity has a deck of its own."""

    def __init__(self, mask: Mask, config: SynthesisConfig, rng: Generator) -> None:
        """Shuffle all decks."""
        self._mask, self._config, self._rng = mask, config, rng
        self._side = math.ceil(math.sqrt(config.samples))
        self._cells = Deck(range(self._side**2), rng)
        self._degrees = Deck([sign * degrees for degrees in config.degrees for sign in (1, -1)], rng)
        self._scales = Deck(config.scales, rng)
        self._mirrored, self._skewed, self.blurred = (
            _share(share, rng) for share in (config.mirrored, config.skewed, config.blurred)
        )

    def draw(self) -> NDArray[np.float64]:
        """Return the 2 x 3 matrix that mirrors, turns, slants and scales the object and brings its middle to a cell.

        It is slanted along both axes, after it was turned.
        """
        x, y, width, height = box_of(self._mask)
        mirror = -1.0 if self._mirrored.draw() else 1.0
        skew = self._config.skew if self._skewed.draw() else 0.0
        angle = math.radians(self._degrees.draw())
        turn = [[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]]
        linear = self._scale(width, height) * np.array([[1, skew], [skew, 1]]) @ turn @ np.diag([mirror, 1.0])
        return np.column_stack([linear, self._middle() - linear @ (x + width / 2, y + height / 2)])

    def _scale(self, width: float, height: float) -> float:
        """Draw a scale, no larger than the frame holds the object's box, nor smaller than leaves its least pixels."""
        rows, columns = self._mask.shape
        least = math.sqrt(self._config.smallest / np.count_nonzero(self._mask))
        return float(min(max(self._scales.draw(), least), columns / width, rows / height))

    def _middle(self) -> NDArray[np.float64]:
        """Return a place by chance in the next cell of a square grid over the frame, x and y."""
        cell, shift = self._cells.draw(), self._rng.random(2)
        place: NDArray[np.float64] = (np.array([cell % self._side, cell // self._side]) + shift) / self._side
        return place * self._mask.shape[::-1]


def moved_objects(image: Image, mask: Mask, config: SynthesisConfig, rng: Generator) -> list[Sample]:
    """Return samples with the object moved, turned, scaled and blurred.

    What is left of the object inside the frame has the least pixels, or the sample is drawn again. An object that
    leaves too few however often it is drawn has fewer samples.
    """
    background = _without_object(image, mask)
    moves, made = Moves(mask, config, rng), list[Sample]()
    for _ in range(_TRIES * config.samples):
        if len(made) == config.samples:
            break
        sample = _moved(image, mask, background, moves, config=config, rng=rng)
        if np.count_nonzero(sample.mask) >= config.smallest:
            made.append(sample)
    return made


def _without_object(image: Image, mask: Mask) -> Image:
    """Fill the object's region from around it, at a small size and smoothly."""
    height, width = mask.shape
    factor = min(1.0, _SIDE / min(height, width))
    size = max(1, round(width * factor)), max(1, round(height * factor))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    hole = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8))
    small_hole = (cv2.resize(hole.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0).astype(np.uint8)
    if small_hole.all():
        return np.full_like(image, image.mean(axis=(0, 1)).astype(np.uint8))
    filled = cv2.resize(cv2.inpaint(small, small_hole, 3, cv2.INPAINT_TELEA), (width, height))
    return np.where(hole[..., None] > 0, filled, image)


def _moved(
    image: Image, mask: Mask, background: Image, moves: Moves, *, config: SynthesisConfig, rng: Generator
) -> Sample:
    """Put the object somewhere else, over the changed background."""
    height, width = mask.shape
    matrix = moves.draw()
    seen, label = (
        cv2.warpAffine(mask.astype(np.float32), matrix, (width, height), flags=flags)
        for flags in (cv2.INTER_LINEAR, cv2.INTER_NEAREST)
    )
    colours = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    if moves.blurred.draw():
        path = _path(config.blur, rng.uniform(0, math.pi))
        colours, seen = (cv2.filter2D(plane, -1, path) for plane in (colours, seen))
    behind = _changed(background, config, rng)
    mixed = colours * seen[..., None] + behind * (1 - seen[..., None])
    return Sample(mixed.round().astype(np.uint8), np.asarray(label > 0.5))


def _path(length: float, angle: float) -> NDArray[np.float32]:
    """Return the kernel of a motion along a line."""
    half = math.ceil(length / 2)
    x, y = (round(length / 2 * f(angle)) for f in (math.cos, math.sin))
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    cv2.line(kernel, (half - x, half - y), (half + x, half + y), 1.0)
    return np.asarray(kernel / kernel.sum(), np.float32)


def _changed(background: Image, config: SynthesisConfig, rng: Generator) -> Image:
    """Enlarge the background about its middle, or blur it."""
    height, width = background.shape[:2]
    if rng.random() < 0.5:
        return np.asarray(cv2.GaussianBlur(background, (0, 0), max(config.blur, 0.1)), np.uint8)
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), 0, config.background_scale)
    return np.asarray(cv2.warpAffine(background, matrix, (width, height), flags=cv2.INTER_LINEAR), np.uint8)
