"""Where the parts of a benchmark's tree lie: the split's folder, its lists, and a truth that comes without frames."""

import shlex
import zipfile
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from vos_bench.api import Problem
from vos_bench.names import counted, is_leftover, shorten

from .frames import LABEL_SUFFIXES, image_files
from .problems import BadDataError, folder_problem, likely_root, require_file_names, root_problem

FRAMES, LABELS = "JPEGImages", "Annotations"

MACOS_LEFTOVERS = "__MACOSX"
"""What archives from macOS carry along."""

AGAIN = "unpack the archive again"


def find_split(root: Path, names: tuple[str, ...], *, dataset: str, other: str = "") -> Path:
    """Return the folder of a split.

    Args:
        root: The dataset's root.
        names: What the folder is called, the published name first.
        dataset: The dataset's name.
        other: What people call the folder by mistake.

    Raises:
        BadInputError: There is no such folder; the message names the likely right root or the wrong name.
    """
    require_no_zip(root)
    if found := next((root / name for name in names if (root / name).is_dir()), None):
        return found
    if other and (root / other).is_dir():
        found_instead = f"no such folder (there is {other})"
        remedy = f"rename {root / other} to {names[0]}, as the authors call it"
        raise BadDataError(Problem(root / names[0], found_instead, f"the split's folder of {dataset}", remedy))
    problem = root_problem(root, names[0], dataset=dataset)
    raise BadDataError(problem or Problem(root / names[0], "no such folder", f"the root of {dataset}", AGAIN))


def require_folder(folder: Path, *, expected: str) -> Path:
    """Return a folder. Raises BadDataError when it is absent; the message names a wrapped one."""
    if problem := folder_problem(folder, expected=expected, remedy=AGAIN):
        nested = likely_below(folder.parent, folder.name) if folder.parent.is_dir() else None
        if nested is not None:
            remedy = f"move what {nested} holds one level up, into {folder.parent}"
            problem = problem._replace(found=f"it one level too deep, in {nested}", remedy=remedy)
        raise BadDataError(problem)
    return folder


def likely_below(folder: Path, marker: str) -> Path | None:
    """Return a folder inside `folder` that holds what should lie in `folder` itself, as a wrapped archive leaves it."""
    inside = sorted(path for path in folder.iterdir() if path.is_dir() and not is_leftover(path.name))
    return next((path for path in inside if (path / marker).exists()), None)


def find_file(places: Iterable[Path], *, expected: str, remedy: str) -> Path:
    """Return the first of several files that is there.

    Raises BadDataError where none is, naming the first, or the folder in which it should lie.
    """
    wanted = list(places)
    if found := next((path for path in wanted if path.is_file()), None):
        return found
    folder = wanted[0].parent
    if not folder.is_dir():
        raise BadDataError(_folder_missing(wanted[0], expected=expected, remedy=remedy))
    if nested := likely_below(folder, wanted[0].name):
        found_instead = f"{wanted[0].name} one level too deep, in {nested}"
        remedy = f"move what {nested} holds one level up, into {folder}"
        raise BadDataError(Problem(folder, found_instead, f"{wanted[0].name} directly in it", remedy))
    raise BadDataError(Problem(wanted[0], f"no such file ({_holds(folder)})", expected, remedy))


def _folder_missing(file: Path, *, expected: str, remedy: str) -> Problem:
    """Return the problem of a file whose folder is missing; it names the highest folder that is."""
    missing = next(each for each in reversed(file.parents) if not each.is_dir())
    if missing.exists():
        return Problem(missing, "a file", f"a folder with {file.relative_to(missing)}, {expected}", AGAIN)
    above = missing.parent
    if above.is_dir() and (nested := likely_below(above, str(file.relative_to(above)))):
        found, remedy = f"it one level too deep, in {nested}", f"move what {nested} holds one level up, into {above}"
    else:
        found = f"no such folder ({_holds(above)})"
    return Problem(missing, found, f"{file.relative_to(missing)} in it, {expected}", remedy)


def _holds(folder: Path) -> str:
    names = sorted(path.name for path in folder.iterdir() if not is_leftover(path.name))
    return f"{folder.name or folder} holds {shorten(names, 5) or 'nothing'}"


