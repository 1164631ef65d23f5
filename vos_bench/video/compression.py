"""Frames as H.264 leaves them, one after the other and without a file."""

from fractions import Fraction
from typing import TYPE_CHECKING, cast

import numpy as np

from vos_bench.api import Image
from vos_bench.video.writer import even

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext

_RATE = 25
_BT709 = 1
_LIMITED_RANGE = 1


class FrameCompressor:
    """Compresses frames with x264 and decodes them at once; the first becomes a key frame, each other builds on it.

    There are no frames that wait for later ones. One thread, and no choice of algorithm by the processor, so that
    equal frames give equal bits wherever the same FFmpeg is.
    """

    def __init__(self, crf: float) -> None:
        """Take the quality: x264's constant rate factor, 0 for lossless to 51."""
        self._crf = crf
        self._encoder: VideoCodecContext | None = None
        self._decoder: VideoCodecContext | None = None
        self._count = 0

    def compress(self, image: Image) -> Image:
        """Return the next frame as it comes back, H x W x 3; odd sizes are filled up for the codec and cut back."""
        import av

        height, width = image.shape[:2]
        picture = av.VideoFrame.from_ndarray(even(image), format="rgb24").reformat(
            format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG"
        )
        picture.pts, picture.time_base = self._count, Fraction(1, _RATE)
        self._count += 1
        encoder, decoder = self._contexts(picture.width, picture.height)
        [shown] = [frame for packet in encoder.encode(picture) for frame in decoder.decode(packet)]
        return np.ascontiguousarray(shown.to_ndarray(format="rgb24")[:height, :width])

    def _contexts(self, width: int, height: int) -> "tuple[VideoCodecContext, VideoCodecContext]":
        import av

        if self._encoder is None or self._decoder is None:
            encoder = cast("VideoCodecContext", av.CodecContext.create("libx264", "w"))
            encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
            encoder.time_base, encoder.framerate = Fraction(1, _RATE), Fraction(_RATE)
            encoder.colorspace = encoder.color_primaries = encoder.color_trc = _BT709
            encoder.color_range = _LIMITED_RANGE
            encoder.thread_count = 1
            encoder.options = {
                "preset": "medium",
                "tune": "zerolatency",
                "crf": f"{self._crf:g}",
                "x264-params": "threads=1:cpu-independent=1:keyint=infinite:scenecut=0",
            }
            decoder = cast("VideoCodecContext", av.CodecContext.create("h264", "r"))
            decoder.thread_count = 1
            self._encoder, self._decoder = encoder, decoder
        return self._encoder, self._decoder
