import numpy as np
import pytest
from PIL import Image

from vos_bench import registry
from vos_bench.datasets.davis import Davis16, Davis17
from vos_bench.errors import BadInputError


def save_mask(path, mask, kind):
    """Write a mask in one of the ways in which DAVIS 2016 is passed around."""
    grey = mask.astype(np.uint8) * 255
    if kind == "grey":
        image = Image.fromarray(grey)
    elif kind == "grey with alpha":
        image = Image.merge("LA", (Image.fromarray(grey), Image.new("L", grey.shape[::-1], 255)))
    elif kind == "one bit":
        image = Image.fromarray(grey).convert("1")
    else:
        image = Image.fromarray(mask.astype(np.uint8) * (1 if kind == "indexed 0/1" else 255))
        image.putpalette([0] * 768)
    image.save(path)


@pytest.mark.parametrize("kind", ["grey", "grey with alpha", "one bit", "indexed 0/1", "indexed 0/255"])
def test_davis16_reads_every_kind_of_mask_as_object_1(trees, kind):
    root = trees.davis("2016")
    mask = trees.two_objects(0) > 0
    save_mask(root / "Annotations/480p/bear/00000.png", mask, kind)
    sequence = Davis16(root, split="val").sequence("bear")
    np.testing.assert_array_equal(sequence.read_truth("00000"), mask)
    np.testing.assert_array_equal(sequence.read_prompt("00000").masks[1], mask)


def test_davis16_unites_the_objects_of_the_2017_package(trees):
    sequence = Davis16(trees.davis("2016"), split="val").sequence("bear")
    np.testing.assert_array_equal(sequence.read_truth("00003"), trees.two_objects(3) > 0)
    assert sequence.read_prompt("00000").object_ids == (1,)


def test_davis17_keeps_the_objects_apart(trees):
    sequence = Davis17(trees.davis("2017"), split="val").sequence("bear")
    np.testing.assert_array_equal(sequence.read_truth("00003"), trees.two_objects(3))
    assert sequence.prompt_frames == ("00000",)
    assert sequence.read_prompt("00000").object_ids == (1, 2)


def test_objects_are_prompts_on_the_first_frame_only_and_void_is_no_object(trees):
    root = trees.davis("2017")
    labels = trees.two_objects(0)
    labels[labels == 2] = 255
    trees.save_labels(root / "Annotations/480p/bear/00000.png", labels)
    sequence = Davis17(root, split="val").sequence("bear")
    assert sequence.prompt_frames == ("00000",)
    assert sequence.read_prompt("00000").object_ids == (1,)


def test_the_list_of_the_2016_release_names_every_frame_and_mask(trees):
    root = trees.davis("2016")
    lines = [
        f"/JPEGImages/480p/{name}/{k:05d}.jpg /Annotations/480p/{name}/{k:05d}.png"
        for name in ("crane", "bear")
        for k in range(4)
    ]
    (root / "ImageSets/2016/val.txt").unlink()
    (root / "ImageSets/480p").mkdir()
    (root / "ImageSets/480p/val.txt").write_text("\n".join(lines) + "\n")
    assert Davis16(root, split="val").sequence_names == ("crane", "bear")


def test_sequences_keep_the_order_of_the_list(trees):
    root = trees.davis("2017")
    (root / "ImageSets/2017/val.txt").write_text("crane\r\nbear\r\n\r\n")
    assert Davis17(root, split="val").sequence_names == ("crane", "bear")


def test_trainval_joins_the_two_lists(trees):
    root = trees.davis("2017")
    (root / "ImageSets/2017/train.txt").write_text("crane\n")
    (root / "ImageSets/2017/val.txt").write_text("bear\n")
    assert Davis17(root, split="trainval").sequence_names == ("crane", "bear")


@pytest.mark.parametrize("level", ["Full-Resolution", "1080p"])
def test_full_resolution_is_a_split(trees, level):
    root = trees.davis("2017", level=level)
    dataset = registry.open_dataset("davis17", root=root, split="val@full")
    assert dataset.split == "val@full"
    assert dataset.frames_folder == root / "JPEGImages" / level


def test_a_test_split_has_prompts_but_no_truth(trees):
    root = trees.davis("2017", split="test-dev")
    for path in root.glob("Annotations/480p/*/*.png"):
        if path.stem != "00000":
            path.unlink()
    sequence = Davis17(root, split="test-dev").sequence("bear")
    assert sequence.truth_names == ()
    assert len(sequence.output_names) == 4
    assert sequence.read_prompt("00000").object_ids == (1, 2)


def test_a_test_split_whose_truth_the_user_has_is_scored(trees):
    sequence = Davis17(trees.davis("2017", split="test-dev"), split="test-dev").sequence("bear")
    assert len(sequence.truth_names) == 4


def test_a_sequence_without_its_first_label_map_is_refused(trees):
    root = trees.davis("2017", split="test-dev")
    (root / "Annotations/480p/bear/00000.png").unlink()
    with pytest.raises(BadInputError, match="a label map for first frame"):
        Davis17(root, split="test-dev").sequence("bear")


def test_a_split_that_is_not_complete_is_a_problem(trees):
    (problem,) = Davis17(trees.davis("2017", split="test-dev"), split="test-dev").check()
    assert problem.found == "2 sequences, another number"
    assert problem.expected == "the official split of 30"


def test_a_sequence_with_too_few_frames_is_a_problem(trees):
    root = trees.davis("2017")
    trees.sequence("dog", frames=3, level="480p")
    (root / "ImageSets/2017/val.txt").write_text("dog\n")
    found = {problem.found for problem in Davis17(root, split="val").check()}
    assert "3 frames" in found


# Real data


@pytest.mark.parametrize(("split", "sequences", "frames"), [("val", 20, 1376), ("train", 30, 2079)])
def test_davis_2016_as_published_opens_whole(shared, split, sequences, frames):
    dataset = Davis16(shared / "data/DAVIS", split=split)
    assert len(dataset) == sequences
    assert sum(len(sequence.frame_names) for sequence in dataset) == frames
    assert all(len(sequence.truth_names) == len(sequence.frame_names) for sequence in dataset)


def test_davis_2016_as_published_has_no_problem(shared):
    dataset = Davis16(shared / "data/DAVIS", split="val")
    assert [*dataset._check_tree()] == []
    dataset.sequence_names = ("blackswan", "kite-surf")
    assert super(Davis16, dataset)._inspection("blackswan").coverage == "every frame"


def test_masks_of_the_2016_release_equal_those_of_the_2017_package(shared):
    for path in sorted((shared / "data/DAVIS2016-raw-masks").glob("*/*.png")):
        dataset = Davis16(shared / "data/DAVIS", split="train" if path.parent.name != "blackswan" else "val")
        truth = dataset.sequence(path.parent.name).read_truth(path.stem)
        np.testing.assert_array_equal(dataset._reader()(path), truth)


def test_a_real_sequence_with_seven_objects(shared):
    sequence = Davis17(shared / "data/DAVIS17-small", split="train").sequence("schoolgirls")
    assert len(sequence.frame_names) == 80
    assert sequence.read_prompt("00000").object_ids == (1, 2, 3, 4, 5, 6, 7)
    assert sequence.read_frame("00079").shape == (240, 432, 3)
