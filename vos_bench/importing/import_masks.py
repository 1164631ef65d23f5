"""`vos-bench import-masks`: from the regions of a form to label maps under ids that stay the same."""

import filecmp
import shutil
import tempfile
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from vos_bench.api import LabelMap, Mask
from vos_bench.errors import BadInputError
from vos_bench.files import remove_stale_parts, require_regular
from vos_bench.files.durability import make_folder, sync_contents, sync_folder
from vos_bench.files.folders import part_folder
from vos_bench.files.listing import ARCHIVES, files_in, folders_in
from vos_bench.formats.mask_folders import object_folders
from vos_bench.formats.png import MAX_PIXELS
from vos_bench.importing.coco import read_coco, read_youtube_vis
from vos_bench.importing.cvat import read_cvat
from vos_bench.importing.label_studio import read_label_studio
from vos_bench.importing.pngs import read_davis, read_mots, read_sav
from vos_bench.importing.regions import Annotations, Region
from vos_bench.labelmaps import VOID, write_label_map
from vos_bench.names import counted, did_you_mean, is_file_name, shorten
from vos_bench.progress import Progress
from vos_bench.prompts import LARGEST_ID

Item = TypeVar("Item")

MOST_BYTES = 1 << 34
"""The largest file that is opened, and the most that a zip may unpack to."""

IMPORTS: Mapping[str, Callable[[Path, tuple[int, int] | None], Annotations]] = {
    "cvat": read_cvat,
    "mots": read_mots,
    "label-studio": read_label_studio,
    "coco": read_coco,
    "youtube-vis": read_youtube_vis,
    "sav": read_sav,
    "davis": read_davis,
}
"""The forms, by what `--from` calls them."""


LAYOUTS = {
    "mots": "SEQUENCE/instances/FRAME.png, instances/SEQUENCE/FRAME.png or SEQUENCE/FRAME.png",
    "sav": "SEQUENCE/OBJECT/FRAME.png, with 000, 001, ... as OBJECT",
    "davis": "SEQUENCE/FRAME.png; of several resolutions, name the folder of one",
}
"""What is looked for, in forms that are folders of PNG files."""


class ImportedMasks(NamedTuple):
    """What `import_masks` wrote.

    Attributes:
        folder: Holds `Annotations/SEQUENCE/FRAME.png`.
        frames: Sequence to how many label maps it has.
        objects: Sequence to each object's id and what the tool called it.
        notes: What could not be kept, and what was understood in a way that a user should know.
    """

    folder: Path
    frames: dict[str, int]
    objects: dict[str, dict[int, str]]
    notes: tuple[str, ...]


def import_masks(
    source: str | Path,
    form: str,
    *,
    out: str | Path,
    size: tuple[int, int] | None = None,
    progress: Progress | None = None,
) -> ImportedMasks:
    """Turn the export of an annotation tool into label maps, as `vos-bench import-masks` does.

    Args:
        source: The export: a file, a folder or a zip of it.
        form: One of `IMPORTS`.
        out: The folder to write; label maps go to `Annotations/SEQUENCE/FRAME.png` in it.
        size: Height and width of the frames, for exports that do not say.
        progress: Hears about progress.

    Raises:
        BadInputError: It is not what `form` says, holds nothing, loses which region is which object, or `out` holds
            other label maps of these sequences.
    """
    if form not in IMPORTS:
        raise BadInputError(f"--from {form}: {did_you_mean(form, IMPORTS)}")
    path, folder = Path(source), Path(out)
    with _unpacked(path) as opened, _named(opened, path):
        _require_unpacked(path, opened)
        _refuse_instance_masks(opened)
        found = _read(opened, form, size)
        if not found.frames:
            raise BadInputError(f"{path}: {_nothing_found(opened, form)}")
        _require_sound(path, found)
        if size is not None and not found.size_given:
            _require_same_size(path, found, size)
        names = {sequence: _ids(found, sequence) for sequence in found.frames}
        remove_stale_parts(folder / "Annotations")  # also where label maps of a killed start are in the way
        there = _require_room(folder, found)
        total = sum(len(frames) for frames in found.frames.values())
        overlaps = 0
        counting = (progress or Progress()).counting(form, total)
        with counting as step, _staged(folder / "Annotations", found.frames) as staged:
            for sequence in found.frames:
                for frame, labels, overlapping in _label_maps(found, sequence, names[sequence].of):
                    write_label_map(staged / sequence / f"{frame}.png", labels, durable=False)
                    overlaps += overlapping
                    step()
    notes = [*found.notes, *(note for each in names.values() for note in each.notes)]
    if overlaps:
        notes.append(
            f"objects overlap on {counted(overlaps, 'frame')}: a label map has one object a pixel, the upper one"
        )
    if there:
        notes.append(f"{shorten(there, 6)}: the same label maps were there already, and stay")
    frames = {sequence: len(each) for sequence, each in found.frames.items()}
    return ImportedMasks(folder, frames, {sequence: each.titles for sequence, each in names.items()}, tuple(notes))


