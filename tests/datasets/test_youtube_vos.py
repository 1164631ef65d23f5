import json
import pickle
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from vos_bench import registry
from vos_bench.api import Dataset
from vos_bench.errors import BadInputError
from vos_bench.labelmaps import read_label_map, write_label_map
from vos_bench.scoring import truth
from vos_bench.scoring.given_truth import GivenTruth

LATE, EMPTY_FIRST = "1a2b3c", "4d5e6f"


@pytest.fixture
def root(ytvos_tree, tmp_path: Path) -> Path:
    ytvos_tree.build(tmp_path / "data")
    return tmp_path / "data"


def opened(root: Path, name: str = "ytvos18", split: str | None = None) -> Dataset:
    return registry.open_dataset(name, root=root, split=split)


def edit_meta(root: Path, change, subset: str = "valid") -> None:
    path = root / subset / "meta.json"
    meta = json.loads(path.read_text())
    change(meta["videos"])
    path.write_text(json.dumps(meta))


def names(numbers, step: int = 1) -> tuple[str, ...]:
    return tuple(f"{number * step:05d}" for number in numbers)


@pytest.mark.parametrize("name", ["ytvos18", "ytvos19"])
def test_all_frames_are_seen_and_the_listed_ones_asked_for(root, name):
    late, other = opened(root, name)
    assert late.frame_names == other.frame_names == names(range(16))
    assert late.output_names == names(range(4), 5)
    assert other.output_names == names(range(1, 4), 5)
    assert late.read_frame("00007").shape == (32, 48, 3)


def test_objects_start_where_they_are_listed_first_with_their_own_ids(root):
    late, other = opened(root)
    assert late.prompt_frames == ("00000", "00010")
    assert late.read_prompt("00000").object_ids == (1,)
    assert late.read_prompt("00010").object_ids == (3,)
    assert other.prompt_frames == ("00005",)
    assert late.first_frames == {1: "00000", 3: "00010"}


def test_a_late_label_map_gives_its_new_object_alone(root, tmp_path):
    shutil.copy(tmp_path / "truth" / LATE / "00010.png", root / "valid/Annotations" / LATE / "00010.png")
    prompt = opened(root).sequence(LATE).read_prompt("00010")
    assert prompt.object_ids == (3,)
    np.testing.assert_array_equal(prompt.masks[3], read_label_map(tmp_path / "truth" / LATE / "00010.png") == 3)


def test_an_object_that_its_first_listed_label_map_lacks_is_given_where_it_is_shown(root):
    edit_meta(root, lambda videos: videos[LATE]["objects"]["3"]["frames"].insert(0, "00000"))
    sequence = opened(root).sequence(LATE)
    assert sequence.prompt_frames == ("00000", "00010")
    assert sequence.read_prompt("00000").object_ids == (1,)


def test_all_frames_are_also_found_where_other_projects_put_them(root):
    (root / "all_frames").mkdir()
    (root / "valid_all_frames").rename(root / "all_frames" / "valid_all_frames")
    dataset = opened(root)
    assert dataset.frames_problem("all") is None
    assert len(dataset.sequence(LATE).frame_names) == 16


def test_without_all_frames_a_run_is_told_what_is_lost_and_both_remedies(root):
    shutil.rmtree(root / "valid_all_frames")
    dataset = opened(root)
    problem = dataset.frames_problem("all")
    assert problem is not None
    text = " ".join(map(str, problem))
    for part in ("valid_all_frames/JPEGImages", "81.1", "77.4", "valid_all_frames.zip", "--frames annotated"):
        assert part in text
    assert dataset.frames_problem("annotated") is None
    assert dataset.sequence(LATE).frame_names == names(range(4), 5)


def test_all_frames_of_some_sequences_are_not_all_frames(root):
    shutil.rmtree(root / "valid_all_frames/JPEGImages" / LATE)
    problem = opened(root).frames_problem("all")
    assert problem is not None
    assert f"1 of 2 sequences, not of {LATE}" in problem.found


def test_a_mark_tells_unseen_categories(root):
    late, other = opened(root)
    assert (late.groups, other.groups) == ({1: "seen", 3: "seen"}, {2: "unseen"})


def test_without_a_mark_the_categories_of_train_are_the_seen_ones(root, ytvos_tree):
    edit_meta(root, lambda videos: videos[EMPTY_FIRST]["objects"]["2"].update(category="unicorn"))
    assert [sequence.groups for sequence in opened(root)] == [{}, {}]
    ytvos_tree.build(root, subset="train", videos={"77": {1: ("person", 0)}})
    assert [sequence.groups for sequence in opened(root)] == [{1: "seen", 3: "unseen"}, {2: "unseen"}]


def test_without_categories_there_are_no_groups(root):
    edit_meta(root, lambda videos: videos[LATE]["objects"]["1"].pop("category"))
    assert [sequence.groups for sequence in opened(root)] == [{}, {}]


