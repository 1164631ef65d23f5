"""Training pairs of SiamMask: a template and a search crop of one object, or of two, and what is to be answered."""

from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from pydantic import Field

from vos_bench.api import Image, Mask
from vos_bench.config import FrozenModel
from vos_bench.training.augmentation import box_of
from vos_bench.training.clips import SeenRule
from vos_bench.training.recipe import Batch
from vos_bench.training.sampling import MiniSequence, MiniSequences

from .network import TEMPLATE
from .tracking import Pair, anchors

IGNORED, NEGATIVE, POSITIVE = -1, 0, 1
"""What an anchor is to answer."""

_MOST_POSITIVE, _MOST = 16, 64
"""Anchors of a pair that count: positive ones, and all."""


class PairRule(SeenRule):
    """Two frames that show the object, at most `reach` annotated frames apart; either may be the earlier."""

    test_frames: int = Field(default=1, ge=1, le=1)
    reach: int = Field(default=20, ge=0, le=1000000)

    def draw(self, visible: NDArray[np.bool_], rng: Generator, number: int) -> tuple[int, ...]:
        """Draw the template's frame, then the search crop's."""
        del number
        where = np.flatnonzero(visible)
        first = int(rng.choice(where))
        return first, int(rng.choice(where[np.abs(where - first) <= self.reach]))


class PairSettings(FrozenModel):
    """How a pair is cut and changed.

    Attributes:
        search: Side of the search crop, in pixels.
        grid: Cells on a side of the answers.
        search_shift: Largest shift of the search crop from its object, in its own pixels.
        search_scale: Largest relative change of its size.
        template_shift: The same of the template.
        template_scale: The same of the template.
        blur: How often the search crop is blurred.
        grey: How often both are grey.
        negative: How often the two show different objects.
        jitter: Deviation of the colour noise, which all pixels of a crop share.
    """

    search: int = Field(default=255, ge=143, le=1023)
    grid: int = Field(default=25, ge=1, le=255)
    search_shift: float = Field(default=64, ge=0, le=1023)
    search_scale: float = Field(default=0.18, ge=0, lt=1)
    template_shift: float = Field(default=4, ge=0, le=1023)
    template_scale: float = Field(default=0.05, ge=0, lt=1)
    blur: float = Field(default=0.18, ge=0, le=1)
    grey: float = Field(default=0.25, ge=0, le=1)
    negative: float = Field(default=0.2, ge=0, le=1)
    jitter: float = Field(default=8.0, ge=0, le=255)


class Crop(NamedTuple):
    """A square around an object.

    Attributes:
        pixels: S x S x 3, RGB.
        mask: S x S.
        centre: Where the object's box is, in pixels from the square's centre.
        size: Width and height of the box in the square.
    """

    pixels: Image
    mask: Mask
    centre: Pair
    size: Pair


