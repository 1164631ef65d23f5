"""Space-time memory: past frames and their masks as keys and values, read by attention (Oh et al., ICCV 2019)."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, NamedTuple, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from vos_bench.config import FrozenModel
from vos_bench.parts.soft_masks import SoftMaskConfig, SoftMaskMethod


class MemoryPolicy(FrozenModel):
    """Which frames of a sequence are remembered.

    Attributes:
        first: Whether an object's first frame is kept for ever.
        every: Frames number 0, n, 2 n, ... of the sequence are kept too; 0 keeps none of them.
        previous: Whether the previous frame is kept until the next one comes.
        most: At most so many kept frames besides the first, the oldest of them going first; None sets no bound.
        restarts: Whether all objects keep a frame on which others start, from which `every` is then counted again.
    """

    first: bool = True
    every: int = Field(default=5, ge=0, le=1000000)
    previous: bool = True
    most: int | None = Field(default=None, ge=1, le=1000000)
    restarts: bool = False

    @model_validator(mode="after")
    def _keeps_something(self) -> Self:
        if not (self.first or self.previous):
            raise ValueError("first and previous are both false: on the second frame there would be no memory")
        return self

    def keeps(self, number: int, *, start: int = 0) -> bool:
        """Say whether a frame, by its number in the sequence, is kept for longer than until the next one.

        `start` is the latest frame up to it on which objects start.
        """
        if self.restarts:
            return number == start or (self.every > 0 and (number - start) % self.every == 0)
        return self.every > 0 and number % self.every == 0


class Query(NamedTuple):
    """What a frame says without any mask.

    Attributes:
        key: B x C x h x w.
        value: B x D x h x w, what is decoded beside the value that is read.
        deep: B x E x h x w, features for those who encode a mask on this frame.
        skips: Finer features for the decoder, coarse to fine.
    """

    key: Tensor
    value: Tensor
    deep: Tensor
    skips: tuple[Tensor, ...]


class MemoryEntry(NamedTuple):
    """Remembered frames of S objects.

    Attributes:
        key: S x C x N, or 1 x C x N where all objects have the same.
        value: S x D x N.
    """

    key: Tensor
    value: Tensor

    def of(self, chosen: slice) -> "MemoryEntry":
        """Return the entry of some of the objects."""
        return MemoryEntry(self.key if len(self.key) < len(self.value) else self.key[chosen], self.value[chosen])


class SpaceTimeNetwork(nn.Module, ABC):
    """A network that remembers frames with masks, and segments a frame by what it remembers."""

    top: int | None = None
    """Read from so many of the most similar places only; None for all."""

    @abstractmethod
    def preprocess(self, images: Tensor) -> Tensor:
        """Turn RGB images of 0..255, B x 3 x H x W, into what `encode_query` takes before it is padded."""

    @abstractmethod
    def encode_query(self, frames: Tensor) -> Query:
        """Encode frames, B x 3 x H x W."""

    @abstractmethod
    def memorise(self, frames: Tensor, query: Query, masks: Tensor, others: Tensor) -> MemoryEntry:
        """Encode S masks, S x 1 x H x W in [0, 1], on their frames, of which there are S or 1.

        `others` are the sums of the other objects' masks, of the same shape.
        """

    @abstractmethod
    def similarity(self, memory: Tensor, query: Tensor) -> Tensor:
        """Compare keys: B x C x N of the memory and B x C x n of the query -> B x N x n."""

    @abstractmethod
    def decode(self, x: Tensor, skips: tuple[Tensor, ...]) -> Tensor:
        """Draw masks: S x 2 D x h x w, read value before the frame's own -> probabilities, S x H x W.

        The skips are those of S frames, or of the one that all objects are on.
        """

    def segment(self, query: Query, memory: MemoryEntry) -> Tensor:
        """Segment S objects on S frames, or on one.

        Returns:
            S x H x W in [0, 1].
        """
        objects, size = len(memory.value), query.key.shape[-2:]
        own = _for_each(query.value, objects)
        with torch.autocast(own.device.type, enabled=False):
            scores = self.similarity(memory.key.float(), _for_each(query.key, len(memory.key)).flatten(2).float())
            read = attend(scores, memory.value.float(), top=self.top)
        x = torch.cat([read.reshape(*read.shape[:2], *size).to(own.dtype), own], dim=1)
        return self.decode(x, query.skips).float()


def _for_each(x: Tensor, objects: int) -> Tensor:
    return x.expand(objects, *x.shape[1:]) if len(x) != objects else x


def attend(scores: Tensor, values: Tensor, *, top: int | None = None) -> Tensor:
    """Read values, S x D x N, by the softmax over the places of the memory; return S x D x n.

    `scores` are S x N x n, or 1 x N x n where all objects look at the same places; `top` takes only so many of the
    highest.
    """
    if top is None or top >= scores.shape[1]:
        return values @ torch.softmax(scores, dim=1)
    best, places = torch.topk(scores, top, dim=1)
    shares = torch.softmax(best, dim=1)
    if len(shares) == len(values):
        return torch.stack([_gather(*each) for each in zip(values, places, shares, strict=True)])
    return torch.stack([_gather(each, places[0], shares[0]) for each in values])


def _gather(values: Tensor, places: Tensor, shares: Tensor) -> Tensor:
    """D x N values, k x n places and shares -> D x n."""
    return torch.einsum("dkn,kn->dn", values[:, places], shares)


class FrameMemory:
    """The remembered frames of the objects that started together."""

    def __init__(self, policy: MemoryPolicy, objects: int) -> None:
        self.objects = objects
        self._policy = policy
        self._first: list[MemoryEntry] = []
        self._kept: list[MemoryEntry] = []
        self._previous: list[MemoryEntry] = []

    def wants(self, number: int, *, start: int = 0) -> bool:
        """Say whether a frame after the objects' first is to be remembered; see `MemoryPolicy.keeps`."""
        return self._policy.previous or self._policy.keeps(number, start=start)

    def add_first(self, entry: MemoryEntry) -> None:
        """Remember the frame on which the objects start."""
        (self._first if self._policy.first else self._previous).append(entry)

    def add(self, number: int, entry: MemoryEntry, *, start: int = 0) -> None:
        """Remember a later frame, as long as the policy says; see `MemoryPolicy.keeps`."""
        self._previous = []
        if self._policy.keeps(number, start=start):
            self._kept = [*self._kept, entry][-(self._policy.most or len(self._kept) + 1) :]
        else:
            self._previous = [entry]

    def add_corrected(self, entry: MemoryEntry) -> None:
        """Remember a frame on which masks were given again, for ever, whatever the policy."""
        self._previous = []
        self._first = [*self._first, entry]

    def entry(self) -> MemoryEntry:
        """Return all that is remembered, side by side."""
        keys, values = zip(*self._first, *self._kept, *self._previous, strict=True)
        return MemoryEntry(torch.cat(keys, dim=2), torch.cat(values, dim=2))


