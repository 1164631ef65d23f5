"""NewMethod: what it does, in one sentence.

Run it:    vos-bench run ./new_method.py:NewMethod --dataset demo
Test it:   python -m pytest test_new_method.py
"""

import numpy as np
from pydantic import Field

from vos_bench.api import Box, Image, Mask, Method, Prediction, Prompt
from vos_bench.config import FrozenModel
from vos_bench.parts.box_start import mask_of


class Settings(FrozenModel):
    """What `--set KEY=VALUE` can change; each has a default and bounds."""

    margin: int = Field(default=16, ge=0, le=256)


class NewMethod(Method):
    """Each pixel near an object's last place takes the object whose mean colour is nearest to its own."""

    Config = Settings

    def initialize(self, image: Image, prompt: Prompt) -> Prediction:
        """Forget the last sequence and take the objects of its first frame."""
        self.labels = np.zeros(image.shape[:2], np.uint16)
        self.colours: dict[int, np.ndarray] = {}
        return self._take(image, prompt)

    def step(self, image: Image, new: Prompt | None = None) -> Prediction:
        """Answer the next frame, H x W x 3 uint8, by a label map, H x W uint16; then take the objects of `new`."""
        distances = [np.linalg.norm(image - colour, axis=2) for colour in self.colours.values()]
        nearest = np.array(list(self.colours))[np.argmin(distances, axis=0)]
        self.labels = np.where(self._near_objects(), nearest, 0).astype(np.uint16)
        return self._take(image, new or Prompt())

    def _take(self, image: Image, prompt: Prompt) -> Prediction:
        starts: dict[int, Mask | Box] = {**prompt.masks, **prompt.boxes}
        for k, start in sorted(starts.items()):
            mask = mask_of(image, start, fill="ellipse")  # a mask is taken as it is, a box becomes one
            self.labels[mask] = k
            self.colours[k] = image[mask].mean(axis=0) if mask.any() else np.full(3, np.inf)
        if prompt.object_ids:
            outside = self.labels == 0
            self.colours[0] = image[outside].mean(axis=0) if outside.any() else np.full(3, np.inf)
        return Prediction(self.labels.copy())

    def _near_objects(self) -> np.ndarray:
        rows, columns = np.nonzero(self.labels)
        near = np.zeros(self.labels.shape, bool)
        if len(rows):
            top, left = max(rows.min() - self.config.margin, 0), max(columns.min() - self.config.margin, 0)
            near[top : rows.max() + self.config.margin + 1, left : columns.max() + self.config.margin + 1] = True
        return near
