"""Faults as they creep into code, each planted by replacing one function: continuous integration must see them all."""

from collections.abc import Callable
from functools import wraps

import numpy as np
import pytest

from vos_bench.metrics import contours
from vos_bench.running.frames import Numbering
from vos_bench.running.play import LabelMapWriter

Plant = Callable[[pytest.MonkeyPatch], None]


def boundary_radius_plus_one(patch: pytest.MonkeyPatch) -> None:
    right = contours.tolerance_radius
    patch.setattr(contours, "tolerance_radius", lambda height, width: right(height, width) + 1)


def boundary_radius_minus_one(patch: pytest.MonkeyPatch) -> None:
    right = contours.tolerance_radius
    patch.setattr(contours, "tolerance_radius", lambda height, width: right(height, width) - 1)


def ids_swapped_on_the_way_back(patch: pytest.MonkeyPatch) -> None:
    right = Numbering.restore

    @wraps(right)
    def swapped(self, labels):
        ids, self.ids = self.ids, self.ids[::-1]
        restored = right(self, labels)
        self.ids = ids
        return restored

    patch.setattr(Numbering, "restore", swapped)


def one_frame_late(patch: pytest.MonkeyPatch) -> None:
    right = LabelMapWriter.write

    @wraps(right)
    def late(self, question, prediction, feed):
        before = getattr(self, "before", prediction)
        self.before = prediction
        right(self, question, before, feed)

    patch.setattr(LabelMapWriter, "write", late)


def label_maps_one_pixel_aside(patch: pytest.MonkeyPatch) -> None:
    right = Numbering.restore
    patch.setattr(Numbering, "restore", lambda self, labels: np.roll(right(self, labels), 1, axis=1))


def channels_in_the_wrong_order(patch: pytest.MonkeyPatch) -> None:
    from vos_bench.methods.lwl.network import LwlNetwork

    right = LwlNetwork.scale_images
    patch.setattr(LwlNetwork, "scale_images", lambda self, images: right(self, images.flip(1)))


def crop_cut_one_pixel_off(patch: pytest.MonkeyPatch) -> None:
    from vos_bench.methods.lwl import crops

    right = crops._spans

    def off(crop):
        rows, columns = right(crop)
        return tuple((first + 1, last + 1) for first, last in (rows, columns))

    patch.setattr(crops, "_spans", off)


def crop_pasted_one_pixel_off(patch: pytest.MonkeyPatch) -> None:
    from vos_bench.methods.lwl import tracker

    right = tracker.paste_scores

    def off(logits, crop, *rest):
        return right(logits, crop, *rest).roll((1, 1), (0, 1))

    patch.setattr(tracker, "paste_scores", off)


def decay_reversed(patch: pytest.MonkeyPatch) -> None:
    from vos_bench.methods.lwl.memory import SampleWeights

    right = SampleWeights._weigh

    def weigh(self, slot):
        if self._last is None:
            right(self, slot)
        else:
            self.values[slot] = self.values[self._last] * np.float32(1 - self._rule.learning_rate)

    patch.setattr(SampleWeights, "_weigh", weigh)


def learning_rate_of_one_minus(patch: pytest.MonkeyPatch) -> None:
    from vos_bench.methods.lwl.parameters import TrackerConfig

    right = TrackerConfig.update_rule

    def swapped(self, kind):
        rule = right(self, kind)
        return rule.replace(learning_rate=1 - rule.learning_rate)

    patch.setattr(TrackerConfig, "update_rule", swapped)


def learner_never_updates(patch: pytest.MonkeyPatch) -> None:
    from vos_bench.methods.lwl.parameters import TrackerConfig

    right = TrackerConfig.update_rule
    patch.setattr(TrackerConfig, "update_rule", lambda self, kind: right(self, kind).replace(update_iterations=0))


def memory_overwrites_the_newest(patch: pytest.MonkeyPatch) -> None:
    from vos_bench.methods.lwl.memory import SampleWeights

    right = SampleWeights._next_slot

    def newest(self):
        return right(self) if self.filled < len(self.values) else self._last

    patch.setattr(SampleWeights, "_next_slot", newest)


def moments_of_the_frame_before(patch: pytest.MonkeyPatch) -> None:
    from vos_bench.methods.lwl import cohort

    right = cohort.Cohort.next_crops

    def late(self, masks, seen):
        before = getattr(self, "before", seen)
        self.before = seen
        return right(self, masks, before)

    patch.setattr(cohort.Cohort, "next_crops", late)
