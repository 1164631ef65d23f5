"""Made-up miniature trees of exactly the layouts of SA-V, MOSE, LVOS, VOST and BURST."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from pycocotools import mask as coco

SIZE = (32, 48)
FRAMES = 9
"""Annotated frames of each video."""

Masks = Mapping[int, np.ndarray]
"""Object id to H x W booleans."""


def masks_at(number: int, *, late: int = 4, overlap: bool = False) -> Masks:
    """Object 1 moves to the right, object 2 stays and starts on the frame `late`."""
    first, second = np.zeros(SIZE, bool), np.zeros(SIZE, bool)
    first[4:16, 4 + number : 18 + number] = True
    top = 12 if overlap else 18
    second[top : top + 10, 10:24] = number >= late
    return {1: first, 2: second}


def labels_at(number: int, *, late: int = 4) -> np.ndarray:
    labels = np.zeros(SIZE, np.uint8)
    for object_id, mask in masks_at(number, late=late).items():
        labels[mask] = object_id
    return labels


def save_frame(path: Path, number: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = np.random.default_rng(number).integers(0, 60, (*SIZE, 3), dtype=np.uint8)
    for object_id, mask in masks_at(number).items():
        image[mask] += np.uint8(70 * object_id)
    cv2.imwrite(str(path), image)


def save_labels(path: Path, labels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(labels.astype(np.uint8))
    image.putpalette([k for k in range(256) for _ in range(3)])
    image.save(path)


def sav(root: Path, split: str = "val") -> Path:
    """Images at 24 frames a second, masks on every fourth; objects overlap, the second is late in the first video."""
    folder = root / f"sav_{split}"
    for name, late in (("sav_000001", 2), ("sav_000002", 0)):
        for number in range(4 * (FRAMES - 1) + 1):
            save_frame(folder / "JPEGImages_24fps" / name / f"{number:05d}.jpg", number // 4)
            if number % 4:
                continue
            for object_id, mask in masks_at(number // 4, late=late, overlap=True).items():
                save_labels(folder / "Annotations_6fps" / name / f"{object_id - 1:03d}" / f"{number:05d}.png", mask)
    (folder / f"sav_{split}.txt").write_text("sav_000001\nsav_000002\n")
    return root


def sav_masklets(root: Path) -> Path:
    """The train split as published: masks of a video in one JSON file; the second object is late."""
    sav(root, "train")
    folder = root / "sav_train"
    shutil.rmtree(folder / "Annotations_6fps")
    (folder / "sav_000").mkdir()
    for name, late in (("sav_000001", 2), ("sav_000002", 0)):
        frames = [masks_at(number, late=late, overlap=True) for number in range(FRAMES)]
        masklet = [
            [{"size": SIZE, "counts": rle(mask)} if mask.any() else None for mask in masks.values()] for masks in frames
        ]
        (folder / "sav_000" / f"{name}_manual.json").write_text(json.dumps({"video_id": name, "masklet": masklet}))
    return root


def _label_maps(frames: Path, labels: Path, names: Mapping[str, int], *, whole: bool, first: int = 0, step: int = 1):
    """Write videos; `names` says on which frame the second object of each starts."""
    for name, late in names.items():
        for number in range(FRAMES):
            frame = f"{first + step * number:0{8 if step > 1 else 5}d}"
            save_frame(frames / name / f"{frame}.jpg", number)
            new = number == 0 or number == late
            if whole or new:
                found = labels_at(number, late=late)
                given = found if whole or number == 0 else np.where(found == 2, found, 0)
                save_labels(labels / name / f"{frame}.png", given)


def mosev1(root: Path, split: str = "valid") -> Path:
    """Two videos; valid has the mask of the first frame alone, train all of them."""
    late = 3 if split == "train" else 0
    folder, names = root / split, {"0a1b2c3d": late, "1b2c3d4e": 0}
    _label_maps(folder / "JPEGImages", folder / "Annotations", names, whole=split == "train")
    return root


def mosev2(root: Path, split: str = "valid") -> Path:
    """The same with a list of objects beside the folders."""
    mosev1(root, split)
    frames = [f"{number:05d}.jpg" for number in range(FRAMES)]
    video = {"frames": frames, "length": FRAMES, "height": SIZE[0], "width": SIZE[1], "objects": [1, 2]}
    meta = {"videos": {"0a1b2c3d": video, "1b2c3d4e": video}}
    (root / split / f"meta_{split}.json").write_text(json.dumps(meta))
    return root


def lvos(root: Path, split: str = "valid") -> Path:
    """Two videos of step five, one unseen, one with a late object; test has first masks alone."""
    folder = root / ("val" if split == "valid" else split)
    names = {"longAAAA": 4, "longBBBB": 0}
    _label_maps(folder / "JPEGImages", folder / "Annotations", names, whole=split != "test", first=1, step=5)
    end = 1 + 5 * FRAMES

    def listed(start: int) -> dict[str, object]:
        first = 1 + 5 * start
        return {"frame_range": {"start": f"{first:08d}", "end": f"{end:08d}", "frame_nums": str(FRAMES - start)}}

    videos = {name: {"objects": {"1": listed(0), "2": listed(late)}} for name, late in names.items()}
    (folder / f"{split}_meta.json").write_text(json.dumps({"videos": videos}))
    (folder / "unseen_videos.txt").write_text("longBBBB\n")
    return root


def vost(root: Path, split: str = "val") -> Path:
    """Images at 10 and 5 frames a second, label maps at 5, 255 where nobody could decide; test has the first alone."""
    names = ("555_tear_foil", "556_cut_onion")
    for name in names:
        for number in range(2 * FRAMES):
            frame = f"frame{12 + 3 * number:05d}"
            save_frame(root / "JPEGImages_10fps" / name / f"{frame}.jpg", number // 2)
            if number % 2:
                continue
            save_frame(root / "JPEGImages" / name / f"{frame}.jpg", number // 2)
            labels = labels_at(number // 2, late=0)
            labels[-1] = 255
            if split != "test" or number == 0:
                save_labels(root / "Annotations" / name / f"{frame}.png", labels)
    (root / "ImageSets").mkdir()
    (root / "ImageSets" / f"{split}.txt").write_text("\n".join(names) + "\n")
    return root


def burst(root: Path, split: str = "val") -> Path:
    """Two videos, annotated on every second image; track 7 is late."""
    sequences = []
    for number, name in enumerate(("video_1", "v_-x2")):
        paths = [f"frame{3 * k:04d}.jpg" for k in range(2 * FRAMES)]
        for k, path in enumerate(paths):
            save_frame(root / "frames" / split / "YFCC100M" / name / path, k // 2)
        segmentations = []
        for k in range(FRAMES):
            found = masks_at(k, late=2)
            tracks = {"3": found[1], "7": found[2]}
            segmentations.append({track: {"rle": rle(mask)} for track, mask in tracks.items() if mask.any()})
        sequences.append(
            {
                "width": SIZE[1],
                "height": SIZE[0],
                "id": number,
                "seq_name": name,
                "dataset": "YFCC100M",
                "fps": 2,
                "all_image_paths": paths,
                "annotated_image_paths": paths[::2],
                "neg_category_ids": [],
                "not_exhaustive_category_ids": [],
                "track_category_ids": {"3": 805, "7": 1},
                "segmentations": segmentations,
            }
        )
    (root / split).mkdir(parents=True)
    for each in ("all", "common", "uncommon"):
        content = {"split": split, "categories": [], "sequences": sequences}
        (root / split / f"{each}_classes.json").write_text(json.dumps(content))
    return root


def rle(mask: np.ndarray) -> str:
    return coco.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"].decode()


BUILDERS: Mapping[str, Callable[..., Path]] = {
    "sav": sav,
    "mosev1": mosev1,
    "mosev2": mosev2,
    "lvos1": lvos,
    "lvos2": lvos,
    "vost": vost,
    "burst": burst,
}
"""Dataset name to what writes its tree; `BUILDERS[NAME](root, split)` returns the root."""
