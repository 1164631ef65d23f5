"""Eleven short sequences that the package makes itself, each with one thing that makes the task hard.

Everything is computed in integers from the photographs in `synthesis/pictures`, so the decoded pixels are the same
on every machine; `PIXELS` proves it.
"""

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import psutil
from PIL import Image as PillowImage
from rich.console import Console
from rich.progress import track

from vos_bench.api import Problem, Sequence
from vos_bench.errors import BadInputError
from vos_bench.files import write_text
from vos_bench.files.places import cache_folder
from vos_bench.labelmaps import DAVIS_PALETTE, read_label_map

from .catalogue import DEMO
from .folder import open_sequence
from .frames import list_images
from .inspection import Inspection
from .problems import BadDataError
from .video_folders import FolderDataset

VERSION = 1
"""Goes up with every change of a pixel, and with it the name of the folder in the cache."""

PIXELS = {
    "val": "37f11a61ba8403e20ae9fdd2c8bb3babae81cc6f46d9c3086353463c39c3add8",
    "train": "11e00454fa52dda11861025f52f2b0a7f14d7159be07e75762bb32307e70279a",
}
"""Split to the sha256 of all decoded frames and label maps, as `pixel_hash` computes it."""

_DAY_SECONDS = 24 * 60 * 60

_SEAL = "seal.json"
"""Holds the sha256 of each file's bytes, to see quickly that nothing was touched since it was made."""


class Demo(FolderDataset):
    """The demo data, made on first use in the cache (about 20 s and 65 MB a split).

    The splits share photographs. Their objects have other outlines, but for the horse, whose coat differs; and two of
    the photographs that val's objects are cut out of are backdrops in train. A method may be trained on `train` and
    shown on `val`, where its score is that of a known world.
    Objects start where they first appear; the truth is dense. In `late-object` the objects that come later have the
    lower ids, since the DAVIS protocol counts as many objects as the first frame's highest id says.
    """

    def __init__(self, root: Path | None = None, *, split: str = "val") -> None:
        """Open the data, and make it where that has not been done.

        Args:
            root: The folder to make it in; None or the empty path for the cache.
            split: `val` or `train`.

        Raises:
            BadInputError: It cannot be written, or the pixels come out wrong.
        """
        base = root if root is not None and root != Path() else cache_folder() / f"demo-v{VERSION}"
        folder = base / split
        if not (folder / _SEAL).is_file():
            _make(folder, split)
        super().__init__(
            base,
            name=DEMO.name,
            split=split,
            protocol="davis",
            frames=folder / "JPEGImages",
            annotations=folder / "Annotations",
            sequence_names=tuple(sorted(path.name for path in (folder / "JPEGImages").iterdir())),
        )
        self._folder = folder

    def _open(self, name: str) -> Sequence:
        return open_sequence(name, *self._files(name, "every frame"))

    def _inspection(self, _name: str, /) -> Inspection:
        return Inspection("every frame", read_label_map)

    def fingerprint(self) -> str:
        """Return the sha256 of the decoded pixels, which is the same on every machine.

        Files as they were made have the known one and are not decoded again; others are.
        """
        if _file_hashes(self._folder) == _read_seal(self._folder):
            return PIXELS[self.split]
        return pixel_hash(self._folder)

    def check(self) -> list[Problem]:
        """Compare the files with what was made, then look at each; return what is wrong."""
        problems: list[Problem] = []
        if self.fingerprint() != PIXELS[self.split]:
            remedy = "remove this folder; it is made again on the next use"
            problems.append(Problem(self._folder, "files that were changed", "the demo as it was made", remedy))
        return problems + super().check()


def _make(folder: Path, split: str) -> None:
    """Make a split beside its place and move it there; whoever comes second throws his own away."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep(folder.parent)
        with tempfile.TemporaryDirectory(
            prefix=f"{split}.{os.getpid()}.", suffix=".part", dir=folder.parent
        ) as scratch:
            made = Path(scratch) / split
            _write(made, split)
            _move(made, folder)
    except OSError as error:
        reason = error.strerror or str(error)
        raise BadInputError(
            f"{folder}: the demo cannot be written: {reason}; expected a writable folder with 70 MB free (or name "
            "another with VOS_BENCH_CACHE)"
        ) from error


def _sweep(folder: Path) -> None:
    """Remove what processes that were killed more than a day ago left half made; the clock may have jumped ahead."""
    for path in folder.glob("*.part"):
        owner = path.name.split(".")[1]
        alive = owner.isdigit() and psutil.pid_exists(int(owner))
        if not alive and time.time() - path.stat().st_mtime > _DAY_SECONDS:
            shutil.rmtree(path, ignore_errors=True)


def _write(folder: Path, split: str) -> None:
    from .synthesis.renderer import render
    from .synthesis.scenes import validation_scenes
    from .synthesis.training_scenes import training_scenes

    scenes = validation_scenes() if split == "val" else training_scenes()
    console = Console(stderr=True)
    title = f"making the demo's {split} (once)"
    for scene in track(scenes, title, console=console, transient=True, disable=not console.is_terminal):
        frames, labels = folder / "JPEGImages" / scene.name, folder / "Annotations" / scene.name
        frames.mkdir(parents=True)
        labels.mkdir(parents=True)
        for number, drawn in enumerate(render(scene)):
            PillowImage.fromarray(drawn.image).save(frames / f"{number:05d}.png", compress_level=1)
            indexed = PillowImage.fromarray(drawn.labels)
            indexed.putpalette(DAVIS_PALETTE)
            indexed.save(labels / f"{number:05d}.png", compress_level=1)
    if (found := pixel_hash(folder)) != PIXELS[split]:
        raise BadInputError(
            f"{folder}: the demo's {split} came out with pixels {found}\n"
            f"  expected {PIXELS[split]} as everywhere else\n"
            "  please report this with your versions of NumPy and Pillow"
        )
    write_text(folder / _SEAL, json.dumps(_file_hashes(folder), indent=2) + "\n")


def _move(made: Path, folder: Path) -> None:
    if folder.exists() and not (folder / _SEAL).is_file():
        shutil.rmtree(folder)  # a folder without seal is the rest of something that somebody removed by half
    try:
        made.rename(folder)
    except OSError:
        if not (folder / _SEAL).is_file():
            raise


def _images(folder: Path) -> Iterable[Path]:
    for kind in ("JPEGImages", "Annotations"):
        for sequence in sorted((folder / kind).iterdir()):
            yield from list_images(sequence).values()


def pixel_hash(folder: Path) -> str:
    """Return the sha256 over the path, size and decoded pixels of all images of a split, in the order of their paths.

    The bytes of the files do not enter, since they depend on the version of zlib.

    Raises:
        BadInputError: An image is damaged.
    """
    digest = hashlib.sha256()
    for path in _images(folder):
        try:
            with PillowImage.open(path) as image:
                pixels, mode, size = image.tobytes(), image.mode, image.size
        except (OSError, SyntaxError, ValueError) as error:
            remedy = f"remove {folder}; it is made again on the next use"
            raise BadDataError(Problem(path, f"a damaged image ({error})", "what was made", remedy)) from None
        digest.update(f"{path.relative_to(folder).as_posix()}\0{mode}\0{size[0]}x{size[1]}\0".encode())
        digest.update(pixels)
    return digest.hexdigest()


def _file_hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in _images(folder)
    }


def _read_seal(folder: Path) -> object:
    try:
        return json.loads((folder / _SEAL).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
