"""The frame of methods that keep soft masks of all objects on a torch device: start, merge, labels."""

import math
from abc import abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar, TypeVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from vos_bench.api import UNTRAINED, Image, LabelMap, Parameters, Prediction, Prompt
from vos_bench.config import FrozenModel
from vos_bench.errors import BadInputError
from vos_bench.parts.merging import MergeRule, merge
from vos_bench.parts.padding import Padding
from vos_bench.parts.torch_method import TorchMethod
from vos_bench.plugins import MethodInfo

Network = TypeVar("Network", bound=nn.Module)

_TYPES = {"fp16": torch.float16, "bf16": torch.bfloat16}


class SoftMaskConfig(FrozenModel):
    """What every such method lets one set.

    Attributes:
        merge: How the answers of several objects become one label map; see `vos_bench.parts.merging`.
        probabilities: Whether predictions carry the merged soft masks.
        working_side: Frames are shrunk until their shorter side has so many pixels, and masks enlarged again; smaller
            frames stay as they are. None: no frame is shrunk.
    """

    merge: MergeRule = "soft-aggregation"
    probabilities: bool = True
    working_side: int | None = Field(default=None, ge=32, le=8192)


class PlaneMethod(TorchMethod):
    """A method that answers with planes of probability, one an object, on a torch device.

    A subclass gives `follow` and `reset`. All planes have the size of the shrunk and padded frame; `padding` is that of
    the sequence at hand. Objects are in the order in which they started; one whose mask is empty is never followed.
    `corrected` are the planes of the frame at hand whose masks were given though their objects had started.
    """

    multiple: ClassVar[int] = 1
    """Frames are padded until their sides are multiples of this."""

    truncates: ClassVar[bool] = False
    """Whether the longer side of a shrunk frame loses its fraction, as in torchvision's Resize, or is rounded."""

    always_padded: ClassVar[bool] = False
    """Whether a side that is a multiple already is padded by one more."""

    odd_first: ClassVar[bool] = False
    """Whether an odd pixel of the padding goes left and to the top, or right and to the bottom."""

    padding: Padding
    corrected: list[int]

    @abstractmethod
    def reset(self) -> None:
        """Forget the last sequence."""

    @abstractmethod
    def follow(self, frame: Tensor, known: int, again: Tensor, starting: Tensor) -> Tensor:
        """Segment a frame and take it in; called where there is an object.

        Args:
            frame: 1 x 3 x H x W, as `preprocess` made it, padded.
            known: How many objects have started before.
            again: Masks of the `corrected` planes, C x H x W.
            starting: Masks of objects that start here, N x H x W.

        Returns:
            (1 + K) x H x W, background first; K counts the objects that start here.
        """

    def preprocess(self, image: Tensor) -> Tensor:
        """Turn an RGB image, 1 x 3 x H x W of 0..255, into what `follow` takes before it is padded."""
        return image / 255

    def pad(self, x: Tensor) -> Tensor:
        """Surround what has the size of shrunk frames, ... x H x W, as `padding` says; by zeros unless overridden."""
        return self.padding.pad(x)

    def winners(self, merged: Tensor) -> Tensor:
        """Return the plane that each pixel of a frame goes to, H x W, given (1 + K) x H x W at the frame's own size."""
        return merged.max(dim=0).indices

    def _reset(self, image: Image) -> None:
        whole = math.floor if self.truncates else round
        self._working = working_size(image.shape[:2], self.config.working_side, whole=whole)
        self.padding = Padding.to_multiple(
            self._working, self.multiple, always=self.always_padded, odd_first=self.odd_first
        )
        self.reset()

    def autocast(self) -> AbstractContextManager[None]:
        """Return the context in which networks run at the precision that was asked for."""
        kind = torch.device(self.device).type
        return nullcontext() if self.amp not in _TYPES else torch.autocast(kind, dtype=_TYPES[self.amp])

    def _advance(self, image: Image, new: Prompt) -> Prediction:
        pixels = torch.from_numpy(np.ascontiguousarray(image)).to(self.device).permute(2, 0, 1)[None].float()
        shrunk = self._resized(pixels, self._working)
        frame = self.pad(self.preprocess(shrunk))
        known = [*self._objects.ids]
        starting = self._starting(new)
        self.corrected = [i for i, k in enumerate(known) if k in new.masks and new.masks[k].any()]
        if not self._objects.ids:
            return self._predict(pixels.new_ones((1, *image.shape[:2])))
        again = self._given(new, [known[i] for i in self.corrected])
        merged = self.follow(frame, len(known), again, self._given(new, starting))
        return self._predict(self._resized(self.padding.crop(merged)[None], image.shape[:2])[0])

    def _given(self, new: Prompt, objects: list[int]) -> Tensor:
        """Return given masks as planes of the working size, padded."""
        if not objects:
            return torch.empty((0, *self._working), device=self.device)
        masks = np.stack([new.masks[k] for k in objects])
        full = torch.from_numpy(masks).to(self.device).float()
        return self.pad(self._resized(full[None], self._working)[0])

    def _resized(self, x: Tensor, size: tuple[int, ...]) -> Tensor:
        """Bring B x C x H x W to another size, bilinear, by the mean of what falls on a pixel where it shrinks."""
        if x.shape[-2:] == size:
            return x
        return functional.interpolate(x, size=size, mode="bilinear", align_corners=False, antialias=True)

    def _starting(self, new: Prompt) -> list[int]:
        """Return the objects that start here, and keep in mind those whose mask is empty."""
        self._objects.check_prompt(new)
        starting = sorted(k for k, mask in new.masks.items() if mask.any() and k not in self._objects.ids)
        self._objects.add(starting, new)
        return starting

    def _predict(self, merged: Tensor) -> Prediction:
        ids = np.array([0, *self._objects.ids], np.uint16)
        labels: LabelMap = ids[self.winners(merged).cpu().numpy()]
        if not (self.config.probabilities and self.wants_probabilities):
            return Prediction(labels)
        return Prediction(labels, self._objects.to_planes(merged.half().cpu().numpy()))


