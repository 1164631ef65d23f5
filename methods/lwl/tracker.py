"""The LWL tracker: frame by frame, many objects at once (paper section 3.5; facts of the authors' tracker)."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vos_bench.api import Box, Image, LabelMap, Mask, Precision, Prediction, Prompt, PromptKind
from vos_bench.parts.merging import soft_aggregate_logits, soft_aggregate_one
from vos_bench.parts.tracked_objects import TrackedObjects
from vos_bench.parts.transfer import to_device

from .cohort import Cohort
from .crops import Crop, Size, paste_scores, plan_crop
from .engine import XYWH, Engine, Observation
from .network import LwlNetwork
from .parameters import TrackerConfig
from .target_state import TargetState, moments

_CERTAIN = 100.0


class LwlTracker:
    """Follows objects through a video.

        tracker = LwlTracker(network, TrackerConfig(memory_size=8))
        prediction = tracker.initialize(first_image, Prompt(masks={1: mask}))
        for image in images:
            prediction = tracker.step(image)

    Objects may start on any frame, from masks or (with a box network) from boxes. An object whose mask is empty, or
    whose box lies outside the image, is never found. One that vanishes stays in memory and may come back.

    Attributes:
        config: The parameters.
        cohorts: The objects, by the frame and the kind of prompt that they started from.
        wants_probabilities: Whether predictions carry the merged soft masks; at first as `config` says.
        probabilities: The merged soft masks of the last frame, (1 + K) x H x W, background first and then the objects
            of `cohorts` in their order; on the tracker's device.
    """

    cohorts: list[Cohort]
    probabilities: Tensor

    def __init__(
        self,
        network: LwlNetwork,
        config: TrackerConfig | None = None,
        *,
        device: str = "cpu",
        amp: Precision = "off",
        compile: bool = False,
    ) -> None:
        """Prepare a network for tracking; see `Engine`."""
        self.config = config or TrackerConfig()
        self.wants_probabilities = self.config.probabilities
        self._engine = Engine(network, device=device, amp=amp, compile=compile, per_pass=self.config.objects_per_pass)
        self._objects = TrackedObjects("lwl", boxes=True, corrections=True)

    @torch.inference_mode()
    def initialize(self, image: Image, prompt: Prompt) -> Prediction:
        """Forget everything and take the first objects; see `vos_bench.api.Method.initialize`.

        Raises:
            BadInputError: The image is not H x W x 3 uint8, a mask does not have its size, or a box is given to a
                network without box encoder.
        """
        self._objects.reset(image)
        self.cohorts = []
        self.probabilities = torch.ones((1, *image.shape[:2]), device=self._engine.device)
        return self._advance(image, prompt)

    @torch.inference_mode()
    def step(self, image: Image, new: Prompt | None = None) -> Prediction:
        """Segment the next frame; see `vos_bench.api.Method.step`.

        Raises:
            BadInputError: Called before `initialize`, or the image does not have the first one's size.
        """
        self._objects.check_frame(image)
        return self._advance(image, new or Prompt())

    @property
    def object_ids(self) -> tuple[int, ...]:
        """The ids of the objects that are followed, in the order of `probabilities`."""
        return tuple(self._objects.ids)

    @property
    def objects_at_once(self) -> int:
        """How many objects go through the network together at most; see `vos_bench.api.Method`."""
        return self._engine.per_pass

    @objects_at_once.setter
    def objects_at_once(self, count: int) -> None:
        self._engine.per_pass = count

    def _advance(self, image: Image, new: Prompt) -> Prediction:
        self._engine.begin_frame()
        frame = to_device(np.ascontiguousarray(image), self._engine.device).permute(2, 0, 1)
        self._objects.check_prompt(new)
        corrections = {k: mask for k, mask in new.masks.items() if k in self._objects.ids}
        new = Prompt({k: mask for k, mask in new.masks.items() if k not in corrections}, new.boxes)
        scores = [self._follow(frame)] if self.cohorts else []
        if corrections:
            scores = [self._correct(frame, scores[0], corrections)]
        scores += self._begin(frame, new)
        if scores:
            self.probabilities = self._merge(scores[0] if len(scores) == 1 else torch.cat(scores))
        return self._predict()

    def _follow(self, frame: Tensor) -> Tensor:
        """Segment the objects that have started: logits, K x H x W."""
        masks = self.probabilities[1:]
        seen, crops, first = moments(masks), [], 0
        for cohort in self.cohorts:
            last = first + len(cohort.object_ids)
            crops += cohort.next_crops(masks[first:last], seen[first:last])
            first = last
        observation = self._engine.observe(frame, crops, torch.cat([cohort.filters for cohort in self.cohorts]))
        first = 0
        for cohort in self.cohorts:
            last = first + len(cohort.object_ids)
            cohort.found(Observation(*(part[first:last] for part in observation)))
            first = last
        size = (frame.shape[-2], frame.shape[-1])
        resize = self.config.score_resize
        pairs = zip(observation.logits, crops, strict=True)
        return torch.stack([paste_scores(logits, crop, size, resize) for logits, crop in pairs])

    def _correct(self, frame: Tensor, scores: Tensor, corrections: Mapping[int, Mask]) -> Tensor:
        """Put given masks of objects that have started in place of what was found, and let their cohorts learn them.

        Args:
            frame: 3 x H x W, RGB of 0..255.
            scores: What was found: logits, K x H x W.
            corrections: Object id to its mask, H x W.

        Returns:
            The logits, K x H x W, certain where masks were given.
        """
        scores = scores.clone()
        for k, mask in corrections.items():
            scores[self._objects.ids.index(k)] = _CERTAIN * (2 * to_device(mask, self._engine.device).float() - 1)
        masks, first = self._merge(scores)[1:], 0
        for cohort in self.cohorts:
            last = first + len(cohort.object_ids)
            if boxes := {k: _at_least_a_pixel(_extent(corrections[k])) for k in cohort.object_ids if k in corrections}:
                cohort.correct(frame, masks[first:last], boxes)
            first = last
        return scores

    def _merge(self, scores: Tensor) -> Tensor:
        """Merge the logits of all objects, K x H x W."""
        quick = self._engine.is_small and len(scores) == 1
        return soft_aggregate_one(scores) if quick else soft_aggregate_logits(scores)

    def _begin(self, frame: Tensor, new: Prompt) -> list[Tensor]:
        """Start the objects of a prompt: their logits, one tensor for each kind of prompt."""
        size = (frame.shape[-2], frame.shape[-1])
        masks = {k: mask for k, mask in new.masks.items() if mask.any()}
        boxes = {k: box for k, box in new.boxes.items() if k not in new.masks and _touches(box, size)}
        self._objects.add([*sorted(masks), *sorted(boxes)], new)
        scores = []
        if masks:
            given = to_device(np.stack([masks[k] != 0 for k in sorted(masks)]), self._engine.device).float()
            self._start("mask", frame, {k: _extent(masks[k]) for k in sorted(masks)}, given)
            scores.append(_CERTAIN * (2 * given - 1))
        if boxes:
            corners = {k: _as_xywh(boxes[k]) for k in sorted(boxes)}
            drawn = self._draw(frame, list(corners.values()))
            self._start("box", frame, corners, torch.sigmoid(drawn))
            scores.append(drawn)
        return scores

    def _draw(self, frame: Tensor, boxes: list[XYWH]) -> Tensor:
        """Guess the masks of the objects in boxes: logits, K x H x W."""
        if self.config.box_search_area is None:
            return self._engine.draw_boxes(frame, boxes)
        size = (frame.shape[-2], frame.shape[-1])
        boxes = [_at_least_a_pixel(_inside(box, size)) for box in boxes]
        crops = [self._box_crop(box, size, self.config.box_search_area) for box in boxes]
        return self._engine.draw_boxes_in_crops(frame, boxes, crops)

    def _box_crop(self, box: XYWH, image_size: Size, search_area: float) -> Crop:
        config = self.config
        state = TargetState.from_box(box, crop_size=config.crop_size, search_area_scale=search_area)
        return plan_crop(
            state.position,
            state.search_size(config.crop_size),
            image_size=image_size,
            output_size=config.crop_size,
            rule=config.crop_rule,
            border=config.border,
        )

    def _start(self, kind: PromptKind, frame: Tensor, boxes: Mapping[int, XYWH], masks: Tensor) -> None:
        boxes = {k: _at_least_a_pixel(box) for k, box in boxes.items()}
        self.cohorts.append(Cohort(self._engine, self.config, kind, frame=frame, boxes=boxes, masks=masks))

    def _predict(self) -> Prediction:
        labels = self._labels()
        if not self.wants_probabilities:
            return Prediction(labels)
        return Prediction(labels, self._objects.to_planes(self.probabilities.half().cpu().numpy()))

    def _labels(self) -> LabelMap:
        ids = np.array([0, *self.object_ids], np.uint16)
        if len(ids) == 2 and self.probabilities.is_cpu:  # much the most frequent case, and several times faster so
            background, answer = self.probabilities.numpy()
            labels: LabelMap = (answer > background) * ids[1]
            return labels
        return label_map(self.probabilities.max(dim=0).indices, ids)  # ten times faster than argmax


def label_map(winners: Tensor, ids: NDArray[np.uint16]) -> LabelMap:
    """Return the ids that `winners`, H x W, points to; a GPU narrows them before they are copied."""
    if not winners.is_cuda:
        labels: LabelMap = ids[winners.numpy()]
        return labels
    return narrowed(winners, ids).cpu().numpy().view(np.uint16)


def narrowed(winners: Tensor, ids: NDArray[np.uint16]) -> Tensor:
    """Return the same where `winners` is, as int16 of the same bits: few of torch's operations know uint16."""
    return to_device(ids.view(np.int16), winners.device)[winners]


def _touches(box: Box, size: tuple[int, int]) -> bool:
    x0, y0, x1, y1 = box
    return max(x0, 0) < min(x1, size[1]) and max(y0, 0) < min(y1, size[0])


def _inside(box: XYWH, size: Size) -> XYWH:
    """Return the part of a box that lies in the image."""
    x, y, width, height = box
    left, top = max(x, 0.0), max(y, 0.0)
    return left, top, min(x + width, size[1] - 1) - left, min(y + height, size[0] - 1) - top


def _at_least_a_pixel(box: XYWH) -> XYWH:
    x, y, width, height = box
    return x, y, max(width, 1.0), max(height, 1.0)


def _extent(mask: Mask) -> XYWH:
    """Return a mask's box in the reference's convention, where the width is xmax - xmin."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return float(columns[0]), float(rows[0]), float(columns[-1] - columns[0]), float(rows[-1] - rows[0])


def _as_xywh(box: Box) -> XYWH:
    """Return a half-open box in the reference's convention, where the width is xmax - xmin."""
    x0, y0, x1, y1 = box
    return x0, y0, x1 - 1 - x0, y1 - 1 - y0
