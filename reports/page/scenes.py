"""What the site shows: runs with a number and a colour each, and scenes, the sequences that some of them share."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from vos_bench.api import Sequence as Video
from vos_bench.errors import BadInputError
from vos_bench.formats.mask_folders import written_frames
from vos_bench.names import frame_order
from vos_bench.records import Run, masks_folder
from vos_bench.records.summary import sequence_score
from vos_bench.reports.overlays import object_colours
from vos_bench.reports.style import COLOURS, GREY, distinct_names

LINE_COLOURS = (*(colour for colour in COLOURS if colour not in {"#000000", "#F0E442"}), "currentColor", GREY)
"""Of curves on a ground that is light or dark: black and yellow give way to the text's own and grey."""

DASHES = ("", "6 3", "2 2", "8 3 2 3")


@dataclass(frozen=True)
class RunPage:
    """A run on the site.

    Attributes:
        number: From 1, in its file names: a name from a record never becomes a part of a path or an address.
        name: The method's, told apart from others of the same name.
        run: The run.
        place: Among the runs on the same dataset, from 0.
    """

    number: int
    name: str
    run: Run
    place: int

    @property
    def file(self) -> str:
        """The page about it."""
        return f"run-{self.number:03d}.html"

    @property
    def conditions(self) -> tuple[str, ...]:
        """What was done to the frames that it saw, as far as its name does not say so."""
        return tuple(each for each in self.run.record.protocol.conditions if each not in self.name)

    @property
    def colour(self) -> str:
        """Of its curves."""
        return LINE_COLOURS[self.place % len(LINE_COLOURS)]

    @property
    def dash(self) -> str:
        """Of its curves, so that they differ without colours."""
        return DASHES[self.place % len(DASHES)]


@dataclass(frozen=True)
class SequencePage:
    """A sequence of one state of a dataset, with the runs that have label maps or scores of it.

    Attributes:
        number: From 1, in its file names.
        name: The sequence's.
        entries: The runs.
        frames: The frames that some run has a label map of, or a score.
    """

    number: int
    name: str
    entries: tuple[RunPage, ...]
    frames: tuple[str, ...]

    @property
    def file(self) -> str:
        """The page that shows it."""
        return f"sequence-{self.number:03d}.html"

    @property
    def media(self) -> str:
        """The folder of its images."""
        return f"media/{self.number:03d}"

    @property
    def corruptions(self) -> tuple[str, ...]:
        """How the runs saw its frames; empty for frames as they are, which come first."""
        return tuple(sorted({entry.run.record.protocol.corruption for entry in self.entries}))

    def photo(self, corruption: str) -> str:
        """Return what the names of the images of its frames begin with."""
        place = self.corruptions.index(corruption)
        return f"frame{place}" if place else "frame"

    @property
    def dataset(self) -> str:
        """The dataset and split."""
        return self.entries[0].run.record.dataset.title


def entries_of(runs: Sequence[Run]) -> list[RunPage]:
    """Number the runs, and name them apart from others on the same dataset: the site says the dataset everywhere."""
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.record.dataset.name, run.record.dataset.split), []).append(run)
    found = {
        id(run): (name, place)
        for group in groups.values()
        for place, (run, name) in enumerate(zip(group, distinct_names(group), strict=True))
    }
    return [RunPage(i, found[id(run)][0], run, found[id(run)][1]) for i, run in enumerate(runs, start=1)]


def scenes_of(entries: Sequence[RunPage], wanted: Sequence[str] | None) -> list[SequencePage]:
    """Return all sequences that ended well in some run, or those of them that are `wanted`.

    Raises:
        BadInputError: No run has a wanted one.
    """
    found: dict[tuple[str, str, str, str], list[RunPage]] = {}
    for entry in entries:
        data = entry.run.record.dataset
        for name, sequence in entry.run.sequence_records.items():
            if sequence.status == "done":
                found.setdefault((data.name, data.split, data.fingerprint, name), []).append(entry)
    names = {key[-1] for key in found}
    if unknown := [name for name in wanted or () if name not in names]:
        raise BadInputError(f"--sequences {unknown[0]}: no run has it; known: {', '.join(sorted(names))}")
    chosen = {key: value for key, value in found.items() if wanted is None or key[-1] in wanted}
    return [
        SequencePage(i, key[-1], tuple(members), _frames(members, key[-1]))
        for i, (key, members) in enumerate(chosen.items(), start=1)
    ]


