"""The images of the site: frames, and layers of label maps and errors that a browser lays over them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from vos_bench.api import Image, LabelMap
from vos_bench.api import Sequence as Video
from vos_bench.errors import BadInputError, one_line
from vos_bench.formats.mask_folders import read_masks, written_frames
from vos_bench.labelmaps import VOID
from vos_bench.metrics.contours import tolerance_radius
from vos_bench.records import masks_folder
from vos_bench.reports.overlays import contours, object_colours, shrink

from .scenes import SequencePage

WIDTH = 640
"""Of every image, in pixels, at most."""

FIRST_FRAME = "frame-00000.webp"
THUMBNAIL = "thumbnail.webp"
THUMBNAIL_WIDTH = 240

FALSE_POSITIVE, FALSE_NEGATIVE, EDGE = 1, 2, 3
ERROR_COLOURS = ((0xD5, 0x5E, 0x00), (0x00, 0x72, 0xB2), (0xF0, 0xE4, 0x42))
_INSIDE, _EDGE = 150, 255
"""How opaque the inside and the edge of a region are."""

Layer = NDArray[np.uint8]


class SceneMedia(NamedTuple):
    """What the images of a scene have shown while they were written.

    Attributes:
        problems: A sentence for each thing that cannot be shown.
        objects: The ids of the objects in the label maps and the truth.
        differing: For each frame, on which share of the pixels of objects the label maps of the runs differ.
    """

    problems: tuple[str, ...]
    objects: frozenset[int]
    differing: tuple[float, ...]


def write_scene(
    folder: Path, scene: SequencePage, views: Mapping[str, Video], *, step: Callable[[], None] = lambda: None
) -> SceneMedia:
    """Write all images of a scene.

    Args:
        folder: The site's.
        scene: What to show.
        views: Corruption to its frames and truth; empty where the data are not here: then there are label maps alone.
        step: Called after each frame.
    """
    media = folder / scene.media
    media.mkdir(parents=True)
    written = {
        each.number: frozenset(written_frames(masks_folder(each.run.folder, scene.name))) for each in scene.entries
    }
    problems: list[str] = []
    objects: set[int] = set()
    differing = []
    for i, frame in enumerate(scene.frames):
        truth = None
        try:
            for corruption, video in views.items():
                _write_frame(media / f"{scene.photo(corruption)}-{i:05d}.webp", video, frame)
            if views:
                truth = _write_truth(media, next(iter(views.values())), frame, i)
        except BadInputError as error:
            problems.append(one_line(str(error)))
        frame_maps = _FrameMaps()
        for entry in scene.entries:
            masks = masks_folder(entry.run.folder, scene.name)
            try:
                labels = read_masks(masks, frame) if frame in written[entry.number] else None
            except BadInputError as error:
                problems.append(one_line(str(error)))
                continue
            if labels is not None:
                _write_layers(media, f"{entry.number:03d}-{i:05d}", labels, truth)
                frame_maps.add(labels)
        objects |= frame_maps.objects | (_ids(truth) - {VOID})
        differing.append(frame_maps.differing)
        step()
    return SceneMedia(tuple(problems), frozenset(objects), tuple(differing))


class _FrameMaps:
    """What the label maps of one frame show together, without keeping them."""

    def __init__(self) -> None:
        self.objects: set[int] = set()
        self._lowest: LabelMap | None = None
        self._highest: LabelMap | None = None
        self._same_size = True

    def add(self, labels: LabelMap) -> None:
        """Take one run's label map."""
        self.objects |= _ids(labels)
        if self._lowest is None or self._highest is None:
            self._lowest = self._highest = labels
        elif labels.shape == self._lowest.shape:
            self._lowest, self._highest = np.minimum(self._lowest, labels), np.maximum(self._highest, labels)
        else:
            self._same_size = False

    @property
    def differing(self) -> float:
        """On which share of the pixels of objects the maps differ; 0 for maps of several sizes."""
        if self._lowest is None or self._highest is None or not self._same_size:
            return 0.0
        return float((self._lowest != self._highest).sum() / max(int((self._highest > 0).sum()), 1))