def test_valid_has_no_truth_unless_every_listed_frame_has_a_label_map(root, tmp_path):
    assert [sequence.truth_names for sequence in opened(root)] == [(), ()]
    shutil.copytree(tmp_path / "truth", root / "valid/Annotations", dirs_exist_ok=True)
    late, _ = opened(root)
    assert late.truth_names == late.output_names


def test_train_has_truth_seen_objects_and_no_server(root, ytvos_tree, tmp_path):
    ytvos_tree.build(root, subset="train", videos={"77": {1: ("person", 0), 2: ("cat", 1)}})
    dataset = opened(root, split="train")
    (sequence,) = dataset
    assert sequence.truth_names == names(range(4), 5)
    assert sequence.groups == {1: "seen", 2: "seen"}
    assert sequence.read_prompt("00005").object_ids == (2,)
    with pytest.raises(BadInputError, match="the truth is public"):
        dataset.package(tmp_path, tmp_path / "out.zip")


def test_it_travels_to_another_process(root):
    copy = pickle.loads(pickle.dumps(opened(root)))
    assert copy.sequence(LATE).prompt_frames == ("00000", "00010")


def test_the_fingerprint_changes_with_the_list_the_masks_and_the_frames(root):
    prints = {opened(root).fingerprint(), opened(root).fingerprint()}
    assert len(prints) == 1
    edit_meta(root, lambda videos: videos[LATE]["objects"]["3"]["frames"].pop())
    prints.add(opened(root).fingerprint())
    (root / "valid/Annotations" / LATE / "00010.png").unlink()
    prints.add(opened(root).fingerprint())
    (root / "valid_all_frames/JPEGImages" / LATE / "00007.jpg").unlink()
    prints.add(opened(root).fingerprint())
    assert len(prints) == 4


def test_the_zip_holds_the_listed_frames_under_annotations(root, tmp_path):
    dataset = opened(root)
    for sequence in dataset:
        for frame in sequence.output_names:
            labels = read_label_map(tmp_path / "truth" / sequence.name / f"{frame}.png")
            write_label_map(tmp_path / "masks" / sequence.name / f"{frame}.png", labels)
    dataset.package(tmp_path / "masks", tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as packed:
        found = packed.namelist()
    assert found == [
        *(f"Annotations/{LATE}/{frame}.png" for frame in names(range(4), 5)),
        *(f"Annotations/{EMPTY_FIRST}/{frame}.png" for frame in names(range(1, 4), 5)),
    ]
    write_label_map(tmp_path / "masks" / LATE / "00005.png", np.full((32, 48), 2, np.uint16))
    with pytest.raises(BadInputError, match=r"found id 2, expected only 1, 3 and 0"):
        dataset.package(tmp_path / "masks", tmp_path / "out.zip")


def test_given_truth_takes_the_place_of_the_absent_one(root, tmp_path):
    dataset = opened(root)
    given = GivenTruth(dataset, tmp_path / "truth")
    sequence = given.sequence(EMPTY_FIRST)
    assert sequence.truth_names == names(range(1, 4), 5)
    labels = sequence.read_truth("00015")  # of which the dataset has none
    assert labels.max() == 2
    assert np.array_equal(sequence.read_truth_labels("00015"), labels)
    assert np.array_equal(sequence.read_truth_mask("00015", 2), labels == 2)
    assert sequence.groups == {2: "unseen"}
    assert given.fingerprint() != dataset.fingerprint()
    before = given.fingerprint()
    (tmp_path / "truth" / LATE / "00015.png").unlink()
    assert given.fingerprint() != before


def test_given_truth_keeps_what_the_dataset_says_besides_and_lists_one_folder_a_sequence(root, tmp_path, monkeypatch):
    dataset = opened(root)
    given = GivenTruth(dataset, tmp_path / "truth")
    monkeypatch.setattr(type(dataset), "track_files", {"all": tmp_path}, raising=False)
    monkeypatch.setattr(type(dataset.sequence(LATE)), "notes", {"the frames are upside down": ""})
    listed = []
    real = truth._names_in
    monkeypatch.setattr(truth, "_names_in", lambda folder: [listed.append(folder), real(folder)][1])
    assert given.sequence(LATE).notes == {"the frames are upside down": ""}
    assert GivenTruth(dataset, tmp_path / "truth").track_files == {}  # label maps hold no tracks
    assert listed[0] == tmp_path / "truth" / LATE
    assert listed.count(tmp_path / "truth") == 1  # by the second one, as it is made


def test_the_public_first_masks_are_refused_as_truth(root):
    given = GivenTruth(opened(root), root / "valid" / "Annotations")
    with pytest.raises(BadInputError, match=r"found 0 of 2 label maps.*hold only the first mask of each object"):
        given.sequence(LATE)
