"""Where the viewer of a sequence opens: the frame on which the runs differ most, or a single run does worst."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .scenes import SequencePage, frame_means


class Opening(NamedTuple):
    """The frame on which a viewer opens.

    Attributes:
        place: Among the frames that the site shows.
        why: What makes this frame telling; empty where nothing does, as on the first frame.
    """

    place: int = 0
    why: str = ""


def opening(scene: SequencePage, differing: Sequence[float]) -> Opening:
    """Return the most telling frame of a scene.

    With scores it is the one on which the runs lie furthest apart or, where they all agree, score lowest. Without any
    it is the one on which their label maps differ on the largest share of the pixels of objects.

    Args:
        scene: The scene.
        differing: This share for each frame; see `media.SceneMedia`.
    """
    scores = [frame_means(entry.run, scene.name, scene.frames) for entry in scene.entries]
    ends = {
        place: (min(found), max(found))
        for place in range(len(scene.frames))
        if (found := [each[place] for each in scores if place in each])
    }
    if ends:
        return _by_scores(ends, "J&F" if _has_contours(scene) else "J")
    place = max(range(len(differing)), key=lambda i: differing[i], default=0)
    if not differing or not differing[place]:
        return Opening()
    return Opening(place, f"the label maps differ most: on {100 * differing[place]:.0f} % of the pixels of objects")


def _by_scores(ends: Mapping[int, tuple[float, float]], measure: str) -> Opening:
    """Choose by the lowest and the highest score of each frame; where runs are as far apart, the worst counts."""
    place = min(ends, key=lambda i: (-round(ends[i][1] - ends[i][0], 3), ends[i][0]))
    low, high = (f"{100 * each:.1f}" for each in ends[place])
    if low != high:
        return Opening(place, f"the runs lie furthest apart: {measure} {low} to {high}")
    return Opening(place, f"{measure} is lowest: {low}")


def _has_contours(scene: SequencePage) -> bool:
    return any(each.per_frame.F for entry in scene.entries for each in entry.run.sequence_records[scene.name].scores)
