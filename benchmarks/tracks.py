"""Whether the HOTA, OWTA and AP of tracks of vos-bench are those of TrackEval on the same files.

    python benchmarks/tracks.py [--out FILE]

`tox -e peers` installs TrackEval 1.3.0 and runs it. The files are made up from a seed, in BURST's form: tracks that
leave, return, exchange their masks or are on one frame alone, classes that are merged, absent, not exhaustive or do not
count, empty masks, wrong classes, tracks too many, frames between the annotated ones, and videos without a prediction.
TrackEval's loader is set as the official tool of BURST sets it: classes of predictions count in every task, and boxes
take the place of masks. For HOTA by masks it is handed the masks themselves. AP is always by masks.
"""

import argparse
import contextlib
import io
import json
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vos_bench.environment import collect_environment
from vos_bench.formats.tracks_json import encode_mask, read_tracks
from vos_bench.scoring.tracks import COMMON, Task, score_tracks

TASKS: tuple[Task, ...] = ("exemplar", "class", "open")
SEEDS = range(20)
TOLERANCE = 1e-12
PACKAGES = ("trackeval", "pycocotools", "numpy", "scipy")

COMMON_CLASSES, OTHER_CLASSES, ALSO = (4, 78, 95, 347, 805), (1, 2, 3, 554, 943, 1175), (20, 153, 201, 207, 504, 967)
"""Classes that COCO has too; others; and those that are merged, or whose true tracks do not count."""

Mask = NDArray[np.bool_]
Scores = dict[str, float]


def _draw(rng: np.random.Generator, height: int, width: int) -> Mask:
    """Draw a rectangle, an ellipse, a diagonal bar, or a pixel, sometimes with a speck far away."""
    y, x = np.mgrid[:height, :width]
    top, left = rng.uniform(0, height), rng.uniform(0, width)
    a, b = rng.uniform(2, height / 2.5), rng.uniform(2, width / 2.5)
    shapes = (
        (abs(y - top) < a) & (abs(x - left) < b),
        ((y - top) / a) ** 2 + ((x - left) / b) ** 2 < 1,
        abs((y - top) - (x - left) * rng.uniform(-2, 2)) < 2,
        np.zeros((height, width), np.bool_),
    )
    mask: Mask = shapes[int(rng.integers(0, 4))].copy()
    if not mask.any() or rng.random() < 0.2:
        mask[int(rng.integers(0, height)), int(rng.integers(0, width))] = True
    return mask


def _track(rng: np.random.Generator, height: int, width: int, frames: int) -> list[Mask | None]:
    """Return the masks of one track, frame by frame; None where it is absent."""
    seen = rng.random(frames) < rng.choice([1, 0.7, 0.4])
    if not seen.any() or rng.random() < 0.2:
        seen = np.arange(frames) == rng.integers(0, frames)
    mask, step = _draw(rng, height, width), rng.integers(-1, 2, 2)
    return [np.roll(mask, tuple(int(v) * i for v in step), (0, 1)) if seen[i] else None for i in range(frames)]


