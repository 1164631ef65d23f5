from types import SimpleNamespace

import numpy as np
import pytest

from vos_bench import registry
from vos_bench.errors import BadInputError
from vos_bench.training.recipe import DataShare
from vos_bench.training.sampling import FrameRule, MiniSequences, draw_frames, held_out_shares, shares, training_objects
from vos_bench.training.visibility import TrainingObject


class Video:
    """A sequence whose object k is visible on the frames `visible[k]`; every pixel tells the frame's number."""

    def __init__(self, name: str, frames: int, visible: dict[int, set[int]]) -> None:
        self.name = name
        self.truth_names = tuple(f"{n:05d}" for n in range(frames))
        self.visible = visible

    def read_frame(self, name):
        return np.full((8, 8, 3), int(name), np.uint8)

    def read_truth(self, name):
        labels = np.zeros((8, 8), np.uint16)
        for object_id, frames in self.visible.items():
            if int(name) in frames:
                labels[2 * (object_id - 1) : 2 * object_id] = object_id
        return labels


class Videos:
    name, split = "videos", "train"

    def __init__(self, *videos: Video) -> None:
        self.videos = {video.name: video for video in videos}
        self.sequence_names = tuple(self.videos)

    def sequence(self, name):
        return self.videos[name]

    def fingerprint(self):
        return str([(video.name, video.truth_names, video.visible) for video in self.videos.values()])


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("seed", range(20))
def test_test_frames_follow_the_train_frame_inside_the_window(seed):
    visible = np.ones(300, bool)
    visible[::7] = False
    base, *test = draw_frames(visible, FrameRule(window=50), rng(seed))
    assert visible[[base, *test]].all()
    assert test == sorted(test)
    assert all(base < frame < base + 50 for frame in test)
    assert 0 < base < 297


def test_the_first_visible_frame_is_never_the_train_frame():
    visible = np.ones(12, bool)
    assert min(draw_frames(visible, FrameRule(), rng(seed))[0] for seed in range(200)) == 1


def test_the_window_grows_until_there_is_something_to_draw():
    visible = np.zeros(100, bool)
    visible[[0, 40, 90]] = True
    assert draw_frames(visible, FrameRule(window=10, test_frames=2), rng()) == (40, 90, 90)


def test_a_single_image_is_repeated():
    assert draw_frames(np.ones(1, bool), FrameRule(test_frames=2), rng()) == (0, 0, 0)


def test_an_object_never_seen_twice_cannot_be_drawn():
    with pytest.raises(BadInputError, match="too few to draw from"):
        draw_frames(np.array([False] * 9 + [True]), FrameRule(), rng())


def test_objects_hardly_visible_and_sequences_left_out_are_passed_over(tmp_path):
    dataset = Videos(
        Video("a", 20, {1: set(range(20)), 2: set(range(8))}),
        Video("b", 20, {1: set(range(20))}),
        Video("c", 1, {1: {0}}),
    )
    names = tmp_path / "names.txt"
    names.write_text("b\n")
    share = DataShare(dataset="x", weight=2.0, leave_out=(f"@{names}",))
    [(weight, objects)] = shares([share], [dataset], FrameRule())
    assert weight == 2.0
    assert [(each.sequence.name, each.object_id) for each in objects] == [("a", 1), ("c", 1)]


def test_what_is_left_out_is_held_out_where_it_is_there():
    dataset = Videos(*(Video(name, 20, {1: set(range(20))}) for name in "abc"))
    data = [DataShare(dataset="x", weight=3.0, leave_out=("b", "elsewhere")), DataShare(dataset="y")]
    [(weight, objects)] = held_out_shares(data, [dataset, dataset], FrameRule())
    assert weight == 3.0
    assert [each.sequence.name for each in objects] == ["b"]
    assert held_out_shares([DataShare(dataset="x", leave_out=("elsewhere",))], [dataset], FrameRule()) == []


def test_the_sequences_of_another_dataset_are_left_out_by_its_name(tmp_path, monkeypatch):
    opened, other = [], Videos(Video("b", 1, {}))
    monkeypatch.setattr(registry, "open_dataset", lambda name, root: opened.append((name, root)) or other)
    share = DataShare(dataset="x", leave_out=("a", "dataset:other"))
    assert share.left_out(SimpleNamespace(root=tmp_path)) == {"a", "b"}
    assert opened == [("other", tmp_path)]


