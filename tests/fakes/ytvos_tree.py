"""Made-up trees of exactly the layout of YouTube-VOS, each with its truth beside it."""

import json
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

Objects = Mapping[int, tuple[str, int]]
"""Object id to its category and the number of the annotated frame on which it starts."""

VIDEOS: Mapping[str, Objects] = {
    "1a2b3c": {1: ("person", 0), 3: ("cat", 2)},  # a late object and a gap in the ids
    "4d5e6f": {2: ("unicorn_unseen", 1)},  # nothing on the first frame
}


def labels_at(objects: Objects, number: int, step: int, size: tuple[int, int]) -> np.ndarray:
    """Return the truth of a frame: each object is a rectangle of its own height that moves to the right."""
    labels = np.zeros(size, np.uint8)
    height = size[0] // (len(objects) + 1)
    for place, (object_id, (_, start)) in enumerate(sorted(objects.items())):
        if number >= start * step:
            top, left = 2 + place * height, 4 + number
            labels[top : top + height - 2, left : left + size[1] // 3] = object_id
    return labels


def build(
    root: Path,
    *,
    subset: str = "valid",
    videos: Mapping[str, Objects] = VIDEOS,
    annotated: int = 4,
    step: int = 5,
    size: tuple[int, int] = (32, 48),
    all_frames: bool = True,
) -> Path:
    """Write a split and return the folder of its whole truth, beside the root; train has its truth inside, too.

    Args:
        root: The dataset's root.
        subset: `train`, `valid` or `test`.
        videos: The objects of each video.
        annotated: How many annotated frames each has.
        step: How many frames lie between two of them.
        size: Height and width.
        all_frames: Whether there is a package of all frames.
    """
    truth = root.parent / "truth"
    for name, objects in videos.items():
        for number in range((annotated - 1) * step + 1):
            labels = labels_at(objects, number, step, size)
            frame = f"{number:05d}"
            if all_frames:
                _save_frame(root / f"{subset}_all_frames" / "JPEGImages" / name / f"{frame}.jpg", labels)
            if number % step:
                continue
            _save_frame(root / subset / "JPEGImages" / name / f"{frame}.jpg", labels)
            _save_labels(truth / name / f"{frame}.png", labels)
            new = [k for k, (_, start) in objects.items() if start * step == number]
            given = labels if subset == "train" else np.where(np.isin(labels, new), labels, 0)
            if subset == "train" or new:
                _save_labels(root / subset / "Annotations" / name / f"{frame}.png", given)
    meta = {"videos": {name: {"objects": _listed(objects, annotated, step)} for name, objects in videos.items()}}
    (root / subset / "meta.json").write_text(json.dumps(meta))
    return truth


def _listed(objects: Objects, annotated: int, step: int) -> dict[str, dict[str, object]]:
    return {
        str(k): {"category": category, "frames": [f"{number * step:05d}" for number in range(start, annotated)]}
        for k, (category, start) in objects.items()
    }


def _save_frame(path: Path, labels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.random.default_rng(0).integers(0, 60, (*labels.shape, 3), dtype=np.uint8)
    image[labels > 0] += (40 * labels[labels > 0, None]).astype(np.uint8)
    cv2.imwrite(str(path), image)


def _save_labels(path: Path, labels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(labels.astype(np.uint8))
    image.putpalette([k for k in range(256) for _ in range(3)])
    image.save(path)
