"""Scores of files of tracks, as BURST's tool gives them, on masks of a few pixels, with values worked out by hand."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vos_bench.errors import BadInputError
from vos_bench.formats.tracks_json import encode_mask, read_tracks, tracks_of_label_maps
from vos_bench.labelmaps import write_label_map
from vos_bench.scoring.tracks import Task, TrackScores, score_tracks

PERSON, OTHER, OF_NO_TRACK, DISTRACTOR = 805, 1, 4, 20
"""A common class, an uncommon one, a common one that no truth here has, and one whose true tracks do not count."""

Masks = Mapping[int, np.ndarray]
Frames = Sequence[Masks]


def mask(rows: slice, columns: slice) -> np.ndarray:
    found = np.zeros((8, 8), bool)
    found[rows, columns] = True
    return found


BAR = np.zeros((8, 8), bool)
BAR[range(4), range(4)] = True  # a diagonal: its box is 4 x 4
BOX = mask(slice(0, 4), slice(0, 4))
SQUARE = mask(slice(5, 8), slice(5, 8))
NOTHING = np.zeros((8, 8), bool)


def video(name: str, frames: Frames, classes: Mapping[int, int], **more: Any) -> dict[str, Any]:
    paths = [f"frame{number}.jpg" for number in range(len(frames))]
    masks = [{str(track): {"rle": encode_mask(found)} for track, found in frame.items()} for frame in frames]
    return {
        "width": 8,
        "height": 8,
        "seq_name": name,
        "dataset": "made-up",
        "annotated_image_paths": paths,
        "track_category_ids": {str(track): number for track, number in classes.items()},
        "segmentations": masks,
        **more,
    }


def write(path: Path, *videos: dict[str, Any]) -> Path:
    path.write_text(json.dumps({"split": "val", "sequences": videos}))
    return path


CLASSES = {1: PERSON, 2: OTHER}


@pytest.fixture
def judge(tmp_path: Path) -> Any:
    """Score videos of predictions against videos of truth."""

    def score(truth: Sequence[dict[str, Any]], found: Sequence[dict[str, Any]], task: Task = "exemplar") -> TrackScores:
        listing = write(tmp_path / "all.json", *truth)
        names = {each.name for each in read_tracks(listing).sequences}
        truths = dict.fromkeys(("all", "common", "uncommon"), listing)
        return score_tracks(write(tmp_path / "pred.json", *found), truths, task, names=names)

    return score


def test_the_official_hota_is_that_of_boxes_and_masks_stand_beside_it(judge: Any) -> None:
    truth = video("one", [{1: BAR, 2: SQUARE}], CLASSES)
    found = judge([truth], [video("one", [{1: BOX, 2: SQUARE}], CLASSES)]).scores
    assert found["HOTA_common"] == found["DetA_common"] == found["AssA_common"] == 1
    # 4 of 16 pixels: 0.25 meets 0.05, 0.1, 0.15, 0.2 and 0.25 of 19 thresholds. AP is by masks and wants one half.
    assert found["mask_HOTA_common"] == pytest.approx(5 / 19)
    assert found["AP_common"] == 0
    assert found["HOTA_all"] == found["HOTA_uncommon"] == 1
    assert found["AP_uncommon"] == pytest.approx(1)
    assert found["mask_HOTA_all"] == pytest.approx((5 / 19 + 1) / 2)
    assert found["AP_all"] == pytest.approx(0.5)


def test_the_class_of_a_prediction_counts_and_its_track_id_does_not(judge: Any) -> None:
    truth = video("one", [{1: BAR, 2: SQUARE}], CLASSES)
    renamed = video("one", [{7: BAR, 9: SQUARE}], {7: PERSON, 9: OTHER})
    assert judge([truth], [renamed]).scores["HOTA_all"] == 1
    other = video("one", [{1: BAR, 2: SQUARE}], {1: OF_NO_TRACK, 2: OTHER})
    scores = judge([truth], [other])
    assert scores.scores["HOTA_common"] == 0
    assert scores.scores["HOTA_all"] == 0.5  # the mean over the classes of the truth alone
    assert sorted(scores.classes) == [OTHER, PERSON]


def test_an_empty_mask_is_a_false_detection_and_one_that_is_left_out_is_none(judge: Any) -> None:
    truth = video("one", [{1: BAR, 2: SQUARE}, {2: SQUARE}], CLASSES)
    right = judge([truth], [truth]).scores
    assert right["HOTA_common"] == 1
    given = video("one", [{1: BAR, 2: SQUARE}, {1: NOTHING, 2: SQUARE}], CLASSES)
    empty = judge([truth], [given]).scores
    # One hit and one false detection: DetA 1/2; the pair has 1 of 1 + 2 - 1 detections in common: AssA 1/2.
    assert empty["DetA_common"] == empty["AssA_common"] == empty["HOTA_common"] == pytest.approx(0.5)
    assert empty["AP_common"] == pytest.approx(1)  # no pixel more


def test_frames_without_any_true_mask_are_not_looked_at(judge: Any) -> None:
    truth = video("one", [{1: BAR, 2: SQUARE}, {}], CLASSES)
    found = video("one", [{1: BAR, 2: SQUARE}, {1: BOX}], CLASSES)
    assert judge([truth], [found]).scores["HOTA_all"] == 1


def test_no_detections_at_all_are_misses(judge: Any) -> None:
    truth = [video("one", [{1: BAR, 2: SQUARE}], CLASSES), video("two", [{1: BAR}], CLASSES)]
    nothing = judge(truth, [video("one", [{}], CLASSES)])
    assert set(nothing.scores.values()) == {0.0}
    assert nothing.missing == ("made-up__one", "made-up__two")
    half = judge(truth, [truth[0]])
    assert half.missing == ("made-up__two",)
    assert half.scores["DetA_common"] == 0.5  # one hit, one miss
    assert half.scores["HOTA_common"] == pytest.approx(0.5**0.5)
    assert half.scores["HOTA_uncommon"] == 1


def test_a_file_of_other_videos_is_refused(judge: Any) -> None:
    truth = video("one", [{1: BAR, 2: SQUARE}], CLASSES)
    for task in ("exemplar", "open"):
        with pytest.raises(BadInputError, match=r"holds no video of .*found made-up__two; expected made-up__one"):
            judge([truth], [video("two", [{1: BAR}], CLASSES)], task)


def test_a_file_of_videos_that_were_not_chosen_misses_those_that_were(tmp_path: Path) -> None:
    one, two = (video(name, [{1: BAR, 2: SQUARE}], CLASSES) for name in ("one", "two"))
    listing, found = write(tmp_path / "all.json", one, two), write(tmp_path / "pred.json", two)
    scores = score_tracks(found, {"all": listing}, "exemplar", names={"made-up__one"})
    assert scores.missing == ("made-up__one",)


def test_true_tracks_of_distractor_classes_do_not_count(judge: Any) -> None:
    truth = video("one", [{1: BAR, 2: SQUARE, 3: BOX}], {**CLASSES, 3: DISTRACTOR})
    found = judge([truth], [video("one", [{1: BAR, 2: SQUARE}], CLASSES)])
    assert found.scores["HOTA_all"] == 1
    assert DISTRACTOR not in found.classes


CUP, GLASS, SHOPPING_BAG, HAT, CAP = 347, 504, 967, 554, 207
"""In TAO's list of classes a glass counts as a cup, a shopping bag as a bag and a cap as a hat."""


