"""Reading video files with PyAV: which frames there are, when they are shown, and what they look like."""

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from fractions import Fraction
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from vos_bench.api import Image
from vos_bench.errors import BadInputError
from vos_bench.files import require_regular
from vos_bench.formats.png import MAX_PIXELS
from vos_bench.names import counted
from vos_bench.video.frame import TimedFrame

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

MOST_BYTES = 1 << 40
"""The largest video that is opened; it is read frame by frame."""

CHUNK_BYTES = 1 << 26
"""So much memory the frames take that are held at once when a video is read backwards."""

_DEFAULT_RATE = Fraction(25)
_EXPECTED = "expected a video such as MP4, MOV, MKV or WebM"


class VideoReader:
    """The frames of a video file as a player shows them.

    Edit lists are applied, so that what was trimmed away is not there. Frames are turned and mirrored as the file's
    display matrix says. Colours follow the file's range (limited or full) and matrix; more than 8 bits are rounded to
    8. Frames before the first key frame cannot be decoded and are left out.

    Attributes:
        path: The file.
        size: Height and width of the frames, after turning.
        rate: Frames a second, on average.
        expected_frames: How many frames the file says that it has, as an estimate; None where it says nothing.
        damaged: The numbers of the frames that the last `frames` could decode in part only.
    """

    def __init__(self, path: Path) -> None:
        """Open a file and decode its first frame.

        Raises:
            BadInputError: It cannot be read, holds no video, or its frames are too large.
        """
        self.path, self.damaged = path, list[int]()
        with self._opened() as (container, stream):
            self.rate = stream.average_rate or stream.guessed_rate or _DEFAULT_RATE
            self.expected_frames = _expected_frames(container, stream, self.rate)
        with closing(self.frames()) as frames:
            first = next(frames, None)
        if first is None:
            raise BadInputError(f"{path}: no frame of it can be decoded; {_EXPECTED}, complete")
        self.size = (first.image.shape[0], first.image.shape[1])

    def frames(self) -> Generator[TimedFrame, None, None]:
        """Decode all frames in order, each when it is asked for.

        Raises:
            BadInputError: The file is damaged, or its frames change their size; the frames before were yielded.
        """
        clock, self.damaged = _Clock(self.rate), []
        with self._opened() as (_, stream):
            for number, frame in enumerate(self._decoded(stream, 0)):
                if frame.is_corrupt:
                    self.damaged.append(number)
                yield TimedFrame(_image(frame), clock.time_of(frame))

    def backwards(self, last: int) -> Generator[TimedFrame, None, None]:
        """Decode frames number `last`, `last` - 1, ... 0, with bounded memory, some of them several times."""
        stamps, times = self._stamps(last)
        step = max(1, CHUNK_BYTES // (3 * self.size[0] * self.size[1]))
        for end in range(last + 1, 0, -step):
            chunk = self._between(stamps, max(0, end - step), end)
            while chunk:
                yield TimedFrame(chunk.pop(), times.pop())

    def _stamps(self, last: int) -> tuple[list[int], list[Fraction]]:
        """Return the time stamps of frames 0 to `last`, none where they do not ascend, and when each is shown."""
        clock, stamps, times = _Clock(self.rate), list[int](), list[Fraction]()
        with self._opened() as (_, stream):
            for frame, _ in zip(self._decoded(stream, 0), range(last + 1), strict=False):
                times.append(clock.time_of(frame))
                if frame.pts is not None:
                    stamps.append(frame.pts)
        if len(times) <= last:
            raise BadInputError(
                f"{self.path}: has {counted(len(times), 'frame')}; expected a frame number {last}, counted from 0"
            )
        ascending = len(stamps) == len(times) and all(one < other for one, other in pairwise(stamps))
        return (stamps if ascending else []), times

    def _between(self, stamps: list[int], begin: int, end: int) -> list[Image]:
        """Decode frames number `begin` to `end` - 1, from the key frame before them where the file leads there."""
        import av

        if stamps:
            with self._opened() as (container, stream):
                with suppress(av.FFmpegError, OSError):  # a file without an index is read from its start
                    container.seek(stamps[begin], stream=stream)
                decoded = self._decoded(stream, 0)
                start = next(decoded, None)
                if start is not None and start.pts in stamps and (number := stamps.index(start.pts)) <= begin:
                    return [_image(frame) for frame in islice(chain([start], decoded), begin - number, end - number)]
        with self._opened() as (_, stream):  # the file has no way to get there but from its start
            return [_image(frame) for frame in islice(self._decoded(stream, 0), begin, end)]

    def _decoded(self, stream: "VideoStream", count: int) -> Iterator["VideoFrame"]:
        """Decode the frames of a stream after checking their size."""
        import av  # here: it takes 0.1 s, which only those pay who read a video

        size: tuple[int, int] | None = None
        try:
            for frame in cast("InputContainer", stream.container).decode(stream):
                size = size or (frame.height, frame.width)
                if (frame.height, frame.width) != size:
                    raise BadInputError(
                        f"{self.path}: frame {count} is {frame.width}x{frame.height} and those before it "
                        f"{size[1]}x{size[0]}; expected frames of one size, so cut the video there"
                    )
                yield frame
                count += 1
        except (av.FFmpegError, OSError) as error:
            raise BadInputError(
                f"{self.path}: is damaged after {counted(count, 'frame')}: {_reason(error)}; write or copy the "
                "file again"
            ) from None

    @contextmanager
    def _opened(self) -> Iterator[tuple["InputContainer", "VideoStream"]]:
        import av

        try:
            require_regular(self.path, most=MOST_BYTES)
            container = av.open(str(self.path))
        except (av.FFmpegError, OSError, ValueError) as error:
            raise BadInputError(f"{self.path}: cannot be read as a video: {_reason(error)}; {_EXPECTED}") from None
        with container:
            pictures = av.stream.Disposition.attached_pic
            streams = [each for each in container.streams.video if not each.disposition & pictures]  # a film's poster
            if not streams:
                raise BadInputError(f"{self.path}: holds no video; {_EXPECTED}")
            stream = streams[0]
            if not 0 < stream.width * stream.height <= MAX_PIXELS:
                raise BadInputError(
                    f"{self.path}: has frames of {stream.width}x{stream.height}; expected 1 to {MAX_PIXELS} pixels"
                )
            stream.thread_type = "AUTO"
            yield container, stream


class _Clock:
    """Says when frames are shown, counted from the first one; never before the frame that comes before."""

    def __init__(self, rate: Fraction) -> None:
        """Begin. Frames without a time stamp follow each other at this rate."""
        self._rate, self._count, self._latest = rate, 0, Fraction(0)
        self._first: Fraction | None = None

    def time_of(self, frame: "VideoFrame") -> Fraction:
        """Return the time of the next frame."""
        stamp = None if frame.pts is None or frame.time_base is None else frame.pts * frame.time_base
        if self._first is None:
            self._first = stamp if stamp is not None else Fraction(0)
        time = self._count / self._rate if stamp is None else stamp - self._first
        self._count, self._latest = self._count + 1, max(self._latest, time)
        return self._latest


def _expected_frames(container: "InputContainer", stream: "VideoStream", rate: Fraction) -> int | None:
    if stream.duration and stream.time_base:
        return max(1, round(Fraction(stream.duration * stream.time_base * rate)))
    if container.duration:
        return max(1, round(Fraction(int(container.duration), 1_000_000) * rate))
    frames: int = stream.frames
    return frames or None


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _image(frame: "VideoFrame") -> Image:
    image: Image = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
    matrix = next((each for each in frame.side_data if each.type.name == "DISPLAYMATRIX"), None)
    return image if matrix is None else turned(image, np.frombuffer(memoryview(matrix), np.int32).tolist())


def turned(image: Image, matrix: list[int]) -> Image:
    """Turn and mirror a frame as a display matrix says, by quarters of a turn.

    Args:
        image: H x W x 3.
        matrix: FFmpeg's nine numbers a, b, u, c, d, v, x, y, w: the pixel at column p and row q is shown at column
            a p + c q and row b p + d q, both up to an offset (libavutil/display.h).
    """
    a, b, _, c, d = matrix[:5]
    if abs(a) >= abs(b):  # rows stay rows
        across, down = a, d
    else:
        image, across, down = image.transpose(1, 0, 2), c, b
    if across < 0:
        image = image[:, ::-1]
    if down < 0:
        image = image[::-1]
    return np.ascontiguousarray(image)
