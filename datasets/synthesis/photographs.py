"""The photographs that the demo is made of; `pictures/README.md` states their sources and licences."""

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

FOLDER = Path(__file__).with_name("pictures")

Tint = tuple[tuple[int, int, int], ...]
"""Colours at evenly spaced grey levels, dark first, that a grey photograph is coloured with."""

CLAY: Tint = ((44, 20, 14), (150, 84, 62), (206, 160, 138), (240, 226, 214))
DUSK: Tint = ((16, 12, 18), (62, 74, 54), (134, 146, 140), (196, 210, 232))
FUR: Tint = ((40, 24, 14), (120, 74, 40), (190, 140, 90), (240, 215, 175))
GRASS: Tint = ((18, 28, 8), (70, 100, 30), (150, 170, 80), (225, 225, 170))
LICHEN: Tint = ((20, 26, 24), (84, 98, 82), (168, 170, 130), (240, 240, 210))
SAND: Tint = ((34, 26, 20), (118, 100, 80), (186, 168, 142), (246, 238, 222))
SLATE: Tint = ((14, 20, 26), (70, 82, 92), (140, 150, 152), (226, 228, 220))
STEEL: Tint = ((12, 16, 30), (70, 86, 116), (176, 190, 208), (250, 252, 255))
STRAW: Tint = ((40, 26, 10), (128, 98, 46), (206, 176, 104), (246, 232, 186))
GRANITE: Tint = ((20, 22, 28), (130, 128, 124), (245, 240, 230))


@cache
def photograph(name: str) -> NDArray[np.uint8]:
    """Return a photograph as H x W x 3, or H x W x 4 where it has alpha; a grey one has three equal channels."""
    with PillowImage.open(FOLDER / f"{name}.png") as image:
        pixels = np.asarray(image.convert("RGBA" if "A" in image.mode else "RGB"))
    pixels.setflags(write=False)
    return pixels


def tinted(pixels: NDArray[np.uint8], tint: Tint) -> NDArray[np.uint8]:
    """Colour an image by its green channel, whose levels run through the colours of `tint`."""
    levels = np.arange(256) * (len(tint) - 1)
    step, part = levels // 255, levels % 255
    colours = np.array([*tint, tint[-1]])
    table = (colours[step] * (255 - part)[:, None] + colours[step + 1] * part[:, None] + 127) // 255
    return table.astype(np.uint8)[pixels[..., 1]]