def _require_unpacked(path: Path, opened: Path) -> None:
    """Raise BadInputError where a folder holds nothing but archives, or nothing at all."""
    if not opened.is_dir():
        return
    files = [each for folder in (opened, *folders_in(opened)) for each in files_in(folder)]
    packed = [each for each in files if each.suffix.lower() in ARCHIVES]
    deeper = any(folders_in(folder) for folder in folders_in(opened))
    if not files and not deeper:
        raise BadInputError(f"{path}: is empty; expected the export of an annotation tool: export it again")
    if packed and len(packed) == len(files) and not deeper:
        inside = packed[0].name
        raise BadInputError(f"{path}: holds the archive {inside} and nothing else; unpack it, and give its folder")


def _nothing_found(opened: Path, form: str) -> str:
    """Say what holds no masks of a form."""
    if form in ("davis", "mots") and any(map(object_folders, [opened, *folders_in(opened)])):
        return f"holds one folder an object, which is the form sav; expected {LAYOUTS[form]}"
    return f"holds no masks of the form {form}; expected {LAYOUTS.get(form, 'an export of it')}"


def _read(path: Path, form: str, size: tuple[int, int] | None) -> Annotations:
    try:
        return IMPORTS[form](path, size)
    except (AttributeError, IndexError, KeyError, OSError, OverflowError, TypeError, ValueError) as error:
        what = f"{type(error).__name__}: {error}"
        raise BadInputError(f"{path}: is damaged, or not of the form {form}: {what}; export it again") from error


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    """Yield what lies in a zip as a folder, everything else as it is."""
    if not path.exists():
        raise BadInputError(f"{path}: there is no such file or folder; expected the export of an annotation tool")
    if path.is_file() and path.suffix.lower() in ARCHIVES - {".zip"}:
        raise BadInputError(f"{path}: is an archive that is not a zip; unpack it, and give its folder")
    if path.is_dir() or not _is_zip(path):
        yield path
        return
    from vos_bench.download import unpack  # here: it loads what downloads need

    with tempfile.TemporaryDirectory(prefix="vos-bench-") as folder:
        target = Path(folder) / path.stem  # its name is that of a sequence that has no other
        target.mkdir()
        unpack(path, target, most=MOST_BYTES, remedy="export it again, or unpack it and give the folder")
        yield target


@contextmanager
def _named(opened: Path, path: Path) -> Iterator[None]:
    """Let messages name the zip, and not the folder that it was unpacked to."""
    try:
        yield
    except BadInputError as error:
        if opened == path or str(opened) not in str(error):
            raise
        raise BadInputError(str(error).replace(str(opened), str(path))) from error


def _is_zip(path: Path) -> bool:
    try:
        require_regular(path, most=MOST_BYTES)
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read: {error.strerror or error}; expected an export") from None
    return zipfile.is_zipfile(path)


def _require_sound(path: Path, found: Annotations) -> None:
    """Raise BadInputError where frames cannot be files of their own, or have no size that label maps may have."""
    for sequence, frames in found.frames.items():
        height, width = found.sizes[sequence]
        if height < 1 or width < 1 or height * width > MAX_PIXELS:
            raise BadInputError(
                f"{path}: the frames of {sequence} are said to be {width}x{height}; expected 1 to {MAX_PIXELS} pixels"
            )
        seen: set[str] = set()
        for frame in frames:
            if not is_file_name(frame):
                raise BadInputError(
                    f"{path}: {sequence} has the frame {frame!r:.200}, which cannot be the name of a file; rename it"
                )
            if frame in seen:
                raise BadInputError(
                    f"{path}: frame {frame} of {sequence} is there twice, as where two videos have one name\n"
                    "  expected each once: give each video a folder of its own name and export again"
                )
            seen.add(frame)


