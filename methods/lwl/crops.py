"""Which part of a frame the network sees, and how it is cut out and put back (facts of the authors' tracker)."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

CropRule = Literal["release", "head"]
"""`release`: whole pixels, the code of the published numbers. `head`: the authors' code since May 2022, which differs
by half a pixel in the position and by one pixel in the size."""

BorderMode = Literal["inside_major", "inside", "replicate"]
"""What happens to a crop that would reach beyond the image. `inside_major`: it is shrunk until it fits along one axis,
and shifted inside. `inside`: until it fits along both. `replicate`: it stays, and the border's pixels repeat."""

ScoreResize = Literal["exact", "as-published"]
"""How a crop's logits come back to image size. `exact`: resized by the crop's scale, to a size that is rounded down.
`as-published`: by the ratio of that whole size to the crop's, as torch did before version 1.6."""

Pair = NDArray[np.float32]
"""y, x in pixels. All geometry is float32 as in the reference, so that its truncations fall alike."""

Size = tuple[int, int]
"""Height, width."""

Span = tuple[int, int]
"""First and exclusive last row or column."""

NOTHING = -100.0
"""The logit of every pixel outside the crop."""


def pair(y: float, x: float) -> Pair:
    """Return y and x as a Pair."""
    return np.array((y, x), np.float32)


class Corners(NamedTuple):
    """A window's top left corner and its exclusive bottom right one, in pixels; may lie outside the image."""

    top: float
    left: float
    bottom: float
    right: float


@dataclass(frozen=True)
class Crop:
    """A window of an image. Equal crops of a frame hold equal pixels.

    Attributes:
        window: In pixels of the subsampled image.
        stride: Every `stride`-th pixel of the image is taken before anything else; 1 for most crops.
        phase: The first row and column taken.
        output_size: What the window is resized to.
    """

    window: Corners
    stride: int
    phase: Size
    output_size: Size

    @property
    def box(self) -> Corners:
        """The window in pixels of the image (the subsampling's phase is not part of it, as in the reference)."""
        return Corners(*(self.stride * value for value in self.window))

    @property
    def centre(self) -> Pair:
        """The middle of the box."""
        top, left, bottom, right = self.box
        return np.float32(0.5) * pair(top + bottom - 1, left + right - 1)

    @property
    def scale(self) -> float:
        """Image pixels for each pixel of the output, as one number for both axes."""
        top, left, bottom, right = self.box
        ratio = pair(bottom - top, right - left) / pair(*self.output_size)
        return float(np.sqrt(np.prod(ratio)))


class Border(NamedTuple):
    """What happens at the image's border.

    Attributes:
        mode: See `BorderMode`.
        most_shrink: A crop is shrunk by this factor at most; None: by any.
    """

    mode: BorderMode = "inside_major"
    most_shrink: float | None = None


INSIDE_MAJOR = Border()
"""The published setting."""


def plan_crop(
    centre: Pair,
    sample_size: Pair,
    *,
    image_size: Size,
    output_size: Size,
    rule: CropRule,
    border: Border = INSIDE_MAJOR,
) -> Crop:
    """Plan a crop.

    Inside the image it is shifted there; along an axis where it is still larger than the image it is centred.

    Args:
        centre: Where it should lie; cut to whole pixels.
        sample_size: Its size in image pixels before shrinking.
        image_size: Size of the frame.
        output_size: Size of the network's input.
        rule: See `CropRule`.
        border: See `Border`.
    """
    inside = border.mode != "replicate"
    size = np.trunc(shrunk(sample_size, image_size, border)) if inside else sample_size
    return _plan(centre, size, image_size=image_size, output_size=output_size, rule=rule, inside=inside)


def shrunk(sample_size: Pair, image_size: Size, border: Border = INSIDE_MAJOR) -> Pair:
    """Shrink a size, keeping its shape, until it fits the image along one axis or both; see `Border`."""
    ratios = sample_size / pair(*image_size)
    factor = max(np.float32(1), np.max(ratios) if border.mode == "inside" else np.min(ratios))
    if border.most_shrink is not None:
        factor = min(factor, np.float32(border.most_shrink))
    size: Pair = (sample_size / factor).astype(np.float32)
    return size