def test_a_missing_list_of_names_is_said_plainly(tmp_path):
    with pytest.raises(BadInputError, match="one name a line"):
        DataShare(dataset="x", leave_out=(f"@{tmp_path / 'none.txt'}",)).left_out(Videos())


def test_a_list_of_names_that_is_not_utf8_is_said_plainly(tmp_path):
    (tmp_path / "names.txt").write_bytes(b"b\xe4r\n")
    with pytest.raises(BadInputError, match=r"leave_out: @.*one name a line"):
        DataShare(dataset="x", leave_out=(f"@{tmp_path / 'names.txt'}",)).left_out(Videos())


def supply(*groups: tuple[float, Videos], seed: int = 0, cache: bool = False) -> MiniSequences:
    def transform(given, _rng, _supply):
        return {"frames": [int(image[0, 0, 0]) for image in given.images]}

    objects = [(weight, training_objects(videos, FrameRule())) for weight, videos in groups]
    return MiniSequences(objects, FrameRule(), transform, seed=seed, cache=cache)


def test_sample_n_is_always_the_same_and_is_what_is_described():
    videos = Videos(Video("a", 40, {1: set(range(40))}), Video("b", 60, {1: set(range(60))}))
    one, two = supply((1.0, videos)), supply((1.0, videos), cache=True)
    for number in (5, 3, 5, 0):
        frames = one[number]["frames"]
        assert frames == two[number]["frames"]
        assert [int(name) for name in one.describe(number)["frames"]] == frames
    assert any(one[n]["frames"] != supply((1.0, videos), seed=1)[n]["frames"] for n in range(5))


def test_datasets_are_mixed_by_weight():
    mixed = supply(
        (6.0, Videos(Video("a", 40, {1: set(range(40))}))), (1.0, Videos(Video("b", 40, {1: set(range(40))})))
    )
    drawn = [mixed.describe(n)["sequence"] for n in range(1400)]
    assert drawn.count("a") / len(drawn) == pytest.approx(6 / 7, abs=0.04)


def test_a_dataset_without_objects_is_said_plainly():
    with pytest.raises(BadInputError, match="no object"):
        MiniSequences([(1.0, [])], FrameRule(), SimpleNamespace(), seed=0)


def test_data_that_are_too_short_are_named_with_what_is_needed():
    videos = Videos(Video("a", 5, {1: {0, 1}, 2: {0, 1, 2}}), Video("b", 4, {1: {0}}))
    with pytest.raises(
        BadInputError, match=r"(?s)videos train: .*object 2 of a has most, 3 of 5 frames .*expected 9 or more"
    ):
        shares([DataShare(dataset="videos")], [videos], FrameRule())
    with pytest.raises(BadInputError, match="no object outside what is left out"):
        shares([DataShare(dataset="videos", leave_out=("a", "b"))], [videos], FrameRule())


def test_masks_are_those_of_the_drawn_object():
    video = Video("a", 20, {1: set(range(20)), 2: set(range(20))})
    objects = [TrainingObject(video, 2, np.ones(20, bool))]
    masks = []
    source = MiniSequences([(1.0, objects)], FrameRule(), lambda given, *_: masks.extend(given.masks) or {}, seed=0)
    source[0]
    assert all((np.flatnonzero(mask.any(1)) == [2, 3]).all() for mask in masks)


def test_sequences_of_the_same_name_keep_the_labels_of_their_own_dataset():
    merged, apart = (Videos(Video("a", 20, {object_id: set(range(20))})) for object_id in (1, 2))
    groups = [(1.0, training_objects(videos, FrameRule())) for videos in (merged, apart)]
    masks = []
    source = MiniSequences(groups, FrameRule(), lambda given, *_: masks.extend(given.masks) or {}, seed=0, cache=True)
    for number in range(20):
        source[number]
    assert all(mask.any() for mask in masks)
    assert {int(np.flatnonzero(mask.any(1))[0]) for mask in masks} == {0, 2}


def test_visibility_is_read_once_and_then_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("VOS_BENCH_CACHE", str(tmp_path))
    videos = Videos(Video("a", 20, {2: set(range(3, 20))}))
    [first] = training_objects(videos, FrameRule())
    monkeypatch.setattr(Video, "read_truth", None)
    [again] = training_objects(videos, FrameRule())
    assert (again.object_id, again.visible.tolist()) == (2, first.visible.tolist()) == (2, [False] * 3 + [True] * 17)
    [kept] = (tmp_path / "training").iterdir()
    kept.write_text('{"a": ')
    with pytest.raises(TypeError):
        training_objects(videos, FrameRule())
