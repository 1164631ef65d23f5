"""A sequence whose objects have masks of their own, so that they may overlap: what SA-V and BURST share."""

from abc import abstractmethod
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import numpy as np

from vos_bench.api import Image, LabelMap, Mask, Problem, Prompt, Sequence
from vos_bench.labelmaps import NarrowLabels

from .frames import image_size, read_image
from .masks import size_problem
from .problems import BadDataError


class MaskSequence(Sequence):
    """Masks by object and frame. An object is given on the first of its frames whose mask shows it."""

    def __init__(
        self,
        name: str,
        *,
        frames: Mapping[str, Path],
        annotated: tuple[str, ...],
        object_frames: Mapping[int, tuple[str, ...]],
        source: Path,
    ) -> None:
        """Keep names and paths.

        Args:
            name: The sequence's name.
            frames: Frame name to image, in order; empty for a truth without frames.
            annotated: The frames that have a truth of some object, in order.
            object_frames: Object id to the frames that have a truth of this object.
            source: The folder or file that the masks come from, for messages.
        """
        self.name = name
        self.frame_names = tuple(frames) or annotated
        complete = not frames or any(len(several) > 1 for several in object_frames.values())
        self.truth_names = annotated if complete else ()
        self.output_names = annotated if complete else self.frame_names
        self.object_frames = object_frames
        self.groups: Mapping[int, str] = {}
        self._frames, self._source = frames, source

    @abstractmethod
    def _read_mask(self, frame_name: str, object_id: int) -> Mask:
        """Read a mask of one of an object's frames. Raises BadInputError when it is damaged."""

    def _read_labels(self, frame_name: str, object_id: int) -> NarrowLabels:
        """Read it as labels: those of its file, or 0 and 1. Raises BadInputError likewise."""
        return self._read_mask(frame_name, object_id).view(np.uint8)

    @abstractmethod
    def _place(self, frame_name: str, object_id: int) -> Path:
        """Return the file that holds such a mask."""

    @cached_property
    def prompt_frames(self) -> tuple[str, ...]:  # type: ignore[override]  # read when asked for, not at opening
        """The frames on which objects start; reads each object's masks up to the first that shows it."""
        return tuple(sorted(set(self._starts.values())))

    @cached_property
    def _starts(self) -> Mapping[int, str]:
        return {k: self._first_shown(k) for k, frames in self.object_frames.items() if frames}

    def _first_shown(self, object_id: int) -> str:
        """Return the first frame that shows an object; its first one where none does, so that a run notes the loss."""
        frames = self.object_frames[object_id]
        return next((frame for frame in frames if self.read_truth_mask(frame, object_id).any()), frames[0])

    def read_frame(self, frame_name: str) -> Image:
        """Decode one frame. Raises BadInputError when it is missing, cut off or damaged."""
        if frame_name not in self._frames:
            remedy = "give the dataset's --root; --truth alone is for scoring"
            raise BadDataError(Problem(self._source, "a truth without frames", f"the frame {frame_name}", remedy))
        return read_image(self._frames[frame_name])

    def read_truth_mask(self, frame_name: str, object_id: int) -> Mask:
        """Read the mask of one object on one of its frames.

        Raises:
            BadInputError: It is no mask of one object, or has another size than its frame.
        """
        mask = self._read_mask(frame_name, object_id)
        self._require_size(frame_name, object_id, mask.shape)
        return mask

    def read_object_labels(self, frame_name: str, object_id: int) -> NarrowLabels:
        """Read the mask of one object as the labels of its file. Raises BadInputError as `read_truth_mask`."""
        labels = self._read_labels(frame_name, object_id)
        self._require_size(frame_name, object_id, labels.shape)
        return labels

    def _require_size(self, frame_name: str, object_id: int, shape: tuple[int, ...]) -> None:
        frame = self._frames.get(frame_name)
        if frame is not None and shape != (size := image_size(frame)):
            raise BadDataError(size_problem(self._place(frame_name, object_id), shape, size))

    def read_truth(self, frame_name: str) -> LabelMap:
        """Merge the masks of a frame, for pictures: where objects overlap the lowest id is on top.

        Raises:
            BadInputError: As `read_truth_mask`, or the masks have different sizes.
        """
        labels: LabelMap | None = None
        for object_id in sorted(self._shown_on(frame_name), reverse=True):
            mask = self.read_truth_mask(frame_name, object_id)
            labels = np.zeros(mask.shape, np.uint16) if labels is None else labels
            if mask.shape != labels.shape:
                raise BadDataError(size_problem(self._place(frame_name, object_id), mask.shape, labels.shape))
            labels[mask] = object_id
        return self._empty(frame_name) if labels is None else labels

    def _shown_on(self, frame_name: str) -> list[int]:
        return [k for k, frames in self.object_frames.items() if frame_name in frames]

    def _empty(self, frame_name: str) -> LabelMap:
        """Return the label map of a frame that no object has a mask on."""
        height, width = image_size(self._frames[frame_name])
        return np.zeros((height, width), np.uint16)

    def read_prompt(self, frame_name: str) -> Prompt:
        """Read the masks of the objects that start on a frame; they may overlap. Raises BadInputError."""
        starting = [k for k, first in self._starts.items() if first == frame_name]
        return Prompt(masks={k: self.read_truth_mask(frame_name, k).copy() for k in starting})
