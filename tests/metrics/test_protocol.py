from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from vos_bench.errors import BadInputError
from vos_bench.metrics.counts import count_frame
from vos_bench.metrics.protocols import scoring_protocol

Labels = NDArray[np.uint8]


@dataclass
class Truth:
    rows: dict[str, list[int]]
    name: str = "bear"
    groups: Mapping[int, str] = field(default_factory=dict)

    object_names: Mapping[int, str] = field(default_factory=dict)
    object_frames: Mapping[int, tuple[str, ...]] = field(default_factory=dict)

    @property
    def truth_names(self) -> tuple[str, ...]:
        return tuple(self.rows)

    def read_truth(self, frame_name: str, /) -> Labels:
        return np.array([self.rows[frame_name]], np.uint8)


def starts(protocol: str, sequence: Truth) -> dict[int, int]:
    rule = scoring_protocol(protocol)
    frames = rule.select_frames(sequence)
    truths = [sequence.read_truth(name) for name in frames.names]
    places = rule.places(sequence, frames, [count_frame(truth, truth) for truth in truths])
    return {k: found[0] for k, found in places.items()}


def test_davis_leaves_out_the_first_and_the_last_frame() -> None:
    sequence = Truth({name: [0, 1] for name in "abcd"})
    assert scoring_protocol("davis").select_frames(sequence).names == ("b", "c")
    assert scoring_protocol("all-frames").select_frames(sequence).names == ("a", "b", "c", "d")


@pytest.mark.parametrize("frames", ["", "a", "ab"])
def test_davis_needs_three_frames(frames: str) -> None:
    with pytest.raises(
        BadInputError, match=f"bear: found a truth for {len(frames)} of its frames, expected at least 3"
    ):
        scoring_protocol("davis").select_frames(Truth({name: [0, 1] for name in frames}))


def test_all_frames_needs_one_frame() -> None:
    with pytest.raises(BadInputError, match="bear: found no frame with a truth"):
        scoring_protocol("all-frames").select_frames(Truth({}))


@pytest.mark.parametrize(
    ("first", "objects"), [([0, 1, 3], [1, 2, 3]), ([0, 255, 2], [1, 2]), ([0, 0, 255], []), ([0, 0, 0], [])]
)
def test_davis_objects_are_1_to_the_highest_of_the_first_truth(first: list[int], objects: list[int]) -> None:
    sequence = Truth({"a": first, "b": [0, 7, 1], "c": [1, 1, 1]})
    assert starts("davis", sequence) == dict.fromkeys(objects, 0)


def test_all_frames_takes_every_object_from_where_it_starts() -> None:
    sequence = Truth({"a": [0, 5, 255], "b": [0, 5, 5], "c": [2, 0, 0], "d": [0, 0, 0]})
    assert starts("all-frames", sequence) == {2: 2, 5: 0}


def test_an_unknown_protocol_is_named_with_the_known_ones() -> None:
    with pytest.raises(BadInputError, match=r"no protocol 'davis2017'; known: all-frames, .*davis"):
        scoring_protocol("davis2017")