def test_merged_classes_count_as_one(judge: Any) -> None:
    truth = video("one", [{1: BAR, 2: SQUARE}], {1: PERSON, 2: CAP})
    found = judge([truth], [video("one", [{1: BAR, 2: SQUARE}], {1: PERSON, 2: HAT})])
    assert sorted(found.classes) == [HAT, PERSON]
    assert found.scores["HOTA_uncommon"] == 1


def test_a_predicted_glass_is_a_false_cup_though_no_true_glass_counts(judge: Any) -> None:
    truth = video("one", [{1: BAR, 2: SQUARE, 3: BOX}], {1: CUP, 2: OTHER, 3: GLASS})
    found = judge([truth], [truth])
    assert sorted(found.classes) == [OTHER, CUP]
    assert found.scores["DetA_common"] == pytest.approx(0.5)  # one hit, one false detection


def test_a_shopping_bag_counts_as_a_class_that_does_not(judge: Any) -> None:
    truth = video("one", [{1: BAR, 2: SQUARE, 3: BOX}], {**CLASSES, 3: SHOPPING_BAG})
    found = judge([truth], [truth])
    assert sorted(found.classes) == [OTHER, PERSON]
    assert found.scores["HOTA_all"] == 1


@pytest.mark.parametrize(
    ("task", "more", "score"),
    [
        ("exemplar", {}, 0.5**0.5),
        ("class", {}, 1.0),  # nobody says that there is no such class in the video
        ("class", {"neg_category_ids": [PERSON]}, 0.5**0.5),
        ("class", {"neg_category_ids": [PERSON], "not_exhaustive_category_ids": [PERSON]}, 1.0),
    ],
)
def test_a_prediction_of_a_class_that_the_video_has_not(
    judge: Any, task: Task, more: dict[str, Any], score: float
) -> None:
    truth = [video("one", [{1: BAR, 2: SQUARE}], CLASSES), video("two", [{2: SQUARE}], CLASSES, **more)]
    found = [truth[0], video("two", [{1: BAR, 2: SQUARE}], CLASSES)]
    # A false detection beside one hit: DetA 1/2, AssA 1.
    assert judge(truth, found, task).scores["HOTA_common"] == pytest.approx(score)


