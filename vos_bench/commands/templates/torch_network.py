"""NewMethod: what it does, in one sentence.

Run it:    vos-bench run ./new_method.py:NewMethod --dataset demo
           vos-bench run ./new_method.py:NewMethod --dataset demo --weights mine.safetensors --device cuda --amp fp16
Test it:   python -m pytest test_new_method.py
"""

from typing import Any

import numpy as np
import torch
from pydantic import Field
from safetensors.torch import load_file
from torch import Tensor, nn

from vos_bench.api import Box, Image, Mask, Parameters, Precision
from vos_bench.config import FrozenModel
from vos_bench.parts.box_start import mask_of
from vos_bench.parts.per_object import PerObject, Probability, SingleObjectModel
from vos_bench.parts.precision import autocast


class Settings(FrozenModel):
    """What `--set KEY=VALUE` can change; each has a default and bounds."""

    channels: int = Field(default=16, ge=1, le=256)
    steps: int = Field(default=30, ge=0, le=10_000)
    learning_rate: float = Field(default=0.01, gt=0, le=1)


class Network(nn.Module):
    """From a frame and the last mask, 1 x 4 x H x W, to the logits of the next one, 1 x 1 x H x W."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(4, channels, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=2, dilation=2),
            nn.ReLU(),
            nn.Conv2d(channels, 1, 3, padding=1),
        )

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        """Return the logits."""
        logits: Tensor = self.layers(torch.cat((image, mask), dim=1))
        return logits


class NewMethod(PerObject):
    """A small network for each object, which goes on learning on the frame where the object starts."""

    Config = Settings

    def __init__(self, config: Settings | None = None, *, weights: Parameters | None = None, **settings: Any) -> None:
        """Load the parameters, where `--weights` names some; `settings` are those of every method."""
        super().__init__(config, weights=weights, **settings)
        self.parameters = load_file(weights) if weights is not None else None

    def build_model(self, object_id: int) -> SingleObjectModel:
        """Return a fresh model for one object; late objects, merging and resuming need nothing more."""
        torch.manual_seed(self.seed + object_id)
        network = Network(self.config.channels)
        if self.parameters is not None:
            network.load_state_dict(self.parameters)
        return OneObject(network.to(self.device), self.config, self.device, self.amp)


class OneObject(SingleObjectModel):
    """Follows one object through one sequence."""

    def __init__(self, network: Network, config: Settings, device: str, amp: Precision) -> None:
        self.network = network
        self.config = config
        self.device = torch.device(device)
        self.amp = amp

    def initialize(self, image: Image, start: Mask | Box) -> Probability:
        """Learn the object on its first frame, H x W x 3 uint8; `start` is its mask, or its box."""
        frame = self._frame(image)
        mask = torch.from_numpy(mask_of(image, start, fill="ellipse").astype(np.float32)).to(self.device)[None, None]
        optimizer = torch.optim.Adam(self.network.parameters(), lr=self.config.learning_rate)
        for _ in range(self.config.steps):
            loss = nn.functional.binary_cross_entropy_with_logits(self.network(frame, blurred(mask)), mask)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        self.last = mask
        return self._answer(mask)

    @torch.inference_mode()
    def step(self, image: Image) -> Probability:
        """Find the object on the next frame; return H x W float32 from 0 to 1."""
        with autocast(self.device, self.amp):
            logits = self.network(self._frame(image), blurred(self.last))
        self.last = logits.float().sigmoid()
        return self._answer(self.last)

    def remember(self, merged: Probability) -> None:
        """Go on from what the merge with the other objects left."""
        self.last = torch.from_numpy(merged).to(self.device)[None, None]

    def _frame(self, image: Image) -> Tensor:
        return torch.from_numpy(image).to(self.device).permute(2, 0, 1)[None].float() / 255

    def _answer(self, mask: Tensor) -> Probability:
        return mask[0, 0].cpu().numpy()


def blurred(mask: Tensor) -> Tensor:
    """Return a mask, 1 x 1 x H x W, without its exact outline: the next frame's object is near, not there."""
    return nn.functional.avg_pool2d(mask, 15, stride=1, padding=7, count_include_pad=False)
