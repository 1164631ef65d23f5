"""The frames of a video file are those that a player shows, whatever the file."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from films import HEIGHT, RATE, WIDTH, copied, film, picture

from vos_bench.errors import BadInputError
from vos_bench.video import VideoReader, reader
from vos_bench.video.reader import turned


def images(path: Path) -> list[np.ndarray]:
    return [frame.image for frame in VideoReader(path).frames()]


def shows(image: np.ndarray, t: int, *, width: int = WIDTH, height: int = HEIGHT) -> bool:
    """Return whether an image is frame number `t`, and none of those beside it."""
    distances = {k: np.abs(image.astype(int) - picture(k, width, height)[0]).mean() for k in (t - 2, t, t + 2)}
    return min(distances, key=distances.__getitem__) == t and distances[t] < 8


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp4", "libx264"), ("a.mov", "libx264"), ("a.mkv", "libx264"), ("a.webm", "libvpx"), ("b.webm", "libvpx-vp9")],
)
def test_every_container_gives_all_frames(tmp_path: Path, name: str, codec: str) -> None:
    found = images(film(tmp_path / name, codec=codec))
    assert len(found) == 12
    assert all(shows(image, t) for t, image in enumerate(found))


def test_an_edit_list_leaves_out_what_was_trimmed(tmp_path: Path) -> None:
    found = images(copied(film(tmp_path / "whole.mp4"), tmp_path / "trimmed.mp4", cut=4))
    assert [t for t in range(4, 12) if shows(found[t - 4], t)] == [*range(4, 12)]
    assert len(found) == 8


def test_frames_before_the_first_key_frame_are_left_out(tmp_path: Path) -> None:
    found = images(copied(film(tmp_path / "whole.mkv"), tmp_path / "cut.mkv", skipped=2))
    assert len(found) == 6
    assert all(shows(image, t) for t, image in enumerate(found, start=6))


def test_a_variable_frame_rate_keeps_its_times(tmp_path: Path) -> None:
    times = [0, 40, 80, 500, 510, 2000]
    path = film(tmp_path / "variable.mp4", length=6, times=times)
    assert [frame.time for frame in VideoReader(path).frames()] == [Fraction(t, 1000) for t in times]


def test_a_trimmed_video_begins_at_zero(tmp_path: Path) -> None:
    path = copied(film(tmp_path / "whole.mkv"), tmp_path / "cut.mkv", skipped=2)
    times = [float(frame.time) for frame in VideoReader(path).frames()]
    assert times == pytest.approx([t / RATE for t in range(6)], abs=0.002)  # Matroska counts milliseconds


@pytest.mark.parametrize(("matrix", "turns"), [(90, 1), (180, 2), (-90, 3)])
def test_a_turned_video_stands_upright(tmp_path: Path, matrix: int, turns: int) -> None:
    path = film(tmp_path / "turned.mp4", turned=matrix)
    found = images(path)
    # PyAV counts counter-clockwise, as NumPy does.
    assert all(shows(np.rot90(image, -turns), t) for t, image in enumerate(found))
    assert VideoReader(path).size == found[0].shape[:2] == ((WIDTH, HEIGHT) if turns % 2 else (HEIGHT, WIDTH))


def test_a_display_matrix_may_mirror() -> None:
    image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    one = 1 << 16
    assert (turned(image, [-one, 0, 0, 0, one, 0, 0, 0, 0]) == image[:, ::-1]).all()
    assert (turned(image, [one, 0, 0, 0, -one, 0, 0, 0, 0]) == image[::-1]).all()
    assert (turned(image, [0, one, 0, one, 0, 0, 0, 0, 0]) == image.transpose(1, 0, 2)).all()
    assert (turned(image, [0, one, 0, -one, 0, 0, 0, 0, 0]) == np.rot90(image, -1)).all()  # a phone held upright


def test_odd_sizes_stay_odd(tmp_path: Path) -> None:
    path = film(tmp_path / "odd.mkv", width=161, height=97, pixels="yuv444p")
    assert VideoReader(path).size == (97, 161)
    assert all(shows(image, t, width=161, height=97) for t, image in enumerate(images(path)))


@pytest.mark.parametrize("pixels", ["yuv420p", "yuv420p10le", "yuv444p10le"])
@pytest.mark.parametrize("full_range", [False, True])
def test_depth_and_range_change_no_colour(tmp_path: Path, pixels: str, full_range: bool) -> None:
    found = images(film(tmp_path / "colours.mkv", pixels=pixels, full_range=full_range))
    expected = picture(0)[0].astype(int)
    # A wrong range shifts every pixel by about 16 of 255 levels; coding moves single pixels only.
    assert np.abs((found[0] - expected).mean(axis=(0, 1))).max() < 2
    assert shows(found[0], 0)


@pytest.mark.parametrize("chunk", [1, 5, 100])
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.avi", "a.h264", "trimmed.mp4", "turned.mp4"])
def test_backwards_gives_the_same_frames(
    tmp_path: Path, name: str, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = film(tmp_path / name, turned=90 if name == "turned.mp4" else None)
    if name == "trimmed.mp4":
        path = copied(path, tmp_path / "t.mp4", cut=4)
    monkeypatch.setattr(reader, "CHUNK_BYTES", chunk * 3 * WIDTH * HEIGHT)
    forwards, last = [*VideoReader(path).frames()], 6
    backwards = [*VideoReader(path).backwards(last)]
    assert [frame.time for frame in backwards] == [frame.time for frame in forwards[last::-1]]
    assert all((one.image == other.image).all() for one, other in zip(backwards, forwards[last::-1], strict=True))


def test_the_expected_number_of_frames_is_close(tmp_path: Path) -> None:
    assert VideoReader(film(tmp_path / "a.mp4")).expected_frames == 12
    assert VideoReader(film(tmp_path / "a.webm", codec="libvpx")).expected_frames == pytest.approx(12, abs=1)


def test_what_is_no_video_is_refused_plainly(tmp_path: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("not a film")
    with pytest.raises(BadInputError, match=r"notes\.mp4: cannot be read as a video"):
        VideoReader(text)
    with pytest.raises(BadInputError, match=r"gone\.mp4: cannot be read as a video: No such file"):
        VideoReader(tmp_path / "gone.mp4")


def test_frames_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="has 12 frames; expected a frame number 12, counted from 0"):
        next(VideoReader(film(tmp_path / "a.mp4")).backwards(12))
