"""LWL as the harness runs it, and as a library call."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor, nn

from vos_bench.api import UNTRAINED, Image, Method, Parameters, Precision, Prediction, Prompt
from vos_bench.config import explain
from vos_bench.errors import BadInputError

from . import INFO
from .checkpoint import load_network
from .config import MASK_NETWORK
from .network import LwlNetwork
from .parameters import TrackerConfig
from .tracker import LwlTracker


class LwlMethod(Method):
    """The `Method` of the entry point: the tracker with the weights that the user chose."""

    Config = TrackerConfig
    takes_corrections = True

    def __init__(
        self,
        config: TrackerConfig | None = None,
        *,
        weights: Parameters | None = None,
        device: str = "cpu",
        amp: Precision = "off",
        compile: bool = False,
        seed: int = 0,
    ) -> None:
        """Load the network: a safetensors file or the authors' `.pth`; a box network starts from boxes too.

        With `UNTRAINED` it is the released network for mask starts with random parameters: as fast, and of no other
        use. Nothing in LWL is drawn by chance.
        """
        super().__init__(config, weights=weights, device=device, amp=amp, compile=compile, seed=seed)
        if weights is None:
            ways = " ".join(f"{known.name}: {known.note}" for known in INFO.weights)
            raise BadInputError(f"lwl: no weights; give --weights FILE. {ways}")
        network = _random_network() if weights == UNTRAINED else load_network(Path(weights))
        self._tracker = LwlTracker(network, self.config, device=device, amp=amp, compile=compile)

    @property
    def objects_at_once(self) -> int | None:
        """See `Method.objects_at_once`."""
        return self._tracker.objects_at_once

    @objects_at_once.setter
    def objects_at_once(self, count: int | None) -> None:
        self._tracker.objects_at_once = count or self.config.objects_per_pass

    @property
    def wants_probabilities(self) -> bool:
        """See `Method.wants_probabilities`."""
        return self._tracker.wants_probabilities

    @wants_probabilities.setter
    def wants_probabilities(self, wanted: bool) -> None:
        self._tracker.wants_probabilities = wanted

    def initialize(self, image: Image, prompt: Prompt) -> Prediction:
        """See `Method.initialize`."""
        return self._tracker.initialize(image, prompt)

    def step(self, image: Image, new: Prompt | None = None) -> Prediction:
        """See `Method.step`."""
        return self._tracker.step(image, new)


def _random_network() -> LwlNetwork:
    """Return the released network with random parameters, as fast as with trained ones.

    The kernels of its last convolution have a mean of zero and no bias, so that about half of the pixels are found:
    were there none, which is as likely, equal label maps of two passes would not say that they computed the same.
    """
    network = LwlNetwork(MASK_NETWORK)
    last = network.decoder.get_submodule("head.conv2")
    assert isinstance(last, nn.Conv2d)
    assert last.bias is not None
    with torch.no_grad():
        last.weight -= last.weight.mean(dim=(2, 3), keepdim=True)
        last.bias.zero_()
    return network


def load(
    weights: str | Path | Mapping[str, Tensor],
    *,
    device: str = "cpu",
    amp: Precision = "off",
    compile: bool = False,
    **parameters: Any,
) -> LwlTracker:
    """Return a tracker with these weights.

    Args:
        weights: A safetensors file, the authors' `.pth`, or a state dict in our names or the reference's.
        device: A torch device name.
        amp: Autocast precision; see `vos_bench.methods.lwl.engine.Engine`.
        compile: Whether to compile the network.
        **parameters: Any fields of `TrackerConfig`, such as `crop_size=(480, 832)`, `memory_size=32`,
            `first_iterations=20`, `update_iterations=3`, `crop_rule="release"`.

    Raises:
        BadInputError: The weights cannot be read or do not fit, or a parameter is unknown or out of range.
    """
    try:
        config = TrackerConfig(**parameters)
    except ValidationError as error:
        raise BadInputError(f"lwl: {explain(error)}; known: {', '.join(TrackerConfig.model_fields)}") from None
    network = load_network(Path(weights).expanduser() if isinstance(weights, str) else weights)
    return LwlTracker(network, config, device=device, amp=amp, compile=compile)
