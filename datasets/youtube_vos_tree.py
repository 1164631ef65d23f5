"""Where a split of YouTube-VOS lies: its own folder, and the package of all frames beside it."""

from pathlib import Path
from typing import NamedTuple

from vos_bench.api import Problem
from vos_bench.formats.meta_json import META_NAME
from vos_bench.names import counted, is_leftover

from .problems import BadDataError, folder_problem, root_problem

FRAMES, LABELS = "JPEGImages", "Annotations"

MACOS_LEFTOVERS = "__MACOSX"
"""What archives from macOS carry along."""


class Tree(NamedTuple):
    """The folders of one split.

    Attributes:
        folder: `ROOT/SPLIT`, with `meta.json` in it.
        labels: One folder of label maps a sequence.
        annotated: One folder of annotated frames, six a second, a sequence; need not be there beside all frames.
        all_frames: One folder of all frames a sequence, where the package was found; else where it belongs.
    """

    folder: Path
    labels: Path
    annotated: Path
    all_frames: Path

    @property
    def meta(self) -> Path:
        """The list of objects."""
        return self.folder / META_NAME

    @property
    def frames(self) -> Path:
        """The folder that frames are read from: all of them where they are there."""
        return self.all_frames if self.all_frames.is_dir() else self.annotated


def find_tree(root: Path, subset: str, *, dataset: str) -> Tree:
    """Find the folders of a split.

    Args:
        root: The folder that holds `train`, `valid`, `valid_all_frames` and so on.
        subset: `train`, `valid` or `test`.
        dataset: The dataset's name, for messages.

    Raises:
        BadInputError: They are not there; the message names the likely right place.
    """
    if problem := root_problem(root, subset, dataset=dataset):
        raise BadDataError(problem)
    folder = root / subset
    if not (folder / META_NAME).is_file():
        raise BadDataError(_no_meta(folder, subset))
    remedy = f"unpack {subset}.zip again"
    if problem := folder_problem(folder / LABELS, expected="label maps SEQUENCE/FRAME.png", remedy=remedy):
        raise BadDataError(problem)
    tree = Tree(folder, folder / LABELS, folder / FRAMES, _all_frames(root, subset) / FRAMES)
    if not tree.frames.is_dir():
        expected = f"frames SEQUENCE/FRAME.jpg there, or all frames in {tree.all_frames}"
        raise BadDataError(Problem(tree.annotated, "no such folder", expected, remedy))
    return tree


def _no_meta(folder: Path, subset: str) -> Problem:
    if (nested := _nested(folder, META_NAME)) is not None:
        return Problem(
            folder, *_one_level_down(nested, META_NAME), remedy=f"move what {nested} holds one level up, into {folder}"
        )
    holds = ", ".join(sorted(path.name for path in folder.iterdir())[:5]) or "nothing"
    remedy = f"unpack {subset}.zip again, so that {FRAMES}, {LABELS} and {META_NAME} lie in {folder}"
    return Problem(folder / META_NAME, f"no such file ({folder.name} holds {holds})", "the list of objects", remedy)


def _one_level_down(nested: Path, marker: str) -> tuple[str, str]:
    return f"{marker} one level too deep, in {nested}", f"{marker} directly in it"


def _nested(folder: Path, marker: str) -> Path | None:
    """Return the folder in `folder` that holds what should lie in `folder` itself."""
    inside = sorted(path for path in folder.iterdir() if path.is_dir() and not is_leftover(path.name))
    return next((path for path in inside if (path / marker).exists()), None)


def _all_frames(root: Path, subset: str) -> Path:
    """Return the folder of the package of all frames: beside the split, or in `all_frames` as some projects want it."""
    name = f"{subset}_all_frames"
    places = (root / name, root / "all_frames" / name)
    return next((place for place in places if (place / FRAMES).is_dir()), places[0])


def all_frames_problem(tree: Tree, names: tuple[str, ...], *, dataset: str) -> Problem | None:
    """Return why a method cannot see all frames of some sequences, with what is lost without them, or None."""
    package, archive = tree.all_frames.parent, f"{tree.folder.name}_all_frames.zip"
    if package.is_dir() and not tree.all_frames.is_dir() and (nested := _nested(package, FRAMES)):
        remedy = f"move what {nested} holds one level up, into {package}"
        return Problem(package, *_one_level_down(nested, FRAMES), remedy=remedy)
    remedy = (
        f"unpack {archive} (youtube-vos.org) so that {tree.all_frames} holds one folder a sequence; or run with "
        "--frames annotated, which is recorded and never compared with runs on all frames"
    )
    lost = "without them scores fall: the same LWL weights give 81.1 G with all frames and 77.4 with every fifth"
    if not tree.all_frames.is_dir():
        expected = f"all frames of {dataset} {tree.folder.name}, 30 a second, the default; {lost}"
        return Problem(tree.all_frames, "no such folder", expected, remedy)
    missing = [name for name in names if not (tree.all_frames / name).is_dir()]
    if missing:
        found = f"all frames of {len(names) - len(missing)} of {counted(len(names), 'sequence')}, not of {missing[0]}"
        return Problem(tree.all_frames, found, f"those of every sequence; {lost}", remedy)
    return None
