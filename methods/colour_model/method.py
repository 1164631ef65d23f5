"""Objects found again by their colours and where they were."""

from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from vos_bench.api import Box, Image, Mask, Prediction, Prompt
from vos_bench.methods.colour_model.config import ColourModelConfig
from vos_bench.methods.colour_model.refinement import refine
from vos_bench.methods.colour_model.shift import best_shift
from vos_bench.parts.box_start import mask_of
from vos_bench.parts.coloured_mask import ColouredMask
from vos_bench.parts.per_object import PerObject, Probability, SingleObjectModel
from vos_bench.parts.working_size import WorkingFrame


class ColourModel(PerObject):
    """Follows each object by a `ColouredObject`."""

    Config: ClassVar[type[ColourModelConfig]] = ColourModelConfig

    def initialize(self, image: Image, prompt: Prompt) -> Prediction:
        """Forget the last sequence and take the first objects; see `Method.initialize`."""
        self._frame = WorkingFrame(self.config.working_side)
        return super().initialize(image, prompt)

    def look(self, image: Image) -> None:
        """Shrink the frame to the working size."""
        self._frame.advance(image)

    def build_model(self, object_id: int) -> SingleObjectModel:  # noqa: ARG002 (all alike)
        """Return a model of one object."""
        return ColouredObject(self.config, frame=self._frame, seed=self.seed)


class ColouredObject(SingleObjectModel):
    """The last mask of one object, its colours and its last move."""

    def __init__(self, config: ColourModelConfig, *, frame: WorkingFrame, seed: int) -> None:
        self._config, self._frame, self._seed = config, frame, seed

    def initialize(self, image: Image, start: Mask | Box) -> Probability:
        """Take the mask, and the colours inside and outside it."""
        mask = mask_of(image, start, seed=self._seed).astype(np.float32)
        self._mask = ColouredMask(self._frame, mask, config=self._config.colours, seed=self._seed)
        self._move = np.zeros(2)
        return mask

    def step(self, image: Image) -> Probability:  # noqa: ARG002 (seen at its working size)
        """Move the mask to where the colours fit best, decide each pixel again, and cut along the outline."""
        config, mask, small = self._config, self._mask, self._frame.image
        mask.look()
        evidence = mask.evidence()
        self._move = best_shift(mask.plane, evidence, reach=config.reach, last=self._move, inertia=config.inertia)
        region = mask.mend(_shifted(mask.plane, self._move))
        if config.grabcut_steps:
            mask.plane[region] = refine(small[region], mask.plane[region], config=config, seed=self._seed)
        return self._frame.enlarge(mask.plane)

    def accept(self, merged: Probability) -> None:
        """Go on from what the other objects left, and learn its colours."""
        self._mask.accept(self._frame.shrink(merged))


def _shifted(plane: NDArray[np.float32], move: NDArray[np.float64]) -> NDArray[np.float32]:
    matrix = np.array([[1, 0, move[1]], [0, 1, move[0]]])
    return np.asarray(cv2.warpAffine(plane, matrix, plane.shape[::-1], flags=cv2.INTER_NEAREST), np.float32)
