"""What is segmented: a video file or a folder of frames, read frame by frame in either direction."""

from abc import ABC, abstractmethod
from collections.abc import Generator
from fractions import Fraction
from pathlib import Path

from vos_bench import registry
from vos_bench.errors import BadInputError
from vos_bench.names import counted, did_you_mean, is_file_name, shorten
from vos_bench.video import TimedFrame, VideoReader

FOLDER_RATE = Fraction(25)
"""Frames a second of a folder, where nobody says another number."""

MOST_RATE = 1000

_SHARE_OF_FRAMES = 0.05
"""By so much an estimate of their number may be wrong."""


def numbered_frame(number: int) -> str:
    """Return the name of a frame of a video file."""
    return f"{number:05d}"


class InputVideo(ABC):
    """One video, whatever it lies in.

    Attributes:
        name: What its results are called.
        path: The file or folder.
        size: Height and width of the frames.
        rate: Frames a second.
        expected_frames: How many frames there are, as an estimate; None where nobody knows.
        frame_names: The names of all frames; None where only the end of the video shows how many there are.
    """

    name: str
    path: Path
    size: tuple[int, int]
    rate: Fraction
    expected_frames: int | None
    frame_names: tuple[str, ...] | None

    @abstractmethod
    def frames(self) -> Generator[TimedFrame, None, None]:
        """Read all frames in order."""

    @abstractmethod
    def backwards(self, last: int) -> Generator[TimedFrame, None, None]:
        """Read frames number `last`, `last` - 1, ... 0."""

    def notes(self, count: int) -> tuple[str, ...]:
        """Return what a user should know once all frames were read, `count` of them."""
        del count
        return ()

    @abstractmethod
    def frame_name(self, number: int) -> str:
        """Return the name of a frame by its number, counted from 0."""

    @abstractmethod
    def number_of(self, frame: str) -> int:
        """Return the number of a frame that a user names. Raises BadInputError where there is none."""


class VideoFile(InputVideo):
    """A video file; its frames are named by their numbers, `00000` on."""

    def __init__(self, path: Path) -> None:
        """Open it. Raises BadInputError where that is not possible."""
        self.path, self.name = path, path.stem
        self._reader = VideoReader(path)
        self.size, self.rate = self._reader.size, self._reader.rate
        self.expected_frames, self.frame_names = self._reader.expected_frames, None

    def frames(self) -> Generator[TimedFrame, None, None]:
        """See `InputVideo.frames`."""
        return self._reader.frames()

    def backwards(self, last: int) -> Generator[TimedFrame, None, None]:
        """See `InputVideo.backwards`."""
        return self._reader.backwards(last)

    def notes(self, count: int) -> tuple[str, ...]:
        """See `InputVideo.notes`: frames that are damaged, or were expected and not there."""
        found = []
        if damaged := self._reader.damaged:
            found.append(
                f"damaged: {counted(len(damaged), 'frame')} ({shorten(map(self.frame_name, damaged), 6)}), which may "
                "look wrong, as may those after"
            )
        missing = (self.expected_frames or 0) - count
        if missing > max(2, _SHARE_OF_FRAMES * count):
            found.append(
                f"the file lasts as long as {self.expected_frames} frames, and {count} could be read, which are "
                "numbered from 0: it may be cut off, begin without a key frame, or have a longer sound"
            )
        return tuple(found)

    def frame_name(self, number: int) -> str:
        """See `InputVideo.frame_name`."""
        return numbered_frame(number)

    def number_of(self, frame: str) -> int:
        """See `InputVideo.number_of`; whether the video is just long enough shows only at its end."""
        if not (frame.isascii() and frame.isdigit()):
            raise BadInputError(f"frame {frame!r} of {self.path}: expected a number, counted from 0")
        expected = self.expected_frames
        if expected is not None and int(frame) > (1 + _SHARE_OF_FRAMES) * expected + 2:
            raise BadInputError(f"frame {frame} of {self.path}: it has about {expected}, counted from 0")
        return int(frame)


class FrameFolder(InputVideo):
    """A folder of frames, named as their files are."""

    def __init__(self, path: Path, rate: Fraction = FOLDER_RATE) -> None:
        """List it. Raises BadInputError where it holds no frames."""
        self._sequence = registry.open_frames(path)
        self.path, self.name, self.rate = path, self._sequence.name, rate
        self.frame_names = self._sequence.frame_names
        self.expected_frames = len(self.frame_names)
        first = self._sequence.read_frame(self.frame_names[0])
        self.size = (first.shape[0], first.shape[1])

    def frames(self) -> Generator[TimedFrame, None, None]:
        """See `InputVideo.frames`."""
        for number in range(len(self._sequence.frame_names)):
            yield self._read(number)

    def backwards(self, last: int) -> Generator[TimedFrame, None, None]:
        """See `InputVideo.backwards`."""
        for number in range(last, -1, -1):
            yield self._read(number)

    def _read(self, number: int) -> TimedFrame:
        name = self._sequence.frame_names[number]
        image = self._sequence.read_frame(name)
        if image.shape[:2] != self.size:
            raise BadInputError(
                f"{self.path}: frame {name} is {image.shape[1]}x{image.shape[0]} and the first one "
                f"{self.size[1]}x{self.size[0]}; expected frames of one size"
            )
        return TimedFrame(image, number / self.rate)

    def frame_name(self, number: int) -> str:
        """See `InputVideo.frame_name`."""
        return self._sequence.frame_names[number]

    def number_of(self, frame: str) -> int:
        """See `InputVideo.number_of`: by its name, else by its number."""
        names = self._sequence.frame_names
        if frame in names:
            return names.index(frame)
        if frame.isascii() and frame.isdigit() and int(frame) < len(names):
            return int(frame)
        meant = did_you_mean(frame, names, otherwise=f"it has {len(names)}, {names[0]} to {names[-1]}")
        raise BadInputError(f"frame {frame!r} of {self.path}: there is none of this name or number; {meant}")


def open_input(path: Path, rate: Fraction | None = None) -> InputVideo:
    """Open a video file, or a folder of frames, which are shown at `rate` frames a second.

    Raises:
        BadInputError: It is neither, or its name cannot be that of a folder of results.
    """
    if path.is_dir():
        opened: InputVideo = FrameFolder(path, rate or FOLDER_RATE)
    elif rate is not None:
        raise BadInputError(
            f"--fps: {path} is a video, which has a rate of its own; expected it with folders of frames"
        )
    else:
        opened = VideoFile(path)
    if not is_file_name(opened.name):
        raise BadInputError(f"{path}: its name cannot be that of a folder of label maps; rename it")
    return opened


def frame_rate(number: float | None) -> Fraction | None:
    """Return a rate as a fraction, so that 29.97 is 30000/1001. Raises BadInputError for what is no rate."""
    if number is None:
        return None
    if not 0 < number <= MOST_RATE:
        raise BadInputError(f"--fps {number:g}: expected frames a second, more than 0 and at most {MOST_RATE}")
    ntsc = Fraction(round(number * 1.001) * 1000, 1001)
    return (
        ntsc
        if abs(float(ntsc) - number) < 0.005 < abs(round(number) - number)
        else Fraction(number).limit_denominator(1001)
    )
