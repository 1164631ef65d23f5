"""From a method's answers to the label maps that are kept: what was given is pasted in, objects get their ids back."""

from collections.abc import Callable

import numpy as np

from vos_bench.api import LabelMap, Prediction
from vos_bench.running.exchange import Feed, Question
from vos_bench.running.frames import FramePlan
from vos_bench.running.prompts import paste

Save = Callable[[str, LabelMap], None]
"""Takes a frame's name and its label map under the dataset's ids."""

SaveProbabilities = Callable[[str, Prediction, LabelMap], None]
"""Takes a frame's name, the answer, and the ids of the objects given so far."""


class LabelMapWriter:
    """Hands on each label map that is asked for as it comes.

    Attributes:
        saw_probabilities: Whether any answer had them.
    """

    def __init__(self, plan: FramePlan, save: Save, save_probabilities: SaveProbabilities | None = None) -> None:
        """Take which frames are asked for, and where label maps and probabilities go."""
        self._plan, self._save, self._save_probabilities = plan, save, save_probabilities
        self._missing_before = plan.before
        self.saw_probabilities = False

    def write(self, question: Question, prediction: Prediction, feed: Feed) -> None:
        """Paste what was given, give the objects their ids back and save, where this frame is asked for."""
        for name in self._missing_before:
            self._save(name, np.zeros(question.shape, dtype=np.uint16))
        self._missing_before = ()
        if question.frame not in self._plan.outputs:
            return
        labels = prediction.labels.astype(np.uint16)  # a copy: the method may keep its array
        if question.given is not None:
            paste(labels, question.given)
        self._save(question.frame, feed.numbering.restore(labels))
        if self._save_probabilities and prediction.probabilities is not None:
            self.saw_probabilities = True
            ids = np.array(feed.numbering.ids[: question.objects], dtype=np.uint16)
            self._save_probabilities(question.frame, prediction, ids)
