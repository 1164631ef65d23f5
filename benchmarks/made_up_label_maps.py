"""Label maps made up like those of DAVIS 2017 val: true ones, and such as a method might answer."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vos_bench.labelmaps import DAVIS_PALETTE, read_narrow

HEIGHT, WIDTH = 480, 854
FRAMES = 1999
OBJECTS = [*[1] * 14, *[2] * 9, *[3] * 4, 4, 6, 7]
"""How many objects each of the 30 sequences has: 61 together."""

SMALL = 5
"""Every how manieth sequence `--small` keeps, which leaves six."""


@dataclass(frozen=True)
class Shape:
    """What label maps are made up: their size, and how many objects each sequence has; frames in all."""

    width: int = WIDTH
    height: int = HEIGHT
    objects: tuple[int, ...] = tuple(OBJECTS)
    frames: int = FRAMES

    @property
    def lengths(self) -> list[int]:
        """How many frames each sequence has."""
        count = len(self.objects)
        lengths = np.full(count, self.frames // count)
        lengths[: self.frames % count] += 1
        if count > 1:
            lengths[::2] += 25
            lengths[1::2] -= 25
        return [int(length) for length in lengths]


def blob(rng: np.random.Generator, frames: int, size: float) -> list[NDArray[np.int32]]:
    """Return one object's outline on each frame: smooth, moving and deforming, with a rough edge, never out of view."""
    angles = np.linspace(0, 2 * np.pi, 360, endpoint=False)
    start, velocity = rng.uniform((150, 100), (WIDTH - 150, HEIGHT - 100)), rng.normal(0, 1.5, 2)
    phases = rng.uniform(0, 2 * np.pi, (2, 7))
    amplitudes, roughness = rng.uniform(0, 0.3, 7) / np.arange(1, 8), rng.uniform(0.5, 2.5)
    outlines = []
    for frame in range(frames):
        waves = np.sin(
            np.arange(1, 8)[:, None] * angles + phases[0, :, None] + 0.07 * frame * np.sin(phases[1])[:, None]
        )
        radius = size * (1 + amplitudes @ waves) * (1 + 0.15 * np.sin(0.05 * frame + phases[1, 0]))
        radius = np.maximum(radius + rng.normal(0, roughness, angles.shape), 2)
        centre = np.clip(start + velocity * frame + 12 * np.sin(0.1 * frame + phases[0, :2]), 0, (WIDTH, HEIGHT))
        outlines.append(np.stack((centre[0] + radius * np.cos(angles), centre[1] + radius * np.sin(angles)), 1))
    return [np.round(outline).astype(np.int32) for outline in outlines]


def predicted(rng: np.random.Generator, outline: NDArray[np.int32], drift: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return an outline as a method might: drifted, smoother, a little too large or small, sometimes far off."""
    kernel = np.ones(9) / 9
    smooth = np.stack([np.convolve(np.r_[c[-4:], c, c[:4]], kernel, "valid") for c in outline.T.astype(float)], 1)
    centre = smooth.mean(0)
    return np.round(centre + (smooth - centre) * rng.normal(1.0, 0.03) + drift).astype(np.int32)


def write(path: Path, outlines: list[NDArray[np.int32]], shape: Shape, *, grey: bool) -> None:
    """Write a label map as most tools do, with Pillow's defaults; it filters the rows of grey images."""
    labels = np.zeros((shape.height, shape.width), np.uint8)
    scale = np.array([shape.width / WIDTH, shape.height / HEIGHT])
    for label, outline in enumerate(outlines, 1):
        cv2.fillPoly(labels, [np.round(outline * scale).astype(np.int32)], label)
    image = Image.fromarray(labels)
    if not grey:
        image.putpalette(DAVIS_PALETTE)
    image.save(path)


def make_data(root: Path, shape: Shape, *, small: bool, grey: bool) -> None:
    """Write truth and masks of every sequence under `root`, unless they are there."""
    for number, (objects, frames) in enumerate(zip(shape.objects, shape.lengths, strict=True)):
        name = f"sequence{number:02d}"
        if (small and number % SMALL) or (root / "done" / name).exists():
            continue
        rng = np.random.default_rng(number)
        for folder in ("truth", "masks", "done"):
            (root / folder / name if folder != "done" else root / folder).mkdir(parents=True, exist_ok=True)
        sizes = sorted(rng.uniform(25, 110, objects), reverse=True)  # the small in front of the large, so that all show
        outlines, drift = [blob(rng, frames, size) for size in sizes], np.zeros((objects, 2))
        for frame in range(frames):
            drift += rng.normal(0, 0.6, drift.shape)
            shapes = [outline[frame] for outline in outlines]
            write(root / "truth" / name / f"{frame:05d}.png", shapes, shape, grey=False)
            masks = [predicted(rng, each, offset) for each, offset in zip(shapes, drift, strict=True)]
            write(root / "masks" / name / f"{frame:05d}.png", masks, shape, grey=grey)
        (root / "done" / name).touch()


def object_frames(root: Path) -> int:
    """Return how many object-frames the DAVIS protocol scores."""
    total = 0
    for sequence in (root / "truth").iterdir():
        frames = sorted(sequence.iterdir())
        total += int(read_narrow(frames[0]).max()) * (len(frames) - 2)
    return total


def make_object_folders(root: Path) -> None:
    """Write truth and masks once more, one file an object and frame, unless they are there."""
    if (root / "objects" / "done").exists():
        return
    for path in sorted([*root.glob("truth/*/*.png"), *root.glob("masks/*/*.png")]):
        labels, (kind, sequence, frame) = read_narrow(path), path.parts[-3:]
        first = read_narrow(root / "truth" / sequence / "00000.png")
        for label in range(1, int(first.max()) + 1):
            target = root / "objects" / kind / sequence / f"{label - 1:03d}" / frame
            target.parent.mkdir(parents=True, exist_ok=True)
            image = Image.fromarray((labels == label).astype(np.uint8))
            image.putpalette(DAVIS_PALETTE)
            image.save(target)
    (root / "objects" / "done").touch()
