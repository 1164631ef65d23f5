"""What people get wrong with SA-V, MOSE, LVOS, VOST and BURST: one message each, with what to do."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vos_bench import registry
from vos_bench.api import Dataset, Problem
from vos_bench.errors import BadInputError

Damage = Callable[[Path], None]


def problems_of(name: str, root: Path, split: str | None) -> list[Problem]:
    """Return what `check` says besides that the miniature is no release, or the one refusal to open the tree."""
    try:
        found = registry.open_dataset(name, root=root, split=split).check()
    except BadInputError as refusal:
        return [Problem(root, str(refusal), "", "")]
    return [problem for problem in found if not re.fullmatch(r"\d sequences?", problem.found)]


def remove(*patterns: str) -> Damage:
    def damage(root: Path) -> None:
        found = [path for pattern in patterns for path in root.glob(pattern)]
        assert found
        for path in found:
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    return damage


def rename(before: str, after: str) -> Damage:
    return lambda root: (root / before).rename(root / after) and None


def wrap(folder: str) -> Damage:
    """Put what a folder holds into a folder of the same name inside it, as some archives unpack."""

    def damage(root: Path) -> None:
        (root / folder).rename(root / "moved")
        (root / folder).mkdir()
        (root / "moved").rename(root / folder / Path(folder).name)

    return damage


def nested(name: str, folder: str) -> Damage:
    """Move something into a new folder."""

    def damage(root: Path) -> None:
        (root / folder).mkdir()
        (root / name).rename(root / folder / name)

    return damage


def save(path: str, image: Image.Image) -> Damage:
    return lambda root: image.save(root / path)


def edit(path: str, change: Callable[[dict], object]) -> Damage:
    def damage(root: Path) -> None:
        content = json.loads((root / path).read_text())
        change(content)
        (root / path).write_text(json.dumps(content))

    return damage


def write(path: str, text: str) -> Damage:
    return lambda root: (root / path).write_text(text) and None


def only_every(pattern: str, step: int) -> Damage:
    """Keep every `step`-th file of each folder that matches."""

    def damage(root: Path) -> None:
        for folder in root.glob(pattern):
            for number, path in enumerate(sorted(folder.iterdir())):
                if number % step:
                    path.unlink()

    return damage


def renumbered(root: Path) -> None:
    """Number every fourth frame anew, as a video is that was extracted at 6 frames a second."""
    only_every("sav_val/JPEGImages_24fps/*", 4)(root)
    for folder in root.glob("sav_val/JPEGImages_24fps/*"):
        for number, path in enumerate(sorted(folder.iterdir())):
            path.rename(folder / f"{number:05d}.jpg")


def packed(folder: str) -> Damage:
    """Leave an archive of a folder in its place."""

    def damage(root: Path) -> None:
        shutil.make_archive(str(root / folder), "zip", root, folder)
        shutil.rmtree(root / folder)

    return damage


def object_folders(folder: str) -> Damage:
    """Turn the label maps of a sequence into one folder an object."""

    def damage(root: Path) -> None:
        for path in sorted((root / folder).glob("*.png")):
            labels = np.array(Image.open(path))
            for object_id in (1, 2):
                target = path.parent / f"{object_id - 1:03d}" / path.name
                target.parent.mkdir(exist_ok=True)
                Image.fromarray((labels == object_id).astype(np.uint8)).save(target)
            path.unlink()

    return damage


def label_maps(folder: str) -> Damage:
    """Turn the objects' folders of a sequence into label maps."""

    def damage(root: Path) -> None:
        for path in sorted((root / folder / "000").glob("*.png")):
            path.rename(root / folder / path.name)
        shutil.rmtree(root / folder / "000")
        shutil.rmtree(root / folder / "001")

    return damage


def dots(root: Path) -> None:
    for path in [*root.glob("JPEGImages*/555*/*.jpg"), *root.glob("Annotations/555*/*.png")]:
        path.rename(path.with_name(path.name.replace("frame", "frame.")))


def dense_images(root: Path) -> None:
    shutil.rmtree(root / "JPEGImages")
    shutil.copytree(root / "JPEGImages_10fps", root / "JPEGImages")


