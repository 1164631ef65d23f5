"""Video files: the one reader and the one writer of the product, both on PyAV, and frames with objects drawn in."""

from vos_bench.video.frame import TimedFrame
from vos_bench.video.overlay import draw_objects
from vos_bench.video.reader import VideoReader
from vos_bench.video.writer import VideoWriter, open_video

__all__ = ["TimedFrame", "VideoReader", "VideoWriter", "draw_objects", "open_video"]
