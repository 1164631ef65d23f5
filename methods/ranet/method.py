"""RANet as the harness runs it."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from vos_bench.api import UNTRAINED, Image, LabelMap, Mask, Parameters, Prediction, Prompt
from vos_bench.config import FrozenModel
from vos_bench.errors import BadInputError
from vos_bench.parts.merging import merge
from vos_bench.parts.precision import autocast
from vos_bench.parts.resnet import imagenet_scaled
from vos_bench.parts.soft_masks import network_for
from vos_bench.parts.torch_method import TorchMethod

from . import INFO
from .checkpoint import OFFICIAL, Mode, mode_of
from .frame_size import Box, Fit
from .network import HEIGHT, WIDTH, Features, RanetNetwork, cell_shares, correlate, kept_maps, rank_maps

_LEAST = 0.5
"""An object's answer has to be above this."""

_LEAST_BACKGROUND = 0.9
"""In the mode `single`, the least share that is not the object in a cell that counts as background."""

Planes = NDArray[np.intp]
"""480 x 864; 0 is background, p + 1 is the object that started as number p, from 0 on."""


class RanetConfig(FrozenModel):
    """The authors' settings.

    Attributes:
        mode: How the network is used: `multi`, for several objects, or `single`; each has weights of its own. `auto`
            goes by the authors' name of the file, and takes `multi` where that does not say.
        objects_per_pass: At most so many objects, or crops, go through the network at once; bounds the working memory.
        probabilities: Whether predictions carry the soft masks, which sum to one after division by their sum.
    """

    mode: Literal["auto", "single", "multi"] = "auto"
    objects_per_pass: int = Field(default=8, ge=1, le=65535)
    probabilities: bool = True


@dataclass
class Group:
    """Objects with one template: those that started on one frame, or a single one.

    Attributes:
        objects: Which they are, in the order of all objects.
        template: 512 x 15 x 27.
        shares: Share of what is not them and of each of them in each template cell, (1 + K) x 405.
        box: Where they are looked for on the next frame.
        masks: Their last masks inside of `box`, enlarged to K x 1 x 480 x 864.
    """

    objects: slice
    template: Tensor
    shares: Tensor
    box: Box
    masks: Tensor


