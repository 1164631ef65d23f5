"""The zip of label maps that a benchmark's server takes."""

import io
import zipfile
from pathlib import Path

from PIL import Image as PillowImage

from vos_bench.api import Dataset, Problem, Sequence
from vos_bench.errors import BadInputError
from vos_bench.files import remove_stale_parts, replacing
from vos_bench.labelmaps import DAVIS_PALETTE, NarrowLabels, check_ids, read_narrow, white_as
from vos_bench.names import counted, is_leftover, shorten

from .frames import LABEL_SUFFIXES, list_images
from .problems import BadDataError, folder_problem

_LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The time of every file in the zip, so that the same label maps give the same bytes."""


def write_server_zip(dataset: Dataset, masks: Path, archive: Path, *, top: str = "") -> None:
    """Check a run's label maps and write them as the server wants them: indexed PNG, `TOP/SEQUENCE/FRAME.png`.

    Args:
        dataset: Says which sequences, frames, sizes and ids are wanted.
        masks: `SEQUENCE/FRAME.png`.
        archive: The zip; written whole or not at all, and the same bytes for the same label maps.
        top: A folder inside the zip around all sequences; empty for none.

    Raises:
        BadInputError: A sequence or frame is missing or one too many, or a label map has another size or unknown ids.
    """
    _require_sequences(dataset, masks)
    remove_stale_parts(archive)
    with replacing(archive) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as packed:
        for sequence in dataset:
            folder = masks / sequence.name
            _require_frames(folder, sequence)
            size, ids = _size_and_ids(sequence)
            for name in sequence.output_names:
                data = _indexed(folder / f"{name}.png", size, ids)
                packed.writestr(_entry(f"{top}/{sequence.name}/{name}.png".lstrip("/")), data)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, date_time=_LONG_AGO)
    entry.external_attr = 0o644 << 16
    entry.create_system = 3
    return entry


def _require_sequences(dataset: Dataset, masks: Path) -> None:
    remedy = "give a run's masks/, as vos-bench run writes them"
    if problem := folder_problem(masks, expected="label maps SEQUENCE/FRAME.png", remedy=remedy):
        raise BadDataError(problem)
    found = {path.name for path in masks.iterdir() if path.is_dir() and not is_leftover(path.name)}
    missing = [name for name in dataset.sequence_names if name not in found]
    if missing:
        have = f"{len(dataset) - len(missing)} of {counted(len(dataset), 'sequence')}; missing: {shorten(missing)}"
        raise BadDataError(
            Problem(masks, have, f"all sequences of {dataset.name} {dataset.split}", "finish the run first")
        )
    if extra := sorted(found.difference(dataset.sequence_names)):
        expected = f"only the {counted(len(dataset), 'sequence')} of {dataset.name} {dataset.split}"
        raise BadDataError(
            Problem(masks, f"also {shorten(extra)}", expected, "choose the run's own split, or remove them")
        )


def _require_frames(folder: Path, sequence: Sequence) -> None:
    found, wanted = list_images(folder, LABEL_SUFFIXES), sequence.output_names
    missing = [name for name in wanted if name not in found]
    extra = [name for name in found if name not in set(wanted)]
    if missing or extra:
        lacking = f"{counted(len(found), 'label map')}; " + "; ".join(
            f"{what}: {shorten(names)}" for what, names in (("missing", missing), ("too many", extra)) if names
        )
        raise BadDataError(Problem(folder, lacking, f"{len(wanted)}, one a frame", "run it again: --overwrite always"))


def _size_and_ids(sequence: Sequence) -> tuple[tuple[int, ...], set[int]]:
    """Return the size of a sequence's label maps and all ids that they may hold."""
    ids: set[int] = set()
    size: tuple[int, ...] = ()
    for name in sequence.prompt_frames:
        for object_id, mask in sequence.read_prompt(name).masks.items():
            ids.add(object_id)
            size = mask.shape
    return size, ids


def _indexed(path: Path, size: tuple[int, ...], ids: set[int]) -> bytes:
    labels = read_narrow(path)
    if len(ids) == 1:
        labels = white_as(labels, next(iter(ids)))
    if labels.shape != size:
        found, expected = f"{labels.shape[0]} x {labels.shape[1]} pixels", f"{size[0]} x {size[1]} (height x width)"
        raise BadDataError(Problem(path, found, expected, "write label maps at the frames' own size"))
    check_ids(labels, ids, path)
    if max(ids) > 255:
        raise BadInputError(f"{path}: found object id {max(ids)}, expected at most 255 as an indexed PNG can hold")
    return _encoded(labels)


def _encoded(labels: NarrowLabels) -> bytes:
    """Return a label map as an 8-bit indexed PNG, whatever kind of PNG it was read from."""
    image = PillowImage.fromarray(labels.astype("uint8"))
    image.putpalette(DAVIS_PALETTE)
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", compress_level=6)
    return buffer.getvalue()
