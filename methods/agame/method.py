"""A-GAME as the harness runs it."""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor

from vos_bench.api import Parameters
from vos_bench.parts.merging import MergeRule, merge, shares_of_odds
from vos_bench.parts.resnet import imagenet_scaled
from vos_bench.parts.soft_masks import PlaneMethod, SoftMaskConfig, network_for

from . import INFO
from .appearance import Mixture
from .checkpoint import OFFICIAL
from .network import STRIDE, AgameNetwork, pooled


class AgameConfig(SoftMaskConfig):
    """The authors' settings.

    Attributes:
        merge: Objects and the least of their backgrounds share their odds.
        update: Which masks appearance and propagation go on from: `merged`, as the authors run DAVIS 2017 and
            YouTube-VOS, or each object's `own`, as they run DAVIS 2016.
        rate: By which share the Gaussians move to those of the newest frame.
        objects_per_pass: At most so many objects go through the network at once; bounds the working memory.
    """

    merge: MergeRule = "odds-share"
    update: Literal["merged", "own"] = "merged"
    rate: float = Field(default=0.1, ge=0, le=1)
    objects_per_pass: int = Field(default=8, ge=1, le=65535)


@dataclass
class Tracks:
    """What is kept of K objects: all tensors have them first.

    Attributes:
        appearance: Their Gaussians.
        starts: Stride-16 features of each frame on which objects started, 1 x 2048 x h x w.
        start_of: For each object its position in `starts`.
        first: Masks there, K x 2 x h x w, background first.
        previous: Soft masks of the last frame, K x 2 x h x w.
    """

    appearance: Mixture
    starts: list[Tensor]
    start_of: list[int]
    first: Tensor
    previous: Tensor

    def joined(self, new: "Tracks") -> "Tracks":
        """Return these objects and then new ones."""
        appearance = Mixture(*(torch.cat(parts) for parts in zip(self.appearance, new.appearance, strict=True)))
        start_of = [*self.start_of, *(len(self.starts) + start for start in new.start_of)]
        first, previous = torch.cat([self.first, new.first]), torch.cat([self.previous, new.previous])
        return Tracks(appearance, [*self.starts, *new.starts], start_of, first, previous)


@dataclass(frozen=True)
class Seen:
    """What the network says of a frame, whatever the objects.

    Attributes:
        deep: At stride 16, 1 x 2048 x h x w.
        described: The features that Gaussians describe, 1 x 512 x h x w.
        skips: At strides 8 and 4, 1 x 128 channels.
    """

    deep: Tensor
    described: Tensor
    skips: tuple[Tensor, Tensor]


class AgameMethod(PlaneMethod):
    """The `Method` of the entry point."""

    Config = AgameConfig
    objects_at_once: int
    multiple, odd_first = STRIDE, True

    def __init__(
        self, config: AgameConfig | None = None, *, weights: Parameters | None = None, **settings: Any
    ) -> None:
        """Load the network; see `vos_bench.api.Method`. Raises BadInputError where there are no weights that fit."""
        super().__init__(config, weights=weights, **settings)
        self.objects_at_once = self.config.objects_per_pass
        network = network_for(INFO, weights, load=OFFICIAL.load, build=AgameNetwork)
        self.network = self.on_device(network)

    def preprocess(self, image: Tensor) -> Tensor:
        """See `PlaneMethod.preprocess`."""
        return imagenet_scaled(image / 255)

    def pad(self, x: Tensor) -> Tensor:
        """See `PlaneMethod.pad`: frames and masks go on as in a mirror."""
        return self.padding.reflect(x)

    def reset(self) -> None:
        """See `PlaneMethod.reset`."""
        self._tracks: Tracks | None = None

    def follow(self, frame: Tensor, known: int, again: Tensor, starting: Tensor) -> Tensor:
        """See `PlaneMethod.follow`. Objects that start on a later frame are also looked for on that very frame.

        What is answered there, and what is remembered of it, is the network's word, not the given mask, as in the
        authors' code.
        """
        del again
        seen = self._look(frame)
        if len(starting):
            self._start(seen, starting)
        tracks = self._tracks
        if not known or tracks is None:
            return merge(starting, rule="argmax")
        own = self._probabilities(seen, tracks)
        merged = self._merged(*own.unbind(1))
        planes = own.unbind(1) if self.config.update == "own" else (1 - merged[1:], merged[1:])
        self._update(seen, tracks, torch.stack([pooled(plane) for plane in planes], dim=1))
        return merged

    def _look(self, frame: Tensor) -> Seen:
        with self.autocast():
            features = self.network.backbone(frame)
            described = self.network.appmod(features.stride16)
            skips = self.network.segmod.project(features)
        return Seen(features.stride16, described.float(), skips)

    def _start(self, seen: Seen, masks: Tensor) -> None:
        """Add objects with their given masks, N x H x W."""
        first = pooled(torch.stack([1 - masks, masks], dim=1))
        new = Tracks(self._fitted(seen, first), [seen.deep], [0] * len(first), first, first)
        self._tracks = self._tracks.joined(new) if self._tracks else new

    def _fitted(self, seen: Seen, masks: Tensor) -> Mixture:
        fits = [self.network.appmod.fit(seen.described, masks[chosen]) for chosen in self._passes(len(masks))]
        return Mixture(*(torch.cat(parts) for parts in zip(*fits, strict=True)))

    def _probabilities(self, seen: Seen, tracks: Tracks) -> Tensor:
        """Return background and object by each object's own word, K x 2 x H x W."""
        return torch.cat([self._segmented(seen, tracks, chosen) for chosen in self._passes(len(tracks.first))])

    def _segmented(self, seen: Seen, tracks: Tracks, chosen: slice) -> Tensor:
        network, previous = self.network, tracks.previous[chosen]
        first = torch.cat([tracks.starts[start] for start in tracks.start_of[chosen]])
        scores = tracks.appearance.of(chosen).scores(seen.described)
        deep, *skips = (x.expand(len(first), -1, -1, -1) for x in (seen.deep, *seen.skips))
        with self.autocast():
            propagated = network.dynmod(deep, first, previous, tracks.first[chosen])
            fine: Tensor = network.segmod(network.fusmod(scores, propagated), *skips)
        return fine.float().softmax(dim=1)

    def _merged(self, backgrounds: Tensor, objects: Tensor) -> Tensor:
        if self.config.merge == "odds-share":
            return shares_of_odds(objects, backgrounds)
        return merge(objects, rule=self.config.merge)

    def _update(self, seen: Seen, tracks: Tracks, masks: Tensor) -> None:
        """Go on from soft masks of the frame, K x 2 x h x w."""
        tracks.previous = masks
        tracks.appearance = tracks.appearance.moved(self._fitted(seen, masks), self.config.rate)

    def _passes(self, objects: int) -> list[slice]:
        size = self.objects_at_once
        return [slice(start, start + size) for start in range(0, objects, size)]
