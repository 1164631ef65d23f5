"""Scores a file of tracks (BURST): HOTA by boxes as the official tool has it, HOTA by masks beside it, and AP."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from vos_bench.errors import BadInputError
from vos_bench.formats.tracks_json import RunLengthMask, TrackFile, TrackSequence, read_tracks, tracks_of_label_maps
from vos_bench.metrics.tracking import (
    EPSILON,
    Floats,
    FrameMatches,
    HotaCounts,
    TrackMatches,
    average_precision,
    count_hota,
)
from vos_bench.names import shorten

Task = Literal["exemplar", "class", "open"]

PARTS = ("all", "common", "uncommon")

COMMON = frozenset(
    {
        *(4, 13, 34, 35, 36, 41, 45, 58, 60, 78, 79, 81, 91, 95, 99, 118, 126, 133, 139, 154, 174, 185, 211, 221, 229),
        *(235, 237, 276, 299, 347, 371, 382, 392, 428, 429, 452, 475, 480, 502, 544, 579, 621, 625, 642, 699, 714, 717),
        *(729, 747, 779, 805, 829, 852, 896, 926, 937, 961, 979, 980, 982, 993, 1001, 1018, 1038, 1057, 1091, 1097),
        *(1099, 1115, 1117, 1122, 1132, 1135, 1144, 1155, 1162, 1215, 1229),
    }
)
"""The ids of TAO's classes that COCO has too."""

DISTRACTORS = frozenset(
    {
        *(20, 63, 108, 180, 188, 204, 212, 247, 303, 403, 407, 415, 490, 504, 507, 513, 529, 567, 569, 588, 672, 691),
        *(702, 708, 711, 720, 736, 737, 798, 813, 815, 827, 831, 851, 877, 883, 912, 971, 976, 1130, 1133, 1134, 1169),
        *(1184, 1220),
    }
)
"""The ids of classes whose true tracks do not count, as "Opening up Open-World Tracking" lists them."""

MERGED = {153: 943, 201: 1175, 207: 554, 504: 347, 720: 347, 912: 529, 967: 529}
"""The ids of classes that count as another, by the tags of TAO's list of classes (as TrackEval 1.3.0 ships it)."""

OBJECT = 1
"""The one class of the open-world task; the official tool compares this id with the lists of a video as well."""

MOST_DETECTIONS = 300
"""How many detections of an image count, the surest first."""


class Detection(NamedTuple):
    """One mask of one track: its frame, class and score, and its pixels."""

    frame: str
    track: int
    category: int
    score: float
    mask: RunLengthMask


@dataclass(frozen=True)
class Video:
    """The true and the predicted detections of one video, and its lists of classes."""

    truth: tuple[Detection, ...]
    found: tuple[Detection, ...]
    absent: frozenset[int]
    not_exhaustive: frozenset[int]


@dataclass(frozen=True)
class TrackScores:
    """The scores by name, those of each class, and which videos have no prediction."""

    scores: dict[str, float]
    classes: dict[int, dict[str, float]]
    missing: tuple[str, ...]


def score_tracks(prediction: Path, truths: Mapping[str, Path], task: Task, *, names: Container[str]) -> TrackScores:
    """Score tracks.

    Args:
        prediction: A JSON file of the form of the truth; or a folder of label maps, `SEQUENCE/FRAME.png`, whose ids are
            those of the true tracks and give the class.
        truths: Set of classes (`all`, `common`, `uncommon`) to the file of its true tracks.
        task: `exemplar` for tracks that start from given masks, `class` for those of given classes, `open` where
            classes do not matter.
        names: The sequences that count.

    Raises:
        BadInputError: A file is missing or damaged, is of another split, or the truth lacks a set of classes.
    """
    found = _of_label_maps(prediction, truths["all"], names) if prediction.is_dir() else read_tracks(prediction)
    if task != "open":
        videos = _videos(prediction, found, truths["all"], task, names)
        _require_one_video(prediction, found, truths["all"], videos)
        return TrackScores(*_by_class(videos, task, truths["all"]), _missing(videos))
    scores: dict[str, float] = {}
    missing: tuple[str, ...] = ()
    for part in PARTS:
        if part not in truths:
            expected = truths["all"].with_name(f"{part}_classes.json")
            raise BadInputError(f"{expected}: there is no such file; the open-world task needs the tracks of each set")
        videos = _videos(prediction, found, truths[part], task, names)
        if part == "all":
            _require_one_video(prediction, found, truths[part], videos)
        missing = missing or _missing(videos)
        values = _class_scores(videos, OBJECT, task)
        scores |= {f"{name}_{part}": values[name] for name in _reported(task)}
    return TrackScores(scores, {}, missing)


