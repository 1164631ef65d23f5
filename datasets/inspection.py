"""A close look at one sequence: every file's name, ends, size and ids."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vos_bench.api import Problem
from vos_bench.errors import BadInputError
from vos_bench.formats.mask_folders import merging_advice
from vos_bench.formats.mask_mistakes import is_smoothed, smoothed_problem
from vos_bench.names import counted, is_leftover, renaming, shorten

from .frames import LABEL_SUFFIXES, file_damage, image_size, list_images, order_problem, orientation, prefix_problem
from .masks import LabelReader, empty_problem, objects_in, size_problem
from .problems import BadDataError

Coverage = Literal["every frame", "first frame", "some frames"]

VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v"})
JPEG_SUFFIXES = frozenset({".jpg", ".jpeg"})

_AGAIN = "copy or unpack the data again"


@dataclass(frozen=True)
class Inspection:
    """What a dataset asks of its label maps.

    Attributes:
        coverage: Which frames have to have one.
        read_labels: Reads one.
    """

    coverage: Coverage
    read_labels: LabelReader


def inspect_sequence(frames_folder: Path, labels_folder: Path, inspection: Inspection) -> list[Problem]:
    """Return what is wrong with a sequence; of each kind of problem the first, with the number of the others."""
    try:
        frames = require_frames(frames_folder)
        labels = require_label_maps(labels_folder)
        require_partners(frames_folder, frames, labels, inspection.coverage)
    except BadDataError as refusal:
        return [refusal.problem]
    damaged = {path: damage for path in frames.values() if (damage := file_damage(path))}
    broken = [Problem(path, found, "a whole image", _AGAIN) for path, found in damaged.items()]
    sizes = {name: image_size(path) for name, path in frames.items() if path not in damaged}
    return [
        *_first_of(broken),
        *filter(None, [prefix_problem(frames_folder, frames)]),
        *_first_of(_uneven(frames, sizes)),
        *_first_of(_turned_alone(frames)),
        *_inspect_labels(labels, frames, sizes, inspection),
    ]


def require_frames(folder: Path) -> dict[str, Path]:
    """Return a sequence's frames. Raises BadDataError when there are none or their order is unclear."""
    frames = list_images(folder)
    if not frames:
        found, remedy = other_files(folder)
        raise BadDataError(Problem(folder, found, "frames as .jpg, .png or .bmp", remedy))
    if problem := order_problem(folder, frames):
        raise BadDataError(problem)
    return frames


def require_label_maps(folder: Path) -> dict[str, Path]:
    """Return a sequence's label maps. Raises BadDataError when there are none."""
    labels = list_images(folder, LABEL_SUFFIXES)
    if labels:
        return labels
    others = list_images(folder)
    if not others:
        found, remedy = other_files(folder, "label map")
        raise BadDataError(Problem(folder, found, "label maps as .png", remedy))
    first = next(iter(others.values()))
    found = f"{counted(len(others), 'file')} like {first.name}"
    remedy = "save them as PNG, which keeps the ids"
    if first.suffix.lower() in JPEG_SUFFIXES:
        remedy = "JPEG blurs the ids, so they cannot be saved; get or export the label maps as PNG"
    raise BadDataError(Problem(folder, found, "label maps as .png", remedy))


def other_files(folder: Path, what: str = "image") -> tuple[str, str]:
    """Return what lies in a folder without the files that are looked for, and what to do with it."""
    inside = sorted(path for path in folder.iterdir() if not is_leftover(path.name))
    if videos := [path for path in inside if path.suffix.lower() in VIDEO_SUFFIXES]:
        remedy = (
            f"vos-bench segment {videos[0].name} takes a video as it is; for a dataset take the frames out: "
            f"ffmpeg -i {videos[0].name} -start_number 0 -q:v 2 FOLDER/%05d.jpg"
        )
        return f"the video {videos[0].name}", remedy
    if folders := [path for path in inside if path.is_dir()]:
        deeper = next((path for path in folders if list_images(path)), None)
        if deeper is not None and what != "image":
            found = f"a folder for each object ({shorten(path.name for path in folders)}), as SA-V has them"
            return found, merging_advice(folder.parent, (path.name for path in folders))
        return f"folders ({shorten(path.name for path in folders)})", "put the files directly into it"
    if inside:
        kind = inside[0].suffix or "no suffix"
        to = "label maps to PNG" if what != "image" else "frames to JPEG or PNG"
        return (
            f"{counted(len(inside), 'file')} like {inside[0].name} ({kind})",
            f"convert the {to}, under the same names",
        )
    return f"no {what}", _AGAIN