def make_video(rng: np.random.Generator, number: int) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Return the true tracks of one video, and those to judge; none for some videos after the first."""
    height, width, frames = (int(rng.integers(low, high)) for low, high in ((20, 50), (20, 60), (1, 8)))
    ids = [int(k) for k in rng.choice(np.arange(1, 40), int(rng.integers(2, 5)), replace=False)]
    pools = [COMMON_CLASSES, OTHER_CLASSES, *([ALSO] * (len(ids) - 2))]
    classes = {k: int(rng.choice(pool)) for k, pool in zip(ids, pools, strict=True)}
    tracks = {k: _track(rng, height, width, frames) for k in ids}
    others = [c for c in (*COMMON_CLASSES, *OTHER_CLASSES) if c not in classes.values()]
    about = {
        "width": width,
        "height": height,
        "id": number,
        "seq_name": f"video_{number}",
        "dataset": "made-up",
        "neg_category_ids": [c for c in others if rng.random() < 0.3],
        "not_exhaustive_category_ids": [c for c in (*COMMON_CLASSES, *OTHER_CLASSES) if rng.random() < 0.2],
    }
    truth = [{k: mask for k, masks in tracks.items() if (mask := masks[i]) is not None} for i in range(frames)]
    true = _sequence(about, classes, truth, step=1)
    if number > 1 and rng.random() < 0.15:
        return true, None
    judged, called = _judged(rng, truth, classes, (height, width))
    return true, _sequence(about, called, judged, step=int(rng.choice([1, 3])))


def _judged(
    rng: np.random.Generator, truth: list[dict[int, Mask]], classes: Mapping[int, int], size: tuple[int, int]
) -> tuple[list[dict[int, Mask]], dict[int, int]]:
    """Return what a method says of the tracks, and of which class it holds them: right, or not."""
    names = {k: k + int(rng.choice([0, 100])) for k in classes}
    called = {names[k]: c if rng.random() < 0.9 else int(rng.choice(OTHER_CLASSES)) for k, c in classes.items()}
    swapped = dict(zip(classes, rng.permutation([*classes]), strict=True)) if rng.random() < 0.4 else {}
    reach = int(rng.choice([0, 1, 3]))
    called[60] = int(rng.choice([*classes.values(), *COMMON_CLASSES]))  # a track too many
    frames: list[dict[int, Mask]] = []
    for i, masks in enumerate(truth):
        found = {60: _draw(rng, *size)} if rng.random() < 0.3 else {}
        for k in classes:
            source = int(swapped.get(k, k)) if i >= len(truth) / 2 else k
            kind = rng.random()
            if source in masks and kind > 0.1:
                found[names[k]] = np.roll(masks[source], tuple(rng.integers(-reach, reach + 1, 2)), (0, 1))
            elif kind > 0.8:
                found[names[k]] = np.zeros(size, np.bool_)
        frames.append(found)
    return frames, called


def _sequence(
    about: Mapping[str, Any], classes: Mapping[int, int], frames: list[dict[int, Mask]], *, step: int
) -> dict[str, Any]:
    """Return one video of the file; with a step, frames of which the truth has only every third or so."""
    paths = [f"frame{i:04d}.jpg" for i in range(0, 30 * len(frames), 30 // step)]
    sets: list[dict[str, Any]] = [
        {str(k): {"rle": encode_mask(mask), "score": 1 - k / 200} for k, mask in frames[i // step].items()}
        for i in range(len(paths))
    ]
    tracks = {str(k): c for k, c in classes.items()}
    return {**about, "annotated_image_paths": paths, "track_category_ids": tracks, "segmentations": sets}


def write_files(folder: Path, seed: int) -> None:
    """Write the true tracks of all, common and uncommon classes, and `pred.json`."""
    rng = np.random.default_rng(seed)
    videos = [make_video(rng, number) for number in range(1, int(rng.integers(2, 5)))]
    folder.mkdir(parents=True)

    def write(name: str, sequences: list[dict[str, Any]]) -> None:
        (folder / name).write_text(json.dumps({"split": "val", "sequences": sequences}), encoding="utf-8")

    kept = {"all": lambda _: True, "common": lambda c: c in COMMON, "uncommon": lambda c: c not in COMMON}
    for part, keep in kept.items():
        write(
            f"{part}_classes.json",
            [_only(true, [k for k, c in _classes(true).items() if keep(c)]) for true, _ in videos],
        )
    write("pred.json", [found for _, found in videos if found])


def _classes(video: Mapping[str, Any]) -> dict[str, int]:
    return dict(video["track_category_ids"])


def _only(video: Mapping[str, Any], tracks: list[str]) -> dict[str, Any]:
    return {
        **video,
        "track_category_ids": {k: c for k, c in _classes(video).items() if k in tracks},
        "segmentations": [{k: mask for k, mask in each.items() if k in tracks} for each in video["segmentations"]],
    }


def our_scores(folder: Path, task: Task) -> Scores:
    """Return the scores of vos-bench by name, and those of each class as `CLASS/NAME`."""
    truths = {part: folder / f"{part}_classes.json" for part in ("all", "common", "uncommon")}
    names = {each.name for each in read_tracks(truths["all"]).sequences}
    found = score_tracks(folder / "pred.json", truths, task, names=names)
    classes = {f"{c}/{name}": value for c, scores in found.classes.items() for name, value in scores.items()}
    return found.scores | classes


def their_scores(folder: Path, task: Task) -> Scores:
    """Return the same of TrackEval."""
    found: Scores = {}
    for masks in (False, True):
        before = "mask_" if masks else ""
        if task == "open":
            for part in ("all", "common", "uncommon"):
                [scores] = _their_classes(folder, task, part, masks=masks).values()
                found |= {f"{before}{name}_{part}": scores[name] for name in ("OWTA", "DetRe", "AssA")}
            continue
        classes = _their_classes(folder, task, "all", masks=masks)
        parts = {"all": [*classes], "common": [c for c in classes if c in COMMON]}
        parts["uncommon"] = [c for c in classes if c not in COMMON]
        for name in ("HOTA", "DetA", "AssA", "DetRe", "OWTA", *(() if masks else ("AP",))):
            found |= {f"{c}/{before}{name}": scores[name] for c, scores in classes.items()}
            if name not in ("DetRe", "OWTA"):
                means = {part: np.mean([classes[c][name] for c in members]) for part, members in parts.items()}
                found |= {f"{before}{name}_{part}": float(mean) for part, mean in means.items()}
    return found


def _their_classes(folder: Path, task: Task, part: str, *, masks: bool) -> dict[int, Scores]:
    """Return TrackEval's scores of each class over all videos."""
    from trackeval.metrics import HOTA, TrackMAP

    with contextlib.redirect_stdout(io.StringIO()):
        dataset = _their_dataset(folder, task, part, masks=masks)
        metrics = {"HOTA": HOTA(), "TrackMAP": TrackMAP()}
        parts: dict[str, dict[str, dict[str, Any]]] = {}
        for sequence in dataset.seq_list:
            raw = dataset.get_raw_seq_data("pred", sequence)
            for name in dataset.class_list:
                data = dataset.get_preprocessed_seq_data(raw, name)
                for kind, metric in metrics.items():
                    parts.setdefault(name, {}).setdefault(kind, {})[sequence] = metric.eval_sequence(data)
        ids = {each["name"]: each["id"] for each in dataset.gt_data["categories"]}
        found = {}
        for name, kinds in parts.items():
            whole = {kind: metrics[kind].combine_sequences(each) for kind, each in kinds.items()}
            scores = {
                measure: float(whole["HOTA"][measure].mean()) for measure in ("HOTA", "DetA", "AssA", "DetRe", "OWTA")
            }
            found[ids.get(name, 1)] = scores | {"AP": float(np.mean(whole["TrackMAP"]["AP_all"]))}
    return found


