"""Folders of PNG files: MOTS, SA-V's one mask an object, and DAVIS's label maps."""

import re
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from vos_bench.api import Mask
from vos_bench.errors import BadInputError
from vos_bench.files import read_bytes
from vos_bench.files.listing import files_in, folders_in
from vos_bench.formats.mask_folders import MOTS_PER_CLASS, object_folders, read_object_mask
from vos_bench.formats.mask_mistakes import require_as_meant
from vos_bench.importing.regions import Annotations, Region
from vos_bench.labelmaps import (
    VOID,
    WHITE_NOTE,
    NarrowLabels,
    object_ids,
    read_label_map,
    read_narrow,
    read_size,
    white_object,
)
from vos_bench.names import counted

MOTS_IGNORED = 10
"""The class of regions that nobody is to look at."""

FIRST_OBJECT = "000"
"""The first folder of masks where each object has one."""

_RESOLUTION = re.compile(r"\d+p|Full-Resolution")
"""Names of the levels that DAVIS has above its sequences."""

IMAGES = frozenset({".jpg", ".jpeg", ".png", ".bmp"})


def read_mots(path: Path, size: tuple[int, int] | None) -> Annotations:
    """Read MOTS PNG: `SEQUENCE/instances/FRAME.png` (CVAT, datumaro), `instances/SEQUENCE/` (KITTI) or `SEQUENCE/`."""
    del size
    found, read = Annotations(), _last_read()
    for sequence, folder, images in _mots_folders(path):
        if files := {file.stem: file for file in files_in(folder, ".png")}:
            found.sizes[sequence] = read_size(next(iter(files.values())))
            found.frames[sequence] = _frames_of(found, sequence, files, images)
            _add_mots_regions(found, sequence, folder, files, read)
    return found


