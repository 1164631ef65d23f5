"""What a method was given of the sequence at hand: the frames' size and the objects, checked call by call."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from vos_bench.api import Image, Prompt
from vos_bench.errors import BadInputError


class TrackedObjects:
    """The size and the objects of a sequence. What breaks the contract of `vos_bench.api.Method` is refused plainly.

    Attributes:
        ids: The objects that are followed, in the order in which they started.
        absent: Those that were given with nothing to see: no pixel of a mask, a box outside the image.
    """

    def __init__(self, method: str, *, boxes: bool = False, corrections: bool = False) -> None:
        """Begin before any sequence; `boxes`: objects may start from them too; `corrections`: masks may come again."""
        self._method, self._boxes, self._corrections = method, boxes, corrections
        self._size: tuple[int, int] | None = None
        self.ids: list[int] = []
        self.absent: set[int] = set()

    def reset(self, image: Image) -> None:
        """Forget the last sequence. Raises BadInputError for an image that is not H x W x 3 uint8."""
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise BadInputError(
                f"{self._method}: found an image of {image.shape} {image.dtype}, expected H x W x 3 uint8, RGB; "
                "convert it"
            )
        self._size = (image.shape[0], image.shape[1])
        self.ids, self.absent = [], set()

    def check_frame(self, image: Image) -> None:
        """Check a later image. Raises BadInputError before `reset`, or for another size than the first one's."""
        if self._size is None:
            raise BadInputError(
                f"{self._method}: step was called before initialize; give the first image and its prompt first"
            )
        if image.shape[:2] != self._size:
            raise BadInputError(
                f"{self._method}: found a frame of {image.shape[0]} x {image.shape[1]} pixels, expected "
                f"{self._size[0]} x {self._size[1]} as the first one; resize the frames of a video alike"
            )

    def check_prompt(self, new: Prompt) -> None:
        """Raise BadInputError for an object not to be given (again), a mask of another size or a box not wanted."""
        new.require_ids()
        before = {*self.ids} | self.absent
        if repeated := before & {*(new.boxes if self._corrections else new.object_ids)}:
            raise BadInputError(f"{self._method}: object {min(repeated)} was given before; an object starts once")
        if not self._boxes and (boxes := sorted(set(new.boxes) - set(new.masks))):
            raise BadInputError(
                f"{self._method}: object {boxes[0]} is given as a box, expected a mask; it starts from masks alone"
            )
        for k, mask in new.masks.items():
            if mask.shape != self._size:
                raise BadInputError(
                    f"{self._method}: the mask of object {k} has {mask.shape} pixels, expected {self._size} as its "
                    "frame; resize it"
                )

    def add(self, started: Iterable[int], new: Prompt) -> None:
        """Note those of a prompt's objects that are followed from here on; the others of it are absent."""
        started = list(started)
        self.ids += started
        self.absent = (self.absent | set(new.object_ids)) - set(self.ids)

    def to_planes(self, merged: NDArray[np.floating]) -> NDArray[np.float16]:
        """Return (1 + K) planes of the background and `ids` as a `Prediction` wants them: objects by ascending id."""
        everyone = [0, *sorted({*self.ids} | self.absent)]
        planes = np.zeros((len(everyone), *merged.shape[1:]), np.float16)
        planes[[everyone.index(k) for k in (0, *self.ids)]] = merged
        return planes
