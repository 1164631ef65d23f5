"""FRTM as the harness runs it: a target model for each object, one backbone and one refiner for all."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from vos_bench.api import UNTRAINED, Image, Parameters
from vos_bench.errors import BadInputError
from vos_bench.parts.soft_masks import SoftMaskMethod, network_for

from . import INFO
from .checkpoint import load_network
from .config import FrtmConfig
from .memory import SampleMemory, first_weights
from .network import TARGET, FrtmNetwork
from .synthesis import Sample, moved_objects
from .target_model import TargetModel, fit_both, fit_filter, random_model, score
from .targets import Enlargement, Targets

Features = dict[str, Tensor]


class Target:
    """One object: its target model and memory.

    Attributes:
        model: As fitted last.
        memory: What it is fitted to; the first layer stays as it was fitted on the first frame.
        projected: The last frame behind the first layer, 1 x D x h x w.
    """

    projected: Tensor

    def __init__(self, model: TargetModel, features: Tensor, targets: Targets, config: FrtmConfig) -> None:
        """Fit the model to samples of the first frame, N x C x h x w, the frame itself first."""
        self._config, self._solver, self._age = config, config.resolved_solver(), 0
        weights = first_weights(len(features), like=features)
        self.model = fit_both(model, features, targets, weights, self._solver)
        self.memory = SampleMemory(
            self.model.project(features), targets, size=config.memory_size, learning_rate=config.learning_rate
        )
        self.update()

    def find(self, features: Tensor) -> Tensor:
        """Return the coarse score of a frame's features: 1 x 1 x h x w."""
        self.projected = self.model.project(features)
        return score(self.projected, self.model.filter)

    def learn(self, wanted: Targets | None) -> None:
        """Remember the last frame that was looked at, and fit again every so many frames after the object's first.

        Args:
            wanted: What the frame's score should have been; None where there is nothing to learn from.
        """
        self._age += 1
        if wanted is None:
            return
        self.memory.add(self.projected, wanted)
        if self._age % self._config.update_interval == 0:
            self.update()

    def update(self) -> None:
        """Fit the second layer to the memory."""
        memory = self.memory
        filter = fit_filter(self.model.filter, memory.projected, memory.targets, memory.weights, self._solver)
        self.model = TargetModel(self.model.projection, filter)


class FrtmMethod(SoftMaskMethod):
    """The `Method` of the entry point."""

    Config = FrtmConfig

    def __init__(self, config: FrtmConfig | None = None, *, weights: Parameters | None = None, **settings: Any) -> None:
        """Load the network; see `vos_bench.api.Method`. Raises BadInputError where there are no weights that fit."""
        super().__init__(config, weights=weights, **settings)
        wanted = self.config.backbone
        network = network_for(
            INFO, weights, load=load_network, build=lambda: FrtmNetwork("resnet101" if wanted == "auto" else wanted)
        )
        if wanted not in ("auto", network.name) and weights != UNTRAINED:
            raise BadInputError(
                f"{weights}: is for {network.name}, and backbone={wanted} was asked for; leave it at auto"
            )
        network.refiner.project.bicubic = self.config.script == "ytvos"
        self.network = self.on_device(network)

    def preprocess(self, image: Tensor) -> Tensor:
        """See `SoftMaskMethod.preprocess`: the backbone takes 0..255."""
        return image

    def reset(self) -> None:
        """See `SoftMaskMethod.reset`."""
        self._targets: list[Target] = []
        self._enlargement: Enlargement | None = None
        self._seed = int(torch.randint(2**31, ()))

    def find(self, frame: Tensor) -> Tensor:
        """See `SoftMaskMethod.find`."""
        size = (frame.shape[-2], frame.shape[-1])
        features = self._extract(frame)
        scores = [target.find(features[TARGET].float()) for target in self._targets]
        with self.autocast():
            reduced = self.network.refiner.reduce(features)
            logits = [self.network.refiner(each, reduced, size) for each in scores]
        return torch.sigmoid(torch.cat(logits).float())[:, 0]

    def winners(self, merged: Tensor) -> Tensor:
        """See `SoftMaskMethod.winners`: an object needs more than one half, or the highest share; see `Script`.

        `evaluate.py` merges once more what the winners have. A winner then meets one minus its own share as background.
        """
        if self.config.script == "ytvos":
            return super().winners(merged)
        highest = merged.max(dim=0)
        return highest.indices * (highest.values > 0.5)

    def remember(self, frame: Tensor, merged: Tensor, new: int) -> None:
        """See `SoftMaskMethod.remember`: each object learns from its soft mask where it won."""
        winner = merged.argmax(dim=0)
        for k, target in enumerate(self._targets, start=1):
            mask = merged[k] * (winner == k)
            seen = int((mask > 0.5).sum()) >= self.config.smallest_mask
            target.learn(self._wanted(mask[None, None], target.projected) if seen else None)
        for mask in merged[len(merged) - new :]:
            self._targets.append(self._started(frame, mask > 0.5))

    def _extract(self, frames: Tensor) -> Features:
        with self.autocast():
            return self.network.backbone(frames)  # type: ignore[no-any-return]

    def _wanted(self, masks: Tensor, like: Tensor) -> Targets:
        size = (masks.shape[-2], masks.shape[-1])
        if self._enlargement is None:
            self._enlargement = Enlargement((like.shape[-2], like.shape[-1]), size, like)
        foreground, smallest = self.config.solver.foreground, self.config.smallest_mask
        return Targets(masks, self._enlargement, foreground=foreground, smallest=smallest)

    def _started(self, frame: Tensor, mask: Tensor) -> Target:
        image: Image = frame[0].permute(1, 2, 0).round().byte().cpu().numpy()
        given = Sample(image, mask.cpu().numpy())
        generator, rng = torch.Generator().manual_seed(self._seed), np.random.default_rng(self._seed)
        samples = [given, *moved_objects(*given, self.config.synthesis, rng)]
        features = torch.cat([self._extract(_pixels(sample.image, frame))[TARGET].float() for sample in samples])
        masks = torch.from_numpy(np.stack([sample.mask for sample in samples])).to(frame)[:, None]
        model = TargetModel(
            *(x.to(frame.device) for x in random_model(features.shape[1], self.config.solver, generator))
        )
        return Target(model, features, self._wanted(masks, features), self.config)


def _pixels(image: Image, like: Tensor) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(image)).to(like).permute(2, 0, 1)[None]