def _require_same_size(path: Path, found: Annotations, size: tuple[int, int]) -> None:
    """Note that an export says itself how large its frames are. Raises BadInputError where that is another size."""
    for sequence, (height, width) in found.sizes.items():
        if (height, width) != size:
            raise BadInputError(
                f"--size {size[1]}x{size[0]}: {path} says itself that the frames of {sequence} are {width}x{height}\n"
                "  leave it out, or export again from frames of the right size"
            )
    found.notes.append("--size had no effect: the export says itself how large its frames are")


def _refuse_instance_masks(path: Path) -> None:
    """Raise BadInputError for Pascal VOC's form, which numbers objects anew on every frame."""
    if path.is_dir() and next(path.rglob("SegmentationObject"), None) is not None:
        raise BadInputError(
            f"{path}: is a `Segmentation mask` export (Pascal VOC), which numbers objects anew on every frame\n"
            "  so nobody knows which is which: export `CVAT for video 1.1`, `MOTS PNG 1.0` or COCO with tracks"
        )


class _Names(NamedTuple):
    """Which id each region gets, what the objects are called, and what a user should know of it."""

    of: Callable[[Region], int]
    titles: dict[int, str]
    notes: tuple[str, ...]


def _ids(found: Annotations, sequence: str) -> _Names:
    """Decide the ids of a sequence's objects: their tracks, or their labels where there are no tracks."""
    if not is_file_name(sequence):
        raise BadInputError(f"sequence {sequence!r}: cannot be the name of a folder; rename it in the export")
    regions = [region for region in found.regions if region.sequence == sequence and not region.undecided]
    tracked = [region for region in regions if region.track is not None]
    if tracked and len(tracked) < len(regions):
        lost = next(region for region in regions if region.track is None)
        raise BadInputError(
            f"{sequence}: {len(regions) - len(tracked)} of {counted(len(regions), 'region')} without a track, "
            f"as {lost.label!r} "
            f"on frame {lost.frame}; expected all or none: give each its track and export again"
        )
    return _by_track(sequence, tracked) if tracked else _by_label(found, sequence, regions)


def _by_track(sequence: str, regions: Sequence[Region]) -> _Names:
    tracks = {region.track or 0: region.label for region in regions}
    first = 1 if min(tracks) < 1 else 0  # some tools count from 0, which is the background here
    notes = (f"{sequence}: tracks are numbered from 0, objects from 1: track k is object k + 1",) if first else ()
    order = {track: track + first for track in tracks}
    if not all(0 < k <= LARGEST_ID and k != VOID for k in order.values()):
        order = _numbered(sequence, sorted(tracks))
        notes = (
            f"{sequence}: track numbers do not fit a label map, where 255 marks undecided pixels; objects are numbered "
            "in their order",
        )
    titles = {order[track]: f"track {track} ({label})" for track, label in sorted(tracks.items())}
    return _Names(lambda region: order[region.track or 0], titles, notes)


def _by_label(found: Annotations, sequence: str, regions: Sequence[Region]) -> _Names:
    counts = Counter((region.frame, region.label) for region in regions)
    several = [key for key, count in counts.items() if count > 1]
    notes: tuple[str, ...] = ()
    if several and not found.one_object_a_label:
        frame, label = several[0]
        raise BadInputError(
            f"{sequence}: frame {frame} has {counts[several[0]]} regions {label!r}, and no track says which is which "
            "on the next frame\n"
            "  export with tracks (`CVAT for video 1.1`, `MOTS PNG 1.0`, or a `track_id` of each)"
        )
    order = _numbered(sequence, sorted({region.label for region in regions}))
    if several:
        notes = (
            f"{sequence}: several regions of one label on one frame are one object ({counted(len(several), 'time')})",
        )
    if order:
        notes = (*notes, f"{sequence}: there are no tracks; each label is one object: {shorten(order, 6)}")
    return _Names(lambda region: order[region.label], {k: label for label, k in order.items()}, notes)


