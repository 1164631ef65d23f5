"""What is given, seen and asked for by the rules of SA-V, MOSE, LVOS, VOST and BURST."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from vos_bench import registry
from vos_bench.api import Dataset, FrameRange, Prompt
from vos_bench.errors import BadInputError
from vos_bench.formats.tracks_json import decode_mask, read_tracks
from vos_bench.labelmaps import write_label_map


@pytest.fixture
def build(benchmark_trees, tmp_path: Path):
    def open_tree(name: str, split: str | None = None) -> Dataset:
        chosen = split or registry.dataset(name).splits[0]
        return registry.open_dataset(name, root=benchmark_trees.BUILDERS[name](tmp_path / name, chosen), split=split)

    return open_tree


def numbered(numbers, digits: int = 5, prefix: str = "") -> tuple[str, ...]:
    return tuple(f"{prefix}{number:0{digits}d}" for number in numbers)


def test_sav_shows_24_frames_a_second_and_asks_for_6(build):
    first, second = build("sav")
    assert first.frame_names == numbered(range(33))
    assert first.output_names == first.truth_names == numbered(range(0, 33, 4))
    assert first.object_names == {1: "000", 2: "001"}
    assert first.prompt_frames == ("00000", "00008")  # object 001 has empty masks before
    assert second.prompt_frames == ("00000",)


def test_sav_objects_overlap_and_pictures_show_the_lowest_id_on_top(build):
    first, _ = build("sav")
    one, two = (first.read_truth_mask("00016", k) for k in (1, 2))
    assert (one & two).any()
    labels = first.read_truth("00016")
    np.testing.assert_array_equal(labels == 1, one)
    np.testing.assert_array_equal(labels == 2, two & ~one)


def test_sav_objects_have_frames_of_their_own(build):
    dataset = build("sav")
    folder = dataset.root / "sav_val/Annotations_6fps/sav_000001/001"
    for number in (0, 4, 8):
        (folder / f"{number:05d}.png").unlink()
    first = dataset.sequence("sav_000001")
    assert first.object_frames == {1: numbered(range(0, 33, 4)), 2: numbered(range(12, 33, 4))}
    assert first.truth_names == numbered(range(0, 33, 4))
    assert first.prompt_frames == ("00000", "00012")


def test_sav_takes_train_videos_that_were_extracted_without_a_list(build):
    dataset = build("sav", "train")
    (dataset.root / "sav_train/sav_train.txt").unlink()
    again = registry.open_dataset("sav", root=dataset.root, split="train")
    assert again.sequence_names == ("sav_000001", "sav_000002")


def test_sav_takes_train_masks_as_published(benchmark_trees, tmp_path):
    extracted = registry.open_dataset("sav", root=benchmark_trees.sav(tmp_path / "one", "train"), split="train")
    published = registry.open_dataset("sav", root=benchmark_trees.sav_masklets(tmp_path / "two"), split="train")
    for one, two in zip(extracted, published, strict=True):
        assert two.object_names == one.object_names
        assert two.frame_names == one.frame_names
        assert two.truth_names == two.output_names == one.truth_names
        assert two.prompt_frames == one.prompt_frames
        for name in two.truth_names:
            np.testing.assert_array_equal(two.read_truth(name), one.read_truth(name))
    assert published.sequence("sav_000001").object_frames[2] == numbered(range(8, 33, 4))  # null before
    assert published.check() == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "(?s)no such file .*sav_000001_manual.json of the download"),
        ("", "an empty file"),
        ("{}", "no masklets"),
        ('{"masklet": []}', "no frame"),
        ('{"masklet": [[{"size": [32, 48], "counts": "b53"}]]}', "a damaged mask of object 1 on frame 00000"),
        ('{"masklet": [[{"size": [3, 4], "counts": "0<"}]]}', "3 x 4 pixels\n  expected 32 x 48"),
    ],
)
def test_a_damaged_file_of_train_masks_is_named(benchmark_trees, tmp_path, content, words):
    root = benchmark_trees.sav_masklets(tmp_path / "data")
    path = root / "sav_train/sav_000/sav_000001_manual.json"
    path.unlink() if content is None else path.write_text(content)
    dataset = registry.open_dataset("sav", root=root, split="train")
    with pytest.raises(BadInputError, match=words):
        list(_prompts(dataset, "sav_000001"))
    assert len(dataset.check()) == 1


def _prompts(dataset: Dataset, name: str) -> Iterator[Prompt]:
    sequence = dataset.sequence(name)
    yield from map(sequence.read_prompt, sequence.prompt_frames)


def test_sav_truth_may_be_label_maps_as_the_official_tool_takes_them(benchmark_trees, tmp_path):
    for number in range(3):
        benchmark_trees.save_labels(tmp_path / f"video/{number:05d}.png", benchmark_trees.labels_at(number, late=0))
    dataset = registry.open_truth("sav", tmp_path)
    assert dataset is not None
    sequence = dataset.sequence("video")
    assert sequence.object_names == {}
    assert sequence.truth_names == numbered(range(3))


def test_mose_valid_gives_first_masks_and_asks_for_all_frames(build):
    for name in ("mosev1", "mosev2"):
        for sequence in build(name):
            assert sequence.prompt_frames == ("00000",)
            assert sequence.output_names == sequence.frame_names == numbered(range(9))


def test_mose_objects_of_train_start_where_they_are_shown_first(build):
    late, other = build("mosev1", "train")
    assert late.prompt_frames == ("00000", "00003")
    assert late.read_prompt("00003").object_ids == (2,)
    assert other.prompt_frames == ("00000",)


def test_mosev2_objects_are_those_of_the_list_in_either_form(build):
    dataset = build("mosev2")
    path = dataset.root / "valid/meta_valid.json"
    meta = json.loads(path.read_text())
    meta["videos"]["0a1b2c3d"]["objects"] = {"1": {}}
    meta["videos"]["0a1b2c3d"]["height"] = None
    path.write_text(json.dumps(meta))
    sequence = registry.open_dataset("mosev2", root=dataset.root).sequence("0a1b2c3d")
    assert sequence.listed_objects == (1,)
    assert sequence.read_prompt("00000").object_ids == (1,)


def test_mosev2_truth_of_a_video_that_the_list_lacks_is_refused(benchmark_trees, tmp_path):
    truth = benchmark_trees.mosev2(tmp_path) / "valid"
    listing = truth / "meta_valid.json"
    content = json.loads(listing.read_text())
    dropped = content["videos"].popitem()[0]
    listing.write_text(json.dumps(content))
    with pytest.raises(BadInputError, match=f"found 1 video that the list of objects lacks: {dropped}"):
        registry.open_truth("mosev2", truth)


def test_mosev2_train_does_without_a_list(build):
    dataset = build("mosev2", "train")
    (dataset.root / "train/meta_train.json").unlink()
    late, _ = registry.open_dataset("mosev2", root=dataset.root, split="train")
    assert late.listed_objects is None
    assert late.prompt_frames == ("00000", "00003")


def test_mosev2_truth_is_sorted_by_number(build):
    dataset = build("mosev2", "train")
    folder = dataset.root / "train/Annotations"
    for path in folder.glob("*/*.png"):
        path.rename(path.with_name(f"{int(path.stem) + 5}.png"))
    alone = registry.open_truth("mosev2", dataset.root / "train", split="train")
    assert alone is not None
    assert alone.sequence("0a1b2c3d").truth_names == ("5", "6", "7", "8", "9", "10", "11", "12", "13")


def test_lvos_gives_each_object_its_own_first_mask(build):
    for name, split in (("lvos1", "valid"), ("lvos2", "test")):
        late, other = build(name, split)
        assert late.prompt_frames == ("00000001", "00000021")
        assert late.read_prompt("00000021").object_ids == (2,)
        assert other.prompt_frames == ("00000001",)
        assert late.output_names == numbered(range(1, 46, 5), 8)


def test_lvos_objects_keep_their_listed_frames_and_groups(build):
    late, other = build("lvos2")
    assert late.frame_ranges == {
        1: FrameRange(numbered(range(1, 46, 5), 8), 9),
        2: FrameRange(numbered(range(21, 46, 5), 8), 5),
    }
    assert late.groups == {1: "seen", 2: "seen"}
    assert other.groups == {1: "unseen", 2: "unseen"}


def test_lvos_uses_the_list_that_ships_where_the_tree_has_none(build):
    dataset = build("lvos1")
    (dataset.root / "val/unseen_videos.txt").unlink()
    again = registry.open_dataset("lvos1", root=dataset.root)
    assert again.sequence("longBBBB").groups == {1: "seen", 2: "seen"}
    from vos_bench.datasets.lvos import SHIPPED_UNSEEN
    from vos_bench.files import sha256

    assert sha256(SHIPPED_UNSEEN) == "36b5ee7d9fb65564f4cea8bb1954e66fe920de01dfdd4dc1ab3c24b99105571f"


def test_lvos_valid_may_be_called_val_or_valid(build):
    dataset = build("lvos2")
    (dataset.root / "val").rename(dataset.root / "valid")
    assert len(registry.open_dataset("lvos2", root=dataset.root)) == 2


def test_lvos_objects_that_the_list_lacks_are_neither_given_nor_listed(build):
    dataset = build("lvos2")
    path = dataset.root / "val/valid_meta.json"
    meta = json.loads(path.read_text())
    del meta["videos"]["longAAAA"]["objects"]["2"]
    path.write_text(json.dumps(meta))
    again = registry.open_dataset("lvos2", root=dataset.root)
    assert again.sequence("longAAAA").prompt_frames == ("00000001",)
    assert [p.found for p in again.check()][-1] == "object 2, which valid_meta.json lacks"


def test_vost_shows_10_frames_a_second_and_asks_for_5(build):
    first, _ = build("vost")
    assert first.frame_names == numbered(range(12, 66, 3), 5, "frame")
    assert first.truth_names == first.output_names == numbered(range(12, 66, 6), 5, "frame")
    assert first.prompt_frames == ("frame00012",)
    assert first.read_prompt("frame00012").object_ids == (1, 2)  # 255 marks pixels, no object


def test_vost_test_asks_for_the_frames_of_5_a_second(build):
    first, _ = build("vost", "test")
    assert first.truth_names == ()
    assert first.output_names == numbered(range(12, 66, 6), 5, "frame")


def test_vost_objects_that_come_later_are_not_given(build, benchmark_trees):
    dataset = build("vost")
    folder = dataset.root / "Annotations/555_tear_foil"
    labels = benchmark_trees.labels_at(0, late=0)
    benchmark_trees.save_labels(folder / "frame00012.png", np.where(labels == 2, 0, labels))
    sequence = registry.open_dataset("vost", root=dataset.root).sequence("555_tear_foil")
    assert sequence.prompt_frames == ("frame00012",)
    assert sequence.read_prompt("frame00012").object_ids == (1,)


def test_burst_tracks_start_with_their_first_mask_and_keep_ids_and_classes(build):
    first, second = build("burst")
    assert (first.name, second.name) == ("YFCC100M__v_-x2", "YFCC100M__video_1")
    assert len(first.frame_names) == 18
    assert first.output_names == first.truth_names == first.frame_names[::2]
    assert first.prompt_frames == ("frame0000", "frame0012")
    assert first.read_prompt("frame0012").object_ids == (7,)
    assert first.categories == {3: 805, 7: 1}


def test_burst_names_a_truth_for_each_set_of_classes(build):
    dataset = build("burst")
    assert set(dataset.track_files) == {"all", "common", "uncommon"}


def predicted(dataset: Dataset, masks: Path) -> Path:
    """Write label maps that hold each object where it was given."""
    for sequence in dataset:
        size = sequence.read_frame(sequence.frame_names[0]).shape[:2]
        labels = np.zeros(size, np.uint16)
        for name in sequence.output_names:
            if name in sequence.prompt_frames:
                for object_id, mask in sequence.read_prompt(name).masks.items():
                    labels[mask] = object_id
            write_label_map(masks / sequence.name / f"{name}.png", labels)
    return masks


@pytest.mark.parametrize(
    ("name", "split", "top"), [("mosev1", "valid", ""), ("mosev2", "valid", ""), ("lvos2", "test", "Annotations/")]
)
def test_the_servers_zip_has_its_folders_where_the_server_looks_for_them(build, tmp_path, name, split, top):
    dataset = build(name, split)
    dataset.package(predicted(dataset, tmp_path / "masks"), tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as packed:
        names = packed.namelist()
    wanted = [f"{top}{sequence.name}/{frame}.png" for sequence in dataset for frame in sequence.output_names]
    assert names == wanted


@pytest.mark.parametrize(
    ("name", "split", "words"),
    [
        ("sav", "val", "takes the same folder as --pred_root"),
        ("mosev1", "train", "there is no server"),
        ("lvos1", "valid", "there is no server"),
        ("vost", "val", "there is no server"),
        ("vost", "test", "its authors keep the truth back"),
    ],
)
def test_what_no_server_takes_is_refused(build, tmp_path, name, split, words):
    dataset = build(name, split)
    with pytest.raises(BadInputError, match=words):
        dataset.package(tmp_path / "masks", tmp_path / "out.zip")
    assert not (tmp_path / "out.zip").exists()


def test_bursts_file_leaves_absent_masks_out_and_holds_the_others_bit_for_bit(build, tmp_path):
    dataset = build("burst")
    dataset.package(predicted(dataset, tmp_path / "masks"), tmp_path / "tracks.json")
    truth, found = read_tracks(dataset.track_files["all"]), read_tracks(tmp_path / "tracks.json")
    assert found.split == "val"
    first = next(each for each in found.sequences if each.seq_name == "video_1")
    given = next(each for each in truth.sequences if each.seq_name == "video_1")
    assert first.annotated_image_paths == given.annotated_image_paths
    assert first.track_category_ids == given.track_category_ids
    assert [sorted(masks) for masks in first.segmentations] == [[3], [3], *([3, 7] for _ in range(7))]
    sequence = dataset.sequence("YFCC100M__video_1")
    np.testing.assert_array_equal(
        decode_mask(first.segmentations[2][7].rle, 32, 48), sequence.read_truth_mask("frame0012", 7)
    )
    raw = json.loads((tmp_path / "tracks.json").read_text())
    assert raw["sequences"][0]["segmentations"][0]["3"].keys() == {"rle", "is_gt", "score"}
    with pytest.raises(BadInputError, match=r"ends in \.json"):
        dataset.package(tmp_path / "masks", tmp_path / "tracks.zip")
