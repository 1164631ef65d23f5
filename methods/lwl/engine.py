"""The network as the tracker uses it: prepared for speed, a bounded number of objects at a time."""

import copy
from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeVar, cast

import numpy as np
import torch
from timm.models.efficientnet import EfficientNetFeatures
from torch import Tensor

from vos_bench.api import Precision
from vos_bench.methods.lite.decoder import LiteDecoder
from vos_bench.parts.backbone import Features
from vos_bench.parts.fused_convolutions import can_fuse, fuse_activations
from vos_bench.parts.fusion import fuse_normalisation, fuse_padding
from vos_bench.parts.precision import autocast
from vos_bench.parts.transfer import to_device

from .box_encoder import box_mask
from .crops import Crop, FirstCrop, Size, cut_frame, cut_image, cut_mask, paste_scores
from .decoder import DecoderHead
from .few_shot_learner import Fit, WeightedSamples
from .label_encoder import Labels
from .network import LwlNetwork

Item = TypeVar("Item")

XYWH = tuple[float, float, float, float]
"""A box as x, y, width, height."""


class Observation(NamedTuple):
    """What the network says of S objects on one frame, each in its own crop.

    Attributes:
        features: What the target models see, S x C x h x w.
        encodings: What they say, S x D x h x w.
        logits: What the decoder makes of it, S x H x W.
    """

    features: Tensor
    encodings: Tensor
    logits: Tensor


