"""The masks of a sequence on disk: one label map a frame, or one folder of masks an object."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vos_bench.errors import BadInputError
from vos_bench.formats.mask_folders import object_folders, read_masks, read_object_mask, write_masks, written_frames
from vos_bench.labelmaps import read_label_map

LABELS = np.array([[0, 1, 2], [3, 0, 2]], np.uint16)


def test_label_maps_are_written_as_they_are(tmp_path: Path):
    write_masks(tmp_path, "00000", LABELS, {})
    np.testing.assert_array_equal(read_label_map(tmp_path / "00000.png"), LABELS)
    np.testing.assert_array_equal(read_masks(tmp_path, "00000", {}), LABELS)
    np.testing.assert_array_equal(read_masks(tmp_path, "00000"), LABELS)
    assert written_frames(tmp_path) == ("00000",)
    assert written_frames(tmp_path / "nowhere") == ()


def test_objects_with_names_get_a_folder_each_empty_masks_too(tmp_path: Path):
    names = {1: "000", 2: "001", 3: "002", 4: "003"}
    write_masks(tmp_path, "00004", LABELS, names)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.png")) == [
        f"{name}/00004.png" for name in names.values()
    ]
    np.testing.assert_array_equal(read_label_map(tmp_path / "001/00004.png"), LABELS == 2)
    assert not read_object_mask(tmp_path / "003/00004.png").any()
    np.testing.assert_array_equal(read_masks(tmp_path, "00004", names), LABELS)
    np.testing.assert_array_equal(read_masks(tmp_path, "00004"), LABELS)
    assert object_folders(tmp_path) == names
    assert written_frames(tmp_path) == ("00004",)


def test_where_masks_overlap_the_lowest_id_is_shown(tmp_path: Path):
    for name, mask in (("000", [[1, 1, 0]]), ("001", [[0, 1, 1]])):
        (tmp_path / name).mkdir()
        Image.fromarray(np.array(mask, np.uint8)).save(tmp_path / name / "1.png")
    np.testing.assert_array_equal(read_masks(tmp_path, "1", {1: "000", 2: "001"}), [[1, 1, 2]])


@pytest.mark.parametrize(
    ("pixels", "mask"),
    [([[0, 255]], [[False, True]]), ([[0, 7]], [[False, True]]), ([[0, 0]], [[False] * 2]), ([[1, 2]], [[True] * 2])],
)
def test_everything_but_0_is_the_object_as_for_the_official_tool(tmp_path: Path, pixels, mask):
    Image.fromarray(np.array(pixels, np.uint8)).save(tmp_path / "1.png")
    np.testing.assert_array_equal(read_object_mask(tmp_path / "1.png"), mask)


def test_one_bit_files_are_masks_too(tmp_path: Path):
    Image.fromarray(np.array([[False, True]])).save(tmp_path / "1.png")
    np.testing.assert_array_equal(read_object_mask(tmp_path / "1.png"), [[False, True]])


def test_more_than_two_values_are_no_mask_of_one_object(tmp_path: Path):
    Image.fromarray(np.array([[0, 1, 2]], np.uint8)).save(tmp_path / "1.png")
    with pytest.raises(BadInputError, match=r"1\.png: found more than two values, expected the mask of one object"):
        read_object_mask(tmp_path / "1.png")


def test_masks_of_different_sizes_are_refused(tmp_path: Path):
    for name, size in (("000", (2, 3)), ("001", (3, 2))):
        (tmp_path / name).mkdir()
        Image.fromarray(np.zeros(size, np.uint8)).save(tmp_path / name / "1.png")
    with pytest.raises(BadInputError, match=r"001/1\.png|000/1\.png"):
        read_masks(tmp_path, "1", {1: "000", 2: "001"})