def _ids(labels: LabelMap | None) -> set[int]:
    if labels is None:
        return set()
    return {*np.flatnonzero(np.bincount(labels.ravel())).tolist()} - {0}


def _write_frame(path: Path, video: Video, frame: str) -> None:
    """Write a frame, and the first one of a scene as its thumbnail too."""
    if frame in video.frame_names:
        image = video.read_frame(frame)
        _save_webp(path, shrink(image, WIDTH))
        if path.name == FIRST_FRAME:
            _save_webp(path.with_name(THUMBNAIL), shrink(image, THUMBNAIL_WIDTH))


def _write_truth(media: Path, video: Video, frame: str, i: int) -> LabelMap | None:
    """Write the truth of a frame, and return it."""
    if frame not in video.truth_names:
        return None
    truth = video.read_truth(frame)
    _save_layer(media / f"truth-{i:05d}.png", objects_layer(np.where(truth == VOID, 0, truth).astype(np.uint16)))
    return truth


def _write_layers(media: Path, name: str, labels: LabelMap, truth: LabelMap | None) -> None:
    _save_layer(media / f"objects-{name}.png", objects_layer(labels))
    if truth is not None and truth.shape == labels.shape:
        _save_layer(media / f"errors-{name}.png", errors_layer(labels, truth) + _ERROR_OFFSET)


_ERROR_OFFSET = np.uint8(100)
"""Where the errors' colours lie in the palette, behind those of the objects."""


def objects_layer(labels: LabelMap) -> Layer:
    """Return palette entries, H x W: 0 where there is nothing, 1 to N inside of objects, N + 1 to 2N on their edges."""
    count = len(object_colours())
    entries = np.arange(int(labels.max()) + 1)
    layer: Layer = np.where(entries > 0, (entries - 1) % count + 1, 0).astype(np.uint8)[labels]
    layer[contours(labels)] += np.uint8(count)
    return layer


def errors_layer(labels: LabelMap, truth: LabelMap) -> Layer:
    """Return 0 where the label map is right, else `FALSE_POSITIVE`, `FALSE_NEGATIVE` or, near an edge, `EDGE`; H x W.

    A pixel with the wrong object is a false positive; pixels that the truth leaves undecided are never wrong.
    """
    decided = truth != VOID
    wrong = (labels != truth) & decided
    found = np.zeros(labels.shape, np.uint8)
    found[wrong & (labels > 0)] = FALSE_POSITIVE
    found[wrong & (labels == 0)] = FALSE_NEGATIVE
    radius = tolerance_radius(*labels.shape)  # an error nearer to the truth's edge is one of the edge
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    known = np.where(decided, truth, 0).astype(np.uint16)
    found[wrong & (cv2.dilate(contours(known).astype(np.uint8), disc) > 0)] = EDGE
    return found


def _palette() -> tuple[list[int], bytes]:
    """Return the palette of all layers as a flat list, and how opaque each entry is."""
    colours = object_colours()
    entries = np.zeros((256, 3), np.uint8)
    opacity = np.zeros(256, np.uint8)
    count, first = len(colours), int(_ERROR_OFFSET)
    entries[1 : 1 + count] = entries[1 + count : 1 + 2 * count] = colours
    opacity[1 : 1 + count], opacity[1 + count : 1 + 2 * count] = _INSIDE, _EDGE
    entries[first + 1 : first + 1 + len(ERROR_COLOURS)] = ERROR_COLOURS
    opacity[first + 1 : first + 1 + len(ERROR_COLOURS)] = 230
    return entries.reshape(-1).tolist(), opacity.tobytes()


def _save_layer(path: Path, layer: Layer) -> None:
    height, width = layer.shape
    if width > WIDTH:
        layer = cv2.resize(layer, (WIDTH, max(1, round(height * WIDTH / width))), interpolation=cv2.INTER_NEAREST)
    palette, opacity = _palette()
    image = PillowImage.fromarray(layer, mode="L")
    image.putpalette(palette)
    image.save(path, transparency=opacity, compress_level=6)


def _save_webp(path: Path, image: Image) -> None:
    PillowImage.fromarray(image).save(path, quality=75, method=2)