def test_in_the_open_world_classes_do_not_matter(judge: Any) -> None:
    truth = video("one", [{1: BAR, 2: SQUARE}, {2: SQUARE}], CLASSES)
    found = video("one", [{1: BAR, 2: SQUARE}, {2: SQUARE}], {1: OF_NO_TRACK, 2: OF_NO_TRACK})
    scores = judge([truth], [found], "open").scores
    assert {scores[f"{name}_all"] for name in ("OWTA", "DetRe", "AssA", "mask_OWTA")} == {1.0}
    half = judge([truth], [video("one", [{1: BAR}, {2: SQUARE}], CLASSES)], "open").scores
    assert half["DetRe_all"] == pytest.approx(2 / 3)  # two of three; recall forgives what is false
    assert half["AssA_all"] == pytest.approx((1 + 0.5) / 2)


def test_a_truth_without_uncommon_classes_is_refused(judge: Any) -> None:
    truth = video("one", [{1: BAR}], {1: PERSON})
    with pytest.raises(BadInputError, match=r"(?s)no track of uncommon classes.*division by zero"):
        judge([truth], [truth])


def test_masks_of_another_size_are_refused_even_with_as_many_pixels(judge: Any) -> None:
    truth = video("one", [{1: BAR, 2: SQUARE}], CLASSES)
    with pytest.raises(BadInputError, match=r"has 4 x 16 pixels, expected 8 x 8 \(height x width\) as in the truth"):
        judge([truth], [video("one", [{1: BAR, 2: SQUARE}], CLASSES, height=4, width=16)])


def test_label_maps_are_scored_as_the_tracks_that_they_show(tmp_path: Path) -> None:
    truth = video("one", [{1: BAR, 2: SQUARE}, {2: SQUARE}], CLASSES)
    listing = write(tmp_path / "all.json", truth)
    for number, masks in enumerate([{1: BOX, 2: SQUARE}, {2: SQUARE}]):
        labels = sum(found.astype(np.uint16) * track for track, found in masks.items())
        write_label_map(tmp_path / "masks/made-up__one" / f"frame{number}.png", labels)
    truths = dict.fromkeys(("all", "common", "uncommon"), listing)
    found = score_tracks(tmp_path / "masks", truths, "exemplar", names={"made-up__one"})
    assert found.scores["HOTA_all"] == 1
    assert found.scores["mask_HOTA_common"] == pytest.approx(5 / 19)
    (listed,) = read_tracks(listing).sequences
    packed = tracks_of_label_maps(listed, tmp_path / "masks/made-up__one")
    assert [sorted(masks) for masks in packed.segmentations] == [[1, 2], [2]]  # an absent mask is left out

    write_label_map(tmp_path / "masks/made-up__one/frame1.png", np.full((8, 8), 5, np.uint16))
    with pytest.raises(BadInputError, match=r"frame1\.png: found id 5, expected only 1, 2 and 0"):
        score_tracks(tmp_path / "masks", truths, "exemplar", names={"made-up__one"})
    write_label_map(tmp_path / "masks/made-up__one/frame1.png", np.zeros((8, 9), np.uint16))
    with pytest.raises(BadInputError, match="found 8 x 9 pixels; expected 8 x 8"):
        score_tracks(tmp_path / "masks", truths, "exemplar", names={"made-up__one"})