def _their_dataset(folder: Path, task: Task, part: str, *, masks: bool) -> Any:
    """Return TrackEval's reader of the files; boxes stand for masks in HOTA unless masks are wanted."""
    from trackeval.datasets import BURST
    from trackeval.datasets.burst_ow import BURST_OW

    base: Any = BURST_OW if task == "open" else BURST

    class Reader(base):  # type: ignore[misc]
        def _load_raw_file(self, tracker: str, sequence: str, is_gt: bool) -> Any:
            raw = super()._load_raw_file(tracker, sequence, is_gt)
            if masks:
                number = self.seq_name_to_seq_id[sequence]
                images = self.videos_to_gt_images if is_gt else self.tracker_data[tracker]["vids_to_images"]
                places = self.seq_to_images_to_timestep[number]
                detections = raw["gt_dets" if is_gt else "tracker_dets"]
                for image in images[number]:
                    if image["id"] in places:
                        detections[places[image["id"]]] = _objects(
                            [each["segmentation"] for each in image["annotations"]]
                        )
            return raw

        def _calculate_similarities(self, truth: Any, found: Any) -> Any:
            sides = ([*truth], [*found]) if masks else (truth, found)
            return self._calculate_mask_ious(*sides, is_encoded=True, do_ioa=False)

    Reader.__name__ = base.__name__
    with tempfile.TemporaryDirectory() as temporary:
        for place, source in (("truth", f"{part}_classes.json"), ("found/pred/data", "pred.json")):
            (Path(temporary) / place).mkdir(parents=True)
            shutil.copy(folder / source, Path(temporary) / place)
        settings = {"GT_FOLDER": f"{temporary}/truth", "TRACKERS_FOLDER": f"{temporary}/found", "PRINT_CONFIG": False}
        reader = Reader(base.get_default_dataset_config() | settings)
    if task == "exemplar":  # set after the predictions are read: then their classes count, as in the official tool
        reader.config["EXEMPLAR_GUIDED"] = True
    return reader


def _objects(values: list[Any]) -> NDArray[np.object_]:
    found = np.empty(len(values), np.object_)
    found[:] = values
    return found


def main() -> int:
    """Compare, print a line for each file and task, write the record; 1 where anything differs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in SEEDS:
            write_files(Path(folder) / str(seed), seed)
            for task in TASKS:
                ours, theirs = (scores(Path(folder) / str(seed), task) for scores in (our_scores, their_scores))
                same = ours.keys() == theirs.keys()
                off = max(abs(ours[name] - theirs[name]) for name in theirs) if same else 1.0
                means = {name: value for name, value in theirs.items() if "/" not in name}
                rows.append({"seed": seed, "task": task, "numbers": len(theirs), "off": off, "theirs": means})
                print(
                    "equal " if off <= TOLERANCE else "DIFFER", f"seed {seed} {task}: {len(theirs)} numbers, {off:.1e}"
                )
    if arguments.out:
        record = {
            "command": "python benchmarks/tracks.py",
            "environment": collect_environment("", PACKAGES).to_data(),
            "rows": rows,
        }
        arguments.out.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return 0 if all(row["off"] <= TOLERANCE for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
