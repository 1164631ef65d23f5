"""Overlay videos play in browsers and keep the times of their frames."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from films import picture

from vos_bench.errors import BadInputError
from vos_bench.video import TimedFrame, VideoReader, draw_objects, open_video


def write(path: Path, times: list[Fraction], width: int = 160, height: int = 96) -> Path:
    with open_video(path, Fraction(12)) as writer:
        for t, time in enumerate(times):
            writer.write(TimedFrame(picture(t, width, height)[0], time))
    return path


def test_the_file_is_of_the_kind_that_browsers_play(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", [Fraction(t, 12) for t in range(5)], 161, 97)
    with av.open(str(path)) as container:
        [stream] = container.streams
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
        assert (stream.width, stream.height) == (162, 98)
        assert stream.average_rate == 12
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # a browser starts before it has all


def test_times_are_kept_exactly(tmp_path: Path) -> None:
    times = [Fraction(0), Fraction(1001, 30000), Fraction(2002, 30000), Fraction(3), Fraction(7)]
    path = write(tmp_path / "a.mp4", times)
    assert [frame.time for frame in VideoReader(path).frames()] == times


def test_colours_come_back(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", [Fraction(0)])
    [frame] = VideoReader(path).frames()
    assert np.abs((frame.image - picture(0)[0].astype(int)).mean(axis=(0, 1))).max() < 2


def test_a_failure_leaves_no_file(tmp_path: Path) -> None:
    def fail() -> None:
        with open_video(tmp_path / "a.mp4", Fraction(12)) as writer:
            writer.write(TimedFrame(picture(0)[0], Fraction(0)))
            raise BadInputError("stop")

    with pytest.raises(BadInputError, match="stop"):
        fail()
    assert [*tmp_path.iterdir()] == []


def test_objects_are_drawn_where_they_are_and_nowhere_else() -> None:
    image, labels = picture(3)
    shown = draw_objects(image, labels)
    assert (shown[labels == 0] == image[labels == 0]).all()
    assert (shown[labels > 0] != image[labels > 0]).any(axis=-1).mean() > 0.99
    assert (draw_objects(image, np.zeros_like(labels)) == image).all()
