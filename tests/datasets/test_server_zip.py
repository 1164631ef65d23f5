import shutil
import zipfile

import numpy as np
import pytest
from PIL import Image

from vos_bench.datasets.davis import Davis17
from vos_bench.errors import BadInputError
from vos_bench.labelmaps import read_label_map, write_label_map


@pytest.fixture
def dataset(trees):
    root = trees.davis("2017", split="test-dev")
    for path in root.glob("Annotations/480p/*/*.png"):
        if path.stem != "00000":
            path.unlink()
    return Davis17(root, split="test-dev")


@pytest.fixture
def masks(dataset, trees, tmp_path):
    for sequence in dataset:
        for number, name in enumerate(sequence.output_names):
            write_label_map(tmp_path / f"masks/{sequence.name}/{name}.png", trees.two_objects(number).astype(np.uint16))
    return tmp_path / "masks"


def test_the_zip_has_the_sequences_at_its_root(dataset, masks, tmp_path):
    dataset.package(masks, tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as packed:
        names = packed.namelist()
        packed.extractall(tmp_path / "unpacked")
    assert names == [f"{sequence}/{k:05d}.png" for sequence in ("bear", "crane") for k in range(4)]
    for name in names:
        with Image.open(tmp_path / "unpacked" / name) as image:
            assert image.mode == "P"
        np.testing.assert_array_equal(read_label_map(tmp_path / "unpacked" / name), read_label_map(masks / name))


def test_the_same_label_maps_give_the_same_bytes(dataset, masks, tmp_path):
    dataset.package(masks, tmp_path / "one.zip")
    for path in masks.rglob("*.png"):
        labels = read_label_map(path)
        Image.fromarray(labels.astype(np.uint8)).save(path)  # the same labels as grey
    dataset.package(masks, tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def break_missing_sequence(masks):
    shutil.rmtree(masks / "crane")


def break_extra_sequence(masks):
    (masks / "dog").mkdir()


def break_missing_frame(masks):
    (masks / "bear/00002.png").unlink()


def break_extra_frame(masks):
    shutil.copy(masks / "bear/00002.png", masks / "bear/00007.png")


def break_size(masks):
    write_label_map(masks / "bear/00002.png", np.zeros((12, 32), np.uint16))


def break_ids(masks):
    write_label_map(masks / "bear/00002.png", np.full((24, 32), 3, np.uint16))


def break_colours(masks):
    Image.new("RGB", (32, 24)).save(masks / "bear/00002.png")


def break_file(masks):
    path = masks / "bear/00002.png"
    path.write_bytes(path.read_bytes()[:-20])


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (break_missing_sequence, "found 1 of 2 sequences; missing: crane"),
        (break_extra_sequence, "found also dog"),
        (break_missing_frame, "found 3 label maps; missing: 00002"),
        (break_extra_frame, "found 5 label maps; too many: 00007"),
        (break_size, "found 12 x 32 pixels; expected 24 x 32"),
        (break_ids, "found id 3"),
        (break_colours, "mode RGB"),
        (break_file, "cut off"),
    ],
)
def test_what_a_server_would_refuse_is_refused_here_and_no_zip_is_left(dataset, masks, tmp_path, damage, words):
    damage(masks)
    with pytest.raises(BadInputError, match=words):
        dataset.package(masks, tmp_path / "out.zip")
    assert [*tmp_path.glob("out.zip*")] == []


def test_masks_that_are_not_there(dataset, tmp_path):
    with pytest.raises(BadInputError, match="found no such folder"):
        dataset.package(tmp_path / "masks", tmp_path / "out.zip")
