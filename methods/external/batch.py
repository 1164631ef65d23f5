"""The batch form: folders in, folders out."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from vos_bench.api import Image, LabelMap, Prediction, Prompt, PromptedSequence
from vos_bench.errors import BadInputError, MethodError, VosBenchError
from vos_bench.files import write_text
from vos_bench.labelmaps import read_label_map, write_label_map
from vos_bench.names import counted

from .protocol import joined, label_map_of

TIMES = "times.json"
"""In a sequence's output folder: frame name to milliseconds."""


class Exchange:
    """The folders through which sequences are handed over and label maps come back: `frames`, `prompts` and `out`."""

    def __init__(self, keep: str, *, images: str) -> None:
        """Make the folders, temporary ones unless `keep` names a place for them."""
        self._temporary = None if keep else tempfile.TemporaryDirectory(prefix="vos-bench-")
        self.root = Path(keep).expanduser().resolve() if keep else Path(self._temporary.name)  # type: ignore[union-attr]
        self._ending = ".jpg" if images == "png-named-jpg" else ".png"

    def folder(self, kind: str, sequence: str = "") -> Path:
        """Return a folder, `frames`, `prompts` or `out`: that of one sequence, or the one that holds them all."""
        return self.root / kind / sequence

    def write(self, sequence: PromptedSequence) -> dict[str, Prompt]:
        """Write a sequence's frames and prompts; return what is given on each frame where objects start.

        Raises:
            BadInputError: A frame cannot be read or written.
        """
        for kind in ("frames", "prompts", "out"):
            shutil.rmtree(self.folder(kind, sequence.name), ignore_errors=True)
            self._make(self.folder(kind, sequence.name))
        given: dict[str, Prompt] = {}
        for name, (image, new) in zip(sequence.frame_names, sequence.frames, strict=False):
            self._save(self.folder("frames", sequence.name) / (name + self._ending), image)
            if new is not None:
                given[name] = new
                self._save_prompt(self.folder("prompts", sequence.name), name, image, new)
        return given

    def _make(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadInputError(
                f"{folder}: cannot be made: {error.strerror}; give another place: --set keep=DIR"
            ) from None

    def _save(self, path: Path, image: Image) -> None:
        try:
            PillowImage.fromarray(image).save(path, format="png", compress_level=1)
        except OSError as error:
            raise BadInputError(f"{path}: cannot be written: {error}; give a place with room: --set keep=DIR") from None

    def _save_prompt(self, folder: Path, name: str, image: Image, new: Prompt) -> None:
        if new.masks:
            write_label_map(folder / f"{name}.png", label_map_of(new, image.shape[:2]).astype(np.uint16), durable=False)
        if new.boxes:
            boxes = {str(k): [float(edge) for edge in box] for k, box in sorted(new.boxes.items())}
            write_text(folder / f"{name}.json", json.dumps(boxes))

    def read(self, sequence: PromptedSequence, given: dict[str, Prompt]) -> Iterator[Prediction]:
        """Yield the label maps that came back, with the times that the system wrote beside them.

        The first frame may be left out where masks were given on it.

        Raises:
            MethodError: Label maps are absent, or cannot be read as such.
        """
        folder = self.folder("out", sequence.name)
        first = sequence.frame_names[0]
        known = {first} if given.get(first, Prompt()).masks else set()
        missing = [name for name in sequence.frame_names if not _map_file(folder, name).is_file() and name not in known]
        if missing:
            present = sum(_map_file(folder, name).is_file() for name in sequence.frame_names)
            raise MethodError(
                f"the command wrote {present} of {counted(len(sequence.frame_names), 'label map')} to {{out}}; missing:"
                f" {joined(missing)}; expected FRAME.png for each frame, named like the frame"
            )
        times = _times(folder, sequence.frame_names)
        for name in sequence.frame_names:
            path = _map_file(folder, name)
            labels = _read(path) if path.is_file() else _given_labels(given[name])
            yield Prediction(labels, milliseconds=times.get(name))

    def forget(self, sequence: str) -> None:
        """Remove a sequence's folders where they were temporary."""
        if self._temporary is not None:
            for kind in ("frames", "prompts", "out"):
                shutil.rmtree(self.folder(kind, sequence), ignore_errors=True)

    def close(self) -> None:
        """Remove everything that was temporary."""
        if self._temporary is not None:
            self._temporary.cleanup()


def _map_file(folder: Path, frame: str) -> Path:
    return folder / f"{frame}.png"


def _read(path: Path) -> LabelMap:
    try:
        return read_label_map(path)
    except VosBenchError as error:
        raise MethodError(f"frame {path.stem}: its label map cannot be used: {error}") from None


def _given_labels(prompt: Prompt) -> LabelMap:
    mask = next(iter(prompt.masks.values()))
    return label_map_of(prompt, mask.shape).astype(np.uint16)


def _times(folder: Path, frames: tuple[str, ...]) -> dict[str, float]:
    """Return the milliseconds of each frame where the system tells those of all; else nothing.

    Raises:
        MethodError: The file is there and is not what it should be.
    """
    path = folder / TIMES
    if not path.is_file():
        return {}
    try:
        found = {str(name): float(value) for name, value in json.loads(path.read_bytes()).items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise MethodError(f"{TIMES}: cannot be read: {error}; expected frame names and milliseconds") from None
    if unknown := sorted(set(found) - set(frames)):
        raise MethodError(f"{TIMES}: names {joined(unknown)}, which are no frames; expected the names of the frames")
    if not all(0 <= value < float("inf") for value in found.values()):
        raise MethodError(f"{TIMES}: holds times that are none; expected milliseconds")
    return found if len(found) == len(frames) else {}
