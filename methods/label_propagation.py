"""Labels flow from a few context frames to the next one, within a neighbourhood."""

from collections import deque
from typing import ClassVar, Literal, NamedTuple

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from vos_bench.parts.feature_grid import GridConfig, GridMethod

_LEAST_SHARE = 0.05
"""An object whose highest share on a frame is below this is not scaled up to one: it may be out of sight."""


_TINY = 1e-12
"""Keeps divisions by a spread or a sum of nothing from failing."""


class LabelPropagationConfig(GridConfig):
    """Settings of `label-propagation`; the defaults were chosen on train sequences of DAVIS 2016.

    Attributes:
        context: How many of the last frames are looked at besides those on which objects started (DINO 7, CRW 20).
        neighbours: How many of the most similar cells count (DINO 5, CRW 10).
        radius: How far from a cell's own place they may lie, in cells (DINO and CRW 12).
        temperature: Weights are exp(cosine / temperature), normalised (DINO 0.1, CRW 0.05).
        end_rule: How shares become masks. `objects`: on the grid, each object's shares are scaled to a highest of one,
            and the background is what they leave. `dino`: enlarged first, then the shares of every label, background
            included, are spread from 0 to 1, and the highest takes the pixel.
    """

    working_side: int = Field(default=320, ge=32, le=8192)
    reach: float = Field(default=0.0, ge=0, le=1024)
    context: int = Field(default=7, ge=1, le=10000)
    neighbours: int = Field(default=5, ge=1, le=10000)
    radius: int = Field(default=12, ge=1, le=1024)
    temperature: float = Field(default=0.1, gt=0, le=1e6)
    end_rule: Literal["objects", "dino"] = "objects"


class Context(NamedTuple):
    """A frame to take labels from: C x h x w features of unit length and L x h x w labels."""

    features: Tensor
    labels: Tensor


class LabelPropagation(GridMethod):
    """Top-k weighted labels of nearby cells on the context frames, as CRW and DINO are judged."""

    Config: ClassVar[type[LabelPropagationConfig]] = LabelPropagationConfig

    def reset(self) -> None:
        """Forget the last sequence."""
        self._given: list[Context] = []
        self._recent: deque[Context] = deque(maxlen=self.config.context)

    def predict(self, features: Tensor, wanted: Tensor) -> Tensor:  # noqa: ARG002 (rows are compared whole)
        """Return each cell's labels: the mean of those of its best neighbours, by their weights.

        An object that started late is asked for only on the frames that know of it.
        """
        query = functional.normalize(features, dim=0)
        count = min(self.config.neighbours, (2 * self.config.radius + 1) ** 2)
        found = [
            (context, _best(query, context.features, radius=self.config.radius, count=count))
            for context in (*self._given, *self._recent)
        ]
        planes: list[Tensor] = []
        for known in sorted({len(context.labels) for context in self._given}):
            informed = [(context, best) for context, best in found if len(context.labels) >= known]
            planes += self._mean(informed, known)[len(planes) :]
        self._shares = torch.stack(planes[1:]).reshape(-1, *features.shape[1:])
        if self.config.end_rule == "dino":
            return torch.stack(planes).reshape(-1, *features.shape[1:])
        highest = self._shares.amax(dim=(1, 2), keepdim=True)
        objects = self._shares / highest.clamp_min(_LEAST_SHARE)
        objects = objects / objects.sum(dim=0).clamp_min(1)
        return torch.cat([1 - objects.sum(dim=0, keepdim=True), objects])

    def finish_shares(self, shares: Tensor) -> Tensor:
        """See `GridMethod.finish_shares`: by DINO's rule every label is spread from 0 to 1; a pixel's then sum to 1."""
        if self.config.end_rule == "objects":
            return shares
        low, high = shares.amin(dim=(1, 2), keepdim=True), shares.amax(dim=(1, 2), keepdim=True)
        spread = torch.where(high > low, (shares - low) / (high - low).clamp_min(_TINY), shares)
        return spread / spread.sum(dim=0).clamp_min(_TINY)

    def _mean(self, found: "list[tuple[Context, Best]]", known: int) -> Tensor:
        """Return known x N labels, the weighted mean of those of the best cells of all these frames."""
        values = torch.cat([best.values for _, best in found], dim=1)
        labels = torch.cat([context.labels[:known].flatten(1).T[best.cells] for context, best in found], dim=1)
        top = values.topk(min(self.config.neighbours, values.shape[1]), dim=1)
        weights = (top.values / self.config.temperature).softmax(dim=1)[..., None]
        chosen = labels.gather(1, top.indices[..., None].expand(-1, -1, known))
        mean: Tensor = (weights * chosen).sum(dim=1)
        return mean.T

    def remember(self, features: Tensor, labels: Tensor, *, given: bool) -> None:
        """Keep the frame: for good where objects start, else until newer ones have pushed it out.

        As in the protocol, what is kept of a frame is not what was answered but the shares before they are scaled.
        """
        unit = functional.normalize(features, dim=0)
        if given:
            self._given.append(Context(unit, labels))
        else:
            background = (1 - self._shares.sum(dim=0, keepdim=True)).clamp_min(0)
            self._recent.append(Context(unit, torch.cat([background, self._shares])))


class Best(NamedTuple):
    """The most similar cells: cosines and flat places, N x count each."""

    values: Tensor
    cells: Tensor


def _best(query: Tensor, reference: Tensor, *, radius: int, count: int) -> Best:
    """Return for each cell the most similar ones of another frame, at most `radius` cells away along each axis.

    Row by row: a row of the query meets each row within reach in one product, of which the band within reach is kept.

    Args:
        query: C x h x w, of unit length.
        reference: The same of the other frame.
        radius: In cells.
        count: How many to return.
    """
    height, width = query.shape[1:]
    side = 2 * radius + 1
    padded = functional.pad(reference, (radius, radius, radius, radius)).permute(1, 0, 2).contiguous()
    rows = query.permute(1, 2, 0).contiguous()
    cosines = query.new_empty(height, width, side, side)
    for down in range(side):
        product = torch.bmm(rows, padded[down : down + height])
        wide = product.shape[2]
        cosines[:, :, down] = product.as_strided((height, width, side), (width * wide, wide + 1, 1))
    cosines.masked_fill_(_outside(height, width, radius, query.device), -2.0)
    values, indices = cosines.flatten(2).flatten(0, 1).topk(count, dim=1)
    return Best(values, _places(indices, height, width, radius))


def _outside(height: int, width: int, radius: int, device: torch.device) -> Tensor:
    offsets = torch.arange(-radius, radius + 1, device=device)
    rows, columns = (torch.arange(size, device=device)[:, None] + offsets for size in (height, width))
    off_row = (rows < 0) | (rows >= height)
    off_column = (columns < 0) | (columns >= width)
    return off_row[:, None, :, None] | off_column[None, :, None, :]


def _places(indices: Tensor, height: int, width: int, radius: int) -> Tensor:
    """Turn places in the neighbourhoods into places in the frame; those outside, which no frame needs, are clipped."""
    side = 2 * radius + 1
    own = torch.arange(height * width, device=indices.device)[:, None]
    row = (own // width + indices // side - radius).clamp(0, height - 1)
    column = (own % width + indices % side - radius).clamp(0, width - 1)
    return row * width + column
