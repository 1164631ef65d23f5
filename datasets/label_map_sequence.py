"""A sequence of label maps whose objects start where a label map shows them first, with frames or without."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import numpy as np

from vos_bench.api import FrameRange, Image, LabelMap, Problem, Prompt, Sequence
from vos_bench.labelmaps import NarrowLabels, read_narrow, white_as

from .frames import frame_notes, image_size, read_image
from .masks import given_masks, objects_in, shows_white, size_problem
from .problems import BadDataError


class LabelMapSequence(Sequence):
    """Label maps, one a frame, of the frames' names.

    An object is given on the first label map that shows it, not before the frame that a list names for it. A truth that
    comes without frames can be scored and not run.
    """

    def __init__(
        self,
        name: str,
        *,
        frames: Mapping[str, Path],
        labels: Mapping[str, Path],
        truth: tuple[str, ...],
        given_on: tuple[str, ...] | None = None,
        output: tuple[str, ...] | None = None,
        first_frames: Mapping[int, str] | None = None,
        frame_ranges: Mapping[int, FrameRange] | None = None,
        group: str = "",
        notes: Mapping[str, str] | None = None,
    ) -> None:
        """Keep paths; no label map is read before it is asked for.

        Args:
            name: The sequence's name.
            frames: Frame name to image, in order; empty for a truth without frames.
            labels: Frame name to label map, in order.
            truth: Those of `labels` that are truth; the others only say where objects start.
            given_on: The label maps in which objects are looked for; all, when None.
            output: The frames whose masks a run writes; all, when None.
            first_frames: Listed object to the frame before which it does not start; None where there is no list, and
                every object counts that some label map shows.
            frame_ranges: Listed object to its listed frames.
            group: `seen` or `unseen`, of all objects of the sequence; empty where there are no groups.
            notes: What is known of the data; see `Sequence.notes`.
        """
        self.name = name
        self.frame_names = tuple(frames) or tuple(labels)
        self.output_names = self.frame_names if output is None else output
        self.truth_names = truth
        self.frame_ranges = frame_ranges or {}
        self.listed_objects = None if first_frames is None else tuple(sorted(first_frames))
        self.groups = dict.fromkeys(first_frames or (), group) if group else {}
        self._frames, self._labels = frames, labels
        self._given_on = tuple(labels) if given_on is None else given_on
        self._listed, self._noted = first_frames, dict(notes or {})

    @cached_property
    def prompt_frames(self) -> tuple[str, ...]:  # type: ignore[override]  # read when asked for, not at opening
        """The frames on which objects start; reads label maps until every listed object is found."""
        return tuple(name for name in self._given_on if name in self._starts)

    @cached_property
    def _starts(self) -> dict[str, tuple[int, ...]]:
        starts: dict[str, tuple[int, ...]] = {}
        started: set[int] = set()
        for name in self._given_on:
            wanted = self._wanted(name) - started
            if self._listed is not None and not wanted:
                continue  # nothing can start here: not even read
            shown = objects_in(self._read(name))
            if new := tuple(k for k in shown if k not in started and (self._listed is None or k in wanted)):
                starts[name] = new
                started.update(new)
        self._add_missed(starts, started)
        return starts

    def _wanted(self, name: str) -> set[int]:
        return {k for k, first in (self._listed or {}).items() if first <= name}

    def _add_missed(self, starts: dict[str, tuple[int, ...]], started: set[int]) -> None:
        """Give listed objects that no label map shows where they should start, empty: a run notes that it missed them.

        A sequence without any object to start from has no prompt at all.
        """
        for object_id, first in (self._listed or {}).items() if starts else ():
            if object_id not in started:
                name = next((name for name in self._given_on if name >= first), self._given_on[-1])
                starts[name] = (*starts.get(name, ()), object_id)

    @cached_property
    def _white(self) -> int | None:
        """Which object white (255) is in 0/255 masks; None where there are several objects, so that it is none."""
        if self._listed is not None:
            return next(iter(self._listed)) if len(self._listed) == 1 else None
        return 1 if shows_white(self._labels.values()) else None

    def _read(self, frame_name: str) -> NarrowLabels:
        labels = read_narrow(self._labels[frame_name])
        return labels if self._white is None else white_as(labels, self._white)

    @property
    def notes(self) -> Mapping[str, str]:
        """What to know of the data: see `Sequence.notes`."""
        return {**self._noted, **(frame_notes(self._frames) if self._frames else {})}

    def read_frame(self, frame_name: str) -> Image:
        """Decode one frame. Raises BadInputError when it is missing, cut off or damaged."""
        if frame_name not in self._frames:
            folder = next(iter(self._labels.values())).parent
            remedy = "give the dataset's --root; --truth alone is for scoring"
            raise BadDataError(Problem(folder, "a truth without frames", f"the frame {frame_name}", remedy))
        return read_image(self._frames[frame_name])

    def read_truth(self, frame_name: str) -> LabelMap:
        """Read one label map. Raises BadInputError when it is no label map or has another size than its frame."""
        return self._sized(frame_name, self._read(frame_name)).astype(np.uint16, copy=False)

    def read_truth_labels(self, frame_name: str) -> NarrowLabels:
        """Read one label map as `read_truth` does, only as wide as its file, and with white as it is."""
        return self._sized(frame_name, read_narrow(self._labels[frame_name]))

    def _sized(self, frame_name: str, labels: NarrowLabels) -> NarrowLabels:
        frame = self._frames.get(frame_name)
        if frame is not None and labels.shape != (size := image_size(frame)):
            raise BadDataError(size_problem(self._labels[frame_name], labels.shape, size, frame))
        return labels

    def read_prompt(self, frame_name: str) -> Prompt:
        """Read the masks of the objects that start on a frame, and of no other.

        Raises:
            BadInputError: As `read_truth`, or the label map's edges were smoothed.
        """
        return given_masks(self._labels[frame_name], self.read_truth(frame_name), self._starts[frame_name])

    def shown_objects(self) -> set[int]:
        """Return the ids of all objects that some label map shows; reads all of them."""
        return {k for name in self._labels for k in objects_in(self._read(name))}
