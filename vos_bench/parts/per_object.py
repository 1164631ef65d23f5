"""Turns a model that follows one object into a method for many, with late, empty and vanishing objects."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from vos_bench.api import Box, Image, Mask, Method, Prediction, Prompt
from vos_bench.parts.merging import MergeRule, Probabilities, half, label_map, merge

Probability = NDArray[np.float32]
"""H x W in [0, 1]: how sure a model is that a pixel shows its object."""


class SingleObjectModel(ABC):
    """Follows one object through one sequence; it is built again for every object of every sequence."""

    @abstractmethod
    def initialize(self, image: Image, start: Mask | Box) -> Probability:
        """Learn the object on the frame where it starts.

        Args:
            image: H x W x 3, RGB.
            start: The object's mask, H x W with at least one pixel set, or a box that covers at least part of the
                image; boxes reach only models whose method declares `box`.

        Returns:
            H x W float32. Where a mask was given, that mask is used whatever this says.
        """

    @abstractmethod
    def step(self, image: Image) -> Probability:
        """Find the object on the next frame; all zero where it is out of sight. Returns H x W float32."""

    def remember(self, merged: Probability) -> None:  # noqa: B027 (optional by design)
        """Hear what the merge with the other objects left of the last answer, H x W float32; ignored by default."""


class PerObject(Method):
    """A method that gives every object a `SingleObjectModel` of its own and merges their answers.

    A subclass says how to build a model and, if it wants another one, the merge rule. An object whose prompt is empty
    (no pixel set, or a box outside the image) gets no model and is never found. An object that vanishes keeps its
    model, so that it may come back. Models that compute with NumPy alone say so by `on_cpu = True`; others find the
    device that was asked for in `device`, and their answers are NumPy's.
    """

    merge_rule: ClassVar[MergeRule] = "soft-aggregation"

    _models: dict[int, SingleObjectModel | None]

    @abstractmethod
    def build_model(self, object_id: int) -> SingleObjectModel:
        """Return a fresh model for one object."""

    def see_frame(self, image: Image) -> None:
        """Do once what all models need of a frame; called before any of them sees it. Nothing by default."""

    def initialize(self, image: Image, prompt: Prompt) -> Prediction:
        """Forget the last sequence and start a model for every object of the prompt; see `Method.initialize`."""
        self._models = {}
        self.see_frame(image)
        return self._answer(image, {}, prompt)

    def step(self, image: Image, new: Prompt | None = None) -> Prediction:
        """Ask the model of every object, then start those of `new`; see `Method.step`."""
        self.see_frame(image)
        nowhere = np.zeros(image.shape[:2], np.float32)
        found = {k: model.step(image) if model else nowhere for k, model in self._models.items()}
        return self._answer(image, found, new or Prompt())

    def _answer(self, image: Image, found: dict[int, Probability], new: Prompt) -> Prediction:
        new.require_ids()
        found |= {k: self._start(image, k, new) for k in new.object_ids}
        object_ids = sorted(found)
        if not object_ids:
            return Prediction(np.zeros(image.shape[:2], np.uint16), np.ones((1, *image.shape[:2]), np.float16))
        merged = merge(np.stack([found[k] for k in object_ids]), rule=self.merge_rule)
        _paste(merged, {1 + object_ids.index(k): mask for k, mask in new.masks.items()})
        for plane, k in zip(merged[1:], object_ids, strict=True):
            if model := self._models[k]:
                model.remember(plane)
        return Prediction(label_map(merged, object_ids), half(merged))

    def _start(self, image: Image, object_id: int, prompt: Prompt) -> Probability:
        start = prompt.masks[object_id] if object_id in prompt.masks else prompt.boxes[object_id]
        if is_empty(start, image.shape[:2]):
            self._models[object_id] = None
            return np.zeros(image.shape[:2], np.float32)
        self._models[object_id] = model = self.build_model(object_id)
        return model.initialize(image, start)


def is_empty(start: Mask | Box, size: tuple[int, ...]) -> bool:
    """Say whether a mask has no pixel set, or whether a box covers nothing of an image of `size` (H, W)."""
    if isinstance(start, np.ndarray):
        return not start.any()
    x0, y0, x1, y1 = start
    return not (max(x0, 0) < min(x1, size[1]) and max(y0, 0) < min(y1, size[0]))


def _paste(merged: Probabilities, masks: dict[int, Mask]) -> None:
    """Make the given masks certain in place: one inside, zero outside; the other planes share what is left outside."""
    for plane, mask in masks.items():
        lost = merged[plane] * ~mask
        merged[plane] = mask
        merged[:plane, mask] = 0
        merged[plane + 1 :, mask] = 0
        merged[0] += lost
