"""Still images with one mask each."""

from pathlib import Path

import numpy as np
import pytest

from vos_bench import registry
from vos_bench.api import Dataset
from vos_bench.errors import BadInputError
from vos_bench.training.sampling import FrameRule, training_objects

BLOB = np.zeros((24, 32), bool)
BLOB[4:20, 6:26] = True


@pytest.fixture
def root(trees) -> Path:
    for number in range(3):
        trees.save_frame(trees.root / f"images/{number:04d}.jpg", number)
        trees.save_labels(trees.root / f"masks/{number:04d}.png", BLOB * (255 if number else 1))
    return trees.root


def opened(root: Path) -> Dataset:
    return registry.open_dataset("static-images", root=root)


def test_each_image_is_a_sequence_of_one_frame_with_object_1(root):
    dataset = opened(root)
    assert dataset.sequence_names == ("0000", "0001", "0002")
    assert dataset.check() == []
    for sequence in dataset:
        assert sequence.frame_names == sequence.prompt_frames == sequence.truth_names == (sequence.name,)
        assert sequence.read_frame(sequence.name).shape == (24, 32, 3)
        assert np.array_equal(sequence.read_truth(sequence.name), BLOB)
        assert np.array_equal(sequence.read_prompt(sequence.name).masks[1], BLOB)


def test_training_repeats_the_image(root):
    rule = FrameRule(test_frames=3)
    [first, *others] = training_objects(opened(root), rule)
    assert len(others) == 2
    assert rule.draw(first.visible, np.random.default_rng(0), 0) == (0, 0, 0, 0)


def test_a_root_without_the_folders_is_refused_with_the_right_one(root):
    with pytest.raises(BadInputError, match="did you mean --root"):
        opened(root / "images")


@pytest.mark.parametrize(
    ("lost", "message"),
    [("masks/0001.png", "no mask for 1 of 3 names: 0001"), ("images/0002.jpg", "no image for 1 of 3 names: 0002")],
)
def test_an_image_and_a_mask_belong_together(root, lost, message):
    (root / lost).unlink()
    with pytest.raises(BadInputError, match=message):
        opened(root)


def test_an_unknown_image_is_refused_with_the_nearest_name(root):
    with pytest.raises(BadInputError, match="did you mean 0001"):
        opened(root).sequence("0001x")


def test_check_names_a_cut_off_image_an_empty_mask_and_one_of_another_size(root, trees):
    cut = root / "images/0000.jpg"
    cut.write_bytes(cut.read_bytes()[:-40])
    trees.save_labels(root / "masks/0001.png", np.zeros((24, 32)))
    trees.save_labels(root / "masks/0002.png", np.ones((12, 32)))
    problems = {problem.path.relative_to(root).as_posix(): problem for problem in opened(root).check()}
    assert set(problems) == {"images/0000.jpg", "masks/0001.png", "masks/0002.png"}
    assert problems["masks/0001.png"].found == "an empty label map"
    assert problems["masks/0002.png"].found == "12 x 32 pixels"


@pytest.mark.parametrize("changed", ["images/0001.jpg", "masks/0001.png"])
def test_the_fingerprint_changes_with_images_and_masks(root, trees, changed):
    before = opened(root).fingerprint()
    assert opened(root).fingerprint() == before
    trees.save_frame(root / changed, 99) if "images" in changed else trees.save_labels(root / changed, ~BLOB)
    assert opened(root).fingerprint() != before


def test_there_is_no_server(root, tmp_path):
    with pytest.raises(BadInputError, match=r"(?s)there is no server .* vos-bench score"):
        opened(root).package(tmp_path / "masks", tmp_path / "out.zip")
