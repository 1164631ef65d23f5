"""Predictions that SA-V, MOSE, LVOS, VOST and BURST cannot be scored by: one message each, that names the file."""

import json
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Call = Callable[..., int]

TRUTHS = {
    "sav": ("sav", "val", "sav_val/Annotations_6fps", "sav_val/Annotations_6fps"),
    "mosev1": ("mosev1", "train", "train", "train/Annotations"),
    "mosev2": ("mosev2", "train", "train", "train/Annotations"),
    "lvos": ("lvos2", "valid", "val", "val/Annotations"),
    "vost": ("vost", "val", "", "Annotations"),
}
"""Dataset as it is scored to the tree, its split, and where its truth and its label maps lie."""

FIRST = {
    "sav": "sav_000001/000/00008.png",
    "mosev1": "0a1b2c3d/00002.png",
    "mosev2": "0a1b2c3d/00002.png",
    "lvos": "longAAAA/00000011.png",
    "vost": "555_tear_foil/frame00024.png",
}
"""A label map that counts."""


@pytest.fixture(params=TRUTHS)
def scored(request, benchmark_trees, tmp_path: Path, call: Call) -> tuple[str, Path, Callable[[], int]]:
    """Return the dataset, a folder of perfect predictions, and the scoring of it."""
    name = request.param
    tree, split, truth, labels = TRUTHS[name]
    root = benchmark_trees.BUILDERS[tree](tmp_path / "data", split)
    masks = shutil.copytree(root / labels, tmp_path / "masks")

    def score() -> int:
        more = ("--split", split) if split == "train" else ()
        return call("score", masks, "--dataset", name, "--truth", root / truth, "--out", "out", *more)

    return name, masks, score


def test_a_copy_of_the_truth_scores_one(scored) -> None:
    _, _, score = scored
    assert score() == 0
    assert json.loads(Path("out/run.json").read_text())["scores"]["J"] == 1


def coloured(path: Path) -> None:
    Image.open(path).convert("RGB").save(path)


def narrower(path: Path) -> None:
    labels = np.array(Image.open(path))
    Image.fromarray(labels[:, :-8]).save(path)


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:60])


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (coloured, "mode RGB"),
        (narrower, "found 32 x 40 pixels .*expected 32 x 48"),
        (cut_off, "cut off|ends early|damaged|incomplete|truncated"),
        (Path.unlink, "missing"),
    ],
)
def test_a_damaged_label_map_is_named(scored, capsys, damage: Callable[[Path], None], words: str) -> None:
    name, masks, score = scored
    damage(masks / FIRST[name])
    assert score() in (1, 2)
    said = capsys.readouterr()
    lines = [line for line in (said.err + said.out).splitlines() if re.search(words, line)]
    assert any(Path(FIRST[name]).stem in line for line in lines), said
    assert "Traceback" not in said.err + said.out


def test_a_video_without_label_maps_is_named_with_what_the_tool_would_do(scored, capsys) -> None:
    name, masks, score = scored
    video = FIRST[name].partition("/")[0]
    shutil.rmtree(masks / video)
    assert score() == 2
    said = capsys.readouterr().err
    assert f"{video}: there is no such folder" in said
    tool = "vos-benchmark" if name == "mosev1" else "the official tool"
    assert f"({tool} would" in said


def test_a_folder_one_level_too_high_or_too_deep_comes_with_the_right_one(scored, capsys) -> None:
    _, masks, score = scored
    inside = masks / "results" / "masks"
    inside.mkdir(parents=True)
    for path in [path for path in masks.iterdir() if path.name != "results"]:
        path.rename(inside / path.name)
    assert score() == 2
    assert "expected one folder of label maps for each sequence" in capsys.readouterr().err


def test_a_zip_in_place_of_a_folder_is_named(scored, capsys) -> None:
    _, masks, score = scored
    shutil.rmtree(masks)
    with zipfile.ZipFile(masks, "w"):
        pass
    assert score() == 2
    assert str(masks) in capsys.readouterr().err


def test_an_empty_folder_is_named(scored, capsys) -> None:
    _, masks, score = scored
    shutil.rmtree(masks)
    masks.mkdir()
    assert score() == 2
    assert str(masks) in capsys.readouterr().err


def test_ids_that_nobody_asked_for_do_not_matter(scored) -> None:
    name, masks, score = scored
    if name == "sav":
        shutil.copytree(masks / "sav_000001/000", masks / "sav_000001/007")
    else:
        path = masks / FIRST[name]
        labels = np.array(Image.open(path))
        labels[30:, :4] = 9
        image = Image.fromarray(labels)
        image.putpalette([k for k in range(256) for _ in range(3)])
        image.save(path)
    assert score() == 0
    assert json.loads(Path("out/run.json").read_text())["scores"]["J"] == 1


