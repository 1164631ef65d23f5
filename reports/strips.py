"""Figures of frames, as the paper's figure 3: chosen frames in a row, a row for each method; and the same moving."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw

from vos_bench.api import Image, LabelMap, ReportOptions
from vos_bench.api import Sequence as Video
from vos_bench.errors import BadInputError
from vos_bench.files import remove_stale_parts, replacing
from vos_bench.formats.mask_folders import read_masks, written_frames
from vos_bench.records import Run, masks_folder, sequence_file
from vos_bench.records.data import RunData

from .figures import by_score, chosen_sequences, sequence_score
from .overlays import overlay, shrink
from .style import distinct_names, figure, plain, require

COLUMNS = 5
PANEL_WIDTH = 320
"""Of a frame in an animation, in pixels."""

MILLISECONDS = 100
"""Between the frames of an animation."""


class Shown(NamedTuple):
    """One frame of one method: the overlay at the frame's size."""

    frame: str
    image: Image


def strips(runs: Sequence[Run], options: ReportOptions) -> list[Path]:
    """Draw five frames of the first run's worst and best sequence, or of those that were asked for.

    Where no run has scores, since there is no truth, these are its first and its last sequence.
    """
    runs, names = _runs_and_sequences(runs, options, "strips")
    data = RunData(options.root)
    opened = [data.seen(run) for run in runs]
    with figure(options.out, 2.2 * COLUMNS, (1.35 * len(runs) + 0.35) * len(names)) as drawn:
        panels = drawn.subfigures(len(names), 1, squeeze=False)[:, 0]
        for panel, name in zip(panels, names, strict=True):
            panel.suptitle(plain(name), fontsize=9)
            axes = panel.subplots(len(runs), COLUMNS, squeeze=False)
            first: list[str] = []
            for row, run, dataset, label in zip(axes, runs, opened, _labels(runs, "\n"), strict=True):
                shown = list(overlays(run, dataset.sequence(name), count=COLUMNS))
                for axis in row:
                    axis.set(xticks=[], yticks=[], frame_on=False)
                for axis, each in zip(row, shown, strict=False):
                    axis.imshow(shrink(each.image, 640))
                    if each.frame not in first:
                        axis.set_title(each.frame, fontsize=7, pad=2)
                first = first or [each.frame for each in shown]
                row[0].set_ylabel(plain(_caption(run, name, label)), fontsize=7)
    return [options.out]


def animation(runs: Sequence[Run], options: ReportOptions) -> list[Path]:
    """Write one animated WebP for each sequence, the methods side by side: into a file, or several into a folder.

    Raises:
        BadInputError: One file is named for several sequences, or the data of a run are not here.
    """
    runs, names = _runs_and_sequences(runs, options, "animation")
    single = options.out.suffix.lower() == ".webp"
    if single and len(names) > 1:
        raise BadInputError(
            f"--out {options.out}: is one file for {len(names)} sequences; name a folder, "
            f"or one of --sequences {','.join(names)}"
        )
    data = RunData(options.root)
    opened = [data.seen(run) for run in runs]
    written = []
    with options.progress.counting("sequences", len(names)) as step:
        for name in names:
            sequence_file(options.out, name)  # refuses a name that would leave the folder
            path = options.out if single else options.out / f"{name}.webp"
            _write_webp(path, list(_side_by_side(runs, [dataset.sequence(name) for dataset in opened])))
            written.append(path)
            step()
    return written


def _labels(runs: Sequence[Run], between: str) -> list[str]:
    """Return what stands beside the frames of each run: its name, and what was done to the frames that it saw."""
    labels = distinct_names(runs)
    for i, run in enumerate(runs):
        labels[i] += "".join(f"{between}{each}" for each in run.record.protocol.conditions if each not in labels[i])
    return labels


def _caption(run: Run, sequence: str, label: str) -> str:
    if not run.has_scores(sequence):
        return label
    return f"{label}\n{run.object_score} {100 * sequence_score(run, sequence):.1f}"


