"""RGMP as the harness runs it."""

from dataclasses import dataclass, field
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from vos_bench.api import Parameters
from vos_bench.parts.merging import softmax_of_logits
from vos_bench.parts.soft_masks import SoftMaskConfig, SoftMaskMethod, network_for

from . import INFO
from .checkpoint import OFFICIAL
from .network import STRIDE, RgmpNetwork


class RgmpConfig(SoftMaskConfig):
    """The authors' settings.

    Attributes:
        union_background: With several objects, ask for the background by a pass on the union of all masks; it is what
            a single object leaves. Else it follows from the objects' answers by the rule `merge`.
        scales: Sizes at which a frame is looked at, in shares of its own; their answers are averaged.
        objects_per_pass: At most so many masks go through the network at once; bounds the working memory.
        align_corners: Whether the decoder enlarges so that corners meet. The authors trained with PyTorch 0.3.1, which
            did so; False is how PyTorch does it since 0.4. Frames and masks are resized without, as OpenCV does.
    """

    union_background: bool = True
    scales: tuple[Annotated[float, Field(gt=0, le=100)], ...] = Field(default=(0.5, 0.75, 1.0), min_length=1)
    objects_per_pass: int = Field(default=8, ge=1, le=65535)
    align_corners: bool = True


@dataclass
class Track:
    """One object, or the union of all.

    Attributes:
        mask: Where it was on the last frame, H x W in [0, 1].
        references: Scale to what is kept of its first frame, 1 x 2048 x h x w.
    """

    mask: Tensor
    references: dict[float, Tensor] = field(default_factory=dict)


class RgmpMethod(SoftMaskMethod):
    """The `Method` of the entry point."""

    Config = RgmpConfig
    objects_at_once: int
    multiple, always_padded = STRIDE, True

    def __init__(self, config: RgmpConfig | None = None, *, weights: Parameters | None = None, **settings: Any) -> None:
        """Load the network; see `vos_bench.api.Method`. Raises BadInputError where there are no weights that fit."""
        super().__init__(config, weights=weights, **settings)
        self.objects_at_once = self.config.objects_per_pass
        network = network_for(INFO, weights, load=OFFICIAL.load, build=RgmpNetwork)
        network.Decoder.align_corners = self.config.align_corners
        self.network = self.on_device(network)

    def reset(self) -> None:
        """See `SoftMaskMethod.reset`."""
        self._tracks: list[Track] = []
        self._union: Track | None = None
        self._background: Tensor | None = None

    def find(self, frame: Tensor) -> Tensor:
        """See `SoftMaskMethod.find`."""
        tracks = [*self._tracks, *([self._union] if self._union else [])]
        total = frame.new_zeros((len(tracks), *frame.shape[-2:]))
        size = self.objects_at_once
        for scale in self.config.scales:
            small = _sized(frame, scale)
            for start in range(0, len(tracks), size):
                total[start : start + size] += self._propagated(small, tracks[start : start + size], scale, total)
        found = total / len(self.config.scales)
        self._background = 1 - found[-1] if self._union else None
        return found[: len(self._tracks)]

    def merge(self, found: Tensor, new: int) -> Tensor:
        """See `SoftMaskMethod.merge`: the background by its own pass, and nowhere in a mask that was just given.

        A single object competes with nothing: the background is what it leaves.
        """
        if self.config.union_background and len(found) == 1:
            return torch.cat([1 - found, found])
        if self._background is None:
            return super().merge(found, new)
        given = found[len(found) - new :].amax(0) if new else torch.zeros_like(self._background)
        return softmax_of_logits(torch.cat([(self._background * (1 - given))[None], found]))

    def remember(self, frame: Tensor, merged: Tensor, new: int) -> None:
        """See `SoftMaskMethod.remember`."""
        for track, mask in zip(self._tracks, merged[1:], strict=False):
            track.mask = mask
        self._tracks += [self._referred(frame, mask) for mask in merged[len(merged) - new :]]
        union = 1 - merged[0]
        if new and self.config.union_background and len(self._tracks) > 1:
            self._union = self._referred(frame, union)
        elif self._union:
            self._union.mask = union

    def _referred(self, frame: Tensor, mask: Tensor) -> Track:
        """Keep what an object looks like on its first frame, at each scale."""
        track = Track(mask)
        for scale in self.config.scales:
            small = _sized(frame, scale)
            with self.autocast():
                track.references[scale] = self.network.refer(small, _like(mask[None, None], small))
        return track

    def _propagated(self, frame: Tensor, tracks: list[Track], scale: float, like: Tensor) -> Tensor:
        masks = _like(torch.stack([track.mask for track in tracks])[:, None], frame)
        references = torch.cat([track.references[scale] for track in tracks])
        with self.autocast():
            found = self.network.propagate(frame.expand(len(tracks), -1, -1, -1), masks, references)
        return _like(found.float(), like)[:, 0]


def _sized(frame: Tensor, scale: float) -> Tensor:
    """Bring a padded frame to about `scale` of its size: both sides are the next multiple above of the deepest stride.

    A side that is a multiple already gets one more, except at scale 1, which leaves the frame as it is.
    """
    if scale == 1:
        return frame
    size = tuple((int(scale * extent) // STRIDE + 1) * STRIDE for extent in frame.shape[-2:])
    return functional.interpolate(frame, size=size, mode="bilinear", align_corners=False)


def _like(x: Tensor, other: Tensor) -> Tensor:
    return functional.interpolate(x, size=other.shape[-2:], mode="bilinear", align_corners=False)
