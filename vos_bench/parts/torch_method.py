"""The frame of methods on a torch device: each call is checked, then answered without gradients."""

from abc import abstractmethod
from functools import cached_property
from typing import ClassVar, TypeVar

import torch
from torch import nn

from vos_bench.api import Image, Method, Prediction, Prompt
from vos_bench.parts.tracked_objects import TrackedObjects

Network = TypeVar("Network", bound=nn.Module)


class TorchMethod(Method):
    """A method that answers frame by frame; a subclass gives `_reset` and `_advance`.

    `_objects` are those of the sequence at hand. `_advance` checks its prompt with them and adds what starts.
    """

    takes_boxes: ClassVar[bool] = False
    """Whether an object may start from a box, too."""

    @cached_property
    def _objects(self) -> TrackedObjects:
        name = type(self).__name__
        return TrackedObjects(name, boxes=self.takes_boxes, corrections=self.takes_corrections)

    def on_device(self, network: Network, *parts: nn.Module) -> Network:
        """Return a network on the method's device, with fixed parameters and, where that is asked for, compiled.

        Args:
            network: In evaluation mode.
            *parts: What is compiled, each on its own; all children of the network where none is named.
        """
        for part in parts or network.children() if self.compile else ():
            part.compile()
        return network.requires_grad_(False).to(self.device)

    @abstractmethod
    def _reset(self, image: Image) -> None:
        """Forget the last sequence; the new one begins with `image`."""

    @abstractmethod
    def _advance(self, image: Image, new: Prompt) -> Prediction:
        """Answer a frame, on which the objects of `new` start."""

    @torch.inference_mode()
    def initialize(self, image: Image, prompt: Prompt) -> Prediction:
        """See `Method.initialize`. Raises BadInputError for an image that is not H x W x 3 uint8."""
        self._objects.reset(image)
        self._reset(image)
        return self._advance(image, prompt)

    @torch.inference_mode()
    def step(self, image: Image, new: Prompt | None = None) -> Prediction:
        """See `Method.step`. Raises BadInputError before `initialize`, or for an image of another size."""
        self._objects.check_frame(image)
        return self._advance(image, new or Prompt())
