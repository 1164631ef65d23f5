"""`vos-bench export`: one function for each form."""

import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from vos_bench.errors import BadInputError
from vos_bench.exporting.source import LabelMapFolder, label_map_folders
from vos_bench.files import remove_stale_parts, remove_stale_parts_below, replacing, write_text
from vos_bench.formats.mask_folders import FIRST_ID, MOTS_PER_CLASS
from vos_bench.labelmaps import VOID, file_bytes, object_ids
from vos_bench.names import did_you_mean
from vos_bench.progress import Progress
from vos_bench.records import run_file
from vos_bench.segmenting.record import FILE as SEGMENT_FILE
from vos_bench.video import draw_objects, open_video

CATEGORY = "object"
"""What COCO, YouTube-VIS and MOTS call every object: label maps say nothing of classes."""


def export(
    run: str | Path,
    form: str,
    *,
    out: str | Path | None = None,
    root: str | Path | None = None,
    sequences: Sequence[str] | None = None,
    progress: Progress | None = None,
    notes: list[str] | None = None,
) -> list[Path]:
    """Write label maps in another form, as `vos-bench export` does.

    Args:
        run: The folder of a run or of `segment`, or of label maps, SEQUENCE/FRAME.png.
        form: One of `EXPORTS`.
        out: The folder to write; None for `export/FORM` in that of the run. Folders of label maps need it.
        root: Where the dataset of the run lies, for forms that show frames.
        sequences: Which sequences; None for all.
        progress: Hears about progress.
        notes: Gets what a user should know of the label maps.

    Returns:
        The files that were written, or folders of them.

    Raises:
        BadInputError: There is no such form, nothing to export, or it cannot be written.
    """
    if form not in EXPORTS:
        raise BadInputError(f"--format {form}: {did_you_mean(form, EXPORTS)}")
    if root is not None and (form != "overlay" or not run_file(Path(run)).is_file()):
        raise BadInputError(
            f"--root {root} has no effect: only the overlay video of a run shows frames of a dataset; leave it out"
        )
    chosen = None if sequences is None else tuple(sequences)
    folders = label_map_folders(Path(run), root=None if root is None else Path(root), sequences=chosen)
    target = _default_out(Path(run), form) if out is None else Path(out)
    with (progress or Progress()).counting(form, sum(len(each.paths) for each in folders)) as step:
        written = EXPORTS[form](folders, target, step)
    if notes is not None and form != "davis":  # which keeps the files as they are
        notes += [note for each in folders for note in each.notes]
    return written


def _default_out(run: Path, form: str) -> Path:
    """Return `export/FORM` in a folder that vos-bench made. Raises BadInputError for any other: it may be data."""
    if not (run_file(run).is_file() or (run / SEGMENT_FILE).is_file()):
        raise BadInputError(
            f"{run}: is no folder of a run or of vos-bench segment, so that nothing is written into it; expected --out "
            "FOLDER"
        )
    return run / "export" / form


Step = Callable[[], None]
"""Called after each frame."""


def write_overlays(folders: Sequence[LabelMapFolder], out: Path, step: Step) -> list[Path]:
    """Write a video of each sequence that shows its objects, H.264 in MP4."""
    written = []
    for each in folders:
        path = out / f"{each.name}.mp4"
        remove_stale_parts(path)
        shown = 0
        with open_video(path, each.rate) as video, closing(each.frames()) as frames:
            for name, frame in frames:
                if name in each.paths:
                    labels = each.read(name)
                    if labels.shape != frame.image.shape[:2]:
                        raise BadInputError(
                            f"{each.paths[name]}: is {labels.shape[1]}x{labels.shape[0]} and its frame "
                            f"{frame.image.shape[1]}x{frame.image.shape[0]}; expected the frames that were segmented"
                        )
                    video.write(frame._replace(image=draw_objects(frame.image, labels)))
                    shown += 1
                    step()
            if shown < len(each.paths):
                raise BadInputError(
                    f"{each.name}: found frames for {shown} of {len(each.paths)} label maps; expected the frames that "
                    "were segmented: was the video cut, or replaced?"
                )
        written.append(path)
    return written


