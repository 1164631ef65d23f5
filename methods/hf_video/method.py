"""SAM 2, EdgeTAM and the tracker of SAM 3 as the harness runs them."""

from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from vos_bench.api import Image, LabelMap, Parameters, Prediction, Prompt
from vos_bench.parts.merging import half, merge
from vos_bench.parts.precision import autocast
from vos_bench.parts.torch_method import TorchMethod
from vos_bench.parts.tracked_objects import TrackedObjects

from .config import HfVideoConfig
from .families import EDGETAM, SAM2, SAM3, Family
from .networks import import_transformers, load_network
from .preprocessing import preprocess
from .tracks import Tracks


class HfVideoMethod(TorchMethod):
    """Follows objects by a network of transformers; a subclass names which."""

    Config: ClassVar[type[Any] | None] = HfVideoConfig
    family: ClassVar[Family]

    def __init__(
        self, config: HfVideoConfig | None = None, *, weights: Parameters | None = None, **settings: Any
    ) -> None:
        """Load the network; see `vos_bench.api.Method`. Raises BadInputError where there are no weights that fit."""
        super().__init__(config, weights=weights, **settings)
        self.network = load_network(self.family, weights, self.config).to(self.device)
        self._session = getattr(import_transformers(self.family), self.family.session)
        if self.compile:
            self.network.vision_encoder.compile()

    @cached_property
    def _objects(self) -> TrackedObjects:
        return TrackedObjects(self.family.method, boxes=True)

    def _reset(self, image: Image) -> None:
        del image
        self._tracks = Tracks(self.network, self._session)

    def _advance(self, image: Image, new: Prompt) -> Prediction:
        size = (image.shape[0], image.shape[1])
        self._tracks.see_frame(preprocess(image, self.network.image_size, self.family))
        self._start(new, size)
        if not self._objects.ids:
            return Prediction(np.zeros(size, np.uint16))
        with autocast(torch.device(self.device), self.amp):
            logits = self._tracks.segment()
        return self.merge(functional.interpolate(logits[:, None], size, mode="bilinear", align_corners=False)[:, 0])

    def merge(self, logits: Tensor) -> Prediction:
        """Turn logits of all objects at the frame's size, K x H x W, into the answer."""
        planes = None
        if self.wants_probabilities:
            planes = self._objects.to_planes(half(merge(logits.sigmoid().cpu().numpy(), rule="argmax")))
        return Prediction(label_map(logits, self._objects.ids), planes)

    def _start(self, new: Prompt, size: tuple[int, int]) -> None:
        self._objects.check_prompt(new)
        masks = {k: mask for k, mask in new.masks.items() if mask.any()}
        for k, mask in masks.items():
            self._tracks.start_from_mask(k, mask)
        boxes = {k: box for k, box in new.boxes.items() if k not in new.masks and _is_seen(box, size)}
        for k, box in boxes.items():
            self._tracks.start_from_box(k, box, size)
        self._objects.add((*masks, *boxes), new)


def label_map(logits: Tensor, object_ids: list[int]) -> LabelMap:
    """Give each pixel to the object of the highest logit above zero, the earlier one at a tie.

    The rule of the authors' evaluation script (`non_overlap_masks`), on logits: far above zero probabilities are equal.

    Args:
        logits: K x H x W.
        object_ids: The K ids.
    """
    best, winner = logits.max(dim=0)
    ids = np.array(object_ids, np.uint16)
    labels: LabelMap = ids[winner.cpu().numpy()] * (best > 0).cpu().numpy()
    return labels


def _is_seen(box: tuple[float, float, float, float], size: tuple[int, int]) -> bool:
    x0, y0, x1, y1 = box
    return min(x1, size[1]) > max(x0, 0) and min(y1, size[0]) > max(y0, 0)


class Sam2Hf(HfVideoMethod):
    """The `Method` of `sam2-hf`."""

    family = SAM2


class EdgeTamHf(HfVideoMethod):
    """The `Method` of `edgetam-hf`."""

    family = EDGETAM


class Sam3Hf(HfVideoMethod):
    """The `Method` of `sam3-hf`."""

    family = SAM3
