"""The rules of MOSEv2 on masks of a few pixels, with values worked out by hand."""

from pathlib import Path

import numpy as np
import pytest

from vos_bench.errors import BadInputError
from vos_bench.labelmaps import write_label_map
from vos_bench.metrics.contours import dilate_by_disk, disk, disks_by_area, tolerance
from vos_bench.metrics.frame_rules import names_up_to_last
from vos_bench.metrics.measures import smoothed_similarity
from vos_bench.metrics.statistics import ObjectScores, absences
from vos_bench.scoring.record import score
from vos_bench.scoring.sequences import sequence_result
from vos_bench.scoring.truth import truth_folder

NAMES = tuple("12345")


def scores(J: list[float], F_dot: list[float]) -> ObjectScores:
    frames = tuple(map(str, range(len(J))))
    return ObjectScores(1, None, frames, np.array(J), np.array(F_dot), np.array(F_dot))


def absent(shown: str, J: list[float], F_dot: list[float]) -> dict[str, float]:
    """Return the scores of an object that the truth shows (x) or not (.), frame by frame."""
    return absences(scores(J, F_dot), np.array([each == "x" for each in shown]))


def test_one_pixel_is_added_to_intersection_and_union() -> None:
    numbers = np.array([[0, 3, 0], [2, 3, 4], [0, 0, 0], [0, 0, 5], [1, 1, 1]], np.int64)
    intersection, truth, mask = numbers.T
    # (0 + 1) / (3 + 1), (2 + 1) / (5 + 1), (0 + 1) / (0 + 1), (0 + 1) / (5 + 1), (1 + 1) / (1 + 1)
    assert smoothed_similarity(intersection, truth, mask).tolist() == [1 / 4, 1 / 2, 1, 1 / 6, 1]


def test_an_absence_follows_a_presence_and_a_return_an_absence() -> None:
    #  present, gone, gone, back, gone
    found = absent("x..x.", [1.0, 0.5, 0.1, 0.8, 0.2], [1.0, 0.5, 0.3, 0.6, 0.4])
    # Gone: the mean of ((0.3 + 0.4) / 2) and ((0.2 + 0.4) / 2), each run once whatever its length.
    assert found["J&F_dot_disappear"] == pytest.approx((0.35 + 0.3) / 2)
    assert found["J&F_dot_reappear"] == pytest.approx((0.8 + 0.6) / 2)
    assert found["F_dot"] == pytest.approx(0.56)
    assert found["J&F_dot"] == pytest.approx((0.52 + 0.56) / 2)


def test_an_object_that_is_absent_first_appears_and_has_not_disappeared() -> None:
    found = absent("..xx", [1.0, 1.0, 0.4, 0.6], [1.0, 1.0, 0.5, 0.5])
    assert "J&F_dot_disappear" not in found
    assert found["J&F_dot_reappear"] == pytest.approx(0.5)


@pytest.mark.parametrize("shown", ["xxxx", "...."])
def test_an_object_that_stays_or_never_comes_has_no_sub_scores(shown: str) -> None:
    assert absent(shown, [1.0] * 4, [1.0] * 4) == {"F_dot": 1.0, "J&F_dot": 1.0}


def test_radii_by_the_size_of_the_object() -> None:
    assert tolerance(300, 400) == pytest.approx(4)
    disks = disks_by_area(300, 400)
    assert [len(each) for each in disks.disks] == [9, 3, 5, 7, 9]  # 4 as it is, 1 to 3 for small ones, 4 rounded up
    # ceil(0.1 sqrt(area)): 1 up to 100 pixels, 2 up to 400, 3 up to 900; from 4 on the object is no small one.
    assert [disks.places(area)[1] for area in (1, 100, 101, 400, 401, 900, 901)] == [1, 1, 2, 2, 3, 3, 0]
    assert disks.places(0) == (0, 0)  # an object that is not there


def test_the_disk_of_a_fraction_is_off_its_centre() -> None:
    # 1.6: rows and columns at -1.6, -0.6, 0.4, 1.4, 2.4; inside are 3, 3 and 2 of them, the centre is the third.
    assert [*map(tuple, sorted(disk(1.6)))] == [(-1, 1, 1), (0, 1, 1), (1, 1, 0)]