RGB, SMALL = Image.new("RGB", (48, 32), (9, 9, 9)), Image.new("L", (24, 32), 1)
THREE = Image.fromarray(np.arange(32 * 48, dtype=np.uint8).reshape(32, 48) % 3)
SAV = "sav_val/Annotations_6fps/sav_000001"
MOSE = "valid/Annotations/0a1b2c3d/00000.png"
LVOS_META = "val/valid_meta.json"
VIDEO = "val/Annotations/longAAAA"


def lvos_numbers(content: dict) -> None:
    content["videos"]["longAAAA"]["objects"]["2"]["frame_range"]["frame_nums"] = 7


CASES: list[tuple[str, str | None, Damage, str]] = [
    ("sav", None, rename("sav_val", "val"), r"there is val\).*rename .*val to sav_val"),
    ("sav", None, wrap("sav_val"), r"JPEGImages_24fps one level too deep|it one level too deep, in .*sav_val/sav_val"),
    ("sav", None, renumbered, r"as many frames as masks of an object, \d+: 6 a second, not 24"),
    ("sav", None, packed("sav_val"), r"no such folder, but sav_val\.zip beside its place.*unpack what was downloaded"),
    ("lvos2", None, packed("val"), r"no such folder, but val\.zip beside its place"),
    ("sav", None, remove("sav_val/sav_val.txt"), "no such file .*the list of sequences"),
    ("sav", None, write("sav_val/sav_val.txt", ""), "an empty list"),
    ("sav", None, only_every("sav_val/JPEGImages_24fps/*", 4), "frames numbered 0, 4, …: 6 a second, not 24"),
    ("sav", None, label_maps(SAV), "label maps of all objects.*one folder an object"),
    ("sav", None, remove(f"{SAV}/001/*.png"), "001.*an object's folder without a mask"),
    ("sav", None, remove(f"{SAV}/*"), "no object's folder"),
    ("sav", None, remove(SAV), "no such folder.*one folder of masks an object"),
    ("sav", None, rename(f"{SAV}/001", f"{SAV}/cat"), "cat.*a folder that is no object's"),
    ("sav", None, save(f"{SAV}/000/00008.png", RGB), "mode RGB"),
    ("sav", None, save(f"{SAV}/000/00008.png", SMALL), "32 x 24 pixels.*32 x 48"),
    ("sav", None, save(f"{SAV}/000/00008.png", THREE), "more than two values"),
    ("mosev1", None, rename("valid", "val"), r"there is val\).*rename .*val to valid"),
    ("mosev1", None, wrap("valid"), "it one level too deep, in .*valid/valid"),
    ("mosev1", None, object_folders("valid/Annotations/0a1b2c3d"), r"one folder an object \(000, 001\)"),
    ("mosev1", None, save(MOSE, RGB), "mode RGB"),
    ("mosev1", None, save(MOSE, SMALL), "32 x 24 pixels.*32 x 48"),
    ("mosev1", None, remove("valid/Annotations/0a1b2c3d"), "1 of 2 sequences; missing: 0a1b2c3d"),
    ("mosev2", None, remove("valid/meta_valid.json"), "meta_valid.json.*no such file.*for MOSE as of 2023.*use mosev1"),
    ("mosev2", None, write("valid/meta_valid.json", "{}"), "another list .*videos"),
    ("mosev2", None, write("valid/meta_valid.json", ""), "an empty file"),
    (
        "mosev2",
        None,
        edit("valid/meta_valid.json", lambda meta: meta["videos"]["0a1b2c3d"].update(objects=[1])),
        "object 2, which meta_valid.json lacks.*only 1",
    ),
    (
        "mosev2",
        None,
        edit("valid/meta_valid.json", lambda meta: meta["videos"]["0a1b2c3d"].update(objects=[1, 2, 5])),
        "no label map that shows object 5",
    ),
    ("mosev2", None, edit("valid/meta_valid.json", lambda meta: meta["videos"].popitem()), "also 1b2c3d4e"),
    ("mosev2", None, remove("valid/JPEGImages/0a1b2c3d/00008.jpg"), "8 frames.*9 as meta_valid.json says"),
    ("lvos2", None, remove(LVOS_META), "valid_meta.json.*no such file.*a download of its own"),
    ("lvos2", None, rename(LVOS_META, "val/test_meta.json"), "the list of test.*use --split test"),
    ("lvos2", None, edit(LVOS_META, lvos_numbers), "object 2 of longAAAA with frame_nums 7.*5, the frames from"),
    (
        "lvos2",
        None,
        remove(f"{VIDEO}/0000000[6-9].png", f"{VIDEO}/000000[1-4]6.png", f"{VIDEO}/000000[13-4]1.png"),
        "only the first mask of each object",
    ),
    ("lvos2", None, object_folders(VIDEO), "one folder an object"),
    ("lvos1", None, remove("val"), "no such folder"),
    ("lvos1", None, rename("val", "validation"), r"no such folder .*holds validation"),
    ("lvos1", None, save(f"{VIDEO}/00000006.png", RGB), "mode RGB"),
    ("lvos2", None, save(f"{VIDEO}/00000006.png", SMALL), "32 x 24 pixels.*32 x 48"),
    ("lvos2", None, remove(f"{VIDEO}/*.png"), "longAAAA.*no label map"),
    ("lvos2", None, wrap("val"), "one level too deep, in .*val/val.*one level up"),
    ("mosev2", None, wrap("valid"), "one level too deep, in .*valid/valid"),
    ("mosev2", None, rename("valid", "val"), r"there is val\).*rename .*val to valid"),
    ("mosev2", None, save(MOSE, RGB), "mode RGB"),
    ("mosev2", None, save(MOSE, SMALL), "32 x 24 pixels.*32 x 48"),
    ("mosev2", None, object_folders("valid/Annotations/0a1b2c3d"), "one folder an object"),
    ("vost", None, object_folders("Annotations/555_tear_foil"), "one folder an object"),
    ("vost", None, save("Annotations/555_tear_foil/frame00018.png", SMALL), "32 x 24 pixels.*32 x 48"),
    ("vost", None, remove("Annotations/555_tear_foil/*.png"), "555_tear_foil.*no label map"),
    ("vost", None, rename("ImageSets/val.txt", "ImageSets/valid.txt"), "val.txt.*holds valid.txt"),
    ("burst", None, wrap("val"), "one level too deep, in .*val/val"),
    ("vost", None, wrap("Annotations"), "one level too deep, in .*Annotations/Annotations"),
    ("sav", None, wrap("sav_val/Annotations_6fps"), "one level too deep, in .*Annotations_6fps/Annotations_6fps"),
    ("sav", None, wrap("sav_val/JPEGImages_24fps"), "one level too deep, in .*JPEGImages_24fps/JPEGImages_24fps"),
    (
        "sav",
        None,
        rename("sav_val/JPEGImages_24fps", "sav_val/JPEGImages"),
        "JPEGImages_24fps.*no such folder.*24 a second",
    ),
    ("vost", None, remove("JPEGImages_10fps"), "JPEGImages_10fps.*no such folder.*--frames annotated"),
    ("vost", None, only_every("JPEGImages_10fps/*", 2), "9 images for 9 label maps: 5 frames a second"),
    ("vost", None, dense_images, "18 images for 9 label maps: 10 frames a second.*rename"),
    ("vost", None, remove("ImageSets/val.txt"), "val.txt.*no such file"),
    (
        "vost",
        None,
        remove("ImageSets"),
        "ImageSets.*found no such folder .*holds Annotations.*val.txt in it, the list of sequences.*train.txt, val.txt",
    ),
    ("vost", None, nested("ImageSets", "VOST"), "ImageSets.*one level too deep, in .*VOST.*move what .*VOST holds"),
    ("burst", None, remove("val"), "val.*no such folder .*holds frames.*all_classes.json in it, the tracks of val"),
    ("vost", None, dots, "a frame named frame.00012.*drops the dot"),
    ("vost", None, save("Annotations/555_tear_foil/frame00018.png", RGB), "mode RGB"),
    ("burst", None, remove("val/all_classes.json"), "all_classes.json.*no such file"),
    ("burst", None, remove("val/uncommon_classes.json"), "uncommon_classes.json|no such file"),
    ("burst", None, edit("val/all_classes.json", lambda file: file.update(split="test")), "the tracks of test"),
    ("burst", None, remove("frames"), "images of TAO"),
    ("burst", None, only_every("frames/val/YFCC100M/*", 2), "9 of 18 images; missing: frame0003.*--frames annotated"),
    (
        "burst",
        None,
        edit("val/all_classes.json", lambda file: file["sequences"][0]["segmentations"][4]["3"].update(rle="b53")),
        "a damaged mask of track 3 on YFCC100M__video_1/frame0024",
    ),
    (
        "burst",
        None,
        edit("val/all_classes.json", lambda file: file["sequences"][0]["segmentations"].pop()),
        "9 annotated images and 8 sets of masks",
    ),
    ("burst", None, edit("val/all_classes.json", lambda file: file["sequences"][0].update(width=50)), "50|add up"),
]


