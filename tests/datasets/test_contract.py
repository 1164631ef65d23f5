"""Every registered dataset keeps the promises of `vos_bench.api.Dataset`."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from python_processes import run_python

from vos_bench import registry
from vos_bench.api import Dataset
from vos_bench.errors import BadInputError

BUILT_IN = ("davis16", "davis17", "demo", "folder")


@pytest.fixture(params=BUILT_IN)
def dataset(request, trees) -> Dataset:
    if request.param == "demo":
        return registry.open_dataset("demo")
    root = trees.sequence("mine") if request.param == "folder" else trees.davis(request.param.replace("davis", "20"))
    return registry.open_dataset(request.param, root=root)


def test_the_package_brings_these_datasets():
    assert set(BUILT_IN) <= set(registry.names("datasets"))


def test_names_and_split_are_those_of_the_description(dataset):
    info = registry.dataset(dataset.name)
    assert dataset.split == info.splits[0]
    assert dataset.protocol in {"davis", "all-frames"}
    assert len(dataset) == len(dataset.sequence_names) == len(set(dataset.sequence_names)) > 0


def test_frames_are_in_order_and_prompts_truth_and_outputs_are_among_them(dataset):
    for sequence in dataset:
        assert list(sequence.frame_names) == sorted(set(sequence.frame_names))
        for some in (sequence.prompt_frames, sequence.truth_names, sequence.output_names):
            assert [name for name in sequence.frame_names if name in set(some)] == list(some)
        assert sequence.prompt_frames


def test_frames_and_truth_are_arrays_of_one_size(dataset):
    for sequence in [*dataset][:3]:
        frame = sequence.read_frame(sequence.frame_names[-1])
        truth = sequence.read_truth(sequence.truth_names[-1])
        assert frame.dtype == np.uint8
        assert frame.ndim == 3
        assert frame.shape[2] == 3
        assert truth.dtype == np.uint16
        assert truth.shape == frame.shape[:2]


def test_each_object_starts_once_with_a_mask_that_is_not_empty(dataset):
    for sequence in dataset:
        started: list[int] = []
        for name in sequence.prompt_frames:
            prompt = sequence.read_prompt(name)
            assert prompt.object_ids
            assert all(mask.any() and mask.dtype == np.bool_ for mask in prompt.masks.values())
            started += prompt.object_ids
        assert len(started) == len(set(started))
        assert min(started) > 0


def test_the_fingerprint_is_the_same_each_time(dataset):
    again = registry.open_dataset(dataset.name, root=dataset.root, split=dataset.split)
    assert again.fingerprint() == dataset.fingerprint()
    assert len(dataset.fingerprint()) == 64


def test_an_unknown_sequence_is_refused_with_the_nearest_name(dataset):
    name = dataset.sequence_names[0]
    with pytest.raises(BadInputError, match=f"did you mean {name}"):
        dataset.sequence(name + "x")


def test_data_with_public_truth_has_no_server(dataset, tmp_path):
    with pytest.raises(BadInputError, match=r"(?s)there is no server .* vos-bench score"):
        dataset.package(tmp_path / "masks", tmp_path / "out.zip")
    assert not (tmp_path / "out.zip").exists()


def test_it_travels_to_another_process(dataset):
    copy = pickle.loads(pickle.dumps(dataset))
    name = dataset.sequence_names[0]
    assert copy.sequence(name).frame_names == dataset.sequence(name).frame_names


@pytest.mark.parametrize("name", BUILT_IN)
def test_its_description_loads_without_torch_or_opencv(name):
    code = f"import sys; from vos_bench import registry; registry.dataset({name!r})\n"
    code += "print(*{'torch', 'cv2'} & {*sys.modules})"
    assert run_python("-c", code).stdout.strip() == ""


@pytest.mark.parametrize("kind", ["frames", "labels", "list"])
def test_the_fingerprint_changes_with_frames_labels_and_list(trees, kind):
    root = trees.davis()
    before = registry.open_dataset("davis17", root=root).fingerprint()
    if kind == "frames":
        trees.save_frame(root / "JPEGImages/480p/bear/00002.jpg", seed=77)
    elif kind == "labels":
        labels = trees.two_objects(2)
        labels[0, 0] = 1
        trees.save_labels(root / "Annotations/480p/bear/00002.png", labels)
    else:
        (root / "ImageSets/2017/val.txt").write_text("bear\n")
    assert registry.open_dataset("davis17", root=root).fingerprint() != before


def test_the_fingerprint_does_not_depend_on_where_the_tree_lies(trees_at, tmp_path):
    first, second = (trees_at(tmp_path / where).davis() for where in ("one", "two/deeper"))
    assert _fingerprint(first) == _fingerprint(second)


def _fingerprint(root: Path) -> str:
    return registry.open_dataset("davis17", root=root).fingerprint()
