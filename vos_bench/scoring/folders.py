"""Listings of folders, with messages for the usual mistakes."""

from pathlib import Path

from vos_bench.errors import BadInputError

DEPTH = 3
"""How many levels below the given folder the right one is looked for."""


def list_folder(folder: Path) -> list[Path]:
    """Return what lies in a folder, sorted by file name as a string; hidden files and folders are left out.

    Raises:
        BadInputError: It is absent, a file, or may not be read.
    """
    try:
        return sorted((path for path in folder.iterdir() if path.name[0] != "."), key=lambda path: path.name)
    except (OSError, ValueError) as error:  # a name with a NUL is a ValueError
        reason = getattr(error, "strerror", "") or str(error)
        raise BadInputError(f"{folder}: cannot be listed: {reason}; expected a folder that you may read") from None


def label_map_names(folder: Path) -> tuple[str, ...]:
    """Return the frame names of the PNG files in a folder, in the order of their file names as strings.

    So `10.png` comes before `2.png`, as in davis2017-evaluation: pad numbers with zeros.
    """
    return tuple(path.stem for path in list_folder(folder) if path.suffix == ".png")


def folder_advice(folder: Path, names: tuple[str, ...] = ()) -> str:
    """Return what is in a folder that was expected to hold folders of label maps, and which one was likely meant.

    Args:
        folder: What was given.
        names: The sequences that were looked for; empty for any.
    """
    inside = list_folder(folder)
    images = sum(path.suffix == ".png" for path in inside)
    if images:
        return f"found {images} PNG files directly in it, so it is one level too deep; did you mean {folder.parent}?"
    level = [path for path in inside if path.is_dir()]
    for _ in range(DEPTH):
        below = [path for parent in level for path in list_folder(parent) if path.is_dir()]
        for path in below:
            if path.name in names or (not names and label_map_names(path)):
                return f"did you mean {path.parent}?"
        level = below
    found = ", ".join(path.name for path in inside[:5])
    return f"found {found}{', …' if len(inside) > 5 else ''}" if inside else "it is empty"
