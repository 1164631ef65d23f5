"""Two short clips of the demo data, and the shapes in which systems want them."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image as PillowImage

from vos_bench import registry
from vos_bench.api import Image, LabelMap, Mask, Prompt, PromptedFrame, PromptedSequence, Sequence
from vos_bench.labelmaps import write_label_map

STARTS = {"crossing": ((0, (1, 2)),), "late-object": ((0, (3,)), (9, (1,)))}
"""Demo sequence to the frames on which objects start, and which; later frames are three apart."""


class Clip(NamedTuple):
    """A short video. Objects are numbered in the order in which they start.

    Attributes:
        name: The clip's name.
        frames: H x W x 3 each.
        prompts: Number of a frame to the masks of the objects that start on it.
    """

    name: str
    frames: list[Image]
    prompts: dict[int, dict[int, Mask]]

    @property
    def compared(self) -> list[int]:
        """The numbers of the frames without a prompt."""
        return [number for number in range(len(self.frames)) if number not in self.prompts]

    def sequence(self) -> PromptedSequence:
        """Return the clip as the runner hands it to a method that takes whole sequences."""
        names = tuple(f"{number:05d}" for number in range(len(self.frames)))
        return PromptedSequence(self.name, names, (PromptedFrame(*each) for each in self.prompted_frames()))

    def prompted_frames(self) -> list[tuple[Image, Prompt | None]]:
        """Return each frame with the objects that start on it."""
        prompts = {number: Prompt(masks=masks) for number, masks in self.prompts.items()}
        return [(frame, prompts.get(number)) for number, frame in enumerate(self.frames)]

    def write(self, root: Path) -> None:
        """Write JPEGImages/NAME (PNG bytes under the names of JPEGs) and Annotations/NAME (new objects alone)."""
        for number, frame in enumerate(self.frames):
            path = root / "JPEGImages" / self.name / f"{number:05d}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            PillowImage.fromarray(frame).save(path, format="PNG", compress_level=1)
        for number, masks in self.prompts.items():
            path = root / "Annotations" / self.name / f"{number:05d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_label_map(path, _label_map(masks))


def _label_map(masks: dict[int, Mask]) -> LabelMap:
    labels = np.zeros(next(iter(masks.values())).shape, np.uint16)
    for object_id, mask in masks.items():
        labels[mask] = object_id
    return labels


def make_clips(frames: int, *, step: int = 3) -> list[Clip]:
    """Return one clip whose objects start together and one with a late object, of so many frames each."""
    info = registry.dataset("demo")
    dataset = registry.resolve(info.factory)(None, split="val")
    return [_clip(dataset.sequence(name), starts, frames, step) for name, starts in STARTS.items()]


def _clip(sequence: Sequence, starts: tuple[tuple[int, tuple[int, ...]], ...], frames: int, step: int) -> Clip:
    names = sequence.frame_names[::step]
    number = 0
    prompts: dict[int, dict[int, Mask]] = {}
    for frame, objects in starts:
        truth = sequence.read_truth(names[frame // step])
        prompts[min(frame // step, frames - 2)] = {number + i + 1: truth == k for i, k in enumerate(objects)}
        number += len(objects)
    images = [sequence.read_frame(name) for name in names[:frames]]
    return Clip(sequence.name, images, prompts)
