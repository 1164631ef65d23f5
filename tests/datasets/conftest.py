"""Small made-up trees of frames and label maps."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

HEIGHT, WIDTH = 24, 32


def save_frame(path: Path, seed: int, size: tuple[int, int] = (HEIGHT, WIDTH)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, quality=95)


def save_labels(path: Path, labels: np.ndarray, mode: str = "P") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(labels.astype(np.uint8))
    if mode == "P":
        image.putpalette([k for k in range(256) for _ in range(3)])
    elif mode != "L":
        image = image.convert(mode)
    image.save(path)


def two_objects(number: int) -> np.ndarray:
    """Object 1 moves to the right, object 2 stays."""
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[2:10, 2 + number : 10 + number] = 1
    labels[14:20, 5:12] = 2
    return labels


class Trees:
    """Builds trees; every method returns the root."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def davis(self, year: str = "2017", *, split: str = "val", frames: int = 4, level: str = "480p") -> Path:
        names = ("bear", "crane")
        for seed, name in enumerate(names):
            self.sequence(name, frames=frames, seed=100 * seed, level=level)
        lists = self.root / "ImageSets" / year
        lists.mkdir(parents=True, exist_ok=True)
        (lists / f"{split}.txt").write_text("".join(f"{name}\n" for name in names))
        return self.root

    def sequence(self, name: str, *, frames: int = 4, seed: int = 0, level: str = "") -> Path:
        for number in range(frames):
            save_frame(self.root / "JPEGImages" / level / name / f"{number:05d}.jpg", seed + number)
            save_labels(self.root / "Annotations" / level / name / f"{number:05d}.png", two_objects(number))
        return self.root

    save_frame = staticmethod(save_frame)
    save_labels = staticmethod(save_labels)
    two_objects = staticmethod(two_objects)


@pytest.fixture
def trees(tmp_path: Path) -> Trees:
    return Trees(tmp_path / "data")


@pytest.fixture
def trees_at() -> Callable[[Path], Trees]:
    return Trees
