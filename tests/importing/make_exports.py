"""Make `exports.zip` with the real exporters, which are too heavy for every test run.

    python -m venv exporters && exporters/bin/pip install datumaro==1.13.12 label-studio-sdk==2.1.2 pillow
    exporters/bin/python tests/importing/make_exports.py tests/importing/exports.zip

A red disk (track 3) and a green square (track 7) move over 6 frames of 64 x 48. On frame 2 the square is not there, on
frame 4 nothing is. `truth/` in the archive has what every export shows, as label maps of the tracks.
"""

import json
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from datumaro.components.annotation import AnnotationType, LabelCategories, Mask, Polygon
from datumaro.components.dataset import Dataset
from datumaro.components.dataset_base import DatasetItem
from datumaro.components.media import Image
from label_studio_sdk.converter import Converter, brush
from PIL import Image as PillowImage

WIDTH, HEIGHT, FRAMES = 64, 48, 6
TRACKS = {3: "disk", 7: "square"}


def regions(t: int) -> Iterator[tuple[int, np.ndarray]]:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    if t != 4:
        yield 3, (x - 15 - 2 * t) ** 2 + (y - 15) ** 2 < 81
    if t not in (2, 4):
        yield 7, (x >= 40 - t) & (x < 52 - t) & (y >= 28) & (y < 40)


def labels(t: int) -> np.ndarray:
    found = np.zeros((HEIGHT, WIDTH), np.uint8)
    for k, mask in regions(t):
        found[mask] = k
    return found


def items(*, polygons: bool = False) -> Iterator[DatasetItem]:
    names = [*TRACKS.values()]
    for t in range(FRAMES):
        shapes = []
        for k, mask in regions(t):
            attributes = {"track_id": k, "keyframe": True}
            label = names.index(TRACKS[k])
            if polygons and k == 7:
                corners = [40 - t, 28, 52 - t, 28, 52 - t, 40, 40 - t, 40]
                shapes.append(Polygon(corners, label=label, attributes=attributes, group=k))
            else:
                shapes.append(Mask(mask, label=label, attributes=attributes, group=k))
        image = Image.from_numpy(np.full((HEIGHT, WIDTH, 3), 90, np.uint8))
        yield DatasetItem(f"{t:05d}", subset="clip", media=image, annotations=shapes, attributes={"frame": t})


def datumaro(folder: Path) -> None:
    labels_of = LabelCategories.from_iterable([(name, "", ["track_id"]) for name in TRACKS.values()])

    def dataset(**how: bool) -> Dataset:
        return Dataset.from_iterable([*items(**how)], categories={AnnotationType.label: labels_of}, media_type=Image)

    dataset().export(str(folder / "mots"), "mots_png", save_media=False)
    dataset().export(str(folder / "coco"), "coco_instances", save_media=False, allow_attributes=True)
    dataset(polygons=True).export(str(folder / "coco-polygons"), "coco_instances", save_media=False)
    dataset(polygons=True).export(str(folder / "cvat-video"), "cvat", use_track=True, save_media=False)
    dataset().export(str(folder / "cvat-images"), "cvat", save_media=False, allow_undeclared_attrs=True)
    dataset().export(str(folder / "voc"), "voc_segmentation", save_media=False)


CONFIG = """<View><Image name="image" value="$image"/>
<BrushLabels name="tag" toName="image"><Label value="disk"/><Label value="square"/></BrushLabels></View>"""


def label_studio(folder: Path) -> None:
    tasks = []
    for t in range(FRAMES):
        results = [
            {
                "id": f"r{t}{k}",
                "type": "brushlabels",
                "from_name": "tag",
                "to_name": "image",
                "original_width": WIDTH,
                "original_height": HEIGHT,
                "value": {
                    "format": "rle",
                    "rle": brush.mask2rle(mask.astype(np.uint8) * 255),
                    "brushlabels": [TRACKS[k]],
                },
            }
            for k, mask in regions(t)
        ]
        annotation = {"id": 100 + t, "completed_by": {"id": 1, "email": "a@b.c"}, "result": results}
        data = {"image": f"/data/upload/1/1a2b3c4d-{t:05d}.jpg"}
        tasks.append({"id": 11 + t, "data": data, "annotations": [annotation]})
    folder.mkdir(parents=True)
    (folder / "export.json").write_text(json.dumps(tasks))
    for form in ("png", "numpy"):
        converter = Converter(CONFIG, project_dir=str(folder))
        target = folder / form
        target.mkdir()
        converter.convert(str(folder / "export.json"), str(target), f"BRUSH_TO_{form.upper()}", is_dir=False)
    names = [
        {"id": task["id"], "data": task["data"], "annotations": []} for task in tasks
    ]  # the masks are in the files
    (folder / "png" / "export.json").write_text(json.dumps(names))
    (folder / "export.json").unlink()


def main(archive: Path) -> None:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        datumaro(folder)
        label_studio(folder / "label-studio")
        (folder / "truth").mkdir()
        for t in range(FRAMES):
            PillowImage.fromarray(labels(t)).save(folder / "truth" / f"{t:05d}.png")
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
            for path in sorted(each for each in folder.rglob("*") if each.is_file()):
                zipped.writestr(zipfile.ZipInfo(str(path.relative_to(folder))), path.read_bytes(), zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