def _require_one_video(prediction: Path, found: TrackFile, source: Path, videos: Mapping[str, Video]) -> None:
    given = [each.name for each in found.sequences]
    if not videos or not videos.keys().isdisjoint(given):
        return
    expected = {each.name for each in read_tracks(source).sequences}  # of which the user may have chosen others
    if expected.isdisjoint(given):
        raise BadInputError(
            f"{prediction}: holds no video of {source}: found {shorten(given)}; "
            f"expected {shorten(sorted(expected))}\n"
            "  dataset and seq_name must be those of the truth (the official tool would count misses alone)"
        )


def _of_label_maps(masks: Path, source: Path, names: Container[str]) -> TrackFile:
    """Return label maps as the file that `vos-bench package` makes of them."""
    truth = read_tracks(source)
    chosen = (each for each in truth.sequences if each.name in names)
    found = (tracks_of_label_maps(each, masks / each.name) for each in chosen)
    return TrackFile(split=truth.split, sequences=tuple(found))


def _reported(task: Task) -> tuple[str, ...]:
    names = ("OWTA", "DetRe", "AssA") if task == "open" else ("HOTA", "DetA", "AssA")
    return (*names, *(f"mask_{name}" for name in names), *(() if task == "open" else ("AP",)))


def _by_class(
    videos: Mapping[str, Video], task: Task, source: Path
) -> tuple[dict[str, float], dict[int, dict[str, float]]]:
    """Return the means over classes, and the scores of each class."""
    shown = sorted({each.category for video in videos.values() for each in video.truth} - DISTRACTORS)
    classes = {category: _class_scores(videos, category, task) for category in shown}
    parts = {
        "all": shown,
        "common": [each for each in shown if each in COMMON],
        "uncommon": [each for each in shown if each not in COMMON],
    }
    for part, members in parts.items():
        if not members:
            raise BadInputError(
                f"{source}: found no track of {part} classes, expected at least one\n"
                "  scores are means over all, common and uncommon classes\n"
                "  (the official tool stops with a division by zero)"
            )
    scores = {
        f"{name}_{part}": float(np.mean([classes[each][name] for each in members]))
        for name in _reported(task)
        for part, members in parts.items()
    }
    return scores, classes


def _class_scores(videos: Mapping[str, Video], category: int, task: Task) -> dict[str, float]:
    """Return the scores of one class over all videos."""
    by_box, by_mask = HotaCounts(), HotaCounts()
    for video in videos.values():
        if not any(each.category == category for each in (*video.truth, *video.found)):
            continue  # it would add zeros alone, frame by frame
        for counts, overlap in ((by_box, _box_overlaps), (by_mask, _mask_overlaps)):
            counts.add(count_hota(_frame_matches(video, category, task, overlap)))
    masks = {f"mask_{name}": value for name, value in by_mask.scores().items()}
    precision = {} if task == "open" else {"AP": average_precision(_track_matches(videos.values(), category))}
    return {**by_box.scores(), **masks, **precision}


