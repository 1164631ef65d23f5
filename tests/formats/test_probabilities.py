"""Saved probabilities on disk: what is written is read, and a file that holds something else is one message."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from vos_bench.errors import BadInputError
from vos_bench.formats.probabilities import (
    confidences_of,
    read_confidences,
    read_probabilities,
    write_probabilities,
)

LABELS = np.array([[0, 1, 1], [2, 2, 0]], np.uint16)
PLANES = np.array(
    [
        [[0.9, 0.2, 0.4], [0.3, 0.1, 0.8]],
        [[0.1, 0.8, 0.6], [0.2, 0.1, 0.1]],
        [[0.0, 0.0, 0.0], [0.5, 0.8, 0.1]],
        [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]],
    ],
    np.float16,
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a" / "00001.npz"
    write_probabilities(path, PLANES, LABELS, [9, 300, 301])
    found = read_probabilities(path)
    assert found.object_ids == (9, 300, 301)
    np.testing.assert_array_equal(found.planes, PLANES)
    np.testing.assert_array_equal(found.of(300), PLANES[2])


def test_confidence_is_the_mean_probability_over_an_objects_own_pixels(tmp_path: Path) -> None:
    np.testing.assert_allclose(confidences_of(PLANES, LABELS), [0.7, 0.65, np.nan], atol=1e-3)
    path = tmp_path / "00001.npz"
    write_probabilities(path, PLANES, LABELS, [9, 300, 301])
    assert read_confidences(path) == {9: pytest.approx(0.7, abs=1e-3), 300: pytest.approx(0.65, abs=1e-3)}


def test_a_file_of_before_has_no_confidences(tmp_path: Path) -> None:
    path = tmp_path / "00001.npz"
    np.savez_compressed(path, probabilities=PLANES, object_ids=np.array([1, 2, 3], np.uint16))
    assert read_confidences(path) is None
    assert read_probabilities(path).object_ids == (1, 2, 3)


IDS = np.array([1, 2, 3], np.uint16)


@pytest.mark.parametrize(
    ("arrays", "found"),
    [
        ({"object_ids": IDS}, "no probabilities in it"),
        ({"probabilities": PLANES}, "no object_ids in it"),
        ({"probabilities": PLANES.astype(np.float32), "object_ids": IDS}, "float32 of shape"),
        ({"probabilities": PLANES[:2], "object_ids": IDS}, "for 3 objects"),
        ({"probabilities": PLANES[0], "object_ids": IDS}, r"of shape \(2, 3\)"),
        ({"probabilities": np.array(["a"]), "object_ids": IDS}, "probabilities is damaged"),
    ],
)
def test_a_file_that_holds_something_else_is_refused(tmp_path: Path, arrays: dict, found: str) -> None:
    path = tmp_path / "00001.npz"
    np.savez(path, **arrays)
    with pytest.raises(BadInputError, match=f"00001.npz: found .*{found}.*; expected the probabilities that"):
        read_probabilities(path)


@pytest.mark.parametrize("change", ["as it is", "comment", "long", "many"])
def test_every_zip_of_the_same_arrays_is_read_alike(tmp_path: Path, change: str) -> None:
    path = tmp_path / "00001.npz"
    write_probabilities(path, PLANES, LABELS, [9, 300, 301])
    expected = read_confidences(path)
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        if change == "long":  # its list begins before the last bytes that are read at once
            archive.writestr("x" * 2000, b"")
        for number in range(100 if change == "many" else 0):
            archive.writestr(f"other{number}", b"")
        for name, content in contents.items():
            archive.writestr(name, content)
        archive.comment = b"made by hand" if change == "comment" else b""
    assert read_confidences(path) == expected
    np.testing.assert_array_equal(read_probabilities(path).planes, PLANES)


def test_a_damaged_file_is_one_message(tmp_path: Path) -> None:
    path = tmp_path / "00001.npz"
    with pytest.raises(BadInputError, match="cannot be read"):
        read_probabilities(path)
    path.write_bytes(b"something else")
    with pytest.raises(BadInputError, match="found no npz file"):
        read_probabilities(path)
    write_probabilities(path, PLANES, LABELS, [1, 2, 3])
    data = path.read_bytes()
    position = data.index(b"probabilities.npy") + 60
    path.write_bytes(data[:position] + bytes([data[position] ^ 0xFF]) + data[position + 1 :])
    with pytest.raises(BadInputError, match="probabilities is damaged"):
        read_probabilities(path)


def test_a_header_that_claims_more_than_there_is_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "00001.npz"
    np.savez(path, probabilities=PLANES, object_ids=IDS)
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    claimed = contents["probabilities.npy"].replace(b"(4, 2, 3), }   ", b"(4, 9999, 9), }")
    assert claimed != contents["probabilities.npy"]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("probabilities.npy", claimed)
        archive.writestr("object_ids.npy", contents["object_ids.npy"])
    with pytest.raises(BadInputError, match="probabilities is damaged"):
        read_probabilities(path)