def test_an_objects_folder_without_a_file_is_named(benchmark_trees, tmp_path: Path, call: Call, capsys) -> None:
    root = benchmark_trees.sav(tmp_path / "data")
    masks = shutil.copytree(root / "sav_val/Annotations_6fps", tmp_path / "masks")
    for path in (masks / "sav_000001/001").iterdir():
        path.unlink()
    assert call("score", masks, "--dataset", "sav", "--root", root, "--out", "out") == 2
    said = capsys.readouterr().err
    assert f"{masks / 'sav_000001/001'}: 7 of 7 label maps are missing" in said


@pytest.mark.parametrize(
    ("name", "tree", "listing"),
    [("mosev2", "mosev2", "valid/meta_valid.json"), ("lvos", "lvos2", "val/valid_meta.json")],
)
def test_a_list_that_is_missing_is_named(
    benchmark_trees, tmp_path: Path, call: Call, capsys, name: str, tree: str, listing: str
) -> None:
    root = benchmark_trees.BUILDERS[tree](tmp_path / "data")
    (root / listing).unlink()
    folder = (root / listing).parent
    assert call("score", folder / "Annotations", "--dataset", name, "--truth", folder, "--out", "out") == 2
    assert re.search(f"{Path(listing).name}.*no such file", capsys.readouterr().err)


def test_a_first_truth_of_undecided_pixels_alone_shows_no_object(benchmark_trees, tmp_path: Path, call: Call) -> None:
    root = benchmark_trees.vost(tmp_path / "data")
    first = root / "Annotations/555_tear_foil/frame00012.png"
    benchmark_trees.save_labels(first, np.where(np.array(Image.open(first)) == 1, 255, 0))
    assert call("score", root / "Annotations", "--dataset", "vost", "--truth", root, "--out", "out") == 0
    rows = Path("out/objects.csv").read_text().splitlines()[1:]
    assert {row.partition(",")[0] for row in rows} == {"556_cut_onion"}  # the tool leaves the other video out as well


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda content: content.update(sequences=[]), "found no sequence"),
        (lambda content: content.update(split="test"), "holds tracks of split 'test'"),
        (lambda content: content["sequences"][0]["segmentations"].pop(), "9 annotated images and 8 sets of masks"),
        (
            lambda content: content["sequences"][0]["segmentations"][4]["3"].update(rle="b53"),
            "the mask of track 3 on .*is damaged",
        ),
        (lambda content: content["sequences"][0]["track_category_ids"].pop("3"), "gives no class for track 3"),
    ],
)
def test_a_damaged_file_of_tracks_is_named(
    benchmark_trees, tmp_path: Path, call: Call, capsys, change: Callable[[dict], object], words: str
) -> None:
    root = benchmark_trees.burst(tmp_path / "data")
    content = json.loads((root / "val/all_classes.json").read_text())
    change(content)
    (tmp_path / "pred.json").write_text(json.dumps(content))
    command = ("score", tmp_path / "pred.json", "--dataset", "burst", "--truth", root / "val", "--out", "out")
    assert call(*command) == 2
    assert re.search(f"pred.json.*{words}", capsys.readouterr().err)


def test_a_folder_that_holds_tracks_is_named_with_the_file_to_give(
    benchmark_trees, tmp_path: Path, call: Call, capsys
) -> None:
    root, folder = benchmark_trees.burst(tmp_path / "data"), tmp_path / "result"
    folder.mkdir()
    command = ("score", folder, "--dataset", "burst", "--truth", root / "val", "--out", "out")
    assert call(*command) == 2
    assert "it is empty" in capsys.readouterr().err
    tracks = shutil.copy(root / "val/all_classes.json", folder / "mine.json")
    assert call(*command) == 2
    assert f"give it in place of the folder: {tracks}\n" in capsys.readouterr().err
    assert call(command[0], tracks, *command[2:]) == 0
    shutil.copy(tracks, folder / "other.json")
    capsys.readouterr()
    assert call(*command) == 2
    assert "found JSON files (mine.json, other.json): give the one that holds the tracks" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "more", "note"),
    [
        (
            "mosev2",
            ("--split", "train"),
            "no object goes away on the scored frames, so that there is no J&F_dot_disappear",
        ),
        (
            "lvos",
            ("--sequences", "longBBBB"),
            "all scored videos are unseen, so that there is no mean of seen and unseen ones",
        ),
    ],
)
def test_a_score_that_cannot_be_is_explained(
    name: str, more: tuple[str, str], note: str, benchmark_trees, tmp_path: Path, call: Call
) -> None:
    tree, split, truth, labels = TRUTHS[name]
    root = benchmark_trees.BUILDERS[tree](tmp_path / "data", split)
    out = tmp_path / "out"
    options = ("--dataset", name, "--truth", root / truth, "--out", out, *more)
    assert call("score", root / labels, *options) == 0
    assert note in json.loads((out / "run.json").read_text("utf-8"))["notes"]