def test_in_a_tiny_image_a_disk_without_a_pixel_is_that_of_its_upper_left_corner() -> None:
    # 30 x 40: 0.8 % of the diagonal is 0.4, and no crossing of -0.4 and 0.6 is that near; OpenCV takes the first one.
    (large,) = set(disks_by_area(30, 40).disks)
    assert [*map(tuple, large)] == [(-1, 1, -1)]
    pixel = np.zeros((30, 40), bool)
    pixel[3, 4] = True
    assert [*zip(*np.nonzero(dilate_by_disk(pixel, large)), strict=True)] == [(4, 5)]


@pytest.mark.parametrize(
    ("present", "words"),
    [
        ("12345", ""),
        ("1234", ""),  # the last frame is never read
        ("123456", ""),
        ("1245", "label map 3.png is missing.*shift all later frames by one"),
        ("145", "2 label maps are missing, the first is 2.png; write an empty one"),
        (("01", "02", "03", "04", "05"), "found 01.png and the like: name label maps as the frames of the truth"),
        (("01", "02", "03", "04"), "found 01.png and the like: name label maps as the frames of the truth"),
    ],
)
def test_label_maps_are_paired_by_their_places(present: str | tuple[str, ...], words: str) -> None:
    import re

    assert (
        re.search(words, names_up_to_last(NAMES, tuple(present)))
        if words
        else not names_up_to_last(NAMES, tuple(present))
    )


def test_a_label_map_between_two_frames_is_named() -> None:
    assert "found 15.png, which the truth lacks" in names_up_to_last(("10", "20", "30"), ("10", "15", "20", "30"))


def test_renamed_label_maps_are_named_wherever_they_stand_and_names_that_are_no_numbers_are_missing() -> None:
    found = names_up_to_last(("10", "11", "12", "13"), ("1", "2", "3", "0010"))
    assert "found 0010.png and the like" in found
    unpadded = tuple(sorted(map(str, range(1, 12))))
    assert "pad them with zeros" in names_up_to_last(unpadded, unpadded)
    assert "the first is frame_1.png" in names_up_to_last(("frame_1", "frame_2", "frame_3"), ("00000",))


def square(rows: slice, columns: slice, label: int = 1) -> np.ndarray:
    labels = np.zeros((60, 80), np.uint16)  # 0.8 % of the diagonal is 0.8: such a disk is the pixel alone
    labels[rows, columns] = label
    return labels


def write(folder: Path, frames: dict[str, np.ndarray]) -> Path:
    for name, labels in frames.items():
        write_label_map(folder / "video" / f"{name}.png", labels)
    return folder


def test_whole_label_maps_by_hand(tmp_path: Path) -> None:
    here, none = square(slice(10, 20), slice(10, 20)), square(slice(0), slice(0))
    beside = square(slice(10, 20), slice(11, 21))  # 90 of 100 pixels in common
    truth = write(tmp_path / "truth", dict(zip(NAMES, [here, here, none, here, here], strict=True)))
    masks = write(tmp_path / "masks", dict(zip(NAMES, [here, beside, none, none, here], strict=True)))
    (sequence,) = truth_folder(truth, None)
    (found,) = sequence_result(sequence, masks, protocol="mosev2").objects
    assert found.frames == ("2", "3", "4")
    assert found.J.tolist() == [91 / 111, 1, 1 / 101]
    # Both squares have 40 + 1 boundary pixels: left and top from outside, right and bottom from inside.
    assert found.F_dot[1:].tolist() == [1, 0]
    assert found.extra["J&F_dot_disappear"] == 1
    assert found.extra["J&F_dot_reappear"] == pytest.approx((1 / 101 + 0) / 2)


@pytest.mark.parametrize("frames", [1, 2])
def test_a_video_of_one_or_two_frames_is_refused_since_the_tool_would_count_zero(tmp_path: Path, frames: int) -> None:
    here = square(slice(10, 20), slice(10, 20))
    truth = write(tmp_path / "truth", dict.fromkeys(NAMES[:frames], here))
    with pytest.raises(BadInputError, match="the official tool would score 0 for each object"):
        score(truth, truth=truth, protocol="mosev2", out=tmp_path / "out")
