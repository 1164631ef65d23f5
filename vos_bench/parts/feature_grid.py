"""The frame of a method that labels the cells of a feature grid: objects, upsampling, edges, merging."""

from abc import abstractmethod
from functools import cached_property
from typing import Annotated, Any, ClassVar

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from vos_bench.api import Image, Mask, Method, Prediction, Prompt
from vos_bench.config import FrozenModel
from vos_bench.parts.frozen_features import SHIPPED_BACKBONE, FrozenFeatures
from vos_bench.parts.guided_filter import guided_filter
from vos_bench.parts.merging import Probabilities, half, label_map
from vos_bench.parts.tracked_objects import TrackedObjects
from vos_bench.parts.working_size import shrunk

_LEAST_DEVIATION = 1e-3
"""A channel that hardly varies on the first frame should not count for more than this."""


class GridConfig(FrozenModel):
    """Settings of every method that labels a feature grid.

    Attributes:
        backbone: A timm network. The parameters of the default ship; for another one give `--weights FILE`.
        strides: At which strides its features are taken; the finest is the grid.
        working_side: Frames are shrunk so that their shorter side has this many pixels; never enlarged.
        reach: An object is looked for at most this far from where it was on the frame before, in shares of the
            frame's shorter side; 0: everywhere.
        edge_radius: Masks follow the image's edges in windows of this radius, in working pixels; 0 leaves that out.
        edge_smoothness: Variance of a colour channel below which such a window counts as flat.
    """

    backbone: str = SHIPPED_BACKBONE
    strides: tuple[Annotated[int, Field(ge=1, le=1024)], ...] = Field(default=(8, 16), min_length=1)
    working_side: int = Field(default=480, ge=32, le=8192)
    reach: float = Field(default=0.15, ge=0, le=1024)
    edge_radius: int = Field(default=4, ge=0, le=256)
    edge_smoothness: float = Field(default=1e-3, gt=0, le=1e6)