def _plan(
    centre: Pair, sample_size: Pair, *, image_size: Size, output_size: Size, rule: CropRule, inside: bool
) -> Crop:
    stride = max(int(np.min(sample_size / pair(*output_size)) - np.float32(0.1)), 1)
    extents = [max(round(float(size)), 2) for size in (sample_size / np.float32(stride)).astype(np.float32)]
    middle = [int(value) for value in centre]
    phase = (middle[0] % stride, middle[1] % stride)
    limits = [len(range(first, whole, stride)) for first, whole in zip(phase, image_size, strict=True)]
    spans = []
    for value, first, extent, limit in zip(middle, phase, extents, limits, strict=True):
        start, end = _span((value - first) // stride, extent, rule)
        shift = _shift_inside(start, end, limit) if inside else 0
        spans.append((start + shift, end + shift))
    (top, bottom), (left, right) = spans
    return Crop(Corners(top, left, bottom, right), stride, phase, output_size)


def _span(middle: int, extent: int, rule: CropRule) -> tuple[float, float]:
    if rule == "release":
        return middle - (extent - 1) // 2, middle + extent // 2 + 1
    return middle - (extent - 1) / 2, middle + extent / 2 + 1


def _shift_inside(start: float, end: float, limit: int) -> float:
    shift = max(-start, 0) - max(end - limit, 0)
    start, end = start + shift, end + shift
    outside = (max(-start, 0) + max(end - limit, 0)) // 2
    return shift - start - outside if outside > 0 else shift


def cut_image(image: Tensor, crop: Crop) -> Tensor:
    """Cut a crop from an image; beyond the border the nearest pixel repeats, the resize is bilinear.

    Args:
        image: C x H x W, of any type.
        crop: What to cut.

    Returns:
        1 x C x `crop.output_size`, float32.
    """
    patch = _take(_subsampled(image, crop), *_spans(crop), border="replicate")
    return functional.interpolate(patch, size=crop.output_size, mode="bilinear", align_corners=False)


def cut_frame(frame: Tensor, crop: Crop) -> Tensor:
    """Cut a crop as `cut_image` does, by OpenCV: several times faster on the CPU, and the same to rounding.

    Args:
        frame: 3 x H x W uint8 on the CPU, the channels last in memory.
        crop: What to cut.

    Returns:
        1 x 3 x `crop.output_size`, float32, the channels last in memory.
    """
    pixels = _subsampled(frame, crop).permute(1, 2, 0).numpy()
    patch, padding = pixels, list[int]()
    for axis, span in enumerate(_spans(crop)):
        first, last, before, after = _within(span, pixels.shape[axis])
        patch = patch[first:last] if axis == 0 else patch[:, first:last]
        padding += [before, after]
    if any(padding):
        patch = cv2.copyMakeBorder(np.ascontiguousarray(patch), *padding, cv2.BORDER_REPLICATE)
    height, width = crop.output_size
    resized = cv2.resize(patch.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return torch.from_numpy(resized).permute(2, 0, 1)[None]


def cut_mask(mask: Tensor, crop: Crop) -> Tensor:
    """Cut a crop from a mask of 0..1, H x W; it is zero beyond the border, the resize takes the nearest pixel.

    Returns:
        1 x 1 x `crop.output_size`, float32.
    """
    patch = _take(_subsampled(mask[None], crop), *_spans(crop), border="constant")
    return functional.interpolate(patch, size=crop.output_size, mode="nearest")


def _subsampled(image: Tensor, crop: Crop) -> Tensor:
    return image[:, crop.phase[0] :: crop.stride, crop.phase[1] :: crop.stride]


def _spans(crop: Crop) -> tuple[Span, Span]:
    """Return the whole rows and columns of a window."""
    top, left, bottom, right = (int(value) for value in crop.window)
    return (top, bottom), (left, right)


def _take(image: Tensor, rows: Span, columns: Span, *, border: Literal["replicate", "constant"]) -> Tensor:
    """Return rows and columns of C x H x W, also outside it, as 1 x C x h x w float32."""
    patch, padding = image, list[int]()
    for axis, (start, end) in ((1, rows), (2, columns)):
        limit = image.shape[axis]
        first, last, before, after = _within((start, end), limit)
        patch = patch.narrow(axis, first, last - first)
        padding = [before, after, *padding]
        if border == "constant" and (end <= 0 or start >= limit):
            patch = torch.zeros_like(patch)
    patch = patch[None].float()
    return functional.pad(patch, padding, mode=border) if any(padding) else patch


def _within(span: Span, limit: int) -> tuple[int, int, int, int]:
    """Return the part of a span that lies within 0 and `limit`, at least one, and how many are missing on each side."""
    start, end = span
    first = min(max(start, 0), limit - 1)
    last = max(min(end, limit), first + 1)
    before = min(max(first - start, 0), end - start - (last - first))
    return first, last, before, end - start - (last - first) - before


def paste_scores(logits: Tensor, crop: Crop, image_size: Size, resize: ScoreResize = "exact") -> Tensor:
    """Bring a crop's logits, h x w, back to where it lies in the image; `NOTHING` everywhere else.

    The crop is resized by its one scale for both axes, bilinearly, to a size that is rounded down.

    Args:
        logits: h x w.
        crop: Where they come from.
        image_size: Size of the frame.
        resize: See `ScoreResize`.

    Returns:
        H x W.
    """
    resized = functional.interpolate(
        logits[None, None],
        scale_factor=crop.scale,
        mode="bilinear",
        align_corners=False,
        recompute_scale_factor=resize == "as-published",
    )[0, 0]
    scores = logits.new_full(image_size, NOTHING)
    targets, sources = [], []
    for middle, extent, limit in zip(crop.centre, resized.shape, image_size, strict=True):
        start = int(middle - extent / 2)
        first, last = max(start, 0), min(start + extent, limit)
        targets.append(slice(first, max(last, first)))
        sources.append(slice(first - start, max(last, first) - start))
    scores[targets[0], targets[1]] = resized[sources[0], sources[1]]
    return scores


@dataclass(frozen=True)
class FirstCrop:
    """The first frame's crop: twice the search region around the target, and a window of the usual size in it.

    Attributes:
        region: Twice the search region, cut with replication.
        start: First row and column of the window in `region`'s output; may lie outside.
        size: Size of the window.
        shift: By how much the window moves to stay inside the image, in output pixels.
    """

    region: Crop
    start: Size
    size: Size
    shift: Size

    def cut_image(self, image: Tensor) -> Tensor:
        """Cut the window from an image, C x H x W -> 1 x C x `size`; see the function of that name."""
        return self._window(cut_image(image, self.region))

    def cut_mask(self, mask: Tensor) -> Tensor:
        """Cut the window from a mask, H x W -> 1 x 1 x `size`; see the function of that name."""
        return self._window(cut_mask(mask, self.region))

    def _window(self, patch: Tensor) -> Tensor:
        rows, columns = ((first, first + extent) for first, extent in zip(self.start, self.size, strict=True))
        return _take(patch[0], rows, columns, border="replicate")


def plan_first_crop(
    centre: Pair,
    sample_size: Pair,
    *,
    image_size: Size,
    output_size: Size,
    rule: CropRule,
    border: Border = INSIDE_MAJOR,
) -> FirstCrop:
    """Plan the crop of the frame on which an object starts. Arguments as for `plan_crop`."""
    inside = border.mode != "replicate"
    size = shrunk(sample_size, image_size, border) if inside else sample_size
    output = pair(*output_size)
    scale = np.sqrt(np.prod(size / output))
    doubled = (2 * output_size[0], 2 * output_size[1])
    region = plan_crop(
        np.rint(centre),
        scale * pair(*doubled),
        image_size=image_size,
        output_size=doubled,
        rule=rule,
        border=Border("replicate"),
    )
    start, end = centre - (size - 1) / 2, centre + size / 2 + 1
    outside = np.maximum(-start, 0) - np.maximum(end - pair(*image_size), 0)
    shift_y, shift_x = (int(value) for value in np.trunc(-outside / scale)) if inside else (0, 0)
    window = (output_size[0] // 2 - shift_y, output_size[1] // 2 - shift_x)
    return FirstCrop(region, window, output_size, (shift_y, shift_x))
