"""Whether label maps belong to the frames before or after their own, by a glance at a few frames of a sequence."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vos_bench.labelmaps import VOID, NarrowLabels

Values = NDArray[np.float64]
Objects = NDArray[np.bool_] | NarrowLabels
"""H x W, small: where the one object is, or labels without 255."""

LATE_NOTE = (
    "the label maps fit the truth of the frame before much better than that of their own frame: they may be shifted by "
    "one frame, or come from a method that lags behind"
)
EARLY_NOTE = (
    "the label maps fit the truth of the next frame much better than that of their own frame: they may be shifted by "
    "one frame"
)

_FRAMES = 9
"""So many frames are looked at: a third of a millisecond for a sequence, whatever its length."""

_ROWS = 60
"""Of so many rows of pixels, about."""

_LEAST_MOTION = 0.02
"""1 - J of two frames' truths, from which on they tell the frames apart."""

_LEAST_GAP = 0.25
"""J with the other frame is higher by at least this share of the motion, on nearly all frames."""

_NEARLY_ALL = 0.85
_LEAST_J = 0.6
_LESS_ERROR = 0.6
"""The mean 1 - J with the other frames is lower than so many times that with their own."""


class _Row(NamedTuple):
    """The agreement of a label map with three truths, and of their truths: J, with many objects in one."""

    own: float
    before: float
    after: float
    truth_before: float
    truth_after: float


class ShiftedFrames:
    """Compares a few label maps of a sequence with the truths of their own frame and of those beside it.

    No label map of the four methods whose results on DAVIS 2016 val the DAVIS site has meets the limits above, and no
    copy of the first mask, on any sequence. The truth itself, shifted by one frame, meets them on all 50 sequences of
    DAVIS 2016, and the results of STM on 17 of 20.
    """

    def __init__(self, names: Sequence[str], *, one_object: bool) -> None:
        """Choose frames among those that are scored; none where their names are not consecutive numbers.

        Args:
            names: The scored frames.
            one_object: Whether every label above 0 is one object.
        """
        last = len(names) - 2
        several = last >= 2 + 4 and all(map(str.isdecimal, names)) and int(names[-1]) - int(names[0]) == last + 1
        self._chosen = set(np.linspace(2, last, _FRAMES).round().astype(int).tolist()) if several else set()
        self._one_object = one_object
        self._truth: dict[int, Objects] = {}
        self._masks: dict[int, Objects] = {}
        self._rows: list[_Row] = []

    def see(self, number: int, truth: NarrowLabels, masks: NarrowLabels) -> None:
        """Look at the scored frame of this number, counted from 0, and at its label map."""
        if self._chosen.isdisjoint((number - 1, number, number + 1)):
            return
        step = max(1, truth.shape[0] // _ROWS)
        self._truth[number] = self._objects(truth[::step, ::step])
        if number in self._chosen:
            self._masks[number] = self._objects(masks[::step, ::step])
        if number - 1 in self._chosen:
            self._rows.append(self._row(number - 1))
            if self._is_settled():
                self._chosen.clear()
        self._truth = {k: seen for k, seen in self._truth.items() if k >= number - 1}

    def _objects(self, labels: NarrowLabels) -> Objects:
        if self._one_object:
            return labels > 0
        objects = labels.copy()
        objects[objects == VOID] = 0
        return objects

    def _row(self, number: int) -> _Row:
        before, own, after = (self._truth[k] for k in (number - 1, number, number + 1))
        masks = self._masks.pop(number)
        fits = _agreement(masks, own)
        if fits > 1 - _LEAST_MOTION:  # then no other frame is meant
            return _Row(fits, fits, fits, 1.0, 1.0)
        pairs = ((masks, before), (masks, after), (own, before), (own, after))
        return _Row(fits, *(_agreement(*pair) for pair in pairs))

    def _is_settled(self) -> bool:
        """Say whether so many frames speak against both notes that no other frame can help; nearly always after two."""
        most = (1 - _NEARLY_ALL) * _FRAMES
        late = sum(_speaks_against(each.own, each.before, 1 - each.truth_before) for each in self._rows)
        early = sum(_speaks_against(each.own, each.after, 1 - each.truth_after) for each in self._rows)
        return late > most and early > most

    def notes(self) -> dict[str, str]:
        """Return what to know of the label maps."""
        if not self._rows:
            return {}
        own, before, after, truth_before, truth_after = np.array(self._rows).T
        for note, other, same in ((LATE_NOTE, before, truth_before), (EARLY_NOTE, after, truth_after)):
            told = 1 - same > _LEAST_MOTION
            if _fits_better(own[told], other[told], 1 - same[told], len(self._rows)):
                return {note: f"J {other[told].mean():.2f} against {own[told].mean():.2f}"}
        return {}


def _speaks_against(own: float, other: float, motion: float) -> bool:
    """Say whether a frame on which the truth moves is none of nearly all; see `_fits_better`."""
    return motion > _LEAST_MOTION and not other - own > _LEAST_GAP * motion


def _fits_better(own: Values, other: Values, motion: Values, frames: int) -> bool:
    """Say whether J with the other frames is so much higher than with their own that they are meant."""
    if len(own) < max(4, frames // 2):
        return False
    nearly_all = np.mean(other - own > _LEAST_GAP * motion) >= _NEARLY_ALL
    less_error = np.mean(1 - other) < _LESS_ERROR * np.mean(1 - own)
    return bool(nearly_all and less_error and np.mean(other) >= _LEAST_J)


def _agreement(one: Objects, other: Objects) -> float:
    """Return which share of the pixels with an object, in either, has the same object in both."""
    union = np.count_nonzero(one | other)
    same = one & other if one.dtype == np.bool_ else (one == other) & (one > 0)
    return np.count_nonzero(same) / union if union else 1.0
