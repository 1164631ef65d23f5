"""The rules of LVOS: which frames count, V, and the means of seen and unseen, with values worked out by hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest

from vos_bench.api import FrameRange
from vos_bench.errors import BadInputError
from vos_bench.metrics.averages import lvos_means
from vos_bench.metrics.contours import boundary, compiled_op_boundary
from vos_bench.metrics.frame_rules import frames_of_ranges
from vos_bench.metrics.statistics import ObjectScores, variability


@dataclass
class Listed:
    """A sequence as the rule sees it: frames 1, 6, 11, … and what the list says of each object."""

    frame_ranges: Mapping[int, FrameRange]
    truth_names: tuple[str, ...] = tuple(f"{number:08d}" for number in range(1, 52, 5))
    name: str = "video"
    groups: Mapping[int, str] = field(default_factory=dict)
    listed_objects: tuple[int, ...] = ()


def listed(start: int, end: int, said: int) -> FrameRange:
    """Return the frames from `start` to `end`, excluded, and the number that the list says."""
    return FrameRange(tuple(f"{number:08d}" for number in range(start, end, 5)), said)


def counted(frame_range: FrameRange) -> list[int]:
    return [int(name) for name in frames_of_ranges(Listed({1: frame_range})).own[1]]


def test_the_first_and_the_last_frame_of_each_object_do_not_count() -> None:
    # Numbers 1 to 31 are seven frames; the end is excluded, so that it may be 31 or anything up to 36.
    assert counted(listed(1, 36, 7)) == [6, 11, 16, 21, 26]
    assert counted(listed(1, 32, 7)) == [6, 11, 16, 21, 26]
    assert counted(listed(1, 31, 7)) == [6, 11, 16, 21, 26]


def test_a_late_object_has_a_first_frame_of_its_own() -> None:
    sequence = Listed({1: listed(1, 36, 7), 2: listed(16, 41, 5)})
    found = frames_of_ranges(sequence)
    assert [*map(int, found.own[2])] == [21, 26, 31]
    assert [*map(int, found.names)] == [6, 11, 16, 21, 26, 31]


def test_one_frame_too_few_with_the_end_on_the_last_skips_one_more() -> None:
    assert counted(listed(1, 31, 6)) == [6, 11, 16, 21]


@pytest.mark.parametrize(
    ("frame_range", "words"),
    [
        (listed(1, 36, 10), r"(?s)expected 7 or 8; mend.*would average 2 frames of value 0 in"),
        (listed(1, 31, 8), "would average 1 frame of value 0 in"),
        (listed(1, 36, 5), "would stop"),
        (listed(1, 11, 2), r"(?s)expected 3; mend.*would give NaN for the object, and for every mean that holds it"),
        (listed(1, 6, 1), r"(?s)expected an object of at least 2 frames; mend.*would stop"),
    ],
)
def test_a_wrong_number_of_frames_is_refused(frame_range: FrameRange, words: str) -> None:
    with pytest.raises(BadInputError, match=words):
        counted(frame_range)


def test_a_listed_frame_without_a_truth_is_named() -> None:
    sequence = Listed({1: listed(1, 62, 13)})
    with pytest.raises(BadInputError, match="its list names frame 00000056, for which there is no truth"):
        frames_of_ranges(sequence)


def scores(J: list[float], F: list[float]) -> ObjectScores:
    return ObjectScores(1, None, tuple(map(str, range(len(J)))), np.array(J), np.array(F))


@pytest.mark.parametrize(
    ("J", "F", "V"),
    [
        ([0.5, 0.5], [0.7, 0.7], 0.0),
        ([1.0, 0.0], [1.0, 0.0], 0.5),  # deviations of one half
        ([0.6, 0.4], [0.6, 0.4], 0.1),  # the variance is 0.01
        ([0.506, 0.494], [0.506, 0.494], 0.0),  # 0.000036 becomes 0.0000 before the root
        ([0.508, 0.492], [0.508, 0.492], 0.01),  # 0.000064 becomes 0.0001
        ([0.7, 0.5], [0.5, 0.7], 0.0),  # it is J&F that varies
    ],
)
def test_V_rounds_the_variance_before_the_root(J: list[float], F: list[float], V: float) -> None:  # noqa: N802
    found = variability(scores(J, F), np.ones(len(J), np.bool_))
    assert found == {"V": pytest.approx(V)}


def test_a_variance_between_two_roundings_is_rounded_as_numpy_does() -> None:
    J = [0.375, 1.0, 0.375, 1.0, 0.0]  # the variance is 0.15375
    assert variability(scores(J, J), np.ones(5, np.bool_)) == {"V": 0.1538**0.5}


@dataclass(frozen=True)
class Scored:
    group: str
    J: float
    F: float
    V: float

    def statistics(self) -> dict[str, float]:
        return {"J": self.J, "F": self.F, "V": self.V}


def test_the_mean_is_that_of_both_groups_not_of_the_objects() -> None:
    objects = [Scored("seen", 0.8, 0.9, 0.1), Scored("seen", 0.6, 0.7, 0.3), Scored("unseen", 0.2, 0.4, 0.5)]
    found = lvos_means(objects)
    assert found == {
        "J&F": pytest.approx((0.7 + 0.2 + 0.8 + 0.4) / 4),
        "J": pytest.approx(0.45),
        "J_seen": pytest.approx(0.7),
        "J_unseen": pytest.approx(0.2),
        "F": pytest.approx(0.6),
        "F_seen": pytest.approx(0.8),
        "F_unseen": pytest.approx(0.4),
        "V": pytest.approx(0.35),
        "V_seen": pytest.approx(0.2),
        "V_unseen": pytest.approx(0.5),
    }


@pytest.mark.parametrize(("group", "other"), [("seen", "unseen"), ("unseen", "seen")])
def test_a_group_without_objects_makes_its_means_and_those_of_both_nan(group: str, other: str) -> None:
    found = lvos_means([Scored(group, 0.8, 0.9, 0.1)])
    assert found[f"J_{group}"] == 0.8
    assert np.isnan([found[name] for name in (f"J_{other}", f"F_{other}", f"V_{other}", "J", "F", "V", "J&F")]).all()


def test_the_compiled_op_lacks_the_right_and_lower_edges() -> None:
    mask = np.zeros((5, 5), np.bool_)
    mask[1:4, 1:4] = True
    # By the plain code 7 + 8 pixels: those above and left of the square, and its own right and lower ones.
    plain = {(0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (2, 0), (3, 0), (1, 3), (2, 3), (3, 1), (3, 2), (3, 3)}
    assert {*zip(*map(np.ndarray.tolist, np.nonzero(boundary(mask))), strict=True)} == plain
    # A pixel of the square with a neighbour of it to the right, below or between is no boundary: the corner alone is.
    compiled = plain - {(1, 3), (2, 3), (3, 1), (3, 2)}
    assert {*zip(*map(np.ndarray.tolist, np.nonzero(compiled_op_boundary(mask))), strict=True)} == compiled


def test_a_video_without_any_listed_object_is_told_from_one_without_a_list() -> None:
    with pytest.raises(BadInputError, match="its list names no object, expected one at least"):
        frames_of_ranges(Listed({}))
