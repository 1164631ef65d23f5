"""The photographs that the demo is made of, read from the files that scikit-image's wheel brings along.

Only images that scikit-image's documentation calls public domain or CC0 are used: `astronaut` (NASA, public domain),
`brick`, `grass`, `gravel` (CC0 textures), `camera` (CC0 by Lav Varshney), `chelsea` (CC0 by Stefan van der Walt),
`coffee` (CC0 by Rachel Michetti), `horse` (CC0 by Andreas Preuss). JPEG files are left out, since decoders differ in
the last bit.
"""

import hashlib
import importlib.util
import io
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from vos_bench.errors import BadInputError

SHA256 = {
    "astronaut": "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
    "brick": "7966caf324f6ba843118d98f7a07746d22f6a343430add0233eca5f6eaaa8fcf",
    "camera": "b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a",
    "chelsea": "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
    "coffee": "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
    "grass": "b6b6022426b38936c43a4ac09635cd78af074e90f42ffa8227ac8b7452d39f89",
    "gravel": "c48615b451bf1e606fbd72c0aa9f8cc0f068ab7111ef7d93bb9b0f2586440c12",
    "horse": "c7fb60789fe394c485f842291ea3b21e50d140f39d6dcb5fb9917cc178225455",
}
"""Name to the hash of its PNG file, the same in scikit-image 0.24 to 0.26."""

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


def _folder() -> Path:
    """Return scikit-image's folder of images without importing it, which costs a second."""
    spec = importlib.util.find_spec("skimage")
    if spec is None or spec.origin is None:
        raise BadInputError("skimage: not installed; the demo is made of its images: pip install scikit-image")
    return Path(spec.origin).parent / "data"


@cache
def photograph(name: str) -> NDArray[np.uint8]:
    """Return a photograph as H x W x 3, or H x W x 4 where it has alpha; a grey one has three equal channels.

    Raises:
        BadInputError: scikit-image no longer ships the file, or ships another.
    """
    path = _folder() / f"{name}.png"
    remedy = "install a scikit-image from 0.24 to 0.26, which have it: pip install 'scikit-image>=0.24,<0.27'"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read: {error.strerror}; the demo is made of it; {remedy}") from None
    if (found := hashlib.sha256(data).hexdigest()) != SHA256[name]:
        raise BadInputError(f"{path}: found sha256 {found}, expected {SHA256[name]}; the demo is made of it; {remedy}")
    with PillowImage.open(io.BytesIO(data)) as image:
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
