"""The rules by which a benchmark scores: which frames and objects count, and how their values become one number.

Each rule has a text, which a record keeps, and most a function. `vos_bench.metrics.protocols` has the protocols of all
benchmarks; a rule that no protocol has yet is one more field of `ScoringProtocol`.
"""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vos_bench.api import ProtocolName
from vos_bench.metrics.averages import MEAN_OVER_OBJECTS, SCORES, AveragingRule
from vos_bench.metrics.contours import CONTOUR, ContourRule
from vos_bench.metrics.counts import FrameCounts
from vos_bench.metrics.frame_rules import (
    ANY_FILES,
    FilesRule,
    FrameRule,
    Frames,
    ObjectRule,
    Places,
    TruthSequence,
)
from vos_bench.metrics.measures import region_similarity, smoothed_similarity
from vos_bench.metrics.statistics import ObjectScores, Rule

FormulaRule = Rule[Callable[..., NDArray[np.float64]]]
"""Returns one value for each frame from its pixel counts."""

StatisticRule = Rule[Callable[[ObjectScores, NDArray[np.bool_]], dict[str, float]]]
"""Returns more of an object's numbers, by name, from its values and from whether each frame's truth shows it."""

REGION: FormulaRule = Rule("intersection over union; 1 where both are empty, 0 where one is", region_similarity)

SMOOTHED_REGION: FormulaRule = Rule("(intersection + 1) / (union + 1)", smoothed_similarity)


class OfficialTool(NamedTuple):
    """The tool whose rules these are, and what it does without a message where label maps are missing.

    Attributes:
        source: Repository, file and commit; empty where none is published.
        missing_sequence: What it does with a sequence that has no label maps; empty where it says so.
        missing_frame: What it does with a frame that has none; empty where it says so.
        name: What messages call it.
    """

    source: str = ""
    missing_sequence: str = ""
    missing_frame: str = ""
    name: str = "the official tool"


class ScoringProtocol(NamedTuple):
    """The rules of one benchmark.

    Attributes:
        name: As on the command line.
        frames: Which frames count.
        objects: Which objects count, each on which of these frames.
        region: J of a frame.
        contour: F of a frame; None where the benchmark has none.
        files: Which label maps there have to be.
        void: What 255 in label maps is.
        white: What a 0/255 mask is: the mask of the one object of its sequence, or a label map with 255 in it.
        unknown_ids: What becomes of ids in label maps that no object has: an error, or background.
        wrapped: Whether a folder that lies alone in the folder of label maps, and is no sequence's, is looked into.
        extra: What an object has besides mean, recall and decay of J and F.
        averaging: How the values of objects become the scores.
        scores: The names of the scores, the main one first.
        headline: The score by which comparisons judge; runs, sequences and objects have it, unless it is of tracks.
        official: The tool whose rules these are.
        assumed: Each thing that is assumed because nobody published it.
        tracks: The task by which whole tracks are judged, not label maps; see `vos_bench.scoring.tracks`.
    """

    name: ProtocolName
    frames: FrameRule
    objects: ObjectRule
    region: FormulaRule = REGION
    contour: ContourRule | None = CONTOUR
    files: FilesRule = ANY_FILES
    void: Literal["background", "an object"] = "background"
    white: Literal["the one object", "as it is"] = "the one object"
    unknown_ids: Literal["refused", "ignored"] = "refused"
    wrapped: bool = False
    extra: tuple[StatisticRule, ...] = ()
    averaging: AveragingRule = MEAN_OVER_OBJECTS
    scores: tuple[str, ...] = SCORES
    headline: str = "J&F"
    official: OfficialTool = OfficialTool()
    assumed: tuple[str, ...] = ()
    tracks: Literal["exemplar", "class", "open"] | None = None

    @property
    def object_score(self) -> str:
        """The score of single objects and sequences: the headline, or J&F where that is one of all tracks together."""
        return "J&F" if self.tracks else self.headline

    @property
    def rules(self) -> dict[str, str]:
        """What a record keeps of the rules that have no field of their own there."""
        found = {
            "objects": self.objects.text,
            "J": self.region.text,
            "F": self.contour.text if self.contour else "none",
            "255": self.void,
            "0/255 masks": self.white,
            "unknown ids": self.unknown_ids,
            "label maps": self.files.text,
            "wrapped folder": "looked into" if self.wrapped else "refused",
            "extra scores": "; ".join(rule.text for rule in self.extra) or "none",
            "headline": self.headline,
            "official tool": self.official.source or "none published",
        }
        return {
            name: text for name, text in found.items() if not (self.tracks and name in ("J", "F", "255", "0/255 masks"))
        }

    @property
    def page(self) -> dict[str, str]:
        """All rules in words, by name, for a page about the protocol."""
        frames = {"name": self.name, "scores": ", ".join(self.scores), "frames": self.frames.text}
        return {**frames, **self.rules, "averaging": self.averaging.text}

    def select_frames(self, sequence: TruthSequence) -> Frames:
        """Return the frames that count, by object where each has its own. Raises BadInputError for too few."""
        return self.frames.apply(sequence)

    def places(self, sequence: TruthSequence, frames: Frames, counts: Sequence[FrameCounts]) -> dict[int, Places]:
        """Return each object's id and its places among the frames that count; see `ObjectRule`."""
        return self.objects.apply(sequence, frames, counts)
