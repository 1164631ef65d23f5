"""Which frames of which objects YouTube-VOS counts."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from vos_bench.errors import BadInputError
from vos_bench.metrics.counts import count_frame
from vos_bench.metrics.protocols import scoring_protocol

Labels = NDArray[np.uint8]
BOTH = ("ytvos", "ytvos-without-last")


@dataclass
class Truth:
    rows: dict[str, list[int]]
    first_frames: Mapping[int, str] = field(default_factory=dict)
    groups: Mapping[int, str] = field(default_factory=dict)
    name: str = "bear"

    object_names: Mapping[int, str] = field(default_factory=dict)
    object_frames: Mapping[int, tuple[str, ...]] = field(default_factory=dict)

    @property
    def truth_names(self) -> tuple[str, ...]:
        return tuple(self.rows)

    def read_truth(self, frame_name: str, /) -> Labels:
        return np.array([self.rows[frame_name]], np.uint8)


def counted(protocol: str, truth: Truth) -> dict[int, tuple[str, ...]]:
    """Return the frames that count for each object."""
    rule = scoring_protocol(protocol)
    frames = rule.select_frames(truth)
    counts = [count_frame(truth.read_truth(name), truth.read_truth(name)) for name in frames.names]
    return {k: tuple(frames.names[i] for i in places) for k, places in rule.places(truth, frames, counts).items()}


ROWS = {"00000": [1, 0, 0], "00005": [1, 7, 0], "00010": [1, 7, 3], "00015": [1, 0, 3]}


def test_an_object_counts_after_its_first_listed_frame_to_the_last():
    truth = Truth(ROWS, {1: "00000", 3: "00010", 7: "00005"})
    assert counted("ytvos", truth) == {1: ("00005", "00010", "00015"), 3: ("00015",), 7: ("00010", "00015")}


def test_the_last_frame_may_be_left_out_and_an_object_without_any_frame_is_still_known():
    truth = Truth(ROWS, {1: "00000", 3: "00010", 7: "00005"})
    assert counted("ytvos-without-last", truth) == {1: ("00005", "00010"), 3: (), 7: ("00010",)}


def test_the_list_decides_not_the_truth():
    truth = Truth(ROWS, {1: "00005", 9: "00000"})
    assert counted("ytvos", truth) == {1: ("00010", "00015"), 9: ("00005", "00010", "00015")}


def test_a_truth_need_not_show_the_frames_on_which_masks_are_given():
    truth = Truth({name: ROWS[name] for name in ("00005", "00010")}, {1: "00000"})
    assert counted("ytvos", truth) == {1: ("00005", "00010")}


def test_without_a_list_an_object_is_given_where_the_truth_first_shows_it():
    assert counted("ytvos", Truth(ROWS)) == {1: ("00005", "00010", "00015"), 3: ("00015",), 7: ("00010", "00015")}


def test_void_is_no_object():
    truth = Truth({"00000": [1, 255], "00005": [1, 255], "00010": [255, 1]})
    assert counted("ytvos", truth) == {1: ("00005", "00010")}


@pytest.mark.parametrize("protocol", BOTH)
def test_nothing_to_count_is_an_error(protocol: str):
    with pytest.raises(BadInputError, match="found a truth for 1 of its frames, none of which"):
        scoring_protocol(protocol).select_frames(Truth({"00000": [1]}))
    with pytest.raises(BadInputError, match="none of which"):
        scoring_protocol(protocol).select_frames(Truth(ROWS, {1: "00015"}))


def test_the_two_variants_say_what_they_assume():
    rules = [scoring_protocol(name) for name in BOTH]
    assert rules[0].frames.text != rules[1].frames.text
    assert all(rule.assumed for rule in rules)
    assert rules[0].averaging == rules[1].averaging
