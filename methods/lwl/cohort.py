"""Objects that started together, and what is known of them."""

import numpy as np
import torch
from torch import Tensor

from vos_bench.api import PromptKind

from .crops import Crop, FirstCrop, Size, plan_crop, plan_first_crop
from .crops import cut_mask as cut_soft_mask
from .engine import XYWH, Engine, Observation
from .few_shot_learner import WeightedSamples
from .memory import Memory
from .parameters import TrackerConfig
from .target_model import apply_target_model
from .target_state import Moments, TargetState

BEFORE_CORRECTION = 0.5
"""How much a sample counts that was stored before its object was corrected: what it says of the object is in doubt."""


class Cohort:
    """The S objects that started on one frame from the same kind of prompt.

    They have the same age, so they share the memory's weights and the update schedule, and everything else is one
    batch.

    Attributes:
        object_ids: In the order of all tensors.
        states: Where the objects are.
        crops: Where each was looked for last; None before the first look.
        filters: The target models, S x D x C x K x K.
        memory: Their samples.
    """

    crops: list[Crop] | None

    def __init__(
        self,
        engine: Engine,
        config: TrackerConfig,
        kind: PromptKind,
        *,
        frame: Tensor,
        boxes: dict[int, XYWH],
        masks: Tensor,
    ) -> None:
        """Learn the objects on the frame where they start (facts 6.3).

        Args:
            engine: The network.
            config: The tracker's parameters.
            kind: What the objects start from.
            frame: 3 x H x W, RGB of 0..255.
            boxes: Object id to its box, x, y, width, height.
            masks: S x H x W in 0..1, given or drawn.
        """
        self._engine, self._config, self._rule = engine, config, config.update_rule(kind)
        self._image_size: Size = (frame.shape[-2], frame.shape[-1])
        self.object_ids = tuple(boxes)
        self.states = [self._state(box) for box in boxes.values()]
        self.crops = None
        self._last: Observation | None = None
        self._age = 1
        self._start(frame, masks)

    def _state(self, box: XYWH) -> TargetState:
        config = self._config
        return TargetState.from_box(box, crop_size=config.crop_size, search_area_scale=config.search_area_scale)

    def _sample_here(self, frame: Tensor, masks: Tensor) -> WeightedSamples:
        """Return a sample of each object from a crop around its state, S x 1."""
        crops = [self._first_crop(state) for state in self.states]
        features = self._engine.first_features(frame, crops)
        labels = self._engine.encode_labels(
            torch.cat([crop.cut_mask(mask) for crop, mask in zip(crops, masks, strict=True)])
        )
        return WeightedSamples(*(x[:, None] for x in (features, *labels)))

    def _start(self, frame: Tensor, masks: Tensor) -> None:
        samples = self._sample_here(frame, masks)
        self.filters, scores = self._engine.learn(samples, iterations=self._config.first_iterations)
        self.memory = Memory(samples, scores, size=self._config.memory_size, rule=self._rule)

    def correct(self, frame: Tensor, masks: Tensor, boxes: dict[int, XYWH]) -> None:
        """Learn masks that were given of objects which had started: one more sample of each object of the cohort.

        What was stored of these objects before counts less from now on.

        Args:
            frame: 3 x H x W, RGB of 0..255.
            masks: S x H x W in 0..1, those that were given among them.
            boxes: Id of each object whose mask was given to the mask's box.
        """
        self.states = [
            self._state(boxes[k]) if k in boxes else state
            for k, state in zip(self.object_ids, self.states, strict=True)
        ]
        sample = self._sample_here(frame, masks)
        scores = apply_target_model(sample.features, self.filters)
        self.memory.discount([i for i, k in enumerate(self.object_ids) if k in boxes], BEFORE_CORRECTION)
        self.memory.add(lambda: sample, scores)
        self.filters, self.memory.scores = self._engine.learn(
            self.memory.samples, self.filters, iterations=self._config.first_iterations, scores=self.memory.scores
        )
        self._last = None  # the frame is remembered already

    def _first_crop(self, state: TargetState) -> FirstCrop:
        return plan_first_crop(
            state.position,
            state.search_size(self._config.crop_size),
            image_size=self._image_size,
            output_size=self._config.crop_size,
            rule=self._config.crop_rule,
            border=self._config.border,
        )

    def next_crops(self, masks: Tensor, seen: list[Moments]) -> list[Crop]:
        """Take in what the last frame's merged masks say, and return where to look on the next frame (facts 6.4).

        Args:
            masks: The last frame's merged soft masks, S x H x W.
            seen: Their moments.
        """
        self._age += 1
        self._remember(masks)
        config = self._config
        self.states = [
            state.follow(
                moments,
                smallest_mass=config.smallest_mask,
                size_factor=config.size_factor,
                scale_change=config.scale_change,
            )
            for state, moments in zip(self.states, seen, strict=True)
        ]
        self.crops = [self._crop(state) for state in self.states]
        return self.crops

    def found(self, observation: Observation) -> None:
        """Keep what was seen in the crops of `look`; the next call of it stores it in the memory."""
        self._last = observation

    def _remember(self, masks: Tensor) -> None:
        if self.crops is None or self._last is None:
            return
        # as in the reference, whose two counters are one apart: the store's is the frame's number, counted from 1
        if self._age % self._config.sample_interval == 0:
            last = self._last
            self.memory.add(lambda: self._sample(masks, last.features), last.encodings[:, None])
        if (self._age - 1) % self._rule.update_interval == 0:
            self.filters, self.memory.scores = self._engine.learn(
                self.memory.samples, self.filters, iterations=self._rule.update_iterations, scores=self.memory.scores
            )

    def _sample(self, masks: Tensor, features: Tensor) -> WeightedSamples:
        assert self.crops is not None
        crops = [cut_soft_mask(mask, crop) for mask, crop in zip(masks, self.crops, strict=True)]
        return WeightedSamples(*(x[:, None] for x in (features, *self._engine.encode_labels(torch.cat(crops)))))

    def _crop(self, state: TargetState) -> Crop:
        config = self._config
        centre = state.search_centre(
            crop_size=config.crop_size,
            feature_size=self._engine.feature_size(config.crop_size),
            filter_size=self._engine.network.config.filter_size,
        )
        return plan_crop(
            centre.astype(np.float32),
            state.search_size(config.crop_size),
            image_size=self._image_size,
            output_size=config.crop_size,
            rule=config.crop_rule,
            border=config.border,
        )
