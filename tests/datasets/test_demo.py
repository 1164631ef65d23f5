import os
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from vos_bench.datasets import demo
from vos_bench.datasets.demo import PIXELS, Demo, pixel_hash
from vos_bench.datasets.synthesis import scenes as scenes_module
from vos_bench.errors import BadInputError


@pytest.fixture
def small(monkeypatch):
    """Two frames of one scene in place of the whole, with a hash that is not theirs."""
    scene = next(scene for scene in scenes_module.validation_scenes() if scene.name == "tiny")
    short = type(scene)(scene.name, 2, scene.layers, scene.light, scene.seed)
    monkeypatch.setattr(scenes_module, "validation_scenes", lambda: (short,))
    monkeypatch.setitem(PIXELS, "val", "d" * 64)
    return short


@pytest.fixture
def small_hash(small, tmp_path, monkeypatch):
    """The same with the right hash."""
    with pytest.raises(BadInputError) as caught:
        Demo(tmp_path / small.name)
    found = str(caught.value).split("pixels ")[1][:64]
    monkeypatch.setitem(PIXELS, "val", found)
    return found


def areas(sequence, object_id):
    return [int((sequence.read_truth(name) == object_id).sum()) for name in sequence.truth_names]


@pytest.mark.parametrize("split", ["val", "train"])
def test_the_pixels_are_those_of_every_other_machine(split):
    dataset = Demo(split=split)  # making it compares them
    assert dataset.fingerprint() == PIXELS[split] == pixel_hash(dataset.root / split)
    assert dataset.check() == []


def test_sizes_lengths_and_objects():
    for sequence in Demo():
        ids = {k for name in sequence.prompt_frames for k in sequence.read_prompt(name).object_ids}
        assert 25 <= len(sequence.frame_names) <= 40
        assert 1 <= len(ids) <= 4
        assert sequence.read_frame("00000").shape == (240, 416, 3)
        assert sequence.truth_names == sequence.frame_names


@pytest.mark.parametrize("split", ["val", "train"])
def test_every_object_can_be_seen_on_the_frame_where_it_starts(split):
    for sequence in Demo(split=split):
        for name in sequence.prompt_frames:
            assert all(mask.sum() >= 100 for mask in sequence.read_prompt(name).masks.values()), sequence.name


def test_occlusion_hides_the_object_for_some_frames_and_gives_it_back():
    seen = np.array(areas(Demo().sequence("occlusion"), 1))
    gone = np.flatnonzero(seen == 0)
    assert gone.size >= 4
    assert seen[0] > 5000
    assert seen[-1] > 5000
    assert (np.diff(gone) == 1).all()


def test_late_objects_start_later_and_count_in_the_davis_protocol():
    sequence = Demo().sequence("late-object")
    starts = {name: sequence.read_prompt(name).object_ids for name in sequence.prompt_frames}
    assert starts == {"00000": (3,), "00009": (1,), "00019": (2,)}


def test_one_object_leaves_for_good_and_one_comes_back():
    sequence = Demo().sequence("leaving")
    cat, cup = areas(sequence, 1), areas(sequence, 2)
    assert cat[-1] == 0
    assert min(cup) == 0
    assert cup[-1] > 5000


def test_tiny_objects_are_tiny():
    sequence = Demo().sequence("tiny")
    assert all(max(areas(sequence, k)) < 200 for k in (1, 2))


def test_light_changes():
    sequence = Demo().sequence("lighting")
    levels = [float(sequence.read_frame(name).mean()) for name in sequence.frame_names]
    assert max(levels) > 3 * min(levels)


def test_it_is_made_once(small_hash, tmp_path, monkeypatch):
    first = Demo(tmp_path / "demo")
    monkeypatch.setattr(demo, "_make", lambda *_: pytest.fail("made again"))
    assert Demo(tmp_path / "demo").fingerprint() == first.fingerprint() == small_hash


@pytest.mark.usefixtures("small")
def test_wrong_pixels_are_refused_and_nothing_is_left(tmp_path):
    with pytest.raises(BadInputError, match=r"came out with pixels [0-9a-f]{64}\n  expected dddd"):
        Demo(tmp_path / "demo")
    assert [*(tmp_path / "demo").iterdir()] == []


@pytest.mark.usefixtures("small_hash")
def test_several_may_make_it_at_once(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        made = [*pool.map(lambda _: Demo(tmp_path / "demo").fingerprint(), range(4))]
    assert made == [PIXELS["val"]] * 4
    assert [path.name for path in (tmp_path / "demo").iterdir()] == ["val"]


@pytest.mark.usefixtures("small_hash")
def test_what_a_killed_process_left_does_no_harm(tmp_path):
    (tmp_path / "demo/val/JPEGImages/tiny").mkdir(parents=True)
    (tmp_path / "demo/val.abc.part/val").mkdir(parents=True)
    assert len(Demo(tmp_path / "demo").sequence("tiny").frame_names) == 2


@pytest.mark.usefixtures("small_hash")
def test_old_remains_are_swept_away_and_those_of_a_running_process_are_not(tmp_path):
    old, young = tmp_path / "demo/val.old.part", tmp_path / "demo/val.young.part"
    built_method = tmp_path / f"demo/val.{os.getpid()}.abc.part"  # its clock, or this one's, has jumped
    old.mkdir(parents=True)
    young.mkdir()
    built_method.mkdir()
    for path in (old, built_method):
        os.utime(path, (0, 0))
    Demo(tmp_path / "demo")
    assert not old.exists()
    assert young.exists()
    assert built_method.exists()


@pytest.mark.usefixtures("small_hash")
def test_a_changed_pixel_changes_the_fingerprint_and_is_a_problem(tmp_path):
    from PIL import Image

    dataset = Demo(tmp_path / "demo")
    path = tmp_path / "demo/val/JPEGImages/tiny/00001.png"
    pixels = np.array(Image.open(path))
    pixels[0, 0, 0] ^= 1
    Image.fromarray(pixels).save(path)
    assert dataset.fingerprint() != PIXELS["val"]
    assert dataset.check()[0].remedy.startswith("remove this folder")


@pytest.mark.usefixtures("small_hash")
def test_files_written_anew_with_the_same_pixels_keep_the_fingerprint(tmp_path):
    from PIL import Image

    dataset = Demo(tmp_path / "demo")
    path = tmp_path / "demo/val/JPEGImages/tiny/00001.png"
    image = Image.open(path)
    image.load()
    image.save(path, compress_level=9)
    assert dataset.fingerprint() == PIXELS["val"]


@pytest.mark.usefixtures("small_hash")
def test_a_removed_frame_is_refused(tmp_path):
    Demo(tmp_path / "demo")
    (tmp_path / "demo/val/JPEGImages/tiny/00001.png").unlink()
    with pytest.raises(BadInputError, match="without a frame: 00001"):
        Demo(tmp_path / "demo").sequence("tiny")


@pytest.mark.usefixtures("small_hash")
def test_a_cache_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInputError, match=r"the demo cannot be written.*VOS_BENCH_CACHE"):
        Demo(tmp_path / "file/demo")


@pytest.mark.usefixtures("small_hash")
def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    from PIL import Image

    def full(*_args, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(BadInputError, match="No space left on device"):
        Demo(tmp_path / "demo")
    assert [*(tmp_path / "demo").iterdir()] == []
    shutil.rmtree(tmp_path / "demo")