class RanetMethod(TorchMethod):
    """The `Method` of the entry point."""

    Config = RanetConfig
    objects_at_once: int

    def __init__(
        self, config: RanetConfig | None = None, *, weights: Parameters | None = None, **settings: Any
    ) -> None:
        """Load the network; see `vos_bench.api.Method`. Raises BadInputError where there are no weights that fit."""
        super().__init__(config, weights=weights, **settings)
        self.objects_at_once = self.config.objects_per_pass
        self._mode = _mode(self.config.mode, weights)
        network = network_for(INFO, weights, load=OFFICIAL.load, build=RanetNetwork)
        self.network = self.on_device(network)

    def _reset(self, image: Image) -> None:
        self._fit = Fit(*image.shape[:2])
        self._groups: list[Group] = []

    def _advance(self, image: Image, new: Prompt) -> Prediction:
        self._objects.check_prompt(new)
        starting = [k for k in sorted(new.masks) if new.masks[k].any()]
        known = len(self._objects.ids)
        self._objects.add(starting, new)
        pixels = torch.from_numpy(np.array(self._fit.frame(image))).to(self.device).permute(2, 0, 1)[None]
        frame = imagenet_scaled(pixels / 255)
        found = self._found(frame)
        labels = _winners(found)
        given = [new.masks[k] for k in starting]
        fitted = [self._fit.mask(mask) for mask in given]
        for plane, mask in enumerate(fitted, start=known):
            labels[mask] = plane + 1
        for group in self._groups:
            self._remember(group, labels)
        if starting:
            self._start(frame, labels, known)
        return self._predict(found, labels, given)

    def _found(self, frame: Tensor) -> Tensor:
        """Return each object's own answer, K x 480 x 864, zero outside of the box in which it was looked for."""
        planes = [frame.new_zeros((0, HEIGHT, WIDTH))]
        size = self.objects_at_once
        for start in range(0, len(self._groups), size):
            groups = self._groups[start : start + size]
            features = self._features(frame, [group.box for group in groups])
            planes += [self._followed(group, Features(*(x[i : i + 1] for x in features)))
                       for i, group in enumerate(groups)]  # fmt: skip
        return torch.cat(planes)

    def _features(self, frame: Tensor, boxes: list[Box]) -> Features:
        """Look at parts of a frame, each enlarged to the whole."""
        with autocast(torch.device(self.device), self.amp):
            return self.network.base_model(torch.cat([_enlarged(frame, box) for box in boxes]))  # type: ignore[no-any-return]

    def _followed(self, group: Group, features: Features) -> Tensor:
        network = self.network
        with autocast(torch.device(self.device), self.amp):
            embedded, skips = network.embed(features), network.skips(features)
            correlations = correlate(embedded[0], group.template)
            rank = network.values_apart if self._mode == "single" else network.values_together
            order = rank_maps(rank(correlations, group.shares))
            logits = []
            for start in range(0, len(group.masks), self.objects_at_once):
                chosen = slice(start, start + self.objects_at_once)
                kept = kept_maps(correlations, group.shares, order[:, chosen])
                logits.append(network.decode(kept, group.masks[chosen], skips))
        return _put_back(torch.cat(logits).float().sigmoid(), group.box)[:, 0]

    def _start(self, frame: Tensor, labels: Planes, known: int) -> None:
        """Make templates of the objects from number `known` on; the frame's labels are final."""
        objects = range(known, len(self._objects.ids))
        together = [slice(known, len(self._objects.ids))]
        for chosen in [slice(k, k + 1) for k in objects] if self._mode == "single" else together:
            masks = self._masks(labels, chosen)
            box = Box.around(masks)
            with autocast(torch.device(self.device), self.amp):
                template = self.network.template(self._features(frame, [box]))[0]
            enlarged = self._enlarged_masks(masks, box)
            self._groups.append(Group(chosen, template, self._shares(enlarged), box, enlarged))

    def _remember(self, group: Group, labels: Planes) -> None:
        masks = self._masks(labels, group.objects)
        group.box = Box.around(masks)
        group.masks = self._enlarged_masks(masks, group.box)

    def _masks(self, labels: Planes, objects: slice) -> Mask:
        numbers = np.arange(objects.start, objects.stop) + 1
        masks: Mask = labels == numbers[:, None, None]
        return masks

    def _enlarged_masks(self, masks: Mask, box: Box) -> Tensor:
        inside = torch.from_numpy(masks[:, box.top : box.bottom, box.left : box.right]).to(self.device).float()
        return functional.interpolate(inside[:, None], size=(HEIGHT, WIDTH), mode="nearest")

    def _shares(self, masks: Tensor) -> Tensor:
        objects = cell_shares(masks[:, 0])
        if self._mode == "single":
            return torch.cat([(1 - objects >= _LEAST_BACKGROUND).float(), objects])
        return torch.cat([cell_shares(1 - masks.amax(dim=0)), objects])

    def _predict(self, found: Tensor, labels: Planes, given: list[Mask]) -> Prediction:
        """Bring the answer to the frame's size; given masks are not resized."""
        planes = labels.ravel()[self._fit.back]
        planes[planes > len(found)] = 0
        for plane, mask in enumerate(given, start=len(found) + 1):
            planes[mask] = plane
        answer: LabelMap = np.array([0, *self._objects.ids], np.uint16)[planes]
        if not (self.config.probabilities and self.wants_probabilities):
            return Prediction(answer)
        back = torch.from_numpy(self._fit.back).to(found.device)
        soft = found.flatten(1)[:, back]
        new = torch.from_numpy(np.array(given, np.float32).reshape(-1, *answer.shape)).to(found.device)
        soft = torch.cat([soft * (1 - new.sum(dim=0).clamp(max=1)), new])
        if not len(soft):
            return Prediction(answer, self._objects.to_planes(np.ones((1, *answer.shape), np.float16)))
        return Prediction(answer, self._objects.to_planes(merge(soft, rule="argmax").half().cpu().numpy()))


def _mode(asked: str, weights: Parameters | None) -> Mode:
    """Return how the network is used. Raises BadInputError where the weights are named for the other way."""
    said = None if weights is None or weights == UNTRAINED else mode_of(weights)
    if asked == "auto":
        return said or "multi"
    if said is not None and said != asked:
        raise BadInputError(
            f"{weights}: found RANet's weights for the mode {said}, as the authors' name of the file says\n"
            f"  expected those for {asked}: give these, or --set mode={said}"
        )
    return "single" if asked == "single" else "multi"


def _winners(found: Tensor) -> Planes:
    """Return the object with the highest answer above one half, the later one at a tie: K x 480 x 864 -> 480 x 864."""
    labels = np.zeros((HEIGHT, WIDTH), np.intp)
    if len(found):
        highest = found.amax(dim=0)
        for plane, own in enumerate(found, start=1):
            labels[((own >= highest) & (own > _LEAST)).cpu().numpy()] = plane
    return labels


def _enlarged(frame: Tensor, box: Box) -> Tensor:
    inside = frame[..., box.top : box.bottom, box.left : box.right]
    return functional.interpolate(inside, size=(HEIGHT, WIDTH), mode="bilinear", align_corners=False)


def _put_back(planes: Tensor, box: Box) -> Tensor:
    """Bring planes, K x 1 x 480 x 864, to the size of a box, corners aligned, with zeros around it."""
    inside = functional.interpolate(planes, size=box.size, mode="bilinear", align_corners=True)
    return functional.pad(inside, (box.left, WIDTH - box.right, box.top, HEIGHT - box.bottom))