def write_coco(folders: Sequence[LabelMapFolder], out: Path, step: Step) -> list[Path]:
    """Write one COCO file: an image a frame, an annotation an object and frame, `track_id` its label."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for each in folders:
        height, width = each.size
        for frame, labels in each.labels():
            image = len(images) + 1
            images.append({"id": image, "file_name": f"{each.name}/{frame}.jpg", "width": width, "height": height})
            for k, encoded in _encoded(labels):
                annotations.append(_rle().coco_annotation(encoded, number=len(annotations) + 1, image=image, track=k))
            step()
    return [_write_json(out / "instances.json", images=images, annotations=annotations)]


def write_youtube_vis(folders: Sequence[LabelMapFolder], out: Path, step: Step) -> list[Path]:
    """Write one YouTube-VIS file: an annotation an object, with a mask or nothing for each frame."""
    videos: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, each in enumerate(folders, start=1):
        height, width = each.size
        shape = {"width": width, "height": height, "length": len(each.paths)}
        videos.append({"id": number, **shape, "file_names": [f"{each.name}/{frame}.jpg" for frame in each.paths]})
        masks: dict[int, list[Any]] = {k: [None] * len(each.paths) for k in each.object_ids()}
        for i, (_, labels) in enumerate(each.labels()):
            for k, encoded in _encoded(labels):
                masks[k][i] = encoded
            step()
        for k, found in masks.items():
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "video_id": number,
                    "category_id": 1,
                    "segmentations": found,
                    "bboxes": [mask and _rle().mask_box(mask) for mask in found],
                    "areas": [mask and _rle().mask_area(mask) for mask in found],
                    "iscrowd": 0,
                    "track_id": k,
                    **shape,
                }
            )
    return [_write_json(out / "instances.json", videos=videos, annotations=annotations)]


def _rle() -> Any:
    from vos_bench.formats import rle  # here: pycocotools loads what only these forms need

    return rle


def _encoded(labels: Any) -> Iterator[tuple[int, Any]]:
    for k in object_ids(labels):
        yield k, _rle().to_run_lengths(labels == k)


def _write_json(path: Path, **parts: list[dict[str, Any]]) -> Path:
    info = {"description": "label maps exported by vos-bench"}
    categories = [{"id": 1, "name": CATEGORY, "supercategory": ""}]
    remove_stale_parts(path)
    write_text(path, json.dumps({"info": info, "licenses": [], "categories": categories, **parts}) + "\n")
    return path


def write_mots(folders: Sequence[LabelMapFolder], out: Path, step: Step) -> list[Path]:
    """Write MOTS PNG: 16 bits, 1000 times the class plus the object; frames without objects too."""
    from PIL import Image as PillowImage

    written = []
    for each in folders:
        target = out / each.name / "instances"
        remove_stale_parts_below(target, ".png", ".txt")
        for frame, labels in each.labels():
            if labels.max() >= MOTS_PER_CLASS:
                raise BadInputError(
                    f"{each.paths[frame]}: holds object {labels.max()}; MOTS PNG has room for 1 to "
                    f"{MOTS_PER_CLASS - 1}: choose another form"
                )
            pixels = np.where(labels > 0, labels + MOTS_PER_CLASS, 0).astype(np.uint16)
            with replacing(target / f"{frame}.png") as part:
                PillowImage.fromarray(pixels).save(part, format="PNG", compress_level=1)
            step()
        write_text(target / "labels.txt", f"{CATEGORY}\n")
        written.append(target)
    return written


def write_object_masks(folders: Sequence[LabelMapFolder], out: Path, step: Step) -> list[Path]:
    """Write a black and white PNG an object and frame, as SA-V has them: SEQUENCE/000/FRAME.png is object 1."""
    from PIL import Image as PillowImage

    written = []
    for each in folders:
        places = {k: out / each.name / f"{k - FIRST_ID:03d}" for k in each.object_ids()}
        for place in places.values():
            remove_stale_parts_below(place, ".png")
        for frame, labels in each.labels():
            for k, place in places.items():
                image = PillowImage.fromarray(np.where(labels == k, VOID, 0).astype(np.uint8))
                with replacing(place / f"{frame}.png") as part:
                    image.save(part, format="PNG", compress_level=1)
            step()
        written.append(out / each.name)
    return written


def write_zip(folders: Sequence[LabelMapFolder], out: Path, step: Step) -> list[Path]:
    """Write one zip of indexed PNG files, SEQUENCE/FRAME.png, as DAVIS takes results."""
    path = out / "masks.zip"
    remove_stale_parts(path)
    with replacing(path) as part, zipfile.ZipFile(part, "w") as archive:
        for each in folders:
            for frame, label_map in each.paths.items():
                each.read(frame)  # a damaged file, or one of another size, is not passed on
                # PNG is compressed already; a fixed date makes equal archives of equal label maps.
                entry = zipfile.ZipInfo(f"{each.name}/{frame}.png", (1980, 1, 1, 0, 0, 0))
                archive.writestr(entry, file_bytes(label_map))
                step()
    return [path]


EXPORTS: dict[str, Callable[[Sequence[LabelMapFolder], Path, Step], list[Path]]] = {
    "overlay": write_overlays,
    "coco": write_coco,
    "youtube-vis": write_youtube_vis,
    "mot": write_mots,
    "per-object": write_object_masks,
    "davis": write_zip,
}
"""The forms, by what `--format` calls them."""
