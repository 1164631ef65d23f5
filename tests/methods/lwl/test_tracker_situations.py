"""What users bring: many objects, late ones, tiny ones, huge frames, boxes. Each works, or says why not."""

import gc

import cv2
import numpy as np
import pytest
import torch

from vos_bench.api import Prompt
from vos_bench.errors import BadInputError
from vos_bench.labelmaps import read_label_map
from vos_bench.methods.lwl.config import BackboneConfig, LwlConfig
from vos_bench.methods.lwl.network import LwlNetwork
from vos_bench.methods.lwl.parameters import TrackerConfig
from vos_bench.methods.lwl.tracker import LwlTracker, label_map, narrowed

FAST = TrackerConfig(crop_size=(64, 112), memory_size=3, first_iterations=3, update_iterations=1)


@pytest.fixture(scope="module")
def tiny():
    """A small untrained network, for all that does not depend on what is segmented."""
    torch.manual_seed(0)
    config = LwlConfig(
        backbone=BackboneConfig(name="mobilenetv3_small_050"), target_channels=16, label_channels=4, decoder_channels=8
    )
    return LwlNetwork(config).eval()


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)


def rectangle(shape, top, left, bottom, right):
    mask = np.zeros(shape, bool)
    mask[top:bottom, left:right] = True
    return mask


def read_frames(folder, sequence, names):
    return [
        cv2.cvtColor(cv2.imread(str(folder / "JPEGImages/480p" / sequence / f"{name}.jpg")), cv2.COLOR_BGR2RGB)
        for name in names
    ]


def assert_sound(prediction, shape, ids):
    assert prediction.labels.shape == shape
    assert prediction.labels.dtype == np.uint16
    assert set(np.unique(prediction.labels)) <= {0, *ids}
    assert prediction.probabilities.shape == (1 + len(ids), *shape)
    assert np.abs(prediction.probabilities.astype(np.float32).sum(axis=0) - 1).max() < 2e-3


def test_labels_that_a_gpu_narrows_are_the_same():
    ids = np.array([0, 7, 300, 65_535], np.uint16)
    winners = torch.randint(0, 4, (9, 11), generator=torch.Generator().manual_seed(0))
    narrow = narrowed(winners, ids)
    assert narrow.element_size() == 2
    assert np.array_equal(narrow.numpy().view(np.uint16), label_map(winners, ids))


def test_probabilities_that_nobody_wants_are_left_out(tiny):
    tracker = LwlTracker(tiny, FAST)
    tracker.wants_probabilities = False
    prompt = Prompt(masks={1: rectangle((64, 112), 10, 10, 40, 60)})
    assert tracker.initialize(noise(64, 112), prompt).probabilities is None


@pytest.mark.parametrize("sequence", ["dogs-jump", "schoolgirls"])
def test_several_objects_of_a_real_sequence_keep_their_places(shared, network, sequence):
    folder = shared / "data" / "DAVIS17-small"
    images = read_frames(folder, sequence, ["00000", "00001", "00002"])
    labels = read_label_map(folder / "Annotations/480p" / sequence / "00000.png")
    ids = [int(k) for k in np.unique(labels) if k]
    tracker = LwlTracker(network("mask"), FAST)
    first = tracker.initialize(images[0], Prompt(masks={k: labels == k for k in ids}))
    assert np.array_equal(first.labels, labels)
    for image in images[1:]:
        assert_sound(tracker.step(image), labels.shape, ids)


def test_an_object_that_starts_late_joins_the_others(shared, network):
    folder = shared / "data" / "PUMaVOS"
    masks = sorted((folder / "Annotations/480p/caps").glob("*.png"))
    first, late = read_label_map(masks[0]), None
    for path in masks:
        late = read_label_map(path)
        if new := sorted(set(np.unique(late)) - set(np.unique(first))):
            break
    images = read_frames(folder, "caps", [masks[0].stem, masks[1].stem, path.stem, masks[-1].stem])
    old = [int(k) for k in np.unique(first) if k]
    tracker = LwlTracker(network("mask"), FAST)
    tracker.initialize(images[0], Prompt(masks={k: first == k for k in old}))
    assert_sound(tracker.step(images[1]), first.shape, old)
    started = tracker.step(images[2], Prompt(masks={int(k): late == k for k in new}))
    assert_sound(started, first.shape, [*old, *map(int, new)])
    for k in new:
        assert np.array_equal(started.labels == k, late == k)
    assert_sound(tracker.step(images[3]), first.shape, [*old, *map(int, new)])


