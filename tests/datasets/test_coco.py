import json

import cv2
import numpy as np
import pytest

from vos_bench import registry
from vos_bench.errors import BadInputError


@pytest.fixture
def tree(tmp_path):
    """Two images: a square of two overlapping polygons and a run-length mask on one, a crowd on the other."""
    folder = tmp_path / "train2014"
    folder.mkdir()
    for name in ("a.jpg", "b.jpg"):
        cv2.imwrite(str(folder / name), np.full((40, 60, 3), 90, np.uint8))
    square = [[10, 10, 30, 10, 30, 30, 10, 30], [20, 20, 40, 20, 40, 30, 20, 30]]
    runs = {"size": [40, 60], "counts": [40 * 5 + 3, 4, 40 * 55 - 7]}
    images = [{"id": n, "file_name": name, "height": 40, "width": 60} for n, name in ((1, "a.jpg"), (2, "b.jpg"))]
    annotations = [
        {"id": 7, "image_id": 1, "iscrowd": 0, "segmentation": square},
        {"id": 8, "image_id": 1, "iscrowd": 0, "segmentation": runs},
        {"id": 9, "image_id": 2, "iscrowd": 1, "segmentation": runs},
    ]
    (tmp_path / "annotations").mkdir()
    content = {"images": images, "annotations": annotations}
    (tmp_path / "annotations" / "instances_train2014.json").write_text(json.dumps(content))
    return tmp_path


def test_every_object_outside_crowds_is_a_sequence(tree):
    dataset = registry.open_dataset("coco", root=tree)
    assert dataset.sequence_names == ("7", "8")
    sequence = dataset.sequence("7")
    assert sequence.frame_names == ("a",)
    assert sequence.read_frame("a").shape == (40, 60, 3)
    with pytest.raises(BadInputError, match="no object '9'"):
        dataset.sequence("9")


def test_polygons_are_joined_and_not_cancelled_where_they_overlap(tree):
    truth = registry.open_dataset("coco", root=tree).sequence("7").read_truth("a")
    assert truth.dtype == np.uint16
    assert truth[25, 25] == 1
    assert truth.sum() == 20 * 20 + 10 * 10
    assert not truth[5, 5]


def test_run_lengths_go_down_the_columns(tree):
    truth = registry.open_dataset("coco", root=tree).sequence("8").read_truth("a")
    assert np.argwhere(truth).tolist() == [[3, 5], [4, 5], [5, 5], [6, 5]]


def test_check_names_missing_images(tree):
    dataset = registry.open_dataset("coco", root=tree)
    assert dataset.check() == []
    (tree / "train2014" / "a.jpg").unlink()
    assert [problem.path.name for problem in dataset.check()] == ["a.jpg"]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"images": [], "annotations": [{"id": 1}]}'])
def test_a_file_that_is_not_cocos_is_said_plainly(tree, content):
    (tree / "annotations" / "instances_train2014.json").write_text(content)
    with pytest.raises(BadInputError, match="COCO's instance annotations"):
        registry.open_dataset("coco", root=tree)


def test_the_fingerprint_follows_the_annotations(tree):
    before = registry.open_dataset("coco", root=tree).fingerprint()
    path = tree / "annotations" / "instances_train2014.json"
    path.write_text(path.read_text() + " ")
    assert registry.open_dataset("coco", root=tree).fingerprint() != before