class SoftMaskMethod(PlaneMethod):
    """A method that finds all its objects on a frame at once, then merges them and remembers.

    A subclass gives `find`, `remember` and `reset`. A mask that is given cuts the older objects.
    """

    @abstractmethod
    def find(self, frame: Tensor) -> Tensor:
        """Return where the objects that have started are, K x H x W in [0, 1]; called where there is at least one.

        `frame` is 1 x 3 x H x W, as `preprocess` made it, padded.
        """

    @abstractmethod
    def remember(self, frame: Tensor, merged: Tensor, new: int) -> None:
        """Take in what the merge made of a frame, (1 + K) x H x W, background first; called where there is an object.

        The last `new` planes are objects that start here.
        """

    def merge(self, found: Tensor, new: int) -> Tensor:
        """Merge K x H x W into (1 + K) x H x W; the last `new` planes are given masks."""
        del new
        return merge(found, rule=self.config.merge)

    def follow(self, frame: Tensor, known: int, again: Tensor, starting: Tensor) -> Tensor:
        """See `PlaneMethod.follow`: find the known objects, merge them with the given masks, and remember."""
        planes = [self.find(frame)] if known else []
        if len(again):
            planes = [self._with_given(planes[0], again)]
        if len(starting):
            planes = [*(found * (1 - starting.amax(0)) for found in planes), starting]
        merged = self.merge(torch.cat(planes), len(starting))
        self.remember(frame, merged, len(starting))
        return merged

    def _with_given(self, found: Tensor, given: Tensor) -> Tensor:
        """Return what was found with given masks in place of the corrected planes, and cut out of the others."""
        found = found * (1 - given.amax(0))
        found[self.corrected] = given.to(found.dtype)
        return found


def working_size(size: tuple[int, int], side: int | None, *, whole: Callable[[float], int] = round) -> tuple[int, int]:
    """Return H and W shrunk so that the shorter has `side` pixels, None for no bound; never larger than `size`.

    `whole` makes a whole number of the longer side.
    """
    shorter = min(size)
    if side is None or side >= shorter:
        return size
    return whole(side * size[0] / shorter), whole(side * size[1] / shorter)


def network_for(
    info: MethodInfo,
    weights: Parameters | None,
    *,
    load: Callable[[Any], Network],
    build: Callable[[], Network],
) -> Network:
    """Return a method's network in evaluation mode: read from a file, or for `untrained` with random parameters.

    Raises:
        BadInputError: There are no weights, or they do not fit.
    """
    if weights is None:
        ways = " ".join(f"{known.name}: {known.note}" for known in info.weights)
        raise BadInputError(f"{info.name}: no weights; give --weights FILE, or --weights {UNTRAINED}. {ways}")
    return (build() if weights == UNTRAINED else load(weights)).eval()