def _videos(prediction: Path, found: TrackFile, source: Path, task: Task, names: Container[str]) -> dict[str, Video]:
    """Return those videos of the truth by name, sorted as text, with what was predicted for them."""
    truth = read_tracks(source)
    if found.split and found.split != truth.split:
        raise BadInputError(
            f"{prediction}: holds tracks of split {found.split!r}, expected {truth.split!r} as {source}"
        )
    given = {(each.dataset, each.seq_name): each for each in found.sequences}
    videos = {}
    for sequence in sorted(truth.sequences, key=lambda each: f"{each.dataset}-{each.seq_name}".replace("/", "-")):
        if sequence.name not in names:
            continue
        predicted = given.get((sequence.dataset, sequence.seq_name))
        true = [each for each in _detections(source, sequence, sequence) if each.category not in DISTRACTORS]
        detections = [] if predicted is None else _limited(_detections(prediction, predicted, sequence))
        videos[sequence.name] = Video(
            truth=tuple(_of_object(true) if task == "open" else _merged(true)),
            found=tuple(_of_object(detections) if task == "open" else _merged(detections)),
            absent=frozenset(sequence.neg_category_ids),
            not_exhaustive=frozenset(sequence.not_exhaustive_category_ids),
        )
    return videos


def _missing(videos: Mapping[str, Video]) -> tuple[str, ...]:
    return tuple(name for name, video in videos.items() if video.truth and not video.found)


def _merged(detections: Iterable[Detection]) -> list[Detection]:
    """Give each detection the class that it counts as; true ones of a distractor are gone by then, as officially."""
    return [each._replace(category=MERGED.get(each.category, each.category)) for each in detections]


def _of_object(detections: Iterable[Detection]) -> list[Detection]:
    return [each._replace(category=OBJECT) for each in detections]


def _limited(detections: Iterable[Detection]) -> list[Detection]:
    frames: dict[str, list[Detection]] = {}
    for each in detections:
        frames.setdefault(each.frame, []).append(each)
    for frame, several in frames.items():
        if len(several) > MOST_DETECTIONS:
            frames[frame] = sorted(several, key=lambda each: -each.score)[:MOST_DETECTIONS]
    return [each for several in frames.values() for each in several]


def _detections(path: Path, sequence: TrackSequence, truth: TrackSequence) -> Iterator[Detection]:
    """Yield the masks on images with a truth. Raises BadInputError where they have another size, or are damaged."""
    if (sequence.height, sequence.width) != (truth.height, truth.width):
        raise BadInputError(
            f"{path}: {sequence.dataset}/{sequence.seq_name} has {sequence.height} x {sequence.width} pixels, expected "
            f"{truth.height} x {truth.width} (height x width) as in the truth\n"
            "  write run lengths of this size"
        )
    annotated = frozenset(truth.annotated_image_paths)
    for image, masks in zip(sequence.annotated_image_paths, sequence.segmentations, strict=True):
        for track, mask in masks.items() if image in annotated else ():
            category = mask.category_id if mask.category_id is not None else sequence.track_category_ids.get(track)
            if category is None:
                raise BadInputError(
                    f"{path}: {sequence.dataset}/{sequence.seq_name} gives no class for track {track}; expected one in "
                    "track_category_ids"
                )
            try:
                pixels = RunLengthMask.decode(mask.rle, truth.height, truth.width)
            except ValueError as error:
                raise BadInputError(
                    f"{path}: the mask of track {track} on {sequence.dataset}/{sequence.seq_name}/{image} is damaged: "
                    f"{error}\n  write compressed COCO run lengths at the size of the video"
                ) from None
            yield Detection(image, track, category, mask.score, pixels)


