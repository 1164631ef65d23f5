"""Short made-up clips in memory, each for one question about a method."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vos_bench.api import Dataset, Image, LabelMap, Problem, Prompt, Sequence
from vos_bench.errors import BadInputError


@dataclass(frozen=True, eq=False)
class Clip:
    """A clip: what is to be seen, where the objects are, and on which frames they are given.

    Attributes:
        name: Its name as a sequence.
        frames: T x H x W x 3, RGB.
        labels: T x H x W: the id of each pixel's object.
        prompts: Frame numbers to the masks given there, by object.
    """

    name: str
    frames: NDArray[np.uint8]
    labels: LabelMap
    prompts: Mapping[int, Mapping[int, NDArray[np.bool_]]]

    def with_noise_after(self, frame: int) -> "Clip":
        """Return the clip with noise in place of every frame after this one."""
        frames = self.frames.copy()
        frames[frame + 1 :] = np.random.default_rng(frame).integers(0, 256, frames[frame + 1 :].shape, np.uint8)
        return replace(self, frames=frames)


def moving_squares(
    name: str, *, size: tuple[int, int] = (96, 128), frames: int = 10, objects: int = 2, seed: int = 0
) -> Clip:
    """Return a clip of squares that move to the right and start again on the left, each in a colour of its own.

    Args:
        name: Its name.
        size: Height and width.
        frames: How many.
        objects: How many squares, one below the other.
        seed: Of the noise on the ground.
    """
    height, width = size
    rng = np.random.default_rng(seed)
    ground = rng.integers(60, 120, (height, width, 3), np.uint8)
    shown, labels = np.tile(ground, (frames, 1, 1, 1)), np.zeros((frames, height, width), np.uint16)
    side, lane = max(2, height // (2 * objects)), height // objects
    for k in range(objects):
        colour = rng.integers(0, 256, 3, np.uint8)
        top = k * lane + (lane - side) // 2
        for t in range(frames):
            left = (width // 8 + 2 * t * (k + 1)) % max(1, width - side)
            shown[t, top : top + side, left : left + side] = colour
            labels[t, top : top + side, left : left + side] = k + 1
    return Clip(name, shown, labels, {0: masks_by_id(labels[0])})


def masks_by_id(labels: LabelMap) -> dict[int, NDArray[np.bool_]]:
    """Return the mask of every object of a label map."""
    return {int(k): labels == k for k in np.unique(labels) if k}


def late_object(name: str, frame: int) -> Clip:
    """Return a clip whose second object is there, and given, from `frame` on."""
    clip = moving_squares(name)
    hidden = clip.labels[:frame] == 2
    clip.frames[:frame][hidden] = 90
    clip.labels[:frame][hidden] = 0
    return replace(clip, prompts={0: masks_by_id(clip.labels[0]), frame: {2: clip.labels[frame] == 2}})


def leaving_object(name: str, gone: range) -> Clip:
    """Return a clip whose object cannot be seen on the frames `gone`."""
    clip = moving_squares(name, objects=1)
    hidden = clip.labels[gone.start : gone.stop] > 0
    clip.frames[gone.start : gone.stop][hidden] = 90
    clip.labels[gone.start : gone.stop] = 0
    return clip


def one_pixel(name: str) -> Clip:
    """Return a clip with an object of one pixel beside a larger one."""
    clip = moving_squares(name, objects=1)
    clip.labels[:, 1, 1] = 2
    clip.frames[:, 1, 1] = (255, 0, 255)
    return replace(clip, prompts={0: masks_by_id(clip.labels[0])})


class _ClipSequence(Sequence):
    """A clip as a sequence."""

    def __init__(self, clip: Clip) -> None:
        self.clip = clip
        self.name = clip.name
        self.frame_names = tuple(f"{number:05d}" for number in range(len(clip.frames)))
        self.output_names = self.frame_names
        self.prompt_frames = tuple(self.frame_names[number] for number in sorted(clip.prompts))
        self.groups: Mapping[int, str] = {}

    def read_frame(self, frame_name: str) -> Image:
        """Return one frame."""
        frame: Image = self.clip.frames[int(frame_name)]
        return frame

    def read_prompt(self, frame_name: str) -> Prompt:
        """Return the masks that are given on a frame."""
        return Prompt(masks=dict(self.clip.prompts[int(frame_name)]))

    def read_truth(self, frame_name: str) -> LabelMap:
        """Raise BadInputError: clips are not scored."""
        raise BadInputError(f"{self.name}/{frame_name}: a clip is not scored")


class Clips(Dataset):
    """Clips as a dataset without truth."""

    def __init__(self, *clips: Clip) -> None:
        """Take the clips, in the order in which they run."""
        self.clips = {clip.name: clip for clip in clips}
        self.name = "made-up-clips"
        self.split = ""
        self.root = Path()
        self.protocol = "davis"
        self.sequence_names = tuple(self.clips)

    def sequence(self, name: str) -> Sequence:
        """Open one clip."""
        return _ClipSequence(self.clips[name])

    def fingerprint(self) -> str:
        """Return a hash of all pixels and prompts."""
        digest = hashlib.sha256()
        for clip in self.clips.values():
            digest.update(clip.name.encode() + clip.frames.tobytes() + clip.labels.tobytes())
        return digest.hexdigest()

    def check(self) -> list[Problem]:
        """Return nothing: there are no files."""
        return []

    def package(self, _masks: Path, _archive: Path) -> None:
        """Raise BadInputError: there is no server for this."""
        raise BadInputError(f"{self.name}: has no server")