@pytest.mark.parametrize(
    ("name", "split", "damage", "words"), CASES, ids=[f"{case[0]}-{number}" for number, case in enumerate(CASES)]
)
def test_one_message_says_what_is_wrong_and_what_to_do(benchmark_trees, tmp_path, name, split, damage, words):
    root = benchmark_trees.BUILDERS[name](tmp_path / "data")
    assert problems_of(name, root, split) == []
    damage(root)
    found = problems_of(name, root, split)
    assert len(found) == 1, found
    text = " | ".join(map(str, found[0]))
    assert re.search(words, text, re.DOTALL), text


def test_the_release_of_the_other_version_is_recognised(benchmark_trees, tmp_path, monkeypatch):
    from vos_bench.datasets.lvos import Lvos1
    from vos_bench.datasets.mose import Mosev1

    for name, kind in (("mosev1", Mosev1), ("lvos1", Lvos1)):
        other = name.replace("1", "2")
        monkeypatch.setattr(kind, "releases", {name: {"valid": 300}, other: {"valid": 2}})
        root = benchmark_trees.BUILDERS[name](tmp_path / name)
        (problem,) = registry.open_dataset(name, root=root).check()
        assert problem.found == f"2 sequences, as {other} has"
        assert problem.remedy.startswith(f"use {other}")


