"""Methods of one file, as a user writes them; tests copy it to where they need it."""

# ruff: noqa: ARG002

import numpy as np

from vos_bench.api import Method, Prediction


class Stay(Method):
    """The first label map stays."""

    def initialize(self, image, prompt):
        self.labels = sum(mask.astype("uint16") * k for k, mask in prompt.masks.items())
        return Prediction(self.labels)

    def step(self, image, new=None):
        return Prediction(self.labels)


class Slip(Stay):
    """Like Stay, three pixels further to the right at each frame."""

    def step(self, image, new=None):
        self.labels = np.roll(self.labels, 3, axis=1)
        return Prediction(self.labels)


class FailsOnTwo(Stay):
    """Raises on the second sequence."""

    def step(self, image, new=None):
        if image[0, 0, 0] > 100:
            raise ValueError("cannot take bright frames")
        return Prediction(self.labels)
