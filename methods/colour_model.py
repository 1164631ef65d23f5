"""Objects found again by their colours and where they were, with GrabCut along the outline."""

from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from vos_bench.api import Box, Image, Mask, Prediction, Prompt
from vos_bench.config import FrozenModel
from vos_bench.parts.appearance import region_of
from vos_bench.parts.box_start import mask_of
from vos_bench.parts.coloured_mask import ColouredMask, ColouredMaskConfig
from vos_bench.parts.per_object import PerObject, Probability, SingleObjectModel
from vos_bench.parts.working_size import Plane, WorkingFrame, scaled


class ColourModelConfig(FrozenModel):
    """Settings of colour-model; the defaults were chosen on the train sequences of DAVIS 2016.

    Attributes:
        working_side: Frames are shrunk so that their shorter side has this many pixels; never enlarged.
        reach: How far an object may move between two frames, in working pixels along each axis.
        inertia: What a move of `reach` against the last one costs, as log odds a pixel.
        grabcut_steps: Rounds of GrabCut; 0 leaves it out.
        grabcut_share: Share of GrabCut's answer in the probability, 0 to 1.
        grabcut_probability: Weight of the probability beside brightness and chroma in what GrabCut sees, 0 to 1.
        grabcut_band: GrabCut decides on pixels this near to the outline, in working pixels.
        grabcut_side: The crop that GrabCut works on is shrunk to at most this many pixels on its longer side.
        colours: How colours are learned and weighed.
    """

    working_side: int = Field(default=240, ge=16, le=8192)
    reach: int = Field(default=24, ge=0, le=1024)
    inertia: float = Field(default=0.5, ge=0, le=1000)
    grabcut_steps: int = Field(default=1, ge=0, le=100)
    grabcut_share: float = Field(default=0.5, ge=0, le=1)
    grabcut_probability: float = Field(default=0.5, ge=0, le=1)
    grabcut_band: int = Field(default=6, ge=1, le=256)
    grabcut_side: int = Field(default=160, ge=16, le=2048)
    colours: ColouredMaskConfig = ColouredMaskConfig(prior_weight=2.0)


class ColourModel(PerObject):
    """Follows each object by a `ColouredObject`."""

    Config: ClassVar[type[ColourModelConfig]] = ColourModelConfig
    on_cpu = True

    def initialize(self, image: Image, prompt: Prompt) -> Prediction:
        """Forget the last sequence and take the first objects; see `Method.initialize`."""
        self._frame = WorkingFrame(self.config.working_side)
        return super().initialize(image, prompt)

    def see_frame(self, image: Image) -> None:
        """Shrink the frame to the working size."""
        self._frame.see_frame(image)

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
        mask.see_frame()
        evidence = mask.evidence()
        self._move = best_shift(mask.plane, evidence, reach=config.reach, last=self._move, inertia=config.inertia)
        region = mask.mend(_shifted(mask.plane, self._move))
        if config.grabcut_steps:
            mask.plane[region] = refine(small[region], mask.plane[region], config=config, seed=self._seed)
        return self._frame.enlarge(mask.plane)

    def remember(self, merged: Probability) -> None:
        """Go on from what the other objects left, and learn its colours."""
        self._mask.remember(self._frame.shrink(merged))


def _shifted(plane: NDArray[np.float32], move: NDArray[np.float64]) -> NDArray[np.float32]:
    matrix = np.array([[1, 0, move[1]], [0, 1, move[0]]])
    return np.asarray(cv2.warpAffine(plane, matrix, plane.shape[::-1], flags=cv2.INTER_NEAREST), np.float32)


def best_shift(
    plane: Plane, evidence: Plane, *, reach: int, last: NDArray[np.float64], inertia: float
) -> NDArray[np.float64]:
    """Return the shift, rows and columns, that lays the last mask on the most evidence and its rim on the least."""
    region = region_of(plane, margin=0, least=6)
    if region is None or not reach:
        return np.zeros(2)
    shape = plane[region]
    rim = cv2.dilate(shape, np.ones((9, 9), np.uint8)) - shape
    pattern = shape / shape.sum() - rim / (rim.sum() + 1e-6)
    rows, columns = region
    wide = cv2.copyMakeBorder(evidence, reach, reach, reach, reach, cv2.BORDER_REPLICATE)
    window = wide[rows.start : rows.stop + 2 * reach, columns.start : columns.stop + 2 * reach]
    gain = cv2.matchTemplate(np.ascontiguousarray(window), np.ascontiguousarray(pattern), cv2.TM_CCORR)
    steps = np.arange(-reach, reach + 1)
    cost = ((steps[:, None] - last[0]) ** 2 + (steps - last[1]) ** 2) / reach**2
    best = np.unravel_index(np.argmax(gain - inertia * cost), gain.shape)
    return np.array(best, np.float64) - reach


def refine(image: Image, plane: Plane, *, config: ColourModelConfig, seed: int) -> Plane:
    """Let GrabCut decide near the outline of a mask: an object's crop, h x w x 3, and its probability there, h x w.

    GrabCut on colours alone would forget what is known of places. So its three channels are the probability, the
    brightness and the mean of the two chroma channels: its mixtures then describe what looks like the object where the
    object is likely, and its cut runs along edges of either.

    Returns:
        h x w float32, the weighted mean of the plane and GrabCut's answer.
    """
    height, width = plane.shape
    factor = min(1.0, config.grabcut_side / max(height, width))
    size = scaled((height, width), factor)[::-1]
    image = cv2.resize(np.ascontiguousarray(image), size, interpolation=cv2.INTER_AREA)
    small = cv2.resize(plane, size, interpolation=cv2.INTER_AREA)
    known = _known(small, max(1, round(config.grabcut_band * factor)))
    if not (known & 1).any() or (known & 1).all():
        return plane
    view = _view(image, small, config.grabcut_probability)
    cv2.setRNGSeed(seed)
    cv2.grabCut(view, known, None, np.zeros((1, 65)), np.zeros((1, 65)), config.grabcut_steps, cv2.GC_INIT_WITH_MASK)
    cut = cv2.resize((known & 1).astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    mixed: Plane = plane + np.float32(config.grabcut_share) * (cut - plane)
    return mixed


def _view(image: Image, plane: Plane, weight: float) -> NDArray[np.uint8]:
    brightness, green_red, blue_yellow = cv2.split(cv2.cvtColor(image, cv2.COLOR_RGB2LAB))
    chroma = cv2.addWeighted(green_red, 0.5, blue_yellow, 0.5, 0)
    return np.dstack([(plane * (255 * weight)).astype(np.uint8), brightness, chroma])


def _known(plane: Plane, band: int) -> NDArray[np.uint8]:
    """Mark what is sure, and what GrabCut may change; odd marks stand for the object."""
    found = (plane > 0.5).astype(np.uint8)
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * band + 1, 2 * band + 1))
    known = np.where(found > 0, np.uint8(cv2.GC_PR_FGD), np.uint8(cv2.GC_PR_BGD))
    known[cv2.erode(found, element) > 0] = cv2.GC_FGD
    known[cv2.dilate(found, element) == 0] = cv2.GC_BGD
    return known