def _frames(entries: Sequence[RunPage], name: str) -> tuple[str, ...]:
    frames: set[str] = set()
    for entry in entries:
        frames.update(written_frames(masks_folder(entry.run.folder, name)))
        frames |= {frame for each in entry.run.sequence_records[name].scores for frame in each.per_frame.frame}
    return tuple(sorted(frames, key=frame_order))


class LateStart(NamedTuple):
    """An object that is given later than the first one.

    Attributes:
        name: What the dataset calls the object.
        frame: The name of its own first frame.
        place: Among the frames that the site shows.
    """

    name: str
    frame: str
    place: int


def late_starts(scene: SequencePage, video: Video) -> list[LateStart]:
    """Return the objects of a sequence that come later. Raises BadInputError where a mask cannot be read."""
    found = []
    for frame in video.prompt_frames[1:]:
        later = (i for i, each in enumerate(scene.frames) if frame_order(each) >= frame_order(frame))
        if (place := next(later, None)) is not None:
            names = (str(video.object_names.get(k, k)) for k in video.read_prompt(frame).object_ids)
            found += [LateStart(name, frame, place) for name in names]
    return found


def frame_scores(run: Run, name: str, frames: Sequence[str]) -> dict[str, list[float | None]]:
    """Return J and F of each frame, the mean over its objects; None where nothing is scored."""
    sequence = run.sequence_records[name]
    means = {}
    for measure in ("J", "F"):
        found: dict[str, list[float]] = {}
        for each in sequence.scores:
            for frame, value in each.per_frame.by_frame(measure).items():
                found.setdefault(frame, []).append(value)
        means[measure] = [round(float(np.mean(found[frame])), 4) if frame in found else None for frame in frames]
    return means


def frame_means(run: Run, name: str, frames: Sequence[str]) -> dict[int, float]:
    """Return the mean of J and F of each scored frame, or J alone where the protocol has no F, by its place."""
    found = frame_scores(run, name, frames)
    values = {i: [each[i] for each in found.values()] for i in range(len(frames))}
    return {i: float(np.mean(scored)) for i, each in values.items() if (scored := [x for x in each if x is not None])}


class ShownObject(NamedTuple):
    """An object in the pictures of a scene.

    Attributes:
        name: What the dataset calls it.
        colour: In every overlay, as CSS has it.
    """

    name: str
    colour: str


def scene_objects(scene: SequencePage, video: Video | None, shown: Collection[int]) -> list[ShownObject]:
    """Return the objects of a scene by their id: those with scores, and those that are `shown` in label maps."""
    names: dict[int, str] = {}
    for entry in scene.entries:
        names |= {each.object: str(each.shown_name) for each in entry.run.sequence_records[scene.name].scores}
    for k in {*shown} - {*names}:
        names[k] = str(video.object_names.get(k, k)) if video else str(k)
    colours = object_colours().tolist()
    return [
        ShownObject(f"object {name}" if name == str(k) else name, css_colour(colours[(k - 1) % len(colours)]))
        for k, name in sorted(names.items())
    ]


def css_colour(colour: Sequence[int]) -> str:
    """Return red, green and blue as CSS has them."""
    return f"rgb({', '.join(map(str, colour))})"


class Tick(NamedTuple):
    """A frame that the axis below the curves names, and how far from the left it lies, in percent."""

    frame: str
    left: float


TICKS = 5
"""How many frames an axis names at most."""


def frame_axis(frames: Sequence[str]) -> list[Tick]:
    """Return the frames that the axis names: the first, the last, and others evenly between them."""
    last = len(frames) - 1
    places = np.unique(np.linspace(0, last, TICKS).round().astype(int)).tolist() if frames else []
    return [Tick(frames[i], round(100 * i / max(last, 1), 2)) for i in places]


def sequence_scores(run: Run, name: str) -> dict[str, float]:
    """Return the score of its protocol, J and F of a sequence, the means over its objects.

    A measure that the protocol does not have is left out; without scores nothing is returned.
    """
    sequence = run.sequence_records[name]
    if not sequence.scores:
        return {}
    measures = ("J", "F") if sequence.scores[0].F is not None else ("J",)
    return {score: sequence_score(sequence, score) for score in dict.fromkeys((run.object_score, *measures))}
