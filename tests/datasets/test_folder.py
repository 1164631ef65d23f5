import shutil

import numpy as np
import pytest
from PIL import Image

from vos_bench.datasets.folder import Folder
from vos_bench.errors import BadInputError


def label(trees, name, labels_by_frame):
    """Replace a sequence's label maps; a value is object id to rows."""
    folder = trees.root / "Annotations" / name
    shutil.rmtree(folder)
    for number, objects in labels_by_frame.items():
        labels = np.zeros((24, 32), np.uint8)
        for object_id, rows in objects.items():
            labels[rows] = object_id
        trees.save_labels(folder / f"{number:05d}.png", labels, mode="L")


def starts(sequence):
    return {name: sequence.read_prompt(name).object_ids for name in sequence.prompt_frames}


ONE, TWO = np.s_[2:8], np.s_[12:20]


def test_an_object_starts_on_the_first_frame_that_shows_it(trees):
    root = trees.sequence("mine", frames=6)
    label(trees, "mine", {0: {}, 1: {5: ONE}, 3: {5: ONE, 2: TWO}, 4: {2: TWO}})
    sequence = Folder(root).sequence("mine")
    assert starts(sequence) == {"00001": (5,), "00003": (2,)}
    assert sequence.truth_names == ("00000", "00001", "00003", "00004")
    assert len(sequence.output_names) == 6


@pytest.mark.parametrize(
    "maps",
    [{0: {1: ONE}}, {0: {1: ONE, 2: TWO}}, {0: {}, 2: {1: ONE}}, {0: {1: ONE}, 3: {2: TWO}}, {0: {1: ONE}, 2: {}}],
    ids=["one mask", "two objects", "an empty one before", "a second that starts later", "empty ones after"],
)
def test_prompts_alone_are_no_truth(trees, maps):
    root = trees.sequence("mine", frames=4)
    label(trees, "mine", maps)
    assert Folder(root).sequence("mine").truth_names == ()


@pytest.mark.parametrize("maps", [{0: {1: ONE}, 3: {1: TWO}}, {0: {1: ONE}, 3: {1: ONE, 2: TWO}}])
def test_anything_beyond_the_prompts_is_truth(trees, maps):
    root = trees.sequence("mine", frames=4)
    label(trees, "mine", maps)
    assert len(Folder(root).sequence("mine").truth_names) == 2


def test_a_white_mask_is_object_1(trees):
    root = trees.sequence("mine", frames=3)
    label(trees, "mine", {0: {255: ONE}, 1: {}, 2: {255: TWO}})
    dataset = Folder(root)
    sequence = dataset.sequence("mine")
    assert starts(sequence) == {"00000": (1,)}
    assert set(np.unique(sequence.read_truth("00002"))) == {0, 1}
    assert dataset.check() == []


def test_255_beside_other_ids_is_no_object(trees):
    root = trees.sequence("mine", frames=3)
    label(trees, "mine", {0: {1: ONE, 255: TWO}, 1: {1: ONE}})
    assert starts(Folder(root).sequence("mine")) == {"00000": (1,)}


def test_ids_above_255_and_gaps_are_kept(trees):
    root = trees.sequence("mine", frames=2)
    labels = np.zeros((24, 32), np.uint16)
    labels[ONE], labels[TWO] = 7, 301
    Image.fromarray(labels).save(root / "Annotations/mine/00000.png")
    prompt = Folder(root).sequence("mine").read_prompt("00000")
    assert prompt.object_ids[:1] == (7,)
    assert 301 in prompt.object_ids


@pytest.mark.parametrize("suffix", ["jpg", "jpeg", "png", "bmp", "JPG"])
def test_frames_may_be_of_these_kinds(trees, suffix):
    root = trees.sequence("mine", frames=2)
    for number in range(2):
        path = root / f"JPEGImages/mine/{number:05d}.jpg"
        image = Image.open(path)
        image.load()
        path.unlink()
        image.save(path.with_suffix(f".{suffix}"))
    sequence = Folder(root).sequence("mine")
    assert sequence.frame_names == ("00000", "00001")
    assert sequence.read_frame("00001").shape == (24, 32, 3)


def test_one_frame_is_a_sequence(trees):
    root = trees.sequence("mine", frames=1)
    sequence = Folder(root).sequence("mine")
    assert sequence.truth_names == ()
    assert starts(sequence) == {"00000": (1, 2)}


def test_one_more_level_is_accepted(trees):
    dataset = Folder(trees.sequence("mine", level="480p"))
    assert dataset.sequence_names == ("mine",)
    assert dataset.check() == []


def test_two_resolutions_are_refused(trees):
    trees.sequence("mine", level="480p")
    root = trees.sequence("mine", level="Full-Resolution")
    with pytest.raises(BadInputError, match=r"2 folders \(480p, Full-Resolution\).*keep one resolution"):
        Folder(root)


def test_frames_without_a_folder_of_their_own_are_refused(trees):
    root = trees.sequence("")
    with pytest.raises(BadInputError, match="move them one level down"):
        Folder(root)


def test_a_video_without_any_mask_is_refused(trees):
    root = trees.sequence("mine")
    trees.sequence("other")
    shutil.rmtree(root / "Annotations/other")
    with pytest.raises(BadInputError, match=r"(?s)no label maps for other.*draw at least the first mask"):
        Folder(root)


def test_empty_masks_only_are_refused(trees):
    root = trees.sequence("mine")
    label(trees, "mine", {0: {}, 1: {}})
    with pytest.raises(BadInputError, match="2 label maps, all empty"):
        Folder(root).sequence("mine")
    (problem,) = Folder(root).check()
    assert problem.found == "an empty label map"


def test_a_label_map_without_a_frame_is_refused(trees):
    root = trees.sequence("mine", frames=3)
    trees.save_labels(root / "Annotations/mine/00009.png", trees.two_objects(0))
    with pytest.raises(BadInputError, match="without a frame: 00009"):
        Folder(root).sequence("mine")


def test_a_real_video_with_an_object_that_comes_later(shared):
    dataset = Folder(shared / "data/PUMaVOS")
    assert dataset.sequence_names == ("caps", "chair")
    caps = dataset.sequence("caps")
    assert starts(caps) == {"00000": (1,), "00033": (2,)}
    assert caps.truth_names == ("00000", "00014", "00033", "00043", "00066")
    assert caps.read_frame("00000").shape == (853, 480, 3)
    assert len(caps.frame_names) == 87
    assert dataset.check() == []