def test_a_split_of_another_name_is_met_with_the_right_one():
    for name, wrong, right in (("mosev2", "val", "valid"), ("sav", "valid", "val"), ("lvos1", "val", "valid")):
        with pytest.raises(BadInputError, match=f"there is no split '{wrong}'; known: .*; did you mean {right}"):
            registry.open_dataset(name, root=Path(), split=wrong)


@pytest.mark.parametrize(
    ("name", "damage", "words"),
    [
        ("sav", only_every("sav_val/JPEGImages_24fps/*", 4), "6 a second, not 24"),
        ("vost", remove("JPEGImages_10fps"), "no such folder"),
        ("burst", only_every("frames/val/YFCC100M/*", 2), "9 of 18 images"),
    ],
)
def test_frames_that_a_method_should_see_and_that_are_not_there(benchmark_trees, tmp_path, name, damage, words):
    root = benchmark_trees.BUILDERS[name](tmp_path / "data")
    assert registry.open_dataset(name, root=root).frames_problem("all") is None
    damage(root)
    dataset: Dataset = registry.open_dataset(name, root=root)
    problem = dataset.frames_problem("all")
    assert problem is not None
    assert words in problem.found
    assert dataset.frames_problem("annotated") is None


@pytest.mark.parametrize("name", ["sav", "mosev1", "lvos"])
def test_a_truth_at_the_wrong_level(benchmark_trees, tmp_path, name):
    root = benchmark_trees.BUILDERS.get(name, benchmark_trees.lvos)(tmp_path / "data")
    deep = next(path.parent for path in sorted(root.rglob("*.png")))
    with pytest.raises(BadInputError, match=r"one level too deep|no label map|no such file"):
        registry.open_truth(name, deep)


def test_a_truth_of_mosev2_without_its_list(benchmark_trees, tmp_path):
    root = benchmark_trees.mosev2(tmp_path / "data")
    (root / "valid/meta_valid.json").unlink()
    with pytest.raises(BadInputError, match=r"(?s)meta_valid\.json: found no such file.*the list of objects of MOSEv2"):
        registry.open_truth("mosev2", root / "valid")


