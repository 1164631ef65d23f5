"""Videos that exist in memory only: any frame size, any number of objects, nothing to download."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from vos_bench.api import Dataset, Image, LabelMap, Problem, Prompt, Sequence
from vos_bench.errors import BadInputError

VERSION = 1
"""Goes up with every change of a pixel."""

SMALLEST_SIDE, LARGEST_SIDE, MOST_OBJECTS = 32, 16_384, 65_535
MOST_BYTES = 1 << 36
"""Of all frames of a made-up video, which lie in memory while it is timed: 64 GiB."""


@dataclass(frozen=True)
class Shape:
    """What is to be seen.

    Attributes:
        width: Width of a frame, in pixels.
        height: Height of a frame, in pixels.
        objects: How many, all there from the first frame on.
        frames: How many; by default enough for a memory of 32 frames to be full for most of them.
    """

    width: int = 832
    height: int = 480
    objects: int = 1
    frames: int = 110

    def require_sound(self) -> None:
        """Raise BadInputError where a number is out of range."""
        if not all(SMALLEST_SIDE <= side <= LARGEST_SIDE for side in (self.width, self.height)):
            raise BadInputError(
                f"--size {self.width}x{self.height}: expected WIDTHxHEIGHT of {SMALLEST_SIDE} to {LARGEST_SIDE} pixels"
            )
        if not 1 <= self.objects <= MOST_OBJECTS:
            raise BadInputError(f"--objects {self.objects}: expected 1 to {MOST_OBJECTS}")
        if self.frames < 2:
            raise BadInputError(f"--frames {self.frames}: expected at least 2, for the first only starts the objects")
        if self.frames > (most := MOST_BYTES // (3 * self.width * self.height)):
            size = f"{self.width}x{self.height}"
            raise BadInputError(f"--frames {self.frames}: expected at most {most} of {size}, since all lie in memory")


class MadeUpVideo(Sequence):
    """Textured ellipses that wander over a textured ground, which moves too."""

    def __init__(self, shape: Shape) -> None:
        """Take what is to be seen."""
        self.shape = shape
        self.name = "made-up"
        self.frame_names = tuple(f"{number:05d}" for number in range(shape.frames))
        self.output_names = self.frame_names
        self.prompt_frames = self.frame_names[:1]
        self.groups: Mapping[int, str] = {}

    def read_frame(self, frame_name: str) -> Image:
        """Draw one frame."""
        number = int(frame_name)
        ground, coats = self._textures
        labels = self.labels(number)
        height, width = labels.shape
        drift = number % ground.shape[1]
        frame: Image = np.ascontiguousarray(np.roll(ground, drift, axis=1)[:height, :width])
        coat = np.roll(coats, 3 * drift, axis=0)[:height, :width]
        inside = labels > 0
        frame[inside] = coat[inside] ^ _TINTS[labels[inside] % len(_TINTS)]
        return frame

    def read_prompt(self, frame_name: str) -> Prompt:
        """Return the masks of all objects."""
        labels = self.labels(int(frame_name))
        return Prompt(masks={k: labels == k for k in range(1, self.shape.objects + 1)})

    def read_truth(self, frame_name: str) -> LabelMap:
        """Raise BadInputError: nothing is scored here."""
        raise BadInputError(f"{self.name}/{frame_name}: a made-up video has no truth; expected a dataset for scores")

    def labels(self, number: int) -> LabelMap:
        """Draw the label map of frame `number`; objects go round a grid cell each, so that all stay visible."""
        shape = self.shape
        columns = int(np.ceil(np.sqrt(shape.objects)))
        rows = int(np.ceil(shape.objects / columns))
        cell = np.array([shape.width / columns, shape.height / rows])
        drawn = np.zeros((shape.height, shape.width), dtype=np.uint16)
        for k in range(shape.objects):
            turn = number / 40.0 + k
            middle = (np.array([k % columns, k // columns]) + 0.5) * cell
            x, y = middle + cell * 0.15 * np.array([np.cos(turn), np.sin(1.3 * turn)])
            axes = (max(1, int(cell[0] * 0.28)), max(1, int(cell[1] * 0.25)))
            cv2.ellipse(drawn, (int(x), int(y)), axes, 20.0 * np.sin(turn), 0, 360, float(k + 1), thickness=-1)
        return drawn

    @cached_property
    def _textures(self) -> tuple[Image, Image]:
        size = (self.shape.height + 64, self.shape.width + 64)
        return _texture(size, seed=1), _texture(size, seed=2)


_TINTS: NDArray[np.uint8] = np.random.default_rng(0).integers(0, 128, (64, 3), dtype=np.uint8)


def _texture(size: tuple[int, int], *, seed: int) -> Image:
    """Return noise with as much coarse as fine detail, as photographs have."""
    rng = np.random.default_rng(seed)
    total = np.zeros((*size, 3), dtype=np.float32)
    for step in (4, 16, 64):
        coarse = rng.random((size[0] // step + 2, size[1] // step + 2, 3), dtype=np.float32)
        total += cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC)
    texture: Image = np.clip(total * (255 / 3), 0, 255).astype(np.uint8)
    return texture


class MadeUpVideos(Dataset):
    """A dataset of one made-up video."""

    def __init__(self, shape: Shape) -> None:
        """Take what is to be seen. Raises BadInputError where a number is out of range."""
        shape.require_sound()
        self.shape = shape
        self.name = f"made-up-{shape.width}x{shape.height}-{shape.objects}"
        self.split = ""
        self.root = Path()
        self.protocol = "davis"
        self.sequence_names = ("made-up",)

    def sequence(self, name: str) -> Sequence:
        """Return the video. Raises BadInputError for another name."""
        if name not in self.sequence_names:
            raise BadInputError(f"{name}: expected {self.sequence_names[0]}, the only one there is")
        return MadeUpVideo(self.shape)

    def fingerprint(self) -> str:
        """Return a hash of what the pixels are computed from."""
        return hashlib.sha256(f"made-up video {VERSION}: {self.shape}".encode()).hexdigest()

    def check(self) -> list[Problem]:
        """Return nothing: there are no files."""
        return []

    def package(self, _masks: Path, _archive: Path) -> None:
        """Raise BadInputError: there is no server for this."""
        raise BadInputError(f"{self.name}: made-up videos have no server; expected a dataset with one")
