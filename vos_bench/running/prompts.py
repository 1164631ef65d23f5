"""What a method is given: objects numbered 1..K in the order in which they start, empty ones left out."""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from vos_bench.api import LabelMap, Prompt, PromptKind
from vos_bench.errors import BadInputError

LARGEST_ID = int(np.iinfo(np.uint16).max)


class Numbering:
    """Numbers a sequence's objects 1..K in the order in which they start (on one frame: by id), and back."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        """The dataset's ids; object k of the method is `ids[k - 1]`."""

    def start(self, prompt: Prompt) -> Prompt:
        """Take up the objects of a prompt and return it under the method's numbers."""
        first = len(self.ids) + 1
        for object_id in prompt.object_ids:
            if not 0 < object_id <= LARGEST_ID:
                raise BadInputError(f"object id {object_id}: expected a whole number from 1 to {LARGEST_ID}")
            self.ids.append(object_id)
        return prompt.renamed({object_id: k for k, object_id in enumerate(prompt.object_ids, start=first)})

    def restore(self, labels: LabelMap) -> LabelMap:
        """Return a label map of the method's numbers under the dataset's ids."""
        return np.array([0, *self.ids], dtype=np.uint16)[labels]


def usable(prompt: Prompt, started: Collection[int], *, init: PromptKind) -> Prompt:
    """Return the objects of a prompt that a method can start from.

    An object whose mask or box is empty is left out: there is nothing to follow. One that started before is left out
    too, because an object starts once.

    Args:
        prompt: As the dataset gives it.
        started: The dataset's ids of the objects that started on earlier frames.
        init: `box` replaces masks by boxes.
    """
    given = prompt.as_boxes() if init == "box" else prompt
    return Prompt(
        masks={k: mask for k, mask in given.masks.items() if k not in started and mask.any()},
        boxes={k: box for k, box in given.boxes.items() if k not in started and box[0] < box[2] and box[1] < box[3]},
    )


def require_accepted(prompt: Prompt, accepted: Collection[PromptKind], *, method: str) -> None:
    """Check that a method takes what a prompt holds.

    Raises:
        BadInputError: It does not.
    """
    for kind, given in (("mask", prompt.masks), ("box", prompt.boxes)):
        if given and kind not in accepted:
            raise BadInputError(
                f"{method} starts from a {' or a '.join(sorted(accepted))}, found a {kind} for object {min(given)};"
                f" choose a method that takes a {kind} (vos-bench list methods)"
            )


def given_labels(prompt: Prompt, shape: tuple[int, int]) -> LabelMap | None:
    """Return the masks of a prompt as a label map of its own, so that a method may do with the masks what it likes."""
    if not prompt.masks:
        return None
    labels = np.zeros(shape, dtype=np.uint16)
    for object_id in sorted(prompt.masks):
        labels[prompt.masks[object_id]] = object_id
    return labels


def paste(labels: LabelMap, given: LabelMap) -> None:
    """Set every object of `given` to exactly the region it has there, in place."""
    region = given > 0
    labels[np.isin(labels, _ids(given))] = 0
    labels[region] = given[region]


def _ids(labels: LabelMap) -> NDArray[np.intp]:
    return np.flatnonzero(np.bincount(labels.ravel()))[1:]
