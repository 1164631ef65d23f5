"""The whole tracker gives what the authors' tracker was recorded to give, frame by frame."""

import json

import numpy as np
import pytest

from vos_bench.api import Prompt
from vos_bench.methods.lwl.parameters import TrackerConfig
from vos_bench.methods.lwl.tracker import LwlTracker

RUNS = {
    "small_ytvos_release": ("mask", "seq_two_objects", {}),
    "small_crops_release": ("mask", "seq_small_objects", {}),
    "small_boxinit_release": ("box", "seq_two_objects", {"memory_size": 4, "update_interval": 2}),
}
MOST_PIXELS = 5


def prompts(labels):
    """What starts on each frame: an object's first mask."""
    seen = set()
    for frame in labels:
        new = sorted(set(np.unique(frame)) - seen - {0})
        seen.update(new)
        yield Prompt(masks={int(k): frame == k for k in new}) if new else None


@pytest.mark.parametrize("run", RUNS)
def test_tracker_follows_the_recorded_run(network, golden_folder, run):
    net, sequence, parameters = RUNS[run]
    data = np.load(golden_folder / f"{sequence}.npz")
    recorded = np.load(golden_folder / f"track_{run}.npz")
    log = {
        (entry["frame"], int(entry["obj"])): entry
        for entry in json.loads((golden_folder / f"track_{run}.json").read_text())["log"]
    }
    tracker = LwlTracker(network(net), TrackerConfig(crop_size=(192, 320), **parameters))
    for index, (image, new) in enumerate(zip(data["frames"], prompts(data["labels"]), strict=True)):
        if new is not None and net == "box":
            new = new.as_boxes()
        prediction = tracker.initialize(image, new) if index == 0 else tracker.step(image, new)
        assert np.count_nonzero(prediction.labels != recorded["labels"][index]) <= MOST_PIXELS, index
        for k, plane in zip(sorted(tracker.object_ids), prediction.probabilities[1:], strict=True):
            difference = np.abs(plane.astype(np.float32) - recorded[f"prob_t{index:02d}_o{k}"].astype(np.float32))
            assert difference.max() <= 1e-3, (index, k)
        for cohort in tracker.cohorts:
            for position, k in enumerate(cohort.object_ids):
                assert_same_state(cohort, position, log[index, k])


def assert_same_state(cohort, position, entry):
    state = cohort.states[position]
    assert state.position == pytest.approx(entry["pos"], rel=1e-4)
    assert state.size == pytest.approx(entry["target_sz"], rel=1e-4)
    assert float(state.scale) == pytest.approx(entry["target_scale"], rel=1e-4)
    assert float(cohort.filters[position].norm()) == pytest.approx(entry["filter_norm"], rel=1e-4)
    if entry["kind"] == "track":
        crop = cohort.crops[position]
        assert crop.box == pytest.approx(entry["patch_coord"], abs=1e-4)
        assert crop.centre == pytest.approx(entry["sample_pos"], abs=1e-4)
        assert crop.scale == pytest.approx(entry["sample_scale"], abs=1e-4)
        weights = cohort.memory.weights
        assert weights.filled == entry["num_stored"]
        np.testing.assert_allclose(weights.values[: weights.filled], entry["sample_weights"], atol=1e-4)