def depth_problem(folder: Path, names: Collection[str]) -> Problem | None:
    """Return what is wrong where none of the sequences lies in a folder, but all in one of its folders; else None."""
    if not folder.is_dir() or any((folder / name).is_dir() for name in names):
        return None
    inside = sorted(path for path in folder.iterdir() if path.is_dir())
    if nested := next((path for path in inside if any((path / name).is_dir() for name in names)), None):
        remedy = f"move what {nested} holds one level up, into {folder}"
        return Problem(folder, f"the sequences one level too deep, in {nested}", "one folder a sequence", remedy)
    return None


def sequence_folders(folder: Path) -> tuple[str, ...]:
    """Return the names of the folders in a folder, sorted as text.

    Raises:
        BadInputError: There is none, or one has a name that no sequence can have.
    """
    names = tuple(sorted(path.name for path in folder.iterdir() if path.is_dir() and not is_leftover(path.name)))
    if not names:
        images = image_files(folder)
        found = f"images such as {images[0].name}" if images else "no folder"
        raise BadDataError(Problem(folder, found, "one folder a sequence", AGAIN))
    require_file_names(folder, names)
    return names


def find_truth(truth: Path, *, dataset: str, folder: str = LABELS, splits: tuple[str, ...] = ()) -> Path:
    """Return the folder that holds one folder of truth a sequence: `TRUTH/Annotations`, or TRUTH itself.

    Args:
        truth: What `--truth` names.
        dataset: The dataset's name.
        folder: How the dataset calls the folder of annotations.
        splits: What the split's folder is called, for a user who names the dataset's root.

    Raises:
        BadInputError: There is no such folder; the message names the likely right one.
    """
    require_no_zip(truth)
    if problem := folder_problem(truth, expected=f"a tree of truth of {dataset}", remedy="check the path"):
        raise BadDataError(problem)
    if (truth / folder).is_dir():
        return truth / folder
    if holds_label_maps(truth):
        return truth
    remedy = f"expected {folder}/SEQUENCE/FRAME.png, or SEQUENCE/FRAME.png directly in it"
    if image_files(truth, LABEL_SUFFIXES):
        found, remedy = "label maps directly in it: it is one level too deep", f"give {truth.parent}"
    elif near := _split_below(truth, splits, folder) or likely_root(truth, folder):
        found, remedy = f"no folder {folder}", f"did you mean --truth {shlex.quote(str(near))} ?"
    else:
        found = (
            f"no label map in the folders of it ({shorten(sorted(path.name for path in truth.iterdir())) or 'empty'})"
        )
    raise BadDataError(Problem(truth, found, f"the truth of {dataset}", remedy))


def _split_below(root: Path, splits: tuple[str, ...], folder: str) -> Path | None:
    return next((root / name for name in splits if (root / name / folder).is_dir()), None)


def holds_label_maps(folder: Path) -> bool:
    """Say whether a folder holds folders of label maps, or folders with one folder of masks an object."""
    for path in sorted(folder.iterdir()):
        if not path.is_dir() or is_leftover(path.name):
            continue
        if image_files(path, LABEL_SUFFIXES):
            return True
        if any(child.is_dir() and image_files(child, LABEL_SUFFIXES) for child in path.iterdir()):
            return True
    return False


def require_no_zip(path: Path) -> None:
    """Refuse an archive where a folder is wanted. Raises BadDataError."""
    if not path.is_file() or path.suffix.lower() != ".zip":
        return
    try:
        with zipfile.ZipFile(path) as packed:
            entries = len(packed.namelist())
    except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError):
        raise BadDataError(Problem(path, "a damaged zip archive", "a folder", "get it again and unpack it")) from None
    found, remedy = (f"a zip archive of {counted(entries, 'file')}", "unpack it and give the folder")
    if not entries:
        found, remedy = "an empty zip archive", "get it again and unpack it"
    raise BadDataError(Problem(path, found, "a folder", remedy))


def release_problem(
    path: Path, *, count: int, split: str, dataset: str, releases: Mapping[str, Mapping[str, int]]
) -> Problem | None:
    """Return a problem when a split has not as many sequences as its release.

    Args:
        path: What lists them.
        count: How many there are.
        split: The split.
        dataset: The dataset's name.
        releases: For this dataset and those it is mistaken for, the number of sequences of each split.
    """
    wanted = releases[dataset].get(split, count)
    if count == wanted:
        return None
    found, remedy = counted(count, "sequence"), "get the whole release; scores on a part compare with no paper's"
    if others := [name for name, splits in releases.items() if splits.get(split) == count]:
        found, remedy = f"{found}, as {others[0]} has", f"use {others[0]}, or another --root"
    return Problem(path, found, f"{wanted} as {dataset} {split} has", remedy)
