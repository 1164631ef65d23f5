"""One sequence of YouTube-VOS: objects by `meta.json`, each given where it is listed first."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import numpy as np

from vos_bench.api import Image, LabelMap, Problem, Prompt, Sequence
from vos_bench.formats.meta_json import ListedVideo
from vos_bench.labelmaps import NarrowLabels, object_ids, read_narrow, white_as
from vos_bench.names import counted, frame_order, shorten

from .frames import frame_notes, image_size, read_image
from .masks import given_masks, size_problem
from .problems import BadDataError


class YouTubeVosSequence(Sequence):
    """A sequence whose objects, first frames and annotated frames a list names.

    An object is given on the first of its listed frames whose label map shows it: a label map that lacks it says
    nothing there, for 0 is "no label" on first frames. Of a label map with a new object only that object is given.
    """

    def __init__(
        self,
        name: str,
        *,
        frames: Mapping[str, Path],
        labels: Mapping[str, Path],
        video: ListedVideo,
        groups: Mapping[int, str],
    ) -> None:
        """Keep paths; no label map is read before its object is asked for.

        Args:
            name: The sequence's name.
            frames: Frame name to image file, in order: all frames, or the annotated ones.
            labels: Frame name to label map, in order.
            video: The objects, and on which frames each is listed.
            groups: Object id to `seen` or `unseen`.

        Raises:
            BadInputError: A listed frame has no image.
        """
        self.name = name
        self.frame_names = tuple(frames)
        self.output_names = video.frames
        self.first_frames = video.first_frames
        self.groups = groups
        self._frames, self._labels, self._video = frames, labels, video
        if missing := [frame for frame in self.output_names if frame not in frames]:
            folder = next(iter(frames.values())).parent
            found = f"{counted(len(frames), 'frame')}, none named {shorten(missing)}"
            raise BadDataError(Problem(folder, found, "the frames that meta.json lists", "unpack the archive again"))
        starts = len(set(self.first_frames.values()))
        # In valid and test only first masks are public; a label map for every listed frame is the truth.
        complete = all(frame in labels for frame in self.output_names) and len(self.output_names) > starts
        self.truth_names = self.output_names if complete else ()

    @cached_property
    def prompt_frames(self) -> tuple[str, ...]:  # type: ignore[override]  # read when asked for, not at opening
        """The frames on which objects start; reads their label maps to see which objects they show."""
        return tuple(sorted(self._starts, key=frame_order))

    @cached_property
    def _starts(self) -> dict[str, tuple[int, ...]]:
        shown: dict[str, frozenset[int]] = {}
        starts: dict[str, tuple[int, ...]] = {}
        for object_id in self.first_frames:
            frame = self._first_shown(object_id, shown)
            starts[frame] = (*starts.get(frame, ()), object_id)
        return starts

    def _first_shown(self, object_id: int, shown: dict[str, frozenset[int]]) -> str:
        """Return where an object is given; its first listed label map where none shows it, so that it is missed."""
        listed = [
            frame for frame in sorted(self._video.objects[object_id].frames, key=frame_order) if frame in self._labels
        ]
        if not listed:
            raise BadDataError(self._unlabelled(object_id))
        for frame in listed:
            if frame not in shown:
                shown[frame] = frozenset(object_ids(self._read_ids(self._labels[frame])))
            if object_id in shown[frame]:
                return frame
        return listed[0]

    def _unlabelled(self, object_id: int) -> Problem:
        folder = next(iter(self._labels.values())).parent
        first = self.first_frames[object_id]
        found = f"no label map of object {object_id}, which meta.json lists from frame {first} on"
        return Problem(folder, found, f"{first}.png", "unpack the archive again")

    def read_frame(self, frame_name: str) -> Image:
        """Decode one frame. Raises BadInputError when it is missing, cut off or damaged."""
        return read_image(self._frames[frame_name])

    def read_truth(self, frame_name: str) -> LabelMap:
        """Read one label map. Raises BadInputError when it is no label map or has another size than its frame."""
        path = self._labels[frame_name]
        labels = self._read_ids(path)
        if labels.shape != (size := image_size(self._frames[frame_name])):
            raise BadDataError(size_problem(path, labels.shape, size, self._frames[frame_name]))
        return labels.astype(np.uint16, copy=False)

    def _read_ids(self, path: Path) -> NarrowLabels:
        """Read a label map; in a sequence of one object, white (255) in a 0/255 mask is this object."""
        labels = read_narrow(path)
        return white_as(labels, next(iter(self.first_frames))) if len(self.first_frames) == 1 else labels

    @property
    def notes(self) -> Mapping[str, str]:
        """What to know of the data: see `Sequence.notes`."""
        return frame_notes(self._frames)

    def read_prompt(self, frame_name: str) -> Prompt:
        """Read the masks of the objects that start on a frame, and of no other.

        Raises:
            BadInputError: As `read_truth`, or the label map's edges were smoothed.
        """
        return given_masks(self._labels[frame_name], self.read_truth(frame_name), self._starts[frame_name])

    def object_problems(self) -> list[Problem]:
        """Return what is wrong between the list and the label maps: objects never shown, and ids never listed."""
        lost = [k for k, listed in self._video.objects.items() if not listed.frames]
        shown: dict[str, frozenset[int]] = {}
        for object_id in self.first_frames:
            try:
                frame = self._first_shown(object_id, shown)
            except BadDataError as refusal:
                return [refusal.problem]
            lost += [object_id] * (object_id not in shown[frame])
        folder = next(iter(self._labels.values())).parent
        again = "unpack the archive again"
        problems = []
        if lost:
            found = f"no label map that shows object {shorten(map(str, sorted(lost)))}"
            problems.append(Problem(folder, found, "each object that meta.json lists", again))
        if unlisted := sorted({k for ids in shown.values() for k in ids} - {*self._video.objects}):
            found = f"object {shorten(map(str, unlisted))}, which meta.json does not list"
            problems.append(Problem(folder, found, f"only {shorten(map(str, sorted(self._video.objects)))}", again))
        return problems
