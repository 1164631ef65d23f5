"""Writing MP4 files that play in every browser."""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vos_bench.api import Image
from vos_bench.errors import BadInputError
from vos_bench.files import replacing
from vos_bench.video.frame import TimedFrame

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream

TICKS = 90_000
"""Time stamps in a second: the unit of MPEG, of which all usual frame rates are fractions."""

_BT709 = 1
"""The number of these primaries, this curve and this matrix in H.264."""

_ENCODER = {"preset": "superfast", "crf": "20"}


class VideoWriter:
    """Takes frames one by one. H.264 with 4:2:0 colours, the index at the front of the file, and no sound."""

    def __init__(self, container: "OutputContainer", rate: Fraction) -> None:
        """Take the open file; `open_video` does that."""
        self._container, self._rate = container, rate
        self._stream: VideoStream | None = None
        self._latest = -1

    def write(self, frame: TimedFrame) -> None:
        """Encode one frame, shown at its time. A frame of odd width or height gets its last line twice."""
        import av

        image = even(frame.image)
        stream = self._stream or self._started(image.shape[1], image.shape[0])
        picture = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(
            format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG"
        )
        self._latest = max(self._latest + 1, round(frame.time * TICKS))
        picture.pts, picture.time_base = self._latest, Fraction(1, TICKS)
        self._container.mux(stream.encode(picture))

    def _started(self, width: int, height: int) -> "VideoStream":
        stream = self._container.add_stream("libx264", rate=self._rate, options=dict(_ENCODER))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        context = stream.codec_context
        context.time_base = Fraction(1, TICKS)
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        self._stream = stream
        return stream

    def finish(self) -> None:
        """Write what the encoder still holds."""
        if self._stream is not None:
            self._container.mux(self._stream.encode(None))


@contextmanager
def open_video(path: Path, rate: Fraction) -> Iterator[VideoWriter]:
    """Yield a writer of an MP4 file, which is there when the block ends well and not at all when it does not.

    Args:
        path: The file.
        rate: Frames a second, for the file's header; the frames' own times count.

    Raises:
        BadInputError: It cannot be written.
    """
    import av

    with replacing(path) as part:
        try:
            with av.open(str(part), "w", format="mp4", options={"movflags": "+faststart"}) as container:
                writer = VideoWriter(container, rate)
                yield writer
                writer.finish()
        except av.FFmpegError as error:
            raise BadInputError(f"{path}: cannot be written: {error.strerror}; expected room on the disk") from error


def even(image: Image) -> Image:
    """Return an image with even height and width; a last line that is alone is there twice."""
    height, width = image.shape[:2]
    if height % 2 or width % 2:
        image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return image
