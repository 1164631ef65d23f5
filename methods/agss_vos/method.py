"""AGSS-VOS as the harness runs it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from vos_bench.api import Image, LabelMap, Mask, Parameters, Prediction, Prompt
from vos_bench.parts.merging import half, highest_above, merge
from vos_bench.parts.precision import autocast
from vos_bench.parts.resnet import IMAGENET_DEVIATION, IMAGENET_MEAN
from vos_bench.parts.soft_masks import network_for
from vos_bench.parts.torch_method import TorchMethod

from . import INFO
from .checkpoint import load_network
from .config import AgssConfig
from .flow_network import Flow, flow_between
from .network import AgssNetwork
from .sizes import network_size

_BACKGROUND = 0.5
"""What the background is given in the label map."""

Plane = NDArray[np.float32]


@dataclass
class Group:
    """The objects that start on one frame, which compete with each other alone.

    Attributes:
        ids: In ascending order.
        shares: Where each was on the last frame, K x 1 x h x w in [0, 1].
        reference: What is kept of their first frame; see `SegmentationNetwork.refer`.
    """

    ids: list[int]
    shares: Tensor
    reference: Tensor


class AgssMethod(TorchMethod):
    """The `Method` of the entry point."""

    Config = AgssConfig
    objects_at_once: int

    def __init__(self, config: AgssConfig | None = None, *, weights: Parameters | None = None, **settings: Any) -> None:
        """Load the networks; see `vos_bench.api.Method`. Raises BadInputError where there are no weights that fit."""
        super().__init__(config, weights=weights, **settings)
        self.objects_at_once = self.config.objects_per_pass
        flow = self.config.flow == "flownet2-c"
        network = network_for(
            INFO, weights, load=lambda path: load_network(path, flow=flow), build=lambda: AgssNetwork(flow=flow)
        )
        self.network = self.on_device(network, network.seg.Encoder, network.seg.Decoder)

    def _reset(self, image: Image) -> None:
        self._size = network_size((image.shape[0], image.shape[1]), self.config.script)
        self._groups: list[Group] = []
        self._last: Image | None = None

    def _advance(self, image: Image, new: Prompt) -> Prediction:
        self._objects.check_prompt(new)
        small = np.asarray(cv2.resize(image, self._size[::-1], interpolation=cv2.INTER_LINEAR), np.uint8)
        frame = self._scaled(small)
        if self._groups:
            flow = self.flow(small)
            for group in self._groups:
                self._follow(group, frame, flow)
        self._start(frame, new)
        self._last = small
        planes = {k: plane for group in self._groups for k, plane in _planes(group)}
        return self._prediction(dict(sorted(planes.items())), image.shape[:2])

    def flow(self, small: Image) -> Flow:
        """Return the flow from a frame to the last one, both at the network's size."""
        assert self._last is not None
        if self.network.flow is not None:
            with autocast(torch.device(self.device), self.amp):
                return flow_between(self.network.flow, small, self._last, self.device)
        search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        grey, before = (cv2.cvtColor(each, cv2.COLOR_RGB2GRAY) for each in (small, self._last))
        return np.asarray(search.calc(grey, before, None), np.float32)

    def _follow(self, group: Group, frame: Tensor, flow: Flow) -> None:
        warped = carried(group.shares, torch.from_numpy(flow).to(self.device))
        with autocast(torch.device(self.device), self.amp):
            found = self.network.seg(frame, warped, group.reference, at_once=self.objects_at_once)
        group.shares = merge(found.float(), rule="odds-share")[1:, None]
        if self.config.script == "ytvos":
            group.shares *= (warped.amax(dim=(1, 2, 3), keepdim=True) > 0.5).float()

    def _start(self, frame: Tensor, new: Prompt) -> None:
        ids = [k for k in sorted(new.masks) if new.masks[k].any()]
        self._objects.add(ids, new)
        if not ids:
            return
        masks = torch.from_numpy(np.stack([self._shrunk(new.masks[k]) for k in ids])[:, None]).to(self.device)
        with autocast(torch.device(self.device), self.amp):
            reference = self.network.seg.refer(frame, masks)
        self._groups.append(Group(ids, masks, reference))

    def _shrunk(self, mask: Mask) -> Plane:
        resized = cv2.resize(mask.astype(np.uint8), self._size[::-1], interpolation=cv2.INTER_NEAREST)
        return np.asarray(resized, np.float32)

    def _scaled(self, small: Image) -> Tensor:
        """Return a frame as the network takes it: 1 x 3 x h x w, scaled by ImageNet's mean and deviation in float64."""
        scaled = (small / 255 - IMAGENET_MEAN) / IMAGENET_DEVIATION
        planes = np.ascontiguousarray(scaled.astype(np.float32).transpose(2, 0, 1)[None])
        return torch.from_numpy(planes).to(self.device)

    def _prediction(self, planes: Mapping[int, Plane], size: tuple[int, ...]) -> Prediction:
        small = highest_above(planes, _BACKGROUND, self._size)
        labels: LabelMap = np.asarray(cv2.resize(small, size[::-1], interpolation=cv2.INTER_NEAREST), np.uint16)
        if not (self.config.probabilities and self.wants_probabilities):
            return Prediction(labels)
        soft = [
            np.asarray(cv2.resize(planes[k], size[::-1], interpolation=cv2.INTER_LINEAR), np.float32)
            for k in self._objects.ids
        ]
        shares = np.stack(soft).clip(0, 1) if soft else np.zeros((0, *size), np.float32)
        return Prediction(labels, self._objects.to_planes(half(merge(shares, rule="argmax"))))


def _planes(group: Group) -> list[tuple[int, Plane]]:
    return list(zip(group.ids, group.shares[:, 0].cpu().numpy(), strict=True))


def carried(planes: Tensor, flow: Tensor) -> Tensor:
    """Bring planes of the last frame, K x 1 x h x w, to this one by the flow between them, h x w x 2; zeros come in.

    A position p becomes p (w - 1) / w, in rows alike: the authors' rule, by which no flow still shrinks a little.
    """
    height, width = flow.shape[:2]
    rows = torch.arange(height, device=flow.device, dtype=torch.float32)[:, None] + flow[..., 1]
    columns = torch.arange(width, device=flow.device, dtype=torch.float32) + flow[..., 0]
    grid = torch.stack([(columns - width / 2) / (width / 2), (rows - height / 2) / (height / 2)], dim=-1)
    grid = grid.expand(len(planes), -1, -1, -1)
    return functional.grid_sample(planes, grid, mode="bilinear", padding_mode="zeros", align_corners=True)
