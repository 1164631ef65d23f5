"""Comparing what two sides answered, and refusing comparisons that prove nothing."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage

from vos_bench.api import LabelMap

from .clips import Clip


class Row(NamedTuple):
    """How a clip compared.

    Attributes:
        system: Whose code against which method of vos-bench.
        clip: The clip.
        compared: How many masks (or label maps) were compared.
        differ: In how many any pixel differs.
        worst: The most pixels that differ in one.
        logits: The largest difference of two logits; None where only label maps are known.
        allowed: The most pixels that may differ in one.
    """

    system: str
    clip: str
    compared: int
    differ: int
    worst: int
    logits: float | None
    allowed: int

    @property
    def passed(self) -> bool:
        """Whether both sides agree."""
        return self.compared > 0 and self.worst <= self.allowed and (self.logits is None or self.logits <= 1e-3)


def require_telling(masks: Sequence[NDArray[np.bool_]], what: str) -> None:
    """Raise SystemExit unless masks are neither empty nor full: such masks are equal whatever computed them."""
    shares = [float(mask.mean()) for mask in masks]
    if not shares or min(shares) < 0.002 or max(shares) > 0.998:
        raise SystemExit(
            f"{what}: masks cover {min(shares, default=0):.4f} to {max(shares, default=0):.4f} of a frame;"
            " a comparison of empty or full masks proves nothing: choose another --seed"
        )


def compare_logits(
    system: str,
    clip: Clip,
    ours: Mapping[tuple[int, int], NDArray[np.float32]],
    theirs: Mapping[tuple[int, int], NDArray[np.float32]],
) -> Row:
    """Compare logits by frame and object, prompt frames left out."""
    starts = {k: number for number, masks in clip.prompts.items() for k in masks}
    keys = [(frame, k) for frame in range(len(clip.frames)) for k, start in starts.items() if frame > start]
    require_telling([theirs[key] > 0 for key in keys], f"{system}, {clip.name}")
    pixels = [int(((ours[key] > 0) != (theirs[key] > 0)).sum()) for key in keys]
    furthest = max(float(np.abs(ours[key] - theirs[key]).max()) for key in keys)
    return Row(system, clip.name, len(keys), sum(map(bool, pixels)), max(pixels), furthest, 10)


def compare_maps(system: str, clip: Clip, ours: Sequence[LabelMap], theirs: Sequence[LabelMap]) -> Row:
    """Compare label maps, prompt frames left out; every pixel has to be equal."""
    frames = clip.compared
    objects = [k for masks in clip.prompts.values() for k in masks]
    last = max(clip.prompts)
    require_telling([theirs[frame] > 0 for frame in frames], f"{system}, {clip.name}")
    seen = [np.any([theirs[frame] == k for frame in frames if frame > last]) for k in objects]
    if not all(seen):
        raise SystemExit(f"{system}, {clip.name}: an object is nowhere in the answers; choose another --seed")
    pixels = [int((ours[frame] != theirs[frame]).sum()) for frame in frames]
    return Row(system, clip.name, len(frames), sum(map(bool, pixels)), max(pixels), None, 0)


def read_maps(folder: Path, clip: Clip) -> list[LabelMap]:
    """Read the label maps that a script wrote; a frame without one is background."""
    found: list[LabelMap] = []
    for number, frame in enumerate(clip.frames):
        path = folder / f"{number:05d}.png"
        blank = np.zeros(frame.shape[:2], np.uint16)
        found.append(np.array(PillowImage.open(path)).astype(np.uint16) if path.is_file() else blank)
    return found
