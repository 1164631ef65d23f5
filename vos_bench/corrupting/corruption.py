"""Which corruptions there are, how severe each is from 1 to 5, and what it does to one frame."""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from vos_bench.api import Image
from vos_bench.errors import BadInputError
from vos_bench.names import did_you_mean

SEVERITIES = (1, 2, 3, 4, 5)

LINES = 480
"""Lengths in pixels are those of frames whose shorter side is this long; they grow with the frame."""

EXPECTED = "NAME:SEVERITY with a severity from 1 to 5, as in noise:3, or one that changes, as in noise:1-5"


class FramePlace(NamedTuple):
    """Where a frame is, which alone decides what is drawn at random for it."""

    sequence: str
    frame: str

    def random(self, what: str) -> np.random.Generator:
        """Return the generator of one corruption for this frame: the same in any order and in every process."""
        return _generator(what, self.sequence, self.frame)

    def random_of_sequence(self, what: str) -> np.random.Generator:
        """Return the generator that all frames of the sequence share."""
        return _generator(what, self.sequence)


def _generator(*names: str) -> np.random.Generator:
    digest = hashlib.sha256("/".join(names).encode("utf-8", "surrogateescape")).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


Effect = Callable[[Image, float, FramePlace], Image]
"""Takes a frame, the corruption's value at the frame's severity, and where the frame is."""


class CorruptionKind(NamedTuple):
    """One kind of corruption.

    Attributes:
        summary: What it does, and what its values are.
        values: Its value at each severity from 1 to 5; between them it is interpolated.
        effect: What it does to a frame by itself; None where a frame depends on those before it.
    """

    summary: str
    values: tuple[float, float, float, float, float]
    effect: Effect | None = None


def _noise(image: Image, deviation: float, place: FramePlace) -> Image:
    from skimage.util import random_noise  # here: it loads slowly, and only noise needs it

    noisy = random_noise(image, mode="gaussian", var=deviation**2, rng=place.random("noise"))  # type: ignore[no-untyped-call]
    return _as_image(np.rint(noisy * 255))


def _blur(image: Image, sigma: float, _: FramePlace) -> Image:
    return _as_image(cv2.GaussianBlur(image, (0, 0), sigma * _scale(image)))


def _motion_blur(image: Image, length: float, place: FramePlace) -> Image:
    angle = place.random_of_sequence("motion-blur").uniform(0, np.pi)
    return _as_image(cv2.filter2D(image, -1, motion_kernel(length * _scale(image), angle)))


def motion_kernel(length: float, angle: float) -> NDArray[np.float32]:
    """Return the kernel of a camera that moves evenly while the shutter is open, which adds up to 1.

    It lies evenly about its centre, so that objects stay where the truth has them.

    Args:
        length: How far it moves, in pixels.
        angle: In which direction, in radians.
    """
    reach = max(1, int(np.ceil(length / 2)))
    steps = np.linspace(-length / 2, length / 2, 4 * reach + 1)
    rows, columns = (np.rint(steps * turn).astype(int) + reach for turn in (-np.sin(angle), np.cos(angle)))
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    np.add.at(kernel, (rows, columns), 1)
    even = kernel + kernel[::-1, ::-1]  # a step that falls between two pixels may round either way
    return np.asarray(even / even.sum(), np.float32)


def _jpeg(image: Image, quality: float, _: FramePlace) -> Image:
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, round(quality)])
    return _as_image(np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]))


def _dark(image: Image, share: float, _: FramePlace) -> Image:
    return _as_image(cv2.convertScaleAbs(image, alpha=share))


def _bright(image: Image, added: float, _: FramePlace) -> Image:
    colours = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2HSV)
    colours[..., 2] = np.minimum(colours[..., 2] + np.float32(added), 1)
    return _as_image(np.rint(cv2.cvtColor(colours, cv2.COLOR_HSV2RGB) * 255).clip(0, 255))


def _scale(image: Image) -> float:
    return float(min(image.shape[:2])) / LINES


def _as_image(found: Any) -> Image:
    return np.asarray(found, np.uint8)


KINDS: Mapping[str, CorruptionKind] = MappingProxyType(
    {
        "noise": CorruptionKind(
            "Gaussian noise; its standard deviation as a share of white", (0.08, 0.12, 0.18, 0.26, 0.38), _noise
        ),
        "blur": CorruptionKind("Gaussian blur; its sigma in pixels at 480 lines", (1, 2, 3, 4, 6), _blur),
        "motion-blur": CorruptionKind(
            "an even blur along a line, one direction a sequence; its length in pixels at 480 lines",
            (8, 14, 20, 28, 40),
            _motion_blur,
        ),
        "jpeg": CorruptionKind("JPEG compression; the quality of libjpeg", (25, 18, 15, 10, 7), _jpeg),
        "h264": CorruptionKind("H.264 compression in groups of 12 frames; x264's crf", (23, 30, 37, 44, 51)),
        "dark": CorruptionKind("less light; the share of each value that is left", (0.6, 0.45, 0.3, 0.2, 0.1), _dark),
        "bright": CorruptionKind(
            "more light; what is added to the value of HSV, as a share of white", (0.1, 0.2, 0.3, 0.4, 0.5), _bright
        ),
        "dropped": CorruptionKind(
            "frames are lost and the last one stays; the share of frames lost", (0.1, 0.2, 0.3, 0.4, 0.5)
        ),
    }
)
"""The corruptions by name. Values of noise, blur, jpeg and bright are those of ImageNet-C (Hendrycks and Dietterich,
ICLR 2019: gaussian_noise, gaussian_blur, jpeg_compression, brightness); h264 goes from x264's default to its worst."""


@dataclass(frozen=True)
class Corruption:
    """A corruption of all frames of a sequence.

    Attributes:
        name: One of `KINDS`.
        first: The severity of a sequence's first frame, 1 to 5.
        last: That of its last frame; between them the severity changes evenly.
    """

    name: str
    first: int
    last: int

    @classmethod
    def of(cls, text: str) -> Self:
        """Read `NAME:SEVERITY` or `NAME:FIRST-LAST`.

        Raises:
            BadInputError: There is no such corruption or severity.
        """
        name, _, severity = text.partition(":")
        if name not in KINDS:
            raise BadInputError(
                f"--corrupt {text}: there is no corruption {name!r}; {did_you_mean(name, KINDS)}; expected {EXPECTED}"
            )
        found = re.fullmatch(r"([1-5])(?:-([1-5]))?", severity)
        if found is None:
            raise BadInputError(f"--corrupt {text}: found the severity {severity!r}, expected {EXPECTED}")
        return cls(name, int(found[1]), int(found[2] or found[1]))

    def __str__(self) -> str:
        """Return the text that `of` reads."""
        return f"{self.name}:{self.first}" + ("" if self.first == self.last else f"-{self.last}")

    @property
    def kind(self) -> CorruptionKind:
        """What it does."""
        return KINDS[self.name]

    def value(self, position: int, frames: int) -> float:
        """Return its value on one of so many frames, counted from 0."""
        share = position / (frames - 1) if frames > 1 else 0.0
        severity = self.first + share * (self.last - self.first)
        return float(np.interp(severity, SEVERITIES, self.kind.values))