def _add_mots_regions(
    found: Annotations, sequence: str, folder: Path, files: dict[str, Path], read: Callable[[Path], NarrowLabels]
) -> None:
    size, labels = found.sizes[sequence], _labels(folder)
    values = {frame: object_ids(_sized(read_label_map(file), file, size)) for frame, file in files.items()}
    everything = {value for each in values.values() for value in each}
    kept = {value for value in everything if value // MOTS_PER_CLASS not in (0, MOTS_IGNORED)}
    if everything and max(everything) < MOTS_PER_CLASS:
        raise BadInputError(
            f"{folder}: holds no value above {max(everything)}; expected {MOTS_PER_CLASS} x class + object, as in "
            "MOTS PNG: label maps of plain ids are --from davis"
        )
    if kept < everything:
        found.notes.append(f"{sequence}: regions of class 10, to be ignored, and pixels without a class are background")
    unique = len({value % MOTS_PER_CLASS for value in kept}) == len(kept)
    if not unique:  # an object's number means something only with its class
        found.notes.append(f"{sequence}: objects of two classes share numbers; ids are 1000 x class + object")
    for frame, here in values.items():
        for value in here:
            if value in kept:
                kind, number = divmod(value, MOTS_PER_CLASS)
                label = labels[kind - 1] if kind <= len(labels) else f"class {kind}"
                mask = partial(_equal, read, files[frame], value)
                found.regions.append(Region(sequence, frame, number if unique else value, label, mask))


def _last_read() -> Callable[[Path], NarrowLabels]:
    """Return a reader that keeps the last file, since its objects are asked for one after the other."""
    return lru_cache(maxsize=1)(read_narrow)


def _equal(read: Callable[[Path], NarrowLabels], file: Path, value: int) -> Mask:
    mask: Mask = read(file) == value
    return mask


def _mots_folders(path: Path) -> list[tuple[str, Path, Path]]:
    """Return each sequence's name, folder of label maps and folder of frames, which may not be there."""
    name = path.absolute().name
    if (path / "instances").is_dir():
        inside = folders_in(path / "instances")
        if inside:
            return [(each.name, each, path / "images" / each.name) for each in inside]
        return [(name, path / "instances", path / "images")]
    folders = folders_in(path)
    if any((each / "instances").is_dir() for each in folders):
        return [found for each in folders for found in _mots_folders(each)]
    return [(each.name, each, each / "images") for each in folders] or [(name, path, path / "images")]


MOST_LABEL_BYTES = 1 << 20
"""The largest list of labels that is read."""


def _labels(folder: Path) -> list[str]:
    try:
        return read_bytes(folder / "labels.txt", most=MOST_LABEL_BYTES).decode("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []


def _frames_of(found: Annotations, sequence: str, files: dict[str, Path], images: Path) -> list[str]:
    """Return the names of all frames: those of the images, or the numbers that a gap leaves out, besides the files."""
    names = {*files}
    if images.is_dir():
        names |= {image.stem for image in files_in(images, *IMAGES)}
    names |= _between(names)
    if added := len(names) - len(files):
        found.notes.append(
            f"{sequence}: {counted(added, 'frame has', 'frames have')} no file, for MOTS PNG omits empty ones: "
            "written as empty"
        )
    elif not images.is_dir():
        found.notes.append(f"{sequence}: frames without objects before the first and after the last file are not known")
    return sorted(names)


def _between(names: set[str]) -> set[str]:
    """Return the numbered names that are missing between the first and the last."""
    parted = [re.fullmatch(r"(.*?)(\d+)", name) for name in names]
    if not names or any(each is None for each in parted):
        return set()
    prefixes = {each[1] for each in parted if each}
    if len(prefixes) > 1:
        return set()
    numbers = [int(each[2]) for each in parted if each]
    width = min(len(each[2]) for each in parted if each)
    if max(numbers) - min(numbers) > 100 * len(numbers):
        return set()  # time stamps, not numbers
    step = int(np.gcd.reduce(np.diff(sorted(numbers)))) if len(numbers) > 1 else 1
    numbered = range(min(numbers), max(numbers) + 1, max(1, step))
    return {f"{min(prefixes)}{number:0{width}d}" for number in numbered if number not in numbers}


def read_sav(path: Path, size: tuple[int, int] | None) -> Annotations:
    """Read a black and white PNG an object and frame: `SEQUENCE/OBJECT/FRAME.png`; object 000 is object 1."""
    del size
    found = Annotations()
    for root in [path] if object_folders(path) else folders_in(path):
        sequence, frames = root.absolute().name, set[str]()
        for k, name in object_folders(root).items():
            for file in files_in(root / name, ".png"):
                frames.add(file.stem)
                found.sizes.setdefault(sequence, read_size(file))
                found.regions.append(Region(sequence, file.stem, k, "object", partial(read_object_mask, file)))
        if frames:
            found.frames[sequence] = sorted(frames)
    return found


def _holds_sequences(level: Path) -> bool:
    """Return whether a folder is a level above sequences, and not one sequence with a folder for each object."""
    return bool(_RESOLUTION.fullmatch(level.name)) or FIRST_OBJECT not in object_folders(level).values()


def read_davis(path: Path, size: tuple[int, int] | None) -> Annotations:
    """Read label maps, `SEQUENCE/FRAME.png`, also below `Annotations/` and one more level such as `480p`."""
    del size
    found, root, read = Annotations(), path, _last_read()
    if (root / "Annotations").is_dir():
        root = root / "Annotations"
    inside = folders_in(root)
    if len(inside) == 1 and not files_in(inside[0], ".png") and _holds_sequences(inside[0]):
        root = inside[0]
    for folder in folders_in(root) or [root]:
        files = {file.stem: file for file in files_in(folder, ".png")}
        if not files:
            continue
        sequence = folder.absolute().name
        found.sizes[sequence] = read_size(next(iter(files.values())))
        found.frames[sequence] = list(files)
        ids = {frame: _object_ids(file, found.sizes[sequence]) for frame, file in files.items()}
        white = white_object(ids.values())
        if white is not None:
            found.notes.append(f"{sequence}: {WHITE_NOTE}")
        elif undecided := sum(VOID in each for each in ids.values()):
            where = counted(undecided, "frame")
            found.notes.append(f"{sequence}: 255 marks undecided pixels on {where}: kept, and of no object")
        for frame, file in files.items():
            for value in ids[frame]:
                k = white if value == VOID and white is not None else value
                mask = partial(_equal, read, file, value)
                found.regions.append(Region(sequence, frame, k, "object", mask, undecided=k == VOID))
    return found


def _sized(labels: NarrowLabels, file: Path, size: tuple[int, int]) -> NarrowLabels:
    """Return a label map after checking that it is as large as the first one. Raises BadInputError."""
    if labels.shape != size:
        raise BadInputError(
            f"{file}: is {labels.shape[1]}x{labels.shape[0]}, and the first of its sequence {size[1]}x{size[0]}; "
            "expected one size"
        )
    return labels


def _object_ids(file: Path, size: tuple[int, int]) -> tuple[int, ...]:
    labels = _sized(read_narrow(file), file, size)
    require_as_meant(file, labels)
    return object_ids(labels)
