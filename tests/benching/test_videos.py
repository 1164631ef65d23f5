"""Made-up videos: any size, any number of objects, the same pixels every time."""

from pathlib import Path

import numpy as np
import pytest

from vos_bench.benching.videos import MadeUpVideos, Shape
from vos_bench.errors import BadInputError

SHAPE = Shape(width=160, height=96, objects=5, frames=12)


def test_frames_have_the_size_that_was_asked_for_and_move():
    video = MadeUpVideos(SHAPE).sequence("made-up")
    first, second = video.read_frame("00000"), video.read_frame("00001")
    assert first.shape == (96, 160, 3)
    assert first.dtype == np.uint8
    assert np.mean(first != second) > 0.5
    assert first.std() > 10
    assert np.array_equal(first, MadeUpVideos(SHAPE).sequence("made-up").read_frame("00000"))


@pytest.mark.parametrize("objects", [1, 2, 8, 200])
def test_every_object_is_to_be_seen_on_every_frame(objects: int):
    video = MadeUpVideos(Shape(width=832, height=480, objects=objects, frames=60)).sequence("made-up")
    for number in range(0, 60, 7):
        assert set(np.unique(video.labels(number))) == set(range(objects + 1))


def test_all_objects_are_given_on_the_first_frame():
    video = MadeUpVideos(SHAPE).sequence("made-up")
    prompt = video.read_prompt("00000")
    assert video.prompt_frames == ("00000",)
    assert prompt.object_ids == (1, 2, 3, 4, 5)
    assert not prompt.boxes
    assert all(np.array_equal(mask, video.labels(0) == k) for k, mask in prompt.masks.items())


def test_a_case_is_told_by_name_and_fingerprint():
    videos = MadeUpVideos(SHAPE)
    assert videos.name == "made-up-160x96-5"
    assert videos.fingerprint() == MadeUpVideos(SHAPE).fingerprint()
    assert videos.fingerprint() != MadeUpVideos(Shape(160, 96, 5, 13)).fingerprint()
    assert videos.check() == []
    with pytest.raises(BadInputError, match="no server"):
        videos.package(Path(), Path())


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (Shape(31, 96, 1, 10), "--size 31x96: expected WIDTHxHEIGHT of 32 to 16384 pixels"),
        (Shape(160, 96, 0, 10), "--objects 0: expected 1 to 65535"),
        (Shape(160, 96, 1, 1), "--frames 1: expected at least 2"),
        (
            Shape(832, 480, 1, 10**11),
            "--frames 100000000000: expected at most 57358 of 832x480, since all lie in memory",
        ),
    ],
)
def test_numbers_out_of_range_are_refused(shape: Shape, message: str):
    with pytest.raises(BadInputError, match=message):
        MadeUpVideos(shape)