class Engine:
    """Runs a network for a tracker; call it under `torch.inference_mode`.

    At `fp16` backbone, target features and decoder run in half precision; at `bf16` the decoder does not, because the
    eight bits of its mantissa move the edges of masks by half a pixel. Label encoder and learner, a small part of the
    time, always run in float32: the learner's step lengths are ratios of large sums. Whether a GPU rounds float32
    to TF32 is for torch's switches alone, which the runner sets: `vos_bench.devices.set_float32_mode`.

    Attributes:
        network: A copy of its own, in evaluation mode, with normalisation folded into convolutions.
        device: Where it runs.
        is_small: Whether it is the network of `lwl-lite` on a CPU, which is made as quick as rounding allows; the
            paper's network keeps its sums to the last bit.
        per_pass: At most so many objects go through at once.
    """

    def __init__(
        self,
        network: LwlNetwork,
        *,
        device: str = "cpu",
        amp: Precision = "off",
        compile: bool = False,
        per_pass: int = 4,
    ) -> None:
        """Copy a network for a device, at an autocast precision; see above.

        With `compile`, backbone, label encoder and decoder are compiled; on a GPU into CUDA graphs. The learner is left
        out: its samples grow in number for as long as the memory is not full.
        """
        self.device = torch.device(device)
        self.network = fuse_padding(fuse_normalisation(copy.deepcopy(network).eval()))
        self.network.to(self.device).to(memory_format=torch.channels_last)
        for module in self.network.modules():
            if isinstance(module, DecoderHead):
                module.keep_kernels()
        self.is_small = isinstance(self.network.decoder, LiteDecoder) and self.device.type == "cpu"
        if self.is_small and not compile and can_fuse():
            self._fuse_activations()
        self._cut = cut_frame if self.is_small else cut_image
        self._amp = amp
        self.per_pass = per_pass
        self._has_graphs = compile and self.device.type == "cuda"
        if compile:
            mode = "reduce-overhead" if self._has_graphs else "default"
            for part in (self.network.backbone, self.network.label_encoder, self.network.decoder):
                part.compile(mode=mode)

    def _fuse_activations(self) -> None:
        """Let the small network's convolutions take in their activations."""
        network = self.network
        cast(LiteDecoder, network.decoder).split_levels()
        fuse_activations(network.target_extractor)
        fuse_activations(network.label_encoder)
        if isinstance(network.backbone.network, EfficientNetFeatures):
            fuse_activations(network.backbone.network)

    def begin_frame(self) -> None:
        """Say that a frame begins: what CUDA graphs gave on the last one may now be written over."""
        if self._has_graphs:
            torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]

    def feature_size(self, size: Size) -> Size:
        """Return height and width of the target features of an image of that size."""
        stride = self.network.config.target_stride
        return -(-size[0] // stride), -(-size[1] // stride)

    def observe(self, frame: Tensor, crops: Sequence[Crop], filters: Tensor) -> Observation:
        """Segment S objects on one frame, 3 x H x W, RGB of 0..255; those with the same crop share the backbone's pass.

        `filters` are their target models, S x D x C x K x K.
        """
        height, width = self.feature_size(crops[0].output_size)
        stride = self.network.config.target_stride
        found, order = list[Observation](), list[int]()
        for views in _batches(list(dict.fromkeys(crops)), self.per_pass):
            features = self._extract(_joined([self._cut(frame, view) for view in views]))
            target = self._target_features(features)
            members = [k for k, crop in enumerate(crops) if crop in views]
            for group in _batches(members, self.per_pass):
                owners = [views.index(crops[k]) for k in group]
                x = self._rows(target, owners)
                encodings = self.network.score(x[:, None], self._rows(filters, group))[:, 0]
                logits = self._decode(encodings, features, (stride * height, stride * width), owners)
                found.append(Observation(x, encodings, logits))
                order += group
        back = sorted(range(len(order)), key=order.__getitem__)
        joined = found[0] if len(found) == 1 else [torch.cat(parts) for parts in zip(*found, strict=True)]
        return Observation(*(self._rows(x, back) for x in joined))

    def first_features(self, frame: Tensor, crops: Sequence[FirstCrop]) -> Tensor:
        """Return the target features of the crops in which S objects start: S x C x h x w."""
        batches = _batches(crops, self.per_pass)
        images = (torch.cat([crop.cut_image(frame) for crop in batch]) for batch in batches)
        return torch.cat([self._target_features(self._extract(batch)) for batch in images])

    def encode_labels(self, masks: Tensor) -> Labels:
        """Return the labels and weights of masks, S x 1 x H x W."""
        labels: Labels = self.network.encode_labels(masks)
        return Labels(*(x.clone() for x in labels)) if self._has_graphs else labels

    def learn(
        self, samples: WeightedSamples, filters: Tensor | None = None, *, iterations: int, scores: Tensor | None = None
    ) -> Fit:
        """Fit target models; see `LwlNetwork.learn`."""
        return self.network.learn(samples, filters, iterations=iterations, scores=scores)

    def draw_boxes(self, frame: Tensor, boxes: Sequence[XYWH]) -> Tensor:
        """Guess the masks of the objects in S boxes, from the whole frame at its own resolution.

        Returns:
            Logits, S x H x W.
        """
        size = (frame.shape[-2], frame.shape[-1])
        features = self._extract(frame[None].float())
        target = self._target_features(features)
        drawn = []
        for batch in _batches(boxes, self.per_pass):
            masks = torch.stack([box_mask(box, size) for box in batch])[:, None].to(self.device)
            encodings = self.network.encode_boxes(masks, target.expand(len(batch), -1, -1, -1))
            drawn.append(self._decode(encodings, features, size, [0] * len(batch)))
        return torch.cat(drawn)

    def draw_boxes_in_crops(self, frame: Tensor, boxes: Sequence[XYWH], crops: Sequence[Crop]) -> Tensor:
        """Guess the masks of the objects in S boxes, each from a crop of the frame of its own.

        Returns:
            Logits, S x H x W; `NOTHING` outside the crops.
        """
        size, drawn = (frame.shape[-2], frame.shape[-1]), []
        for box, crop in zip(boxes, crops, strict=True):
            mask = cut_mask(box_mask(box, size).to(self.device), crop)
            features = self._extract(cut_image(frame, crop))
            encoding = self.network.encode_boxes(mask, self._target_features(features))
            drawn.append(paste_scores(self._decode(encoding, features, crop.output_size, [0])[0], crop, size))
        return torch.stack(drawn)

    def _extract(self, images: Tensor) -> Features:
        with autocast(self.device, self._amp):
            scaled = self.network.scale_images(images).contiguous(memory_format=torch.channels_last)
            return self.network.extract(scaled)

    def _target_features(self, features: Features) -> Tensor:
        with autocast(self.device, self._amp):
            return self.network.target_features(features)

    def _decode(self, encodings: Tensor, features: Features, size: Size, owners: list[int]) -> Tensor:
        one_each = _all_in_order(owners, len(features[self.network.config.target_stride]))
        index = None if one_each else self._index(owners)
        if self._amp == "bf16":
            whole = {stride: x.float() for stride, x in features.items()}
            logits = self.network.decode(encodings, whole, size, image_of_object=index)[:, 0]
        else:
            with autocast(self.device, self._amp):
                logits = self.network.decode(encodings, features, size, image_of_object=index)[:, 0].float()
        return logits.clone() if self._has_graphs else logits  # the next objects' replay writes over a graph's output

    def _rows(self, x: Tensor, rows: Sequence[int]) -> Tensor:
        """Return rows of `x`, itself where these are all of them in order."""
        return x if _all_in_order(rows, len(x)) else x[self._index(rows)]

    def _index(self, rows: Sequence[int]) -> Tensor:
        return to_device(np.array(rows), self.device)


def _all_in_order(rows: Sequence[int], count: int) -> bool:
    return list(rows) == list(range(count))


def _joined(parts: Sequence[Tensor]) -> Tensor:
    """Return images, 1 x 3 x H x W each, as one batch; a single one is not copied."""
    return parts[0] if len(parts) == 1 else torch.cat(list(parts))


def _batches(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))