@pytest.mark.parametrize("shape", [(1080, 1920), (64, 64), (200, 90), (7, 5)], ids=["1080p", "64", "portrait", "7x5"])
@pytest.mark.parametrize("rule", ["release", "head"])
def test_frames_of_every_size_and_shape_work(tiny, shape, rule):
    height, width = shape
    mask = rectangle(shape, height // 4, width // 4, height // 2 + 1, width // 2 + 1)
    tracker = LwlTracker(tiny, FAST.replace(crop_rule=rule))
    assert np.array_equal(tracker.initialize(noise(*shape), Prompt(masks={1: mask})).labels, mask)
    for seed in (1, 2):
        assert_sound(tracker.step(noise(*shape, seed)), shape, [1])


@pytest.mark.parametrize(
    "corners", [(50, 70, 51, 71), (50, 70, 51, 90), (0, 0, 1, 1), (119, 159, 120, 160), (0, 0, 120, 160)]
)
def test_objects_of_one_pixel_of_a_line_and_of_the_whole_frame_work(tiny, corners):
    mask = rectangle((120, 160), *corners)
    tracker = LwlTracker(tiny, FAST)
    assert np.array_equal(tracker.initialize(noise(120, 160), Prompt(masks={1: mask})).labels, mask)
    for seed in (1, 2):
        assert_sound(tracker.step(noise(120, 160, seed)), (120, 160), [1])


def test_an_object_with_an_empty_mask_is_never_found_and_harms_no_other(tiny):
    masks = {1: np.zeros((120, 160), bool), 2: rectangle((120, 160), 20, 30, 60, 90)}
    both, alone = LwlTracker(tiny, FAST), LwlTracker(tiny, FAST)
    both.initialize(noise(120, 160), Prompt(masks=masks))
    alone.initialize(noise(120, 160), Prompt(masks={2: masks[2]}))
    with_empty, without = both.step(noise(120, 160, 1)), alone.step(noise(120, 160, 1))
    assert np.array_equal(with_empty.labels, without.labels)
    assert np.array_equal(with_empty.probabilities[[0, 2]], without.probabilities)
    assert not with_empty.probabilities[1].any()


def test_a_sequence_of_empty_masks_only_is_all_background(tiny):
    tracker = LwlTracker(tiny, FAST)
    prompt = Prompt(masks={1: np.zeros((120, 160), bool)})
    for prediction in (tracker.initialize(noise(120, 160), prompt), tracker.step(noise(120, 160, 1))):
        assert not prediction.labels.any()
        assert_sound(prediction, (120, 160), [1])


def test_an_object_may_start_after_empty_ones(tiny):
    tracker = LwlTracker(tiny, FAST)
    tracker.initialize(noise(120, 160), Prompt(masks={1: np.zeros((120, 160), bool)}))
    late = rectangle((120, 160), 20, 30, 60, 90)
    assert np.array_equal(tracker.step(noise(120, 160), Prompt(masks={2: late})).labels, 2 * late)


def test_twenty_objects_work(tiny):
    masks = {k: rectangle((120, 160), 6 * k, 5 * k, 6 * k + 5, 5 * k + 30) for k in range(20)}
    tracker = LwlTracker(tiny, FAST)
    tracker.initialize(noise(120, 160), Prompt(masks={k + 1: mask for k, mask in masks.items()}))
    for seed in (1, 2):
        assert_sound(tracker.step(noise(120, 160, seed)), (120, 160), range(1, 21))


def test_a_target_that_vanishes_keeps_its_place_and_all_others_go_on(network):
    """A recorded start, then frames of plain grey: the mask's mass falls and the search region stays."""
    image = noise(160, 288)
    mask = rectangle((160, 288), 60, 100, 110, 170)
    image[mask] = (200, 30, 30)
    tracker = LwlTracker(network("mask"), FAST.replace(smallest_mask=1e7))
    tracker.initialize(image, Prompt(masks={1: mask}))
    before = tracker.cohorts[0].states[0]
    tracker.step(image)
    tracker.step(image)
    after = tracker.cohorts[0].states[0]
    assert np.array_equal(after.position, before.position)
    assert after.scale == pytest.approx(before.scale, rel=1e-6)


def test_a_new_sequence_forgets_the_last(tiny):
    mask = rectangle((120, 160), 20, 30, 60, 90)
    tracker, answers = LwlTracker(tiny, FAST), []
    for _ in range(2):
        tracker.initialize(noise(120, 160), Prompt(masks={1: mask}))
        tracker.step(noise(120, 160, 1))
        answers.append(tracker.step(noise(120, 160, 2)).probabilities)
        tracker.step(noise(120, 160, 3), Prompt(masks={2: mask}))
    assert np.array_equal(*answers)


@pytest.mark.parametrize("per_pass", [1, 2, 20])
def test_how_many_objects_go_through_at_once_changes_nothing(network, golden_folder, per_pass):
    data = np.load(golden_folder / "seq_two_objects.npz")
    masks = {1: data["labels"][4] == 1, 2: data["labels"][4] == 2, 3: rectangle((160, 288), 5, 5, 40, 60)}
    answers = []
    for count in (3, per_pass):
        tracker = LwlTracker(network("mask"), FAST.replace(objects_per_pass=count))
        tracker.initialize(data["frames"][4], Prompt(masks=masks))
        tracker.step(data["frames"][5])
        answers.append(tracker.step(data["frames"][6]).probabilities.astype(np.float32))
    assert np.abs(answers[0] - answers[1]).max() <= 2e-3


def test_so_many_objects_go_through_at_once_as_the_runner_allows(tiny, monkeypatch):
    tracker, passes = LwlTracker(tiny, FAST), []
    decode = tracker._engine.network.decode
    monkeypatch.setattr(
        tracker._engine.network,
        "decode",
        lambda encodings, *rest, **more: passes.append(len(encodings)) or decode(encodings, *rest, **more),
    )
    masks = {k: rectangle((120, 160), 10, 30 * k, 60, 30 * k + 25) for k in range(1, 5)}
    for count in (4, 3, 1):
        tracker.objects_at_once = count
        tracker.initialize(noise(120, 160), Prompt(masks=masks))
        tracker.step(noise(120, 160, 1))
    assert passes == [4, 3, 1, 1, 1, 1, 1]


def test_objects_that_fill_the_frame_share_one_pass_of_the_backbone(tiny, monkeypatch):
    tracker, passes = LwlTracker(tiny, FAST), []
    masks = {1: rectangle((120, 160), 0, 0, 120, 100), 2: rectangle((120, 160), 0, 100, 120, 160)}
    tracker.initialize(noise(120, 160), Prompt(masks=masks))
    extract = tracker._engine.network.extract
    monkeypatch.setattr(
        tracker._engine.network, "extract", lambda images: passes.append(len(images)) or extract(images)
    )
    tracker.step(noise(120, 160, 1))
    assert len(set(tracker.cohorts[0].crops)) == 1
    assert passes == [1]


def test_the_label_encoder_sees_each_mask_once(tiny, monkeypatch):
    tracker, encoded = LwlTracker(tiny, FAST), []
    encode = tracker._engine.network.encode_labels
    monkeypatch.setattr(
        tracker._engine.network, "encode_labels", lambda masks: encoded.append(len(masks)) or encode(masks)
    )
    tracker.initialize(noise(120, 160), Prompt(masks={1: rectangle((120, 160), 20, 30, 60, 90)}))
    for seed in range(1, 6):
        tracker.step(noise(120, 160, seed))
    assert encoded == [1, 1, 1, 1, 1]


def test_memory_is_allocated_once(tiny):
    tracker = LwlTracker(tiny, FAST)
    tracker.initialize(noise(120, 160), Prompt(masks={1: rectangle((120, 160), 20, 30, 60, 90)}))
    memory, places = tracker.cohorts[0].memory, set()
    for seed in range(1, 8):
        tracker.step(noise(120, 160, seed))
        places.add((memory.samples.features.data_ptr(), memory.samples.labels.data_ptr(), memory.scores.data_ptr()))
    assert len(places) == 1
    assert memory.samples.features.shape[1] == 3


@pytest.mark.parametrize(("interval", "stored_on"), [(1, [3, 4, 5, 6, 7, 8]), (2, [4, 6, 8]), (3, [3, 6])])
def test_samples_are_stored_when_the_frames_number_is_a_multiple(tiny, interval, stored_on):
    """As the reference's counter, the first frame is number 1 and a frame is stored when the next but one arrives."""
    tracker, found = LwlTracker(tiny, FAST.replace(sample_interval=interval, memory_size=20)), []
    tracker.initialize(noise(120, 160), Prompt(masks={1: rectangle((120, 160), 20, 30, 60, 90)}))
    for number in range(2, 9):
        before = tracker.cohorts[0].memory.weights.filled
        tracker.step(noise(120, 160, number))
        if tracker.cohorts[0].memory.weights.filled > before:
            found.append(number)
    assert found == stored_on


@pytest.mark.parametrize(
    "parameters", [{"score_resize": "as-published"}, {"border_mode": "inside"}, {"border_mode": "replicate"}]
)
def test_settings_of_crops_and_scores_change_what_is_found(tiny, parameters):
    answers = []
    for config in (FAST, FAST.replace(**parameters)):
        tracker = LwlTracker(tiny, config)
        tracker.initialize(noise(121, 163), Prompt(masks={1: rectangle((121, 163), 20, 30, 60, 90)}))
        answers.append(tracker.step(noise(121, 163, 1)))
        assert_sound(answers[-1], (121, 163), [1])
    assert not np.array_equal(answers[0].probabilities, answers[1].probabilities)


def test_nothing_piles_up_over_a_long_video(tiny):
    tracker, counts = LwlTracker(tiny, FAST), []
    tracker.initialize(noise(120, 160), Prompt(masks={1: rectangle((120, 160), 20, 30, 60, 90)}))
    for seed in range(1, 31):
        tracker.step(noise(120, 160, seed))
        if seed % 10 == 0:
            gc.collect()
            counts.append(sum(x.numel() for x in gc.get_objects() if type(x) is torch.Tensor))
    assert len(set(counts)) == 1


@pytest.mark.parametrize("box", [(30, 20, 90, 60), (-20, -10, 50, 60), (30.4, 20.6, 31.2, 60.9), (100, 90, 400, 300)])
def test_boxes_work_also_where_they_stick_out(network, box):
    tracker = LwlTracker(network("box"), FAST)
    assert_sound(tracker.initialize(noise(120, 160), Prompt(boxes={1: box})), (120, 160), [1])
    assert_sound(tracker.step(noise(120, 160, 1)), (120, 160), [1])
    assert tracker.cohorts[0].memory.weights._rule.update_interval == 5


def test_a_box_outside_the_image_is_an_object_that_is_never_found(network):
    tracker = LwlTracker(network("box"), FAST)
    assert not tracker.initialize(noise(120, 160), Prompt(boxes={1: (200, 20, 240, 60)})).labels.any()
    assert not tracker.step(noise(120, 160, 1)).labels.any()


def test_a_box_network_follows_masks_with_the_parameters_for_masks(network):
    tracker = LwlTracker(network("box"), FAST)
    tracker.initialize(noise(120, 160), Prompt(masks={1: rectangle((120, 160), 20, 30, 60, 90)}))
    tracker.step(noise(120, 160, 1), Prompt(boxes={2: (100, 10, 140, 50)}))
    assert [cohort.memory.weights._rule.update_interval for cohort in tracker.cohorts] == [1, 5]


def test_a_mask_network_refuses_boxes_and_says_what_to_take(tiny):
    with pytest.raises(BadInputError, match=r"(?s)no box encoder.*lwl_boxinit\.pth"):
        LwlTracker(tiny, FAST).initialize(noise(120, 160), Prompt(boxes={1: (30, 20, 90, 60)}))


def test_wrong_calls_are_explained(tiny):
    tracker = LwlTracker(tiny, FAST)
    mask = rectangle((120, 160), 20, 30, 60, 90)
    with pytest.raises(BadInputError, match="before initialize"):
        tracker.step(noise(120, 160))
    with pytest.raises(BadInputError, match=r"object 1 has \(160, 120\) pixels, expected \(120, 160\)"):
        tracker.initialize(noise(120, 160), Prompt(masks={1: mask.T}))
    with pytest.raises(BadInputError, match="H x W x 3 uint8"):
        tracker.initialize(noise(120, 160).astype(np.float32), Prompt(masks={1: mask}))
    tracker.initialize(noise(120, 160), Prompt(masks={1: mask}))
    with pytest.raises(BadInputError, match="100 x 160 pixels, expected 120 x 160"):
        tracker.step(noise(100, 160))
    with pytest.raises(BadInputError, match="object 1 was given before"):
        tracker.step(noise(120, 160), Prompt(boxes={1: (20, 30, 60, 90)}))