def _runs_and_sequences(runs: Sequence[Run], options: ReportOptions, report: str) -> tuple[list[Run], list[str]]:
    scored = [run for run in runs if by_score(run)]
    if not scored:
        return _without_truth(runs, options, report)
    _require_same_data(scored, report)
    common = [name for name in by_score(scored[0]) if all(run.has_scores(name) for run in scored)]
    if not common and not options.sequences:
        raise BadInputError(f"report {report}: no sequence is scored in all of the {len(scored)} runs")
    names = chosen_sequences(scored, options.sequences, default=list(dict.fromkeys(common[:1] + common[-1:])))
    for run in scored:
        for name in names:
            if not run.has_scores(name):
                raise BadInputError(f"--sequences {name}: {run.folder} has no scores of it")
    return scored, names


def _without_truth(runs: Sequence[Run], options: ReportOptions, report: str) -> tuple[list[Run], list[str]]:
    """Return the runs that have label maps, and the sequences that all of them have."""
    shown = {run.folder: _finished(run) for run in runs}
    runs = [run for run in runs if shown[run.folder]]
    require(runs, report, "finished sequences")
    _require_same_data(runs, report)
    common = [name for name in shown[runs[0].folder] if all(name in shown[run.folder] for run in runs)]
    for name in options.sequences or ():
        if name not in common:
            raise BadInputError(f"--sequences {name}: not every run has finished it; known: {', '.join(common)}")
    if not common:
        raise BadInputError(f"report {report}: no sequence is finished in all of the {len(runs)} runs")
    return runs, list(options.sequences or dict.fromkeys(common[:1] + common[-1:]))


def _finished(run: Run) -> list[str]:
    return [name for name, sequence in run.sequence_records.items() if sequence.status == "done"]


def _require_same_data(runs: Sequence[Run], report: str) -> None:
    first = runs[0].record.dataset
    others = [run for run in runs if run.record.dataset.fingerprint != first.fingerprint]
    if others:
        raise BadInputError(
            f"report {report}: {runs[0].folder} is of {first.title}, {others[0].folder} of "
            f"{others[0].record.dataset.title}; expected runs on the same data"
        )


def overlays(run: Run, video: Video, *, count: int | None = None) -> Iterator[Shown]:
    """Yield the frames that have a label map, evenly chosen, with label map and truth over them.

    Raises:
        BadInputError: The run's label maps of the sequence are gone.
    """
    folder = masks_folder(run.folder, video.name)
    written = frozenset(written_frames(folder))
    frames = [frame for frame in video.frame_names if frame in written]
    if not frames:
        raise BadInputError(f"{folder}: holds no label map of {video.name}; expected those that the run wrote")
    if count is not None:
        frames = [frames[i] for i in np.unique(np.linspace(0, len(frames) - 1, count).round().astype(int))]
    for frame in frames:
        truth: LabelMap | None = video.read_truth(frame) if frame in video.truth_names else None
        yield Shown(frame, overlay(video.read_frame(frame), read_masks(folder, frame), truth))


def _side_by_side(runs: Sequence[Run], videos: Sequence[Video]) -> Iterator[Image]:
    labels = _labels(runs, ", ")
    for group in zip(*map(overlays, runs, videos), strict=False):
        panels = [_captioned(shrink(each.image, PANEL_WIDTH), label) for each, label in zip(group, labels, strict=True)]
        yield np.concatenate(panels, axis=1)


def _captioned(image: Image, text: str) -> Image:
    drawn = PillowImage.new("RGB", (image.shape[1], image.shape[0] + 16), "white")
    drawn.paste(PillowImage.fromarray(image), (0, 16))
    # The built-in font has no letters beyond Latin ones.
    ImageDraw.Draw(drawn).text((4, 2), text.encode("latin-1", "replace").decode("latin-1"), fill="black")
    return np.asarray(drawn)


def _write_webp(path: Path, images: Sequence[Image]) -> None:
    first, *others = (PillowImage.fromarray(image) for image in images)
    remove_stale_parts(path)
    with replacing(path) as part:
        first.save(
            part,
            format="WEBP",
            save_all=True,
            append_images=others,
            duration=MILLISECONDS,
            loop=0,
            quality=80,
            method=2,
        )
