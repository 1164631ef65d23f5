"""Videos made with PyAV, of the kinds that people bring: a red disk and a green square that move."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

RATE = 12
WIDTH, HEIGHT = 160, 96


def picture(t: int, width: int = WIDTH, height: int = HEIGHT) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
    """Return frame number `t` and its label map."""
    tiles = np.random.default_rng(7).integers(60, 200, (height // 8 + 1, width // 8 + 1, 3)).astype(np.uint8)
    image = np.kron(tiles, np.ones((8, 8, 1), np.uint8))[:height, :width].copy()
    labels = np.zeros((height, width), np.uint16)
    y, x = np.mgrid[:height, :width]
    disk = (x - width * 0.2 - 2 * t) ** 2 + (y - height * 0.35) ** 2 < (height * 0.2) ** 2
    left, top, side = int(width * 0.75 - t), int(height * 0.6), int(height * 0.25)
    square = (x >= left) & (x < left + side) & (y >= top) & (y < top + side)
    image[disk], image[square] = (230, 40, 40), (40, 220, 60)
    labels[disk], labels[square] = 1, 2
    return image, labels


def film(
    path: Path,
    length: int = 12,
    *,
    width: int = WIDTH,
    height: int = HEIGHT,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    full_range: bool = False,
    turned: int | None = None,
    times: Sequence[int] | None = None,
    gop: int = 6,
) -> Path:
    """Write a video.

    Args:
        path: Its ending says which container.
        length: Number of frames.
        width: Of a frame.
        height: Of a frame.
        codec: FFmpeg's name of the encoder.
        pixels: FFmpeg's name of the pixel format.
        full_range: Whether luma is 0 to 255 and not 16 to 235.
        turned: What the file says about turning it, in degrees.
        times: Milliseconds of each frame; None for a constant rate.
        gop: Frames from one key frame to the next.
    """
    unit = Fraction(1, RATE if times is None else 1000)
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE, options={"crf": "8"} if "264" in codec else {})
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        context = stream.codec_context
        context.gop_size, context.time_base = gop, unit
        context.color_range = 2 if full_range else 1
        if turned is not None:
            stream.set_display_rotation(turned)
        for t in range(length):
            frame = av.VideoFrame.from_ndarray(picture(t, width, height)[0], format="rgb24")
            frame = frame.reformat(format=pixels, dst_color_range="JPEG" if full_range else "MPEG")
            frame.pts, frame.time_base = (t if times is None else times[t]), unit
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def copied(source: Path, path: Path, *, skipped: int = 0, cut: int = 0) -> Path:
    """Copy a video's packets without decoding them, as tools do that cut "losslessly".

    Args:
        source: A video of constant rate.
        path: The copy.
        skipped: Leave out so many packets at the start, whether or not a key frame comes next.
        cut: Let the copy begin with this frame by an edit list; the frames before stay in the file.
    """
    options = {"use_editlist": "1", "avoid_negative_ts": "disabled"} if cut else {}
    with av.open(str(source)) as read, av.open(str(path), "w", options=options) as written:
        stream = read.streams.video[0]
        target = written.add_stream_from_template(stream)
        start = round(Fraction(cut, RATE) / stream.time_base)
        for number, packet in enumerate(packet for packet in read.demux(stream) if packet.dts is not None):
            if number >= skipped:
                packet.pts, packet.dts, packet.stream = packet.pts - start, packet.dts - start, target
                written.mux(packet)
    return path


def labelled_png(path: Path, t: int, *, width: int = WIDTH, height: int = HEIGHT) -> Path:
    """Write the label map of frame number `t` as an indexed PNG."""
    from vos_bench.labelmaps import write_label_map

    write_label_map(path, picture(t, width, height)[1])
    return path


def label_maps(folder: Path) -> dict[str, np.ndarray]:
    """Read the label maps of a sequence, by frame."""
    from vos_bench.labelmaps import read_label_map

    return {path.stem: read_label_map(path) for path in sorted(folder.glob("*.png"))}


def frames_folder(path: Path, video: Path) -> Path:
    """Write the frames of a film as pictures."""
    from vos_bench.video import VideoReader

    path.mkdir(parents=True)
    for t, frame in enumerate(VideoReader(video).frames()):
        Image.fromarray(frame.image).save(path / f"{t:05d}.png")
    return path
