"""SiamMask as the harness runs it."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vos_bench.api import Box, Image, Mask, Parameters, Prediction, Prompt
from vos_bench.parts.merging import half, highest_above, merge
from vos_bench.parts.per_object import is_empty
from vos_bench.parts.precision import autocast
from vos_bench.parts.soft_masks import network_for
from vos_bench.parts.torch_method import TorchMethod

from . import INFO
from .checkpoint import load_variant
from .config import SiamMaskConfig
from .network import GRID, SEARCH, TEMPLATE, SiamMaskNetwork, Template
from .tracking import Found, Plane, Target, choose


class Track:
    """One object of the sequence at hand: where it is, and what the network keeps of its first frame, 1 x ... each."""

    def __init__(self, target: Target, template: Template) -> None:
        self.target, self.template = target, template
        self.found: Found | None = None


class SiamMaskMethod(TorchMethod):
    """The `Method` of the entry point."""

    Config = SiamMaskConfig
    objects_at_once: int
    takes_boxes = True

    def __init__(
        self, config: SiamMaskConfig | None = None, *, weights: Parameters | None = None, **settings: Any
    ) -> None:
        """Load the network; see `vos_bench.api.Method`. Raises BadInputError where there are no weights that fit."""
        super().__init__(config, weights=weights, **settings)
        self.objects_at_once = self.config.objects_per_pass
        variant = self.config.variant
        network = network_for(
            INFO, weights, load=lambda path: load_variant(path, variant), build=lambda: SiamMaskNetwork(variant)
        )
        self.network = self.on_device(network)

    def _reset(self, image: Image) -> None:
        del image
        self.tracks: dict[int, Track] = {}

    def _advance(self, image: Image, new: Prompt) -> Prediction:
        planes = self._found(image, self.tracks)
        self._objects.check_prompt(new)
        starting = {k: given for k in new.object_ids if not is_empty(given := _given(new, k), image.shape[:2])}
        self._objects.add(starting, new)
        for k, given in starting.items():
            self.tracks[k] = self._started(image, _box(given, image.shape[:2]))
        planes |= self._first_planes(image, starting)
        return self._prediction(planes, image.shape[:2])

    def _started(self, image: Image, box: Box) -> Track:
        target = Target.started(image, box)
        crop = target.template().cut(image, target.beyond, TEMPLATE)
        with self._autocast():
            return Track(target, self.network.remember(self._pixels([crop])))

    def _first_planes(self, image: Image, starting: Mapping[int, Mask | Box]) -> dict[int, Plane]:
        """Return the soft masks of the frame where objects start: the given ones, and what is found of the boxes.

        A box stays where it was given, whatever is found.
        """
        boxes = {k: self.tracks[k] for k, given in starting.items() if not isinstance(given, np.ndarray)}
        kept = {k: (track.target.centre, track.target.size) for k, track in boxes.items()}
        planes = self._found(image, boxes)
        for k, (centre, size) in kept.items():
            boxes[k].target.centre, boxes[k].target.size = centre, size
        return planes | {k: given.astype(np.float32) for k, given in starting.items() if isinstance(given, np.ndarray)}

    def _found(self, image: Image, tracks: Mapping[int, Track]) -> dict[int, Plane]:
        """Follow objects to a frame: the soft mask of each, H x W in [-1, 1]."""
        ids, planes = list(tracks), list[Plane]()
        for start in range(0, len(ids), self.objects_at_once):
            planes += self._together(image, [tracks[k] for k in ids[start : start + self.objects_at_once]])
        return dict(zip(ids, planes, strict=True))

    def _together(self, image: Image, tracks: list[Track]) -> list[Plane]:
        regions = [track.target.search() for track in tracks]
        crops = [region.cut(image, each.target.beyond, SEARCH) for region, each in zip(regions, tracks, strict=True)]
        template = Template(*(torch.cat(parts) for parts in zip(*(track.template for track in tracks), strict=True)))
        with self._autocast():
            search = self.network.search(self._pixels(crops), template)
            found = self._chosen(search.scores, search.deltas, tracks)
            logits = self.network.masks(search, template, [each.cell for each in found])
        masks: NDArray[np.float32] = logits.float().sigmoid().cpu().numpy()
        size = image.shape[0], image.shape[1]
        for track, each in zip(tracks, found, strict=True):
            track.found = each
            track.target.move(each, self.config.rules, size)
        return [region.paste(mask, each.cell, size) for region, mask, each in zip(regions, masks, found, strict=True)]

    def _chosen(self, scores: Tensor, deltas: Tensor, tracks: list[Track]) -> list[Found]:
        anchors = GRID**2 * 5
        sure = scores.float().reshape(len(tracks), 2, anchors).softmax(dim=1)[:, 1].cpu().numpy()
        moved = deltas.float().reshape(len(tracks), 4, anchors).cpu().numpy()
        rules = self.config.rules
        return [
            choose(score, delta, track.target.in_search(), rules)
            for score, delta, track in zip(sure, moved, tracks, strict=True)
        ]

    def _pixels(self, crops: list[Image]) -> Tensor:
        """Return crops as the network takes them: blue, green, red of 0..255."""
        stacked = np.stack(crops)[..., ::-1].transpose(0, 3, 1, 2)
        # The order in memory decides the last bits of the convolutions: this is the authors'.
        return torch.from_numpy(np.ascontiguousarray(stacked)).to(self.device).float()

    def _autocast(self) -> AbstractContextManager[None]:
        return autocast(torch.device(self.device), self.amp)

    def _prediction(self, planes: Mapping[int, Plane], size: tuple[int, ...]) -> Prediction:
        labels = highest_above({k: planes[k] for k in sorted(planes)}, self.config.rules.threshold, size)
        if not (self.config.probabilities and self.wants_probabilities):
            return Prediction(labels)
        soft = [planes[k] for k in self._objects.ids]
        shares = np.stack(soft).clip(0, 1) if soft else np.zeros((0, *size), np.float32)
        return Prediction(labels, self._objects.to_planes(half(merge(shares, rule="argmax"))))


def _given(new: Prompt, object_id: int) -> Mask | Box:
    return new.masks[object_id] if object_id in new.masks else new.boxes[object_id]


def _box(given: Mask | Box, size: tuple[int, ...]) -> Box:
    """Return the smallest box of a mask, or what the frame shows of a box."""
    if isinstance(given, np.ndarray):
        return Prompt(masks={1: given}).as_boxes().boxes[1]
    x0, y0, x1, y1 = given
    return max(x0, 0.0), max(y0, 0.0), min(x1, float(size[1])), min(y1, float(size[0]))