def require_partners(folder: Path, frames: Mapping[str, Path], labels: Mapping[str, Path], coverage: Coverage) -> None:
    """Check that label maps and frames belong together. Raises BadDataError."""
    if lost := [name for name in labels if name not in frames]:
        remedy = renaming(lost, [name for name in frames if name not in labels])
        remedy = remedy or _several_a_frame(lost, frames) or "get the missing frames, or remove these label maps"
        found = (
            f"{counted(len(frames), 'frame')} and {counted(len(labels), 'label map')}, {len(lost)} of them "
            f"without a frame: {shorten(lost)}"
        )
        raise BadDataError(Problem(folder, found, "a frame for every label map", remedy))
    wanted = {"every frame": list(frames), "first frame": list(frames)[:1], "some frames": []}[coverage]
    if lost := [name for name in wanted if name not in labels]:
        found = f"{counted(len(frames), 'frame')} and {counted(len(labels), 'label map')}; without one: {shorten(lost)}"
        raise BadDataError(Problem(folder, found, f"a label map for {coverage}", _AGAIN))


def _several_a_frame(lost: list[str], frames: Collection[str]) -> str:
    """Return what to do with files of one object each, named after their frame and the object; else nothing."""
    behind = [re.fullmatch(r"(.+?)[-_. ]+([^-_. ]+)", name) for name in lost]
    before = [re.fullmatch(r"([^-_. ]+)[-_. ]+(.+)", name) for name in lost]
    for found, place in ((behind, 1), (before, 2)):
        of = [each[place] for each in found if each]
        if len(of) == len(lost) > len(set(of)) and set(of) <= {*frames}:
            several = shorten(name for name, frame in zip(lost, of, strict=True) if frame == of[0])
            return (
                f"{several} seem to be of the one frame {of[0]}, a file an object: merge them into one label map "
                f"{of[0]}.png, with the id of each object as its label"
            )
    return ""


def _first_of(problems: Iterable[Problem]) -> list[Problem]:
    several = list(problems)
    if len(several) < 2:
        return several
    return [several[0]._replace(found=f"{several[0].found} (and {len(several) - 1} more like it in this folder)")]


def _uneven(frames: Mapping[str, Path], sizes: Mapping[str, tuple[int, int]]) -> list[Problem]:
    first = next(iter(sizes.values()), None)
    return [
        Problem(
            frames[name],
            f"{size[0]} x {size[1]} pixels",
            f"{first[0]} x {first[1]} as the first frame has (height x width)",
            "bring all frames of a sequence to one size",
        )
        for name, size in sizes.items()
        if first is not None and size != first
    ]


def _turned_alone(frames: Mapping[str, Path]) -> list[Problem]:
    """Return the frames that are turned otherwise than the first, which a square shape hides."""
    turned = {path: orientation(path) for path in frames.values()}
    first = next(iter(turned.values()), 1)
    return [
        Problem(
            path,
            f"that its EXIF data turn it (orientation {each})",
            f"orientation {first} as the first frame has",
            "write all frames of a sequence without EXIF data, each as its label map is drawn",
        )
        for path, each in turned.items()
        if each != first
    ]


def _inspect_labels(
    labels: Mapping[str, Path],
    frames: Mapping[str, Path],
    sizes: Mapping[str, tuple[int, int]],
    inspection: Inspection,
) -> list[Problem]:
    by_kind: dict[str, list[Problem]] = {"read": [], "size": [], "smooth": []}
    empty: list[Problem] = []
    for name, path in labels.items():
        try:
            read = inspection.read_labels(path)
        except BadInputError as error:
            by_kind["read"].append(_as_problem(error, path))
            continue
        if name in sizes and read.shape != sizes[name]:
            by_kind["size"].append(size_problem(path, read.shape, sizes[name], frames[name]))
        ids = objects_in(read)
        if is_smoothed(read):
            by_kind["smooth"].append(smoothed_problem(path, len(ids)))
        if not ids:
            empty.append(empty_problem(path, read))
    problems = [problem for kind in by_kind.values() for problem in _first_of(kind)]
    return problems + _missing_objects(labels, empty, inspection)


def _missing_objects(labels: Mapping[str, Path], empty: list[Problem], inspection: Inspection) -> list[Problem]:
    """Return the first empty label map where that leaves nothing to start from; later ones may well be empty."""
    nowhere = len(empty) == len(labels)
    on_first = bool(empty) and empty[0].path == next(iter(labels.values()))
    return empty[:1] if nowhere or (on_first and inspection.coverage != "some frames") else []


def _as_problem(error: BadInputError, path: Path) -> Problem:
    if isinstance(error, BadDataError):
        return error.problem
    found = str(error).removeprefix(f"{path}: ").removeprefix("found ")
    return Problem(path, found, "a label map", "save it as an indexed PNG")