class GridMethod(Method):
    """Labels the cells of a grid of frozen features; a subclass says how a frame's cells get their labels.

    Features are C x h x w, every channel brought to mean 0 and deviation 1 by the sequence's first frame: those of
    networks for classification lie so far off zero that cosines would hardly tell cells apart. Labels are soft:
    L x h x w, background first, each cell sums to one. An object whose mask is empty is never learned.
    """

    Config: ClassVar[type[Any] | None] = GridConfig

    def __init__(self, config: Any = None, **settings: Any) -> None:
        """Build the network; see `Method`."""
        super().__init__(config, **settings)
        self._network = FrozenFeatures(
            self.config.backbone, weights=self.weights, strides=self.config.strides, device=self.device
        )

    @cached_property
    def _objects(self) -> TrackedObjects:
        return TrackedObjects(type(self).__name__)

    @abstractmethod
    def reset(self) -> None:
        """Forget the last sequence."""

    @abstractmethod
    def predict(self, features: Tensor, wanted: Tensor) -> Tensor:
        """Return the labels of a frame for all objects learned so far.

        Args:
            features: C x h x w.
            wanted: h x w, where any object may be at all; elsewhere the answer does not matter.

        Returns:
            L x h x w, where L counts the background.
        """

    @abstractmethod
    def remember(self, features: Tensor, labels: Tensor, *, given: bool) -> None:
        """Take up a frame's labels; `given`: objects start on it, and their planes are the newest."""

    def finish_shares(self, shares: Tensor) -> Tensor:
        """Change a frame's labels, L x H x W at the working size, before they follow edges; here not at all."""
        return shares

    def initialize(self, image: Image, prompt: Prompt) -> Prediction:
        """Forget the last sequence and take the first objects; see `Method.initialize`.

        Raises:
            BadInputError: The image is not H x W x 3 uint8, or a mask does not have its size.
        """
        self._objects.reset(image)
        self._last: Tensor | None = None
        features = self._network(np.ascontiguousarray(shrunk(image, self.config.working_side)))
        self._centre = features.mean(dim=(1, 2), keepdim=True)
        self._spread = features.std(dim=(1, 2), keepdim=True).clamp_min(_LEAST_DEVIATION)
        features = (features - self._centre) / self._spread
        self.reset()
        planes = np.ones((1, *image.shape[:2]), np.float32)
        return self._conclude(features, planes, prompt)

    def step(self, image: Image, new: Prompt | None = None) -> Prediction:
        """Label the frame's cells, then take the objects of `new`; see `Method.step`.

        Raises:
            BadInputError: Called before `initialize`, or the image does not have the first one's size.
        """
        self._objects.check_frame(image)
        small = np.ascontiguousarray(shrunk(image, self.config.working_side))
        features = (self._network(small) - self._centre) / self._spread
        planes = np.ones((1, *image.shape[:2]), np.float32)
        if self._objects.ids:
            near = self._near(features.shape[1:])
            labels = self.predict(features, near.any(dim=0))
            objects = labels[1:] * near
            planes = self._enlarged(torch.cat([1 - objects.sum(dim=0, keepdim=True), objects]), small, image)
        return self._conclude(features, planes, new or Prompt())

    def _near(self, size: tuple[int, ...]) -> Tensor:
        """Return K x h x w: where each object may be, given where it was on the frame before (VideoMatch, 3.4).

        An object that was out of sight may come back anywhere.
        """
        assert self._last is not None  # objects are learned where they start
        was = (self._last[1:] > 0.5).float()
        if not self.config.reach:
            return torch.ones_like(was, dtype=torch.bool)
        radius = max(1, round(self.config.reach * min(size)))
        near = functional.max_pool2d(was[None], 2 * radius + 1, stride=1, padding=radius)[0] > 0
        return near | ~was.flatten(1).any(dim=1)[:, None, None]

    def _enlarged(self, labels: Tensor, small: Image, image: Image) -> Probabilities:
        """Bring labels to the frame's size: bilinear to the working size, along its edges, bilinear to the frame."""
        stride, (height, width) = self._network.stride, small.shape[:2]
        size = labels.shape[1] * stride, labels.shape[2] * stride
        wide = functional.interpolate(labels[None], size=size, mode="bilinear", align_corners=False)[0]
        planes: Probabilities = self.finish_shares(wide[:, :height, :width]).cpu().numpy()
        if self.config.edge_radius:
            planes = np.stack([planes[0], *(self._edged(small, plane) for plane in planes[1:])])
        if small.shape != image.shape:
            target = image.shape[1], image.shape[0]
            planes = np.stack([cv2.resize(plane, target, interpolation=cv2.INTER_LINEAR) for plane in planes])
        objects = planes[1:].clip(0, 1)
        objects /= np.maximum(objects.sum(axis=0), 1)
        return np.concatenate([1 - objects.sum(axis=0, keepdims=True), objects]).clip(0, 1)

    def _edged(self, small: Image, plane: NDArray[np.float32]) -> NDArray[np.float32]:
        if not plane.any():
            return plane
        config = self.config
        return guided_filter(
            small, np.ascontiguousarray(plane), radius=config.edge_radius, regularisation=config.edge_smoothness
        )

    def _conclude(self, features: Tensor, planes: Probabilities, new: Prompt) -> Prediction:
        self._objects.check_prompt(new)
        started = [k for k in new.object_ids if new.masks[k].any()]
        for k in started:
            planes = _with(planes, new.masks[k])
        self._objects.add(started, new)
        if self._objects.ids:
            labels = self._cells(planes, features)
            self.remember(features, labels, given=bool(started))
            self._last = labels
        return self._prediction(planes)

    def _cells(self, planes: Probabilities, features: Tensor) -> Tensor:
        """Return the mean of every plane over each cell."""
        size = features.shape[2], features.shape[1]
        cells = np.stack([cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in planes])
        return torch.from_numpy(cells).to(features)

    def _prediction(self, planes: Probabilities) -> Prediction:
        ids = self._objects.ids
        labels = label_map(planes, ids) if ids else np.zeros(planes.shape[1:], np.uint16)
        return Prediction(labels, self._objects.to_planes(half(planes)))


def _with(planes: Probabilities, mask: Mask) -> Probabilities:
    """Add an object where its mask says, and take that region from all others."""
    return np.concatenate([planes * ~mask, mask[None]]).astype(np.float32)