def _numbered(sequence: str, objects: Iterable[Item]) -> dict[Item, int]:
    """Number objects in their order; 255 marks undecided pixels. Raises BadInputError where there are too many."""
    free = [k for k in range(1, LARGEST_ID + 1) if k != VOID]
    named = [*objects]
    if len(named) > len(free):
        raise BadInputError(f"{sequence}: has {len(named)} objects; a label map has room for {len(free)}")
    return dict(zip(named, free, strict=False))


def _require_room(folder: Path, found: Annotations) -> list[str]:
    """Return the sequences that have label maps for the same frames already, as after a kill between two moves.

    Raises BadInputError where anything else is in the way, or the disk is full.
    """
    there = []
    for sequence, frames in found.frames.items():
        target = folder / "Annotations" / sequence
        if target.exists() and not target.is_dir():
            raise BadInputError(f"{target}: is a file; give another --out, or remove it")
        names = {each.name for each in target.iterdir()} if target.exists() else set()
        if names and names != {f"{frame}.png" for frame in frames}:
            raise BadInputError(f"{target}: holds files; give another --out, or remove them")
        there += [sequence] if names else []
    if shutil.disk_usage(folder if folder.exists() else Path.cwd()).free < 1 << 20:
        raise BadInputError(f"{folder}: the disk is full; expected room for label maps")
    return there


@contextmanager
def _staged(folder: Path, sequences: Collection[str]) -> Iterator[Path]:
    """Yield a folder for label maps; all sequences go from it to their places when the block ends well, else none."""
    try:
        with part_folder(folder) as staged:
            yield staged
            sync_contents(staged)
            make_folder(folder)
            _move(staged, folder, [name for name in sequences if (staged / name).is_dir()])
            sync_folder(folder)
    except OSError as error:
        raise BadInputError(f"{folder}: cannot be written: {error.strerror or error}; expected free space") from error


def _move(staged: Path, folder: Path, sequences: Iterable[str]) -> None:
    """Move all sequences to their places, or none. Raises OSError, and BadInputError where others are in the way."""
    new = [name for name in sequences if not _is_there(staged / name, folder / name)]
    empty = [name for name in new if (folder / name).exists()]
    inodes = {name: (staged / name).stat().st_ino for name in new}
    try:
        for name in new:
            (staged / name).rename(folder / name)  # takes the place of an empty folder too
    except BaseException:
        for name in new:
            with suppress(OSError):  # what cannot be moved back is finished by the next start
                if (folder / name).stat().st_ino == inodes[name]:
                    (folder / name).rename(staged / name)
        for name in empty:
            with suppress(OSError):
                (folder / name).mkdir(exist_ok=True)
        raise


def _is_there(new: Path, old: Path) -> bool:
    """Say whether the place of a sequence holds the same files. Raises BadInputError where it holds others."""
    names = sorted(each.name for each in old.iterdir()) if old.exists() else []
    if not names:
        return False
    same, _, _ = filecmp.cmpfiles(new, old, names, shallow=False)
    if same != names or len(same) != sum(1 for _ in new.iterdir()):
        raise BadInputError(f"{old}: holds other label maps than this export; give another --out, or remove them")
    return True


def _drawn(region: Region) -> Mask:
    try:
        return region.mask()
    except BadInputError as error:
        raise BadInputError(f"{region.sequence}/{region.frame}, {region.label!r:.100}: {error}") from error


def _label_maps(
    found: Annotations, sequence: str, number: Callable[[Region], int]
) -> Iterator[tuple[str, LabelMap, bool]]:
    """Yield each frame with its label map, and whether objects overlap on it."""
    by_frame: dict[str, list[Region]] = defaultdict(list)
    for region in found.regions:
        if region.sequence == sequence:
            by_frame[region.frame].append(region)
    size = found.sizes[sequence]
    for frame in found.frames[sequence]:
        labels, overlapping = np.zeros(size, np.uint16), False
        for region in sorted(by_frame[frame], key=lambda each: each.height):
            mask, k = _drawn(region), VOID if region.undecided else number(region)
            if mask.shape != size:
                raise BadInputError(
                    f"{sequence}/{frame}: a mask is {mask.shape[1]}x{mask.shape[0]} and others {size[1]}x{size[0]}; "
                    "expected one size"
                )
            overlapping |= bool(((labels > 0) & (labels != k) & mask).any())
            labels[mask] = k
        yield frame, labels, overlapping
