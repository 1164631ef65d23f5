import json
from pathlib import Path

import pytest

from vos_bench.errors import BadInputError
from vos_bench.formats.meta_json import Meta, meta_beside, read_meta, training_categories
from vos_bench.scoring.truth import listed_truth


def make(**videos: dict[str, tuple[str, list[str]]]) -> Meta:
    return Meta.model_validate({"videos": {name: {"objects": _objects(listed)} for name, listed in videos.items()}})


def _objects(listed: dict[str, tuple[str, list[str]]]) -> dict[str, dict[str, object]]:
    return {k: {"category": category, "frames": frames} for k, (category, frames) in listed.items()}


def test_frames_and_first_frames_are_in_the_order_of_their_names():
    video = make(a={"7": ("dog", ["00010", "00005"]), "2": ("cat", ["00005", "00000"])}).videos["a"]
    assert video.frames == ("00000", "00005", "00010")
    assert video.first_frames == {2: "00000", 7: "00005"}


def test_an_object_that_is_listed_on_no_frame_is_left_out():
    assert make(a={"1": ("dog", []), "2": ("cat", ["00000"])}).videos["a"].first_frames == {2: "00000"}


def test_groups_come_from_the_mark_else_from_the_seen_categories():
    marked = make(a={"1": ("dog", []), "2": ("cat_unseen", [])})
    assert marked.groups() == marked.groups(["cat_unseen"]) == {"a": {1: "seen", 2: "unseen"}}
    plain = make(a={"1": ("dog", []), "2": ("cat", [])})
    assert plain.groups(["dog"]) == {"a": {1: "seen", 2: "unseen"}}
    assert plain.groups() == {}


def test_one_object_without_a_category_leaves_no_groups():
    assert make(a={"1": ("dog", []), "2": ("", [])}).groups(["dog"]) == {}


def test_further_fields_are_passed_over(tmp_path: Path):
    path = tmp_path / "meta.json"
    path.write_text('{"version": 2, "videos": {"a": {"length": 3, "objects": {"1": {"frames": ["0"], "area": 4}}}}}')
    assert read_meta(path).videos["a"].frames == ("0",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "an empty file"),
        ("[1]", "found no list of objects"),
        ('{"videos": {}}', "found no video"),
        ('{"videos": {"a": {"objects": {"0": {"frames": []}}}}}', "object id 0 in a, expected 1 to 65535"),
        ('{"videos": {"a": {"objects": {"x": {"frames": []}}}}}', "found no list of objects"),
        ('{"videos": {"a": {"objects": {"1": {"frames": "00000"}}}}}', "found no list of objects"),
    ],
)
def test_what_is_no_list_of_objects_is_named(tmp_path: Path, text: str, message: str):
    path = tmp_path / "meta.json"
    path.write_text(text)
    with pytest.raises(BadInputError, match=message):
        read_meta(path)


def test_a_list_is_found_in_the_folder_or_above_it(tmp_path: Path):
    truth = tmp_path / "valid" / "Annotations"
    truth.mkdir(parents=True)
    assert meta_beside(truth) is None
    (tmp_path / "valid" / "meta.json").touch()
    assert meta_beside(truth) == tmp_path / "valid" / "meta.json"
    (truth / "meta.json").touch()
    assert meta_beside(truth) == truth / "meta.json"


def test_seen_categories_are_those_of_train_in_the_same_root(tmp_path: Path):
    assert training_categories(tmp_path / "valid" / "meta.json") == frozenset()
    (tmp_path / "train").mkdir()
    meta = {"videos": {"a": {"objects": {"1": {"category": "dog", "frames": []}}}}}
    (tmp_path / "train" / "meta.json").write_text(json.dumps(meta))
    assert training_categories(tmp_path / "valid" / "meta.json") == {"dog"}


def test_a_truth_that_does_not_fit_its_list_is_refused(ytvos_tree, tmp_path: Path):
    truth = ytvos_tree.build(tmp_path / "data")
    meta = tmp_path / "data" / "valid" / "meta.json"
    assert [sequence.name for sequence in listed_truth(truth, meta)] == ["1a2b3c", "4d5e6f"]
    (truth / "1a2b3c").rename(truth / "zz")
    with pytest.raises(BadInputError, match="has no folder 1a2b3c"):
        listed_truth(truth, meta)
    with pytest.raises(BadInputError, match="does not list zz"):
        listed_truth(truth, meta, ["zz"])
    (truth / "4d5e6f" / "00015.png").unlink()
    with pytest.raises(BadInputError, match=r"found 1 of 2 label maps, missing 00015; .* no truth"):
        listed_truth(truth, meta, ["4d5e6f"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"videos": {"a": {"objects": {"1": {}}}, "a": {"objects": {"2": {}}}}}', "it says 'a' twice"),
        ('{"videos": {"a": {"objects": {"1": {}, "1": {"frames": ["0"]}}}}}', "it says '1' twice"),
        ('{"videos": {"a": {"objects": {"1": {}, "01": {}}}}}', "found object id 01 in a"),
        ('{"videos": {"a": {"objects": {"+1": {}}}}}', r"found object id \+1 in a"),
        ('{"videos": {"../a": {"objects": {"1": {}}}}}', r"found '\.\./a', expected names that a file can have"),
        ('{"videos": {"a": {"objects": {"1": {"frames": ["x/../../y"]}}}}}', "found 'x/../../y', expected names"),
        ('{"videos":' * 10_000, "found no list of objects"),
    ],
)
def test_a_list_that_may_be_read_in_two_ways_or_leads_elsewhere_is_refused(tmp_path: Path, text: str, message: str):
    (tmp_path / "meta.json").write_text(text)
    with pytest.raises(BadInputError, match=message):
        read_meta(tmp_path / "meta.json")
