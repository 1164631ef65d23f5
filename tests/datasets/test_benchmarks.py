"""What SA-V, MOSE, LVOS, VOST and BURST have in common, on made-up trees of exactly their layouts."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from vos_bench import registry
from vos_bench.api import Dataset
from vos_bench.errors import BadInputError

SPLITS = {
    "sav": ("val", "test"),
    "mosev1": ("valid", "train"),
    "mosev2": ("valid", "train"),
    "lvos1": ("valid", "train", "test"),
    "lvos2": ("valid", "train", "test"),
    "vost": ("val", "train", "test"),
    "burst": ("val", "test"),
}
ALL = [(name, split) for name, splits in SPLITS.items() for split in splits]
WITHHELD = {("mosev1", "valid"), ("mosev2", "valid"), ("lvos1", "test"), ("lvos2", "test"), ("vost", "test")}


@pytest.fixture(params=ALL, ids="-".join)
def dataset(request, benchmark_trees, tmp_path: Path) -> Dataset:
    name, split = request.param
    root = benchmark_trees.BUILDERS[name](tmp_path / "data", split)
    return registry.open_dataset(name, root=root, split=split)


def test_the_truth_is_there_where_its_authors_publish_it(dataset):
    for sequence in dataset:
        assert bool(sequence.truth_names) == ((dataset.name, dataset.split) not in WITHHELD)


def test_frames_are_in_order_and_prompts_truth_and_outputs_are_among_them(dataset):
    assert len(dataset) == 2
    for sequence in dataset:
        assert list(sequence.frame_names) == sorted(set(sequence.frame_names))
        for some in (sequence.prompt_frames, sequence.truth_names, sequence.output_names):
            assert [name for name in sequence.frame_names if name in set(some)] == list(some)
        assert set(sequence.truth_names) <= set(sequence.output_names)


def test_each_object_starts_once_with_a_mask_of_the_frames_size(dataset):
    for sequence in dataset:
        started: list[int] = []
        for name in sequence.prompt_frames:
            prompt = sequence.read_prompt(name)
            for mask in prompt.masks.values():
                assert mask.any()
                assert mask.shape == sequence.read_frame(name).shape[:2]
            started += prompt.object_ids
        assert len(started) == len(set(started)) == 2


def test_the_truth_of_one_object_is_that_of_the_label_map_unless_another_lies_over_it(dataset):
    for sequence in dataset:
        for name in sequence.truth_names[:3]:
            labels = sequence.read_truth(name)
            assert labels.dtype == np.uint16
            for object_id in sequence.object_frames or (1, 2):
                if name in sequence.object_frames.get(object_id, (name,)):
                    mask = sequence.read_truth_mask(name, object_id)
                    assert mask.dtype == np.bool_
                    assert not ((labels == object_id) & ~mask).any()


def test_the_fingerprint_is_the_same_each_time_and_changes_with_what_is_there(dataset):
    again = registry.open_dataset(dataset.name, root=dataset.root, split=dataset.split)
    before = dataset.fingerprint()
    assert again.fingerprint() == before
    image = sorted(dataset.root.rglob("*.jpg"))[-1]
    image.write_bytes(image.read_bytes() + b"changed")
    assert again.fingerprint() != before


def test_the_fingerprint_changes_with_the_truth_and_the_list_of_objects(dataset):
    before = dataset.fingerprint()
    label_files = sorted(dataset.root.rglob("*.png")) or sorted(dataset.root.rglob("common_classes.json"))
    label_files[-1].write_bytes(label_files[-1].read_bytes() + b" ")
    after = registry.open_dataset(dataset.name, root=dataset.root, split=dataset.split).fingerprint()
    assert after != before
    for meta in dataset.root.rglob("*meta*.json"):
        text = meta.read_text().replace('"2": {"frame_range"', '"3": {"frame_range"').replace("[1, 2]", "[1, 3]")
        meta.write_text(text)
        assert registry.open_dataset(dataset.name, root=dataset.root, split=dataset.split).fingerprint() != after


def test_a_healthy_tree_differs_from_the_release_in_its_size_alone(dataset):
    problems = dataset.check()
    assert len(problems) == (dataset.name != "burst" and (dataset.name, dataset.split) != ("sav", "train"))
    assert all("2 sequences" in problem.found for problem in problems)


def test_it_travels_to_another_process(dataset):
    copy = pickle.loads(pickle.dumps(dataset))
    name = dataset.sequence_names[0]
    assert copy.sequence(name).frame_names == dataset.sequence(name).frame_names


def test_an_unknown_sequence_is_refused_with_the_nearest_name(dataset):
    name = dataset.sequence_names[0]
    with pytest.raises(BadInputError, match=f"did you mean {name}"):
        dataset.sequence(name + "x")


def test_a_truth_without_frames_is_opened_for_scoring_and_cannot_be_run(dataset):
    if (dataset.name, dataset.split) in WITHHELD:
        pytest.skip("has no public truth")
    truth, opened = _truth_of(dataset), {sequence.name: sequence for sequence in dataset}
    for image in dataset.root.rglob("*.jpg"):
        image.unlink()
    alone = registry.open_truth(dataset.name, truth, split=dataset.split)
    assert alone is not None
    assert alone.sequence_names == dataset.sequence_names
    for sequence in alone:
        whole = opened[sequence.name]
        assert sequence.truth_names == whole.truth_names
        assert sequence.listed_objects == whole.listed_objects
        assert sequence.frame_ranges == whole.frame_ranges
        assert sequence.groups == whole.groups
        with pytest.raises(BadInputError, match=r"without (frames|images)"):
            sequence.read_frame(sequence.frame_names[0])


def _truth_of(dataset: Dataset) -> Path:
    if dataset.name == "vost":
        return dataset.root
    if dataset.name == "burst":
        return dataset.root / dataset.split
    if dataset.name == "sav":
        return dataset.root / f"sav_{dataset.split}" / "Annotations_6fps"
    folder = dataset.split if dataset.name.startswith("mose") or dataset.split != "valid" else "val"
    return dataset.root / folder


@pytest.mark.parametrize("name", SPLITS)
def test_its_description_says_licence_source_and_paper_and_downloads_nothing(name):
    info = registry.dataset(name)
    assert info.licence
    assert info.source.startswith("https://")
    assert info.citation
    assert not info.download
    assert set(SPLITS[name]) <= set(info.splits)


@pytest.mark.parametrize("name", SPLITS)
def test_an_empty_zip_in_place_of_a_folder_is_named(name, tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "data.zip", "w"):
        pass
    with pytest.raises(BadInputError, match=r"data\.zip: found an empty zip archive; expected a folder"):
        registry.open_dataset(name, root=tmp_path / "data.zip")
    with pytest.raises(BadInputError, match="an empty zip archive"):
        registry.open_truth(name, tmp_path / "data.zip")


@pytest.mark.parametrize("name", SPLITS)
def test_a_root_that_is_not_there_and_one_that_is_empty(name, tmp_path):
    for root in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(BadInputError, match=r"found no such f"):
            registry.open_dataset(name, root=root)
        with pytest.raises(BadInputError, match=r"expected"):
            registry.open_truth(name, root)


@pytest.mark.parametrize("name", ["mosev1", "mosev2", "lvos2", "sav"])
def test_a_root_one_level_too_deep_or_too_high_is_told_where_it_is(name, benchmark_trees, tmp_path):
    root = benchmark_trees.BUILDERS[name](tmp_path / "wrapped" / "data")
    split_folder = next(path for path in root.iterdir() if path.is_dir())
    for wrong in (tmp_path / "wrapped", split_folder):
        with pytest.raises(BadInputError, match=f"did you mean --root {root} "):
            registry.open_dataset(name, root=wrong)


def test_lvos_of_either_version_is_for_scoring_alone(benchmark_trees, tmp_path):
    root = benchmark_trees.lvos(tmp_path / "data")
    assert registry.open_truth("lvos", root / "val").sequence("longBBBB").groups == {1: "unseen", 2: "unseen"}
    with pytest.raises(BadInputError, match="expected --dataset lvos1 or lvos2"):
        registry.open_dataset("lvos", root=root)