@pytest.mark.parametrize("name", ["lvos", "mosev1", "mosev2", "sav"])
def test_a_root_given_as_truth_is_answered_with_the_folder_of_the_split(benchmark_trees, tmp_path, name):
    root = benchmark_trees.BUILDERS.get(name, benchmark_trees.lvos)(tmp_path / "data")
    labels = next(path for path in root.rglob("Annotations*") if path.is_dir())
    (root / "another" / labels.name).mkdir(parents=True)
    with pytest.raises(BadInputError, match=f"did you mean --truth {labels.parent} "):
        registry.open_truth(name, root)


def test_the_list_of_another_split_of_vost_names_it(benchmark_trees, tmp_path):
    root = benchmark_trees.vost(tmp_path / "data")
    rename("ImageSets/val.txt", "ImageSets/train.txt")(root)
    with pytest.raises(BadInputError, match=r"(?s)val\.txt: found no such file.*use --split train, or get val\.txt"):
        registry.open_truth("vost", root)


@pytest.mark.parametrize(("name", "labels"), [("vost", "Annotations"), ("lvos", "val/Annotations")])
def test_a_truth_that_lacks_a_listed_sequence(benchmark_trees, tmp_path, name, labels):
    root = benchmark_trees.BUILDERS.get(name, benchmark_trees.lvos)(tmp_path / "data")
    folder = min((root / labels).iterdir())
    shutil.rmtree(folder)
    truth = registry.open_truth(name, (root / labels).parent)
    assert truth is not None
    words = rf"no such folder.*label maps of {folder.name}.*take {folder.name} out of \w+\.(txt|json).*stops here"
    with pytest.raises(BadInputError, match=rf"(?s){words}"):
        truth.sequence(folder.name)


def test_a_truth_of_mosev2_has_the_sequences_of_its_folders_whatever_else_is_listed(benchmark_trees, tmp_path):
    root = benchmark_trees.mosev2(tmp_path / "data", "train")
    kept, *others = sorted(path.name for path in (root / "train/Annotations").iterdir())
    for name in others:
        shutil.rmtree(root / "train/Annotations" / name)
    truth = registry.open_truth("mosev2", root / "train", split="train")
    assert truth is not None
    assert others
    assert truth.sequence_names == (kept,)


def test_a_split_of_vost_without_images_of_10_frames_a_second_shows_those_of_5(benchmark_trees, tmp_path):
    root = benchmark_trees.vost(tmp_path / "data")  # val, which has them
    for folder in ("JPEGImages", "Annotations"):
        shutil.copytree(root / folder / "555_tear_foil", root / folder / "1_knead_dough")
    (root / "ImageSets/train.txt").write_text("1_knead_dough")
    dataset: Dataset = registry.open_dataset("vost", root=root, split="train")
    assert dataset.frames_problem("all") is None
    assert [problem.found for problem in dataset.check()] == ["1 sequence"]
    assert len(dataset.sequence("1_knead_dough").frame_names) == len(dataset.sequence("1_knead_dough").truth_names)
    assert len(registry.open_dataset("vost", root=root).sequence("555_tear_foil").frame_names) > 9


def test_a_list_of_vost_test_without_its_videos_says_that_they_come_apart(benchmark_trees, tmp_path):
    root = benchmark_trees.vost(tmp_path / "data")
    (root / "ImageSets/test.txt").write_text("9_peel_banana\n9_cut_paper")
    found = registry.open_dataset("vost", root=root, split="test").check()
    assert [problem.remedy for problem in found[1:]] == ["its authors release the videos of test apart: put them there"]


def test_a_truth_at_the_wrong_level_of_vost_names_the_option(benchmark_trees, tmp_path):
    root = benchmark_trees.vost(tmp_path / "data")
    with pytest.raises(BadInputError, match=rf"did you mean --truth {root} \?"):
        registry.open_truth("vost", root / "ImageSets")
    with pytest.raises(BadInputError, match=rf"did you mean --root {root} \?"):
        registry.open_dataset("vost", root=root / "ImageSets")
