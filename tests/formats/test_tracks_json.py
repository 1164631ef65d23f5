"""BURST's JSON of tracks: masks bit for bit, and one message for whatever is no such file."""

import json
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as coco

from vos_bench.errors import BadInputError
from vos_bench.formats.tracks_json import decode_mask, encode_mask, fill_runs, read_tracks, run_lengths, write_tracks

SIZES = st.tuples(st.integers(1, 40), st.integers(1, 40))


@given(SIZES.flatmap(lambda size: arrays(np.bool_, size)))
def test_what_the_coco_library_writes_is_read_bit_for_bit(mask):
    rle = coco.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode()
    np.testing.assert_array_equal(decode_mask(rle, *mask.shape), mask)
    assert encode_mask(mask) == rle


def test_long_runs_and_large_masks_come_back_too():
    mask = np.zeros((1080, 1920), np.bool_)
    mask[3, 5] = mask[700:900, 100:1800] = True
    np.testing.assert_array_equal(decode_mask(encode_mask(mask), 1080, 1920), mask)


@pytest.mark.parametrize("rle", ["", "P", "b53", "é", "oooooooooo0", "\x00", "0" * 100])
def test_run_lengths_that_are_none_are_refused(rle):
    with pytest.raises(ValueError, match="run lengths"):
        decode_mask(rle, 32, 48)


@pytest.mark.parametrize(("height", "width"), [(100_000, 100_000), (-4, -3), (0, 0)])
def test_sizes_that_no_image_has_are_refused_before_anything_is_made(height, width):
    with pytest.raises(ValueError, match="expected 1 to 67108864 pixels"):
        decode_mask(encode_mask(np.zeros((4, 3), np.bool_)), height, width)
    with pytest.raises(ValueError, match="expected 1 to 67108864 pixels"):
        fill_runs([height * width], height, width)


@given(st.text(max_size=60))
def test_any_text_gives_run_lengths_or_a_refusal(rle):
    with suppress(ValueError):  # and nothing else
        assert min(run_lengths(rle)) >= 0


SEQUENCE = {
    "width": 4,
    "height": 3,
    "id": 1,
    "seq_name": "a",
    "dataset": "AVA",
    "annotated_image_paths": ["1.jpg"],
    "track_category_ids": {"1": 5},
    "segmentations": [{"1": {"rle": "0<"}}],
}


def test_a_file_of_predictions_may_say_less_than_the_truth(tmp_path: Path):
    write_tracks(tmp_path / "tracks.json", [SEQUENCE], split="val")
    found = read_tracks(tmp_path / "tracks.json")
    assert found.split == "val"
    assert found.sequences[0].name == "AVA__a"
    assert found.sequences[0].annotated == found.sequences[0].frame_names == ("1",)
    assert found.sequences[0].track_frames() == {1: ("1",)}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "an empty file"),
        ("[]", "no file of tracks"),
        ('{"sequences": []}', "found no sequence"),
        (json.dumps({"sequences": [{**SEQUENCE, "segmentations": []}]}), "1 annotated images and 0 sets of masks"),
        (json.dumps({"sequences": [SEQUENCE, SEQUENCE]}), "AVA__a twice"),
        (json.dumps({"sequences": [{**SEQUENCE, "width": 10**6, "height": 10**6}]}), "claims 1000000 x 1000000"),
        (json.dumps({"sequences": [{**SEQUENCE, "segmentations": [{"x": {"rle": ""}}]}]}), "no file of tracks"),
    ],
)
def test_what_is_no_file_of_tracks(tmp_path: Path, content: str, words: str):
    (tmp_path / "tracks.json").write_text(content)
    with pytest.raises(BadInputError, match=f"tracks.json: .*{words}"):
        read_tracks(tmp_path / "tracks.json")


def test_a_file_that_is_not_there(tmp_path: Path):
    with pytest.raises(BadInputError, match="cannot be read: No such file"):
        read_tracks(tmp_path / "tracks.json")