class PairTransform:
    """Makes a pair of a mini-sequence of two frames.

    A batch has `template` (3 x 127 x 127) and `search` (3 x S x S), blue, green, red of about 0..255; `mask` (S x S);
    `classes` (5 x G x G: 1 positive, 0 negative, -1 ignored) and `deltas` (4 x 5 x G x G).
    """

    def __init__(self, settings: PairSettings) -> None:
        self._settings = settings
        self._anchors = anchors(settings.grid)

    def __call__(self, given: MiniSequence, rng: Generator, supply: MiniSequences) -> Batch:
        """Cut, change and label."""
        settings = self._settings
        negative = rng.random() < settings.negative
        other = supply.read(supply.draw(rng)) if negative else given
        template = crop(given, 0, TEMPLATE, settings.template_shift, settings.template_scale, rng)
        search = crop(other, 1, settings.search, settings.search_shift, settings.search_scale, rng)
        blurred = _blurred(search.pixels, rng) if rng.random() < settings.blur else search.pixels
        grey = rng.random() < settings.grey
        classes, deltas = self._nowhere(rng) if negative else self._answers(search, rng)
        grid = (settings.grid, settings.grid)
        return {
            "template": self._coloured(template.pixels, rng, grey=grey),
            "search": self._coloured(blurred, rng, grey=grey),
            "mask": torch.from_numpy(search.mask),
            "classes": torch.from_numpy(classes.reshape(-1, *grid)),
            "deltas": torch.from_numpy(deltas.reshape(4, -1, *grid)),
        }

    def _answers(self, search: Crop, rng: Generator) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Label each anchor by its overlap with the box: above 0.6 positive, below 0.3 negative; a few of each."""
        places, sizes = self._anchors[:, :2].astype(np.float64), self._anchors[:, 2:].astype(np.float64)
        overlap = intersection_over_union(places, sizes, search.centre, search.size)
        classes = np.full(len(overlap), IGNORED, np.int64)
        positive = _some(np.flatnonzero(overlap > 0.6), _MOST_POSITIVE, rng)
        classes[positive] = POSITIVE
        classes[_some(np.flatnonzero(overlap < 0.3), _MOST - len(positive), rng)] = NEGATIVE
        deltas = np.concatenate([((search.centre - places) / sizes).T, np.log(search.size / sizes).T])
        return classes, deltas.astype(np.float32)

    def _nowhere(self, rng: Generator) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Label 16 anchors of the central 7 x 7 cells negative, and no other."""
        places = np.abs(self._anchors[:, :2]).max(axis=1)
        classes = np.full(len(places), IGNORED, np.int64)
        classes[_some(np.flatnonzero(places <= 24), _MOST_POSITIVE, rng)] = NEGATIVE
        return classes, np.zeros((4, len(places)), np.float32)

    def _coloured(self, pixels: Image, rng: Generator, *, grey: bool) -> torch.Tensor:
        if grey:
            pixels = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.uint8)[..., None].repeat(3, axis=2)
        noise = rng.normal(0, self._settings.jitter, 3)
        return torch.from_numpy((pixels[..., ::-1] - noise).astype(np.float32)).permute(2, 0, 1).contiguous()


def crop(given: MiniSequence, frame: int, side: int, shift: float, scale: float, rng: Generator) -> Crop:
    """Cut a square around the object of a frame: 127 pixels are its box with context, as in tracking.

    Its centre is shifted by up to `shift` of its pixels, each of its sides changed by up to a share of `scale`. Outside
    the frame it has the frame's mean colour.
    """
    image, mask = given.images[frame], given.masks[frame]
    x, y, width, height = box_of(mask)
    box, centre = np.array([width, height]), np.array([x + (width - 1) / 2, y + (height - 1) / 2])
    context = np.sqrt(np.prod(box + box.sum() / 2))
    zoom = TEMPLATE / context / (1 + rng.uniform(-scale, scale, 2))
    moved = rng.uniform(-shift, shift, 2)
    offset = (side - 1) / 2 - zoom * centre - moved
    matrix = np.array([[zoom[0], 0, offset[0]], [0, zoom[1], offset[1]]])
    colour = tuple(float(each) for each in image.mean(axis=(0, 1)))
    pixels = cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_LINEAR, borderValue=colour)
    inside = cv2.warpAffine(mask.astype(np.uint8), matrix, (side, side), flags=cv2.INTER_NEAREST)
    return Crop(np.asarray(pixels, np.uint8), inside > 0, -moved, box * zoom)


def intersection_over_union(
    places: NDArray[np.float64], sizes: NDArray[np.float64], centre: Pair, size: Pair
) -> NDArray[np.float64]:
    """Compare N boxes, N x 2 centres and sizes, with one."""
    upper = np.minimum(places + sizes / 2, centre + size / 2)
    lower = np.maximum(places - sizes / 2, centre - size / 2)
    common = np.prod((upper - lower).clip(min=0), axis=1)
    overlap: NDArray[np.float64] = common / (np.prod(sizes, axis=1) + np.prod(size) - common)
    return overlap


def _some(found: NDArray[np.intp], most: int, rng: Generator) -> NDArray[np.intp]:
    return found if len(found) <= most else rng.choice(found, most, replace=False)


def _blurred(pixels: Image, rng: Generator) -> Image:
    """Blur along one axis or the other by a line of 3 to 15 pixels."""
    length = int(rng.integers(1, 8)) * 2 + 1
    size = (length, 1) if rng.random() < 0.5 else (1, length)
    return np.asarray(cv2.blur(pixels, size), np.uint8)