class SpaceTimeConfig(SoftMaskConfig):
    """Which frames are remembered, and how many objects at most go through the network at once, to bound its memory."""

    memory: MemoryPolicy = MemoryPolicy()
    objects_per_pass: int = Field(default=8, ge=1, le=65535)


class SpaceTimeMethod(SoftMaskMethod):
    """Follows objects by a `SpaceTimeNetwork`, which a subclass gives to `use` when it is built.

    Objects that start on the same frame share a `FrameMemory`. `objects_at_once` is as configured until memory runs
    out.
    """

    Config = SpaceTimeConfig
    takes_corrections = True
    multiple = 16
    objects_at_once: int
    background_border: ClassVar[bool] = True
    """Whether masks are remembered as background where the frame was padded, or as they were predicted there."""

    network: SpaceTimeNetwork

    def __init__(self, config: SpaceTimeConfig | None = None, **settings: Any) -> None:
        """Keep the settings; see `vos_bench.api.Method`."""
        super().__init__(config, **settings)
        self.objects_at_once = self.config.objects_per_pass

    def use(self, network: SpaceTimeNetwork) -> None:
        """Take a network, in evaluation mode."""
        self.network = self.on_device(network)

    def reset(self) -> None:
        """See `SoftMaskMethod.reset`."""
        self._memories: list[FrameMemory] = []
        self._number, self._start = -1, 0

    def preprocess(self, image: Tensor) -> Tensor:
        """See `SoftMaskMethod.preprocess`."""
        return self.network.preprocess(image)

    def find(self, frame: Tensor) -> Tensor:
        """See `SoftMaskMethod.find`."""
        self._query = self._encode(frame)
        found = []
        for memory in self._memories:
            entry = memory.entry()
            for chosen in self._passes(range(memory.objects)):
                with self.autocast():
                    found.append(self.network.segment(self._query, entry.of(slice(chosen[0], chosen[-1] + 1))))
        return torch.cat(found)

    def remember(self, frame: Tensor, merged: Tensor, new: int) -> None:
        """See `SoftMaskMethod.remember`."""
        self._number += 1
        self._start = self._number if new else self._start
        if not self._memories:
            self._query = self._encode(frame)
        masks = merged[1:]
        if self.background_border:
            masks = self.padding.pad(self.padding.crop(masks))
        first = 0
        for memory in self._memories:
            objects = range(first, first + memory.objects)
            if not {*objects}.isdisjoint(self.corrected):
                memory.add_corrected(self._memorise(frame, masks, objects))
            elif memory.wants(self._number, start=self._start):
                memory.add(self._number, self._memorise(frame, masks, objects), start=self._start)
            first += memory.objects
        if new:
            self._memories.append(FrameMemory(self.config.memory, new))
            self._memories[-1].add_first(self._memorise(frame, masks, range(first, first + new)))

    def _encode(self, frame: Tensor) -> Query:
        with self.autocast():
            return self.network.encode_query(frame)

    def _memorise(self, frame: Tensor, masks: Tensor, objects: range) -> MemoryEntry:
        total = masks.sum(0)
        entries = []
        for chosen in self._passes(objects):
            own = masks[chosen[0] : chosen[-1] + 1][:, None]
            with self.autocast():
                entries.append(self.network.memorise(frame, self._query, own, total - own))
        keys, values = zip(*entries, strict=True)
        return MemoryEntry(keys[0] if len(keys[0]) < len(values[0]) else torch.cat(keys), torch.cat(values))

    def _passes(self, objects: range) -> list[range]:
        size = self.objects_at_once
        return [objects[start : start + size] for start in range(0, len(objects), size)]
