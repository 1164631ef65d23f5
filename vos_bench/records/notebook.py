"""How a run shows itself in a notebook: its scores as a table, and some frames with the label maps over them."""

import base64
import io
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from vos_bench import registry
from vos_bench.api import Dataset, Image, LabelMap
from vos_bench.corrupting import corrupted
from vos_bench.errors import BadInputError
from vos_bench.formats.mask_folders import read_masks, written_frames
from vos_bench.labelmaps import tint
from vos_bench.metrics.statistics import SCORES
from vos_bench.records.files import masks_folder
from vos_bench.records.run_record import RunRecord

Item = TypeVar("Item")

PANELS = 5
"""How many frames the strip has."""

HEIGHT = 120
"""Of the strip, in pixels."""

WIDEST = 4 * HEIGHT
"""Of one frame, in pixels."""


def run_html(title: str, folder: Path, record: RunRecord, sequences: Iterable[str]) -> str:
    """Return a run as a fragment of HTML; every text in it is escaped, and the image needs no second file.

    Args:
        title: What the run is called.
        folder: Its folder.
        record: Its record.
        sequences: The names of its sequences.
    """
    heading = f"<p><b>{escape(title)}</b>, scores in percent ({escape(str(folder))})</p>"
    return f"<div>{heading}{_score_table(record)}{_strip(folder, record, sequences)}</div>"


def _score_table(record: RunRecord) -> str:
    counts, scores = record.counts, record.scores
    first = [name for name in scores if name not in SCORES]
    columns = {name: f"{100 * scores[name]:z.1f}" for name in (*first, *SCORES) if name in scores}
    columns |= {"done": str(counts.done), "failed": str(counts.failed), "status": record.status}
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    cells = "".join(f"<td>{escape(text)}</td>" for text in columns.values())
    return f"<table><thead><tr>{head}</tr></thead><tbody><tr>{cells}</tr></tbody></table>"


def _strip(folder: Path, record: RunRecord, sequences: Iterable[str]) -> str:
    """Return the strip as an image, and where its frames are from; nothing where no label map is there."""
    shown = [*_panels(folder, record, sequences)]
    if not shown:
        return ""
    from PIL import Image as PillowImage  # here: a run without label maps shows itself without it

    file = io.BytesIO()
    PillowImage.fromarray(np.concatenate([each.picture for each in shown], axis=1)).save(file, "PNG")
    names = escape(", ".join(each.name for each in shown), quote=True)
    return (
        f'<img alt="{names}" title="{names}" src="data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}">'
        f"<p>{escape(_origin(record, shown))}</p>"
    )


def _origin(record: RunRecord, shown: Sequence["_Panel"]) -> str:
    """Say where the frames are from, whose fingerprint nobody compared."""
    if not any(each.has_frame for each in shown):
        return f"Label maps alone: no frames of {record.dataset.title} were found here"
    return f"Frames of {record.dataset.title} as they are here now, not compared with those that the run saw"


class _Panel(NamedTuple):
    """One picture of the strip, and whether there is a frame under its label map."""

    name: str
    picture: Image
    has_frame: bool


def _panels(folder: Path, record: RunRecord, sequences: Iterable[str]) -> Iterator[_Panel]:
    """Yield pictures of frames that are spread over the run's sequences and their label maps."""
    frames = {name: written_frames(masks_folder(folder, name)) for name in sequences}
    names = _spread([name for name, found in frames.items() if found], PANELS)
    if not names:
        return
    dataset = _dataset(record)
    for name in names:
        for frame in _spread(frames[name], -(-PANELS // len(names))):
            try:
                labels = read_masks(masks_folder(folder, name), frame)
            except BadInputError:
                continue
            image = _frame(dataset, name, frame, labels)
            yield _Panel(f"{name} {frame}", _picture(labels, image), image is not None)


def _spread(items: Sequence[Item], most: int) -> list[Item]:
    """Return at most so many items, evenly chosen, from the middle of equal parts."""
    count = min(most, len(items))
    return [items[(2 * i + 1) * len(items) // (2 * count)] for i in range(count)]


def _dataset(record: RunRecord) -> Dataset | None:
    """Open the run's data, where they are here, with the frames that its method saw.

    Their fingerprint is not compared, as a line below the strip says: that would take longer than all else.
    """
    data = record.dataset
    try:
        opened = registry.open_dataset(data.name, split=data.split or None)
        return corrupted(opened, record.protocol.corruption or None)
    except Exception:  # a dataset that cannot be opened, for whatever reason, leaves label maps without their frames
        return None


def _picture(labels: LabelMap, image: Image | None) -> Image:
    """Return a label map over its frame, or alone where the frame is not here."""
    import cv2  # here, as above

    image = np.zeros((*labels.shape, 3), np.uint8) if image is None else image
    width = min(max(1, round(image.shape[1] * HEIGHT / image.shape[0])), WIDEST)
    shown: Image = cv2.resize(tint(image, labels), (width, HEIGHT), interpolation=cv2.INTER_AREA)
    return shown


def _frame(dataset: Dataset | None, sequence: str, frame: str, labels: LabelMap) -> Image | None:
    """Return a frame of the size of its label map; None where there is none."""
    if dataset is None:
        return None
    try:
        image = dataset.sequence(sequence).read_frame(frame)
    except Exception:  # as in `_dataset`
        return None
    return image if image.shape == (*labels.shape, 3) else None
