"""Croissant metadata of a folder of your own videos: JPEGImages/SEQUENCE and Annotations/SEQUENCE.

Source: Croissant Format Specification 1.0 (mlcommons.org/croissant/1.0), which the readers of hubs know; 1.1 was a
release candidate. Files are described by pattern, relative to the folder that holds `croissant.json`.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypedDict

from vos_bench import registry
from vos_bench.api import Dataset, Sequence
from vos_bench.errors import BadInputError
from vos_bench.exporting.about import require_about
from vos_bench.files import write_text
from vos_bench.names import counted
from vos_bench.progress import Progress

CONFORMS_TO = "http://mlcommons.org/croissant/1.0"
FILE = "croissant.json"

CROISSANT_ABOUT = ("name", "description", "license", "url", "creator", "date", "version", "cite")
"""What `--about` may say."""

NEEDED = {
    "license": "https://creativecommons.org/licenses/by/4.0/",
    "url": "https://…",
    "creator": "NAME",
    "date": "2026-11-29",
}
"""What the specification requires and no file says, with an example."""

MIME = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png", ".bmp": "image/bmp"}
FRAMES, LABEL_MAPS = "JPEGImages", "Annotations"

CONTEXT: Mapping[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The prefixes and names of the specification's appendix."""


class _Files(TypedDict):
    """The part of the metadata that describes files."""

    distribution: list[dict[str, Any]]


def export_croissant(
    folder: str | Path, *, out: str | Path, about: Mapping[str, str] | None = None, progress: Progress | None = None
) -> list[Path]:
    """Write `croissant.json`, which belongs in the folder that it describes.

    Args:
        folder: Holds `JPEGImages` and `Annotations`.
        out: The folder to write.
        about: One of `CROISSANT_ABOUT` each.
        progress: Hears about progress.

    Returns:
        The file that was written.

    Raises:
        BadInputError: The folder holds something else, something that the specification requires is not said, or the
            file cannot be written.
    """
    about, folder = about or {}, Path(folder)
    require_about(about, "croissant", NEEDED)
    opened = registry.open_own_videos(folder)
    names = opened.sequence_names
    with (progress or Progress()).counting("sequences", len(names)) as step:
        sequences = [_sequence_row(opened.sequence(name), step) for name in names]
    path = Path(out) / FILE
    write_text(path, json.dumps(_metadata(opened, sequences, about), indent=2, ensure_ascii=False) + "\n")
    return [path]


def _sequence_row(sequence: Sequence, step: Any) -> dict[str, Any]:
    objects = {k for frame in sequence.prompt_frames for k in sequence.read_prompt(frame).object_ids}
    step()
    return {
        "sequences/name": sequence.name,
        "sequences/frames": len(sequence.frame_names),
        "sequences/label_maps": len(sequence.truth_names) or len(sequence.prompt_frames),
        "sequences/objects": len(objects),
    }


def _metadata(opened: Dataset, sequences: list[dict[str, Any]], about: Mapping[str, str]) -> dict[str, Any]:
    frames = sum(row["sequences/frames"] for row in sequences)
    described = (
        f"{counted(len(sequences), 'video')} for video object segmentation, {counted(frames, 'frame')} together: "
        f"frames in {FRAMES}, and in {LABEL_MAPS} label maps of the same names, whose pixels are ids of objects, 0 for "
        "background."
    )
    optional = {"version": about.get("version"), "citeAs": about.get("cite")}
    return {
        "@context": dict(CONTEXT),
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": about.get("name", opened.root.resolve().name),
        "description": about.get("description", described),
        "license": about["license"],
        "url": about["url"],
        "creator": {"@type": "sc:Person", "name": about["creator"]},
        "datePublished": about["date"],
        **{name: value for name, value in optional.items() if value is not None},
        "keywords": ["video object segmentation", "video", "segmentation"],
        **_Files(
            distribution=[_file_set(opened, "frame-files", FRAMES), _file_set(opened, "label-map-files", LABEL_MAPS)]
        ),
        "recordSet": [
            _image_records("frames", "frame", "image", "frame-files", "One record a frame."),
            _image_records("label_maps", "frame", "labels", "label-map-files", "One record a label map."),
            _sequence_records(sequences),
        ],
    }


def _file_set(opened: Dataset, name: str, top: str) -> dict[str, Any]:
    base, prefix = _sequences_folder(opened, top)
    suffixes = sorted(
        {
            path.suffix
            for each in opened.sequence_names
            for path in (base / each).iterdir()
            if path.suffix.lower() in MIME
        }
    )
    kinds = list(dict.fromkeys(MIME[suffix.lower()] for suffix in suffixes))
    return {
        "@type": "cr:FileSet",
        "@id": name,
        "name": name,
        "description": f"{prefix}/SEQUENCE/FRAME",
        "encodingFormat": kinds[0] if len(kinds) == 1 else kinds,
        "includes": _one_or_all([f"{prefix}/*/*{suffix}" for suffix in suffixes]),
    }


def _one_or_all(texts: list[str]) -> str | list[str]:
    return texts[0] if len(texts) == 1 else texts


def _sequences_folder(opened: Dataset, top: str) -> tuple[Path, str]:
    """Return the folder that holds one folder a sequence, and its path in the dataset; one level may lie between."""
    first = opened.sequence_names[0]
    base = opened.root / top
    for folder in (base, *sorted(path for path in base.iterdir() if path.is_dir())):
        if (folder / first).is_dir():
            return folder, folder.relative_to(opened.root).as_posix()
    raise BadInputError(f"{base}: found no folder {first}, expected one folder a sequence")


def _image_records(name: str, key: str, image: str, files: str, description: str) -> dict[str, Any]:
    def field(called: str, kind: str, extract: str, regex: str = "") -> dict[str, Any]:
        source: dict[str, Any] = {"fileSet": {"@id": files}, "extract": {"fileProperty": extract}}
        if regex:
            source["transform"] = {"regex": regex}
        return {"@type": "cr:Field", "@id": f"{name}/{called}", "name": called, "dataType": kind, "source": source}

    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": description,
        "key": [{"@id": f"{name}/sequence"}, {"@id": f"{name}/{key}"}],
        "field": [
            field("sequence", "sc:Text", "fullpath", r".*/([^/]+)/[^/]+$"),
            field(key, "sc:Text", "filename", r"(.+)\.[^.]+$"),
            field(image, "sc:ImageObject", "content"),
        ],
    }


def _sequence_records(rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    kinds = {"name": "sc:Text", "frames": "sc:Integer", "label_maps": "sc:Integer", "objects": "sc:Integer"}
    return {
        "@type": "cr:RecordSet",
        "@id": "sequences",
        "name": "sequences",
        "description": "One record a video: its frames, its label maps and its objects.",
        "key": {"@id": "sequences/name"},
        "field": [
            {"@type": "cr:Field", "@id": f"sequences/{name}", "name": name, "dataType": kind}
            for name, kind in kinds.items()
        ],
        "data": list(rows),
    }
