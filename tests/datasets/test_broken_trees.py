"""Each broken tree gives one message that names what is there, what is wanted and what to do."""

import os
import shutil

import numpy as np
import pytest
from PIL import Image

from vos_bench import registry
from vos_bench.datasets.davis import Davis16, Davis17
from vos_bench.errors import BadInputError


@pytest.fixture
def root(trees):
    return trees.davis()


def refused(root, *, split="val", dataset=Davis17):
    with pytest.raises(BadInputError) as caught:
        dataset(root, split=split)
    return str(caught.value)


def problems_of(root, *, dataset="davis17"):
    """The problems but the one that the list is not the official one."""
    opened = registry.open_dataset(dataset, root=root)
    return [problem for problem in opened.check() if "official" not in problem.expected]


def the_problem(root, *, dataset="davis17"):
    (problem,) = problems_of(root, dataset=dataset)
    return problem


def test_a_good_tree_has_no_problem_but_that_it_is_not_the_whole_dataset(root):
    assert problems_of(root) == []
    (problem,) = registry.open_dataset("davis17", root=root).check()
    assert "2 sequences, without bike-packing" in problem.found


# The root


def test_a_root_that_is_not_there(root):
    assert f"{root}x: found no such folder" in refused(root.with_name("datax"))


def test_a_root_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    assert "found a file; expected the root of davis17" in refused(tmp_path / "file")


def test_a_root_with_something_else_in_it(tmp_path):
    (tmp_path / "music").mkdir()
    message = refused(tmp_path)
    assert f"({tmp_path} holds music)" in message
    assert "give the folder that holds JPEGImages as --root" in message


def test_a_root_one_level_too_high(root):
    assert f"there is {root}/JPEGImages: did you mean --root {root} ?" in refused(root.parent)


def test_a_root_three_levels_too_high(trees_at, tmp_path):
    root = trees_at(tmp_path / "DAVIS/2017/trainval").davis()
    assert f"did you mean --root {root} ?" in refused(tmp_path)


@pytest.mark.parametrize(
    "inside", ["JPEGImages", "JPEGImages/480p", "JPEGImages/480p/bear", "Annotations", "ImageSets/2017"]
)
def test_a_root_too_deep(root, inside):
    assert f"did you mean --root {root} ?" in refused(root / inside)


# The layout


def test_no_image_sets(root):
    shutil.rmtree(root / "ImageSets")
    message = refused(root)
    assert f"{root}/ImageSets: found no such folder; expected the lists of sequences" in message
    assert "vos-bench fetch davis17" in message


def test_no_annotations(root):
    shutil.rmtree(root / "Annotations")
    assert f"{root}/Annotations/480p: found no such folder" in refused(root)


def test_no_480p_level(root):
    for kind in ("JPEGImages", "Annotations"):
        for sequence in (root / kind / "480p").iterdir():
            sequence.rename(root / kind / sequence.name)
        (root / kind / "480p").rmdir()
    message = refused(root)
    assert "JPEGImages holds bear, crane" in message
    assert "move them into 480p/" in message


def test_only_the_full_resolution(trees):
    root = trees.davis(level="Full-Resolution")
    assert "use --split val@full" in refused(root)
    assert len(Davis17(root, split="val@full")) == 2


def test_only_480p_where_the_full_resolution_is_asked_for(root):
    assert "use --split val," in refused(root, split="val@full")


def test_a_file_where_a_folder_is_expected(root):
    shutil.rmtree(root / "JPEGImages")
    (root / "JPEGImages").write_text("half an archive")
    assert f"{root}/JPEGImages: found a file; expected a folder; unpack the archive again" in refused(root)


def test_a_file_where_a_sequence_is_expected(root):
    shutil.rmtree(root / "JPEGImages/480p/bear")
    (root / "JPEGImages/480p/bear").write_text("")
    assert the_problem(root).found == "a file"


