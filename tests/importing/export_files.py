"""Small exports of annotation tools, and the label maps that are made of them."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from vos_bench.labelmaps import read_label_map


def label_maps(folder: Path) -> dict[str, np.ndarray]:
    return {path.stem: read_label_map(path) for path in sorted(folder.rglob("*.png"))}


MASK = 'rle="1, 2, 3, 2, 1" left="2" top="1" width="3" height="3"'
CVAT = f"""<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version><meta><task><name>my task</name><size>3</size>
<original_size><width>8</width><height>6</height></original_size><source>cat.mp4</source></task></meta>
<track id="0" label="cat" source="manual">
<mask frame="0" keyframe="1" outside="0" occluded="0" {MASK} z_order="1"/>
<mask frame="1" keyframe="1" outside="1" occluded="0" {MASK} z_order="1"/>
</track>
<track id="1" label="dog" source="manual">
<polygon frame="0" keyframe="1" outside="0" occluded="0" points="0.00,0.00;4.00,0.00;4.00,6.00;0.00,6.00" z_order="0"/>
<polygon frame="1" keyframe="0" outside="0" occluded="0" points="0.00,0.00;4.00,0.00;4.00,6.00;0.00,6.00" z_order="0"/>
<box frame="1" keyframe="1" outside="0" occluded="0" xtl="1" ytl="1" xbr="2" ybr="2" z_order="0"/>
</track>
</annotations>
"""
SQUARE = {"size": [6, 8], "counts": [0, 48]}


def coco(*names: str, size: tuple[object, object] = (6, 8), segmentation: object = SQUARE) -> str:
    """An image of each name with one object, whose mask in the last image is `segmentation`."""
    images = [{"id": k, "file_name": name, "height": size[0], "width": size[1]} for k, name in enumerate(names)]
    masks = [*([SQUARE] * (len(names) - 1)), segmentation]
    annotations = [
        {"id": k, "image_id": k, "category_id": 1, "segmentation": mask, "track_id": 1} for k, mask in enumerate(masks)
    ]
    return json.dumps({"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "cat"}]})


def png(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values.astype(np.uint8)).save(path)