def _frame_matches(
    video: Video, category: int, task: Task, overlap: Callable[[Sequence[Detection], Sequence[Detection]], Floats]
) -> list[FrameMatches]:
    """Return the detections of one class frame by frame, without the predictions that nobody can judge."""
    judged = {each.frame for each in video.truth}  # the official tool does not look at images without any true mask
    numbers: tuple[dict[int, int], dict[int, int]] = ({}, {})
    matches = []
    for frame in sorted(judged):
        truth, found = (
            [each for each in detections if each.frame == frame and each.category == category]
            for detections in (video.truth, video.found)
        )
        similarity = overlap(truth, found)
        if task != "exemplar":
            kept = _kept(similarity, video, category)
            found, similarity = [found[i] for i in kept], similarity[:, kept]
        ids = [
            np.array([known.setdefault(each.track, len(known)) for each in several], np.intp)
            for several, known in zip((truth, found), numbers, strict=True)
        ]
        matches.append(FrameMatches(ids[0], ids[1], similarity))
    return matches


def _kept(similarity: Floats, video: Video, category: int) -> list[int]:
    """Return the predictions that count: all that match, and others where the truth says what is not there."""
    true, predicted = similarity.shape
    if (true or category in video.absent) and category not in video.not_exhaustive:
        return list(range(predicted))
    close = np.where(similarity < 0.5 - EPSILON, 0, similarity)
    rows, columns = linear_sum_assignment(-close)
    return sorted(int(column) for column in columns[close[rows, columns] > EPSILON])


def _box_overlaps(truth: Sequence[Detection], found: Sequence[Detection]) -> Floats:
    """Return the intersection over union of bounding boxes: so does the official tool, whatever the masks are."""
    a = np.array([each.mask.box for each in truth]).reshape(-1, 1, 4)
    b = np.array([each.mask.box for each in found]).reshape(1, -1, 4)
    inner = np.minimum(a[..., :2] + a[..., 2:], b[..., :2] + b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    common = np.where((inner > 0).all(axis=-1), inner.prod(axis=-1), 0.0)
    whole = a[..., 2:].prod(axis=-1) + b[..., 2:].prod(axis=-1) - common
    overlaps: Floats = np.divide(common, whole, out=np.zeros(common.shape), where=common > 0)
    return overlaps


def _mask_overlaps(truth: Sequence[Detection], found: Sequence[Detection]) -> Floats:
    """Return the intersection over union of masks."""
    overlaps = np.zeros((len(truth), len(found)))
    for i, j in np.ndindex(overlaps.shape):
        a, b = truth[i].mask, found[j].mask
        common = a.intersection(b)
        overlaps[i, j] = common / (a.area + b.area - common) if common else 0.0
    return overlaps


def _track_matches(videos: Iterable[Video], category: int) -> Iterator[TrackMatches]:
    """Yield the whole tracks of one class, for each video that has some."""
    for video in videos:
        known = {each.category for each in video.truth} | video.absent
        truth = _tracks(video.truth, category)
        found = _tracks(video.found, category) if category in known else []
        if not truth and not found:
            continue
        scores = np.array([np.mean([each.score for each in track.values()]) for track in found])
        order = np.argsort(-scores, kind="stable")
        overlaps = np.array([[_track_overlap(found[i], true) for true in truth] for i in order])
        yield TrackMatches(
            overlaps.reshape(len(found), len(truth)), scores[order], ignored=category in video.not_exhaustive
        )


def _tracks(detections: Iterable[Detection], category: int) -> list[dict[str, Detection]]:
    """Return the tracks of a class, each as frame to detection; a track's class is that of its first mask."""
    tracks: dict[int, dict[str, Detection]] = {}
    for each in detections:
        tracks.setdefault(each.track, {})[each.frame] = each
    return [track for track in tracks.values() if next(iter(track.values())).category == category]


def _track_overlap(found: Mapping[str, Detection], truth: Mapping[str, Detection]) -> float:
    common = sum(found[frame].mask.intersection(truth[frame].mask) for frame in found.keys() & truth.keys())
    whole = sum(each.mask.area for each in (*found.values(), *truth.values())) - common
    return common / whole if whole else 0.0