def test_the_list_of_another_year(trees):
    root = trees.davis("2016")
    trees.davis("2017", split="train")
    assert "2016/val.txt is there: is this davis16?" in refused(root)
    assert "2017/train.txt is there: is this davis17?" in refused(root, dataset=Davis16, split="train")


def test_no_list_for_a_test_split(root):
    message = refused(root, split="test-dev")
    assert "ImageSets/2017/test-dev.txt: found no such file (there are: 2017/val.txt)" in message
    assert "test-dev is a download of its own" in message


def test_an_empty_list(root):
    (root / "ImageSets/2017/val.txt").write_text("\n")
    assert "found an empty list" in refused(root)


def test_a_folder_that_may_not_be_read(root, monkeypatch):
    scandir = os.scandir

    def forbidding(path):
        if os.fspath(path).endswith("Annotations/480p"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    with monkeypatch.context() as patch:  # what removes the test's own folder may scan it again
        patch.setattr(os, "scandir", forbidding)
        assert "Annotations/480p: found a folder that cannot be read (Permission denied)" in refused(root)


# The sequences


def test_a_sequence_of_the_list_is_missing(root):
    shutil.rmtree(root / "JPEGImages/480p/crane")
    problem = the_problem(root)
    assert problem.path == root / "JPEGImages/480p/crane"
    assert problem.found == "no such folder"
    with pytest.raises(BadInputError, match="crane: found no such folder"):
        Davis17(root, split="val").sequence("crane")


def test_label_maps_saved_as_jpeg(root):
    for path in (root / "Annotations/480p/bear").glob("*.png"):
        Image.open(path).convert("RGB").save(path.with_suffix(".jpg"))
        path.unlink()
    problem = the_problem(root)
    assert problem.found == "4 files like 00000.jpg"
    assert "JPEG blurs the ids" in problem.remedy
    with pytest.raises(BadInputError, match="JPEG blurs the ids"):
        Davis17(root, split="val").sequence("bear")


def test_a_frame_is_missing(root):
    (root / "JPEGImages/480p/bear/00002.jpg").unlink()
    assert "3 frames and 4 label maps, 1 of them without a frame: 00002" in the_problem(root).found
    with pytest.raises(BadInputError, match="without a frame: 00002"):
        Davis17(root, split="val").sequence("bear")


def test_a_label_map_is_missing(root):
    (root / "Annotations/480p/bear/00001.png").unlink()
    assert the_problem(root).found == "4 frames and 3 label maps; without one: 00001"
    with pytest.raises(BadInputError, match="without one: 00001"):
        Davis17(root, split="val").sequence("bear")


def test_label_maps_named_with_other_zeros(root):
    folder = root / "Annotations/480p/bear"
    for path in sorted(folder.iterdir()):
        path.rename(folder / f"{path.stem[2:]}.png")
    problem = the_problem(root)
    assert "4 of them without a frame: 000, 001, 002" in problem.found
    assert "as many zeros" in problem.remedy


@pytest.mark.parametrize("what", ["JPEGImages/480p/bear/00003.jpg", "Annotations/480p/bear/00003.png"])
def test_a_file_that_is_cut_off(root, what):
    path = root / what
    path.write_bytes(path.read_bytes()[:-40])
    problem = the_problem(root)
    assert problem.path == path
    assert "cut off" in problem.found
    sequence = Davis17(root, split="val").sequence("bear")
    read = sequence.read_frame if path.suffix == ".jpg" else sequence.read_truth
    with pytest.raises(BadInputError, match="cut off"):
        read("00003")


def test_an_empty_file(root):
    (root / "JPEGImages/480p/bear/00003.jpg").write_bytes(b"")
    assert the_problem(root).found == "an empty file"


def test_a_label_map_of_another_size(root, trees):
    labels = trees.two_objects(0)[:12]
    trees.save_labels(root / "Annotations/480p/bear/00000.png", labels)
    problem = the_problem(root)
    assert problem.found == "12 x 32 pixels"
    assert problem.expected.startswith("24 x 32")
    with pytest.raises(BadInputError, match=r"found 12 x 32 pixels\n  expected 24 x 32"):
        Davis17(root, split="val").sequence("bear").read_prompt("00000")


def test_frames_of_several_sizes(root, trees):
    trees.save_frame(root / "JPEGImages/480p/bear/00002.jpg", seed=1, size=(48, 32))
    found = {problem.found for problem in problems_of(root)}
    assert found == {"48 x 32 pixels", "24 x 32 pixels"}


def test_coloured_label_maps(root):
    path = root / "Annotations/480p/bear/00000.png"
    Image.open(path).convert("RGB").save(path)
    problem = the_problem(root)
    assert "mode RGB" in problem.found
    with pytest.raises(BadInputError, match="mode RGB"):
        Davis17(root, split="val").sequence("bear").read_prompt("00000")


@pytest.mark.parametrize("dataset", ["davis16", "davis17"])
def test_label_maps_with_smooth_edges(trees, dataset):
    root = trees.davis(dataset.replace("davis", "20"))
    smooth = np.zeros((24, 32), np.uint8)
    smooth[4:20, 4:20] = 255
    smooth[4:20, 20] = np.linspace(20, 230, 16)
    smooth[20, 4:20] = np.linspace(25, 235, 16)
    trees.save_labels(root / "Annotations/480p/bear/00000.png", smooth, mode="L")
    problem = the_problem(root, dataset=dataset)
    assert "its edges are smoothed" in problem.found
    assert "nearest neighbour" in problem.remedy
    with pytest.raises(BadInputError, match="smoothed"):
        registry.open_dataset(dataset, root=root).sequence("bear").read_prompt("00000")


@pytest.mark.parametrize(("value", "words"), [(0, "an empty label map"), (255, "only label 255")])
def test_a_first_label_map_without_objects(root, trees, value, words):
    labels = np.zeros((24, 32), np.uint8)
    labels[:4] = value
    trees.save_labels(root / "Annotations/480p/bear/00000.png", labels)
    problem = the_problem(root)
    assert words in problem.found
    with pytest.raises(BadInputError, match=words):
        Davis17(root, split="val").sequence("bear").read_prompt("00000")


def test_names_whose_order_is_unclear(trees):
    root = trees.davis(frames=11)
    for kind, suffix in (("JPEGImages", "jpg"), ("Annotations", "png")):
        for number in range(11):
            path = root / kind / "480p/bear" / f"{number:05d}.{suffix}"
            path.rename(path.with_name(f"{number}.{suffix}"))
    problem = the_problem(root)
    assert problem.found == "frames whose order is unclear: as text 1, 10, 2, …, as numbers 1, 2, 3, …"
    assert "padded with zeros" in problem.expected
    assert "1 becomes 00001" in problem.remedy
    with pytest.raises(BadInputError, match="order is unclear"):
        Davis17(root, split="val").sequence("bear")


def test_names_without_zeros_whose_order_is_clear_are_accepted(trees):
    root = trees.davis(frames=4)
    for kind, suffix in (("JPEGImages", "jpg"), ("Annotations", "png")):
        for number in range(4):
            path = root / kind / "480p/bear" / f"{number:05d}.{suffix}"
            path.rename(path.with_name(f"{number}.{suffix}"))
    assert problems_of(root) == []
    assert Davis17(root, split="val").sequence("bear").frame_names == ("0", "1", "2", "3")


def test_two_images_of_one_frame(root, trees):
    trees.save_frame(root / "JPEGImages/480p/bear/00002.png", seed=5)
    assert the_problem(root).found == "00002.jpg and 00002.png"


def test_many_problems_of_one_kind_are_one_line(root):
    for path in (root / "JPEGImages/480p/bear").iterdir():
        path.write_bytes(path.read_bytes()[:-40])
    assert "(and 3 more like it in this folder)" in the_problem(root).found


def test_hidden_and_foreign_files_are_passed_over(root):
    for name in ("._00000.jpg", ".DS_Store", "Thumbs.db", "notes.txt"):
        (root / "JPEGImages/480p/bear" / name).write_text("x")
    assert problems_of(root) == []
