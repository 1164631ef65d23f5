"""Small pictures of what a change of score looks like: the frame that lost most, with both runs' label maps over it."""

import base64
import io
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import cv2
from PIL import Image as PillowImage

from vos_bench.api import Dataset, Image, LabelMap
from vos_bench.errors import BadInputError
from vos_bench.formats.mask_folders import read_masks
from vos_bench.labelmaps import tint
from vos_bench.records import Run, SequenceRecord, masks_folder
from vos_bench.tables import plain_markdown

WIDTH = 240
"""Of one picture, in pixels."""


class Picture(NamedTuple):
    """One picture: what it shows, and a PNG."""

    title: str
    png: bytes

    @property
    def markdown(self) -> str:
        """The picture itself, so that the page needs no second file."""
        return f"![{plain_markdown(self.title)}](data:image/png;base64,{base64.b64encode(self.png).decode()})"


def pictures(sequence: str, *, baseline: Run, candidate: Run, dataset: Dataset) -> tuple[Picture, ...]:
    """Draw the frame of a sequence that lost most: truth, baseline and run, as far as their label maps are there.

    Args:
        sequence: Scored in both runs.
        baseline: The run that sets the mark; its label maps may be gone.
        candidate: The run that is judged.
        dataset: Holds the frames. Whether they may be shown is for the caller to know.

    Returns:
        Nothing where no frame was scored in both runs, or the run's label map is gone.
    """
    opened = dataset.sequence(sequence)
    frame = worst_frame(
        baseline.sequence_records[sequence], candidate.sequence_records[sequence], frozenset(opened.frame_names)
    )
    if frame is None or (judged := _label_map(candidate.folder, sequence, frame)) is None:
        return ()
    image = opened.read_frame(frame)
    shown = {
        "truth": opened.read_truth(frame) if frame in opened.truth_names else None,
        "baseline": _label_map(baseline.folder, sequence, frame),
        "run": judged,
    }
    return tuple(
        Picture(f"{sequence} {frame}: {what}", _png(image, labels))
        for what, labels in shown.items()
        if labels is not None and labels.shape == image.shape[:2]
    )


def worst_frame(
    baseline: SequenceRecord, candidate: SequenceRecord, known: Collection[str] | None = None
) -> str | None:
    """Return the frame whose J + F (or J alone) fell most, summed over objects; None where none was scored in both.

    Args:
        baseline: The sequence in the run that sets the mark.
        candidate: The same in the run that is judged.
        known: The sequence's frames; None where they do not matter.
    """
    before, after = _by_frame(baseline), _by_frame(candidate)
    common = [frame for frame in before if frame in after and (known is None or frame in known)]
    return min(common, key=lambda frame: after[frame] - before[frame], default=None)


def _by_frame(record: SequenceRecord) -> dict[str, float]:
    sums: dict[str, float] = {}
    for each in record.scores:
        contour = each.per_frame.by_frame("F")
        for frame, J in each.per_frame.by_frame("J").items():
            sums[frame] = sums.get(frame, 0.0) + J + contour.get(frame, 0.0)
    return sums


def _label_map(run: Path, sequence: str, frame: str) -> LabelMap | None:
    try:
        return read_masks(masks_folder(run, sequence), frame)
    except BadInputError:
        return None


def _png(image: Image, labels: LabelMap) -> bytes:
    shown = tint(image, labels)
    if shown.shape[1] > WIDTH:
        height = max(1, round(shown.shape[0] * WIDTH / shown.shape[1]))
        shown = cv2.resize(shown, (WIDTH, height), interpolation=cv2.INTER_AREA)
    file = io.BytesIO()
    PillowImage.fromarray(shown).save(file, "PNG")
    return file.getvalue()
