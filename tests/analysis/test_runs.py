"""Failures and attributes from files: label maps, masks of single objects, runs and their data."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from vos_bench.analysis.runs import SequenceFailures, failures_of
from vos_bench.errors import BadInputError
from vos_bench.metrics.frame_rules import TruthSequence
from vos_bench.scoring.overlaps import SequenceCounter
from vos_bench.scoring.truth import truth_folder

Labels = NDArray[np.uint8]


def write(folder: Path, *frames: Labels, names: Any = None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for i, labels in zip(names or range(len(frames)), frames, strict=True):
        Image.fromarray(labels).save(folder / f"{i:05d}.png")


def block(left: int, k: int = 1) -> Labels:
    labels = np.zeros((12, 20), np.uint8)
    labels[2:8, left : left + 5] = k
    return labels


NOTHING = np.zeros((12, 20), np.uint8)


def sequence_failures(truth: TruthSequence, folder: Path) -> SequenceFailures:
    return failures_of(SequenceCounter(truth, folder).record())


def test_label_maps_and_truth_are_paired_by_name(tmp_path: Path) -> None:
    write(tmp_path / "truth" / "a", block(0), block(0), NOTHING, block(0))
    write(tmp_path / "masks" / "a", block(0), block(0), block(9), NOTHING)
    [truth] = truth_folder(tmp_path / "truth")
    found = sequence_failures(truth, tmp_path / "masks" / "a")
    [one] = found.objects
    assert (one.values["missed"], one.values["false reports"], one.values["recovery"]) == (1 / 2, 1.0, 1.0)
    assert [found.frames[1][span.first] for span in one.spans] == ["00002", "00003"]


def test_frames_without_a_label_map_do_not_count_and_part_their_neighbours(tmp_path: Path) -> None:
    write(tmp_path / "truth" / "a", *[block(0)] * 5)
    write(tmp_path / "masks" / "a", *[block(0)] * 3, names=[0, 2, 4])
    [truth] = truth_folder(tmp_path / "truth")
    assert SequenceCounter(truth, tmp_path / "masks" / "a").record().frames == ("00000", "00002", "00004")
    assert sequence_failures(truth, tmp_path / "masks" / "a").objects[0].missing["flicker"] == "sparse truth"


def test_white_is_the_one_object_and_void_is_none(tmp_path: Path) -> None:
    undecided = block(0)
    undecided[10:] = 255
    write(tmp_path / "truth" / "a", undecided, undecided)
    write(tmp_path / "masks" / "a", block(0, 255), block(0, 255))
    [truth] = truth_folder(tmp_path / "truth")
    [one] = sequence_failures(truth, tmp_path / "masks" / "a").objects
    assert (one.object_id, one.values["boundary IoU"]) == (1, 1.0)


def test_a_label_map_of_another_size_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "truth" / "a", block(0))
    write(tmp_path / "masks" / "a", block(0)[:5])
    [truth] = truth_folder(tmp_path / "truth")
    with pytest.raises(BadInputError, match=r"found 5 x 20 pixels .* expected 12 x 20"):
        sequence_failures(truth, tmp_path / "masks" / "a")


def test_without_any_label_map_nothing_can_be_said(tmp_path: Path) -> None:
    write(tmp_path / "truth" / "a", block(0))
    [truth] = truth_folder(tmp_path / "truth")
    with pytest.raises(BadInputError, match="holds no label map of a frame with a truth"):
        sequence_failures(truth, tmp_path / "nowhere")


def test_a_sequence_without_a_truth_says_so(tmp_path: Path) -> None:
    write(tmp_path, block(0))
    untold = OwnMasks()
    untold.truth_names = ()
    with pytest.raises(BadInputError, match="a: has no public truth; expected a dataset"):
        sequence_failures(untold, tmp_path)


class OwnMasks:
    """A sequence whose objects have masks of their own, which overlap."""

    name, groups, first_frames = "a", {}, {}
    truth_names: tuple[str, ...] = ("00000", "00001", "00002")
    frame_names = truth_names
    object_names, frame_ranges, listed_objects = {1: "000", 2: "001"}, {}, None

    def __init__(self) -> None:
        self.object_frames = {1: self.truth_names, 2: self.truth_names[1:]}
        self.masks = {1: block(0) > 0, 2: block(3) > 0}

    def read_truth(self, frame: str) -> Labels:
        there = [k for k in (2, 1) if frame in self.object_frames[k]]
        labels = NOTHING.copy()
        for k in there:
            labels[self.masks[k]] = k
        return labels

    read_truth_labels = read_truth

    def read_truth_mask(self, frame: str, object_id: int) -> NDArray[np.bool_]:
        del frame
        return self.masks[object_id]


def test_objects_with_masks_of_their_own_are_judged_by_these(tmp_path: Path) -> None:
    write(tmp_path / "000", block(0), block(0), block(3))
    write(tmp_path / "001", block(3), block(3), names=[1, 2])
    found = sequence_failures(OwnMasks(), tmp_path)
    one, two = found.objects
    assert one.values["identity switches"] == 1
    assert two.values["missed"] == two.values["drift"] == 0
    assert two.values["boundary IoU"] == 1
    assert found.frames == {1: ("00000", "00001", "00002"), 2: ("00001", "00002")}


def test_the_holder_of_a_mask_is_told_by_whole_truths_where_they_overlap(tmp_path: Path) -> None:
    wide = block(3) + block(5)  # 42 pixels: 12 of object 1, and 30 of object 2, of which 12 lie under object 1
    write(tmp_path / "000", block(0), (wide > 0).astype(np.uint8))
    write(tmp_path / "001", block(3), block(3))
    one, _ = sequence_failures(OwnMasks(), tmp_path).objects
    assert one.values["identity switches"] == 1
