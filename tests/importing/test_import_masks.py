"""Exports of annotation tools become label maps that keep identities, and what cannot be kept is said."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vos_bench.cli import main
from vos_bench.errors import BadInputError
from vos_bench.importing import import_masks
from vos_bench.labelmaps import read_label_map

EMPTY, WITHOUT_SQUARE = "00004", "00002"


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What datumaro 1.13.12 and label-studio-sdk 2.1.2 wrote: `make_exports.py` says how."""
    folder = tmp_path_factory.mktemp("exports")
    with zipfile.ZipFile(Path(__file__).with_name("exports.zip")) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: main([str(each) for each in arguments])


def label_maps(folder: Path) -> dict[str, np.ndarray]:
    return {path.stem: read_label_map(path) for path in sorted(folder.rglob("*.png"))}


@pytest.mark.parametrize(
    ("source", "form", "ids"),
    [
        ("mots", "mots", {3: 3, 7: 7}),
        ("coco", "coco", {3: 3, 7: 7}),
        ("coco-polygons", "coco", {3: 3, 7: 7}),
        ("cvat-video", "cvat", {3: 3, 7: 7}),
        ("cvat-images", "cvat", {3: 1, 7: 2}),  # datumaro leaves tracks out of it: the labels are all that is left
        ("label-studio/png", "label-studio", {3: 1, 7: 2}),
    ],
)
def test_every_pixel_keeps_its_object(
    exports: Path, tmp_path: Path, source: str, form: str, ids: dict[int, int]
) -> None:
    import_masks(exports / source, form, out=tmp_path)
    truth, found = label_maps(exports / "truth"), label_maps(tmp_path / "Annotations")
    assert found.keys() == truth.keys()
    for frame, labels in truth.items():
        expected = np.zeros_like(labels)
        for before, after in ids.items():
            expected[labels == before] = after
        assert (found[frame] == expected).all()


def test_a_zip_is_read_as_its_folder(exports: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "cat.zip", "w") as archive:
        archive.write(exports / "cvat-video" / "clip.xml", "annotations.xml")
    found = import_masks(tmp_path / "cat.zip", "cvat", out=tmp_path / "out")
    assert found.frames == {"clip": 6}
    assert found.objects == {"clip": {3: "track 3 (disk)", 7: "track 7 (square)"}}


def test_a_form_that_numbers_objects_anew_is_refused_with_the_one_to_export(exports: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"numbers objects anew on every frame.*export `CVAT for video 1.1`"):
        import_masks(exports / "voc", "cvat", out=tmp_path)


def test_numpy_files_have_the_numbers_of_their_tasks(exports: Path, tmp_path: Path) -> None:
    found = import_masks(exports / "label-studio/numpy", "label-studio", out=tmp_path)
    assert [*label_maps(tmp_path)] == ["00011", "00012", "00013", "00014", "00016"]
    assert any("frames are named by their tasks" in note for note in found.notes)


def test_frames_without_objects_are_written_and_said(exports: Path, tmp_path: Path) -> None:
    found = import_masks(exports / "mots", "mots", out=tmp_path)
    assert not label_maps(tmp_path)[EMPTY].any()
    assert "clip: 1 frames have no file, for MOTS PNG omits empty ones: written as empty" in found.notes


MASK = 'rle="1, 2, 3, 2, 1" left="2" top="1" width="3" height="3"'
CVAT = f"""<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version><meta><task><name>my task</name><size>3</size>
<original_size><width>8</width><height>6</height></original_size><source>cat.mp4</source></task></meta>
<track id="0" label="cat" source="manual">
<mask frame="0" keyframe="1" outside="0" occluded="0" {MASK} z_order="1"/>
<mask frame="1" keyframe="1" outside="1" occluded="0" {MASK} z_order="1"/>
</track>
<track id="1" label="dog" source="manual">
<polygon frame="0" keyframe="1" outside="0" occluded="0" points="0.00,0.00;4.00,0.00;4.00,6.00;0.00,6.00" z_order="0"/>
<polygon frame="1" keyframe="0" outside="0" occluded="0" points="0.00,0.00;4.00,0.00;4.00,6.00;0.00,6.00" z_order="0"/>
<box frame="1" keyframe="1" outside="0" occluded="0" xtl="1" ytl="1" xbr="2" ybr="2" z_order="0"/>
</track>
</annotations>
"""


def test_cvat_masks_lie_in_their_box_and_on_what_is_below(tmp_path: Path) -> None:
    (tmp_path / "annotations.xml").write_text(CVAT)
    found = import_masks(tmp_path / "annotations.xml", "cvat", out=tmp_path / "out")
    labels = label_maps(tmp_path / "out/Annotations/cat")
    assert [*labels] == ["00000", "00001", "00002"]
    expected = np.zeros((6, 8), np.uint16)
    expected[:, :4] = 2
    # Rows of 3: .XX / ... / XX. inside a box at column 2, row 1.
    expected[1, 3:5] = expected[3, 2:4] = 1
    assert (labels["00000"] == expected).all()
    assert {*np.unique(labels["00001"]).tolist()} == {0, 2}  # `outside` ends a track
    assert not labels["00002"].any()
    assert found.notes == (
        "1 tracks are on one frame alone: CVAT makes one of each shape that was not drawn as a track, and which of "
        "them are one object is lost",
        "1 boxes, lines and points have no area that label maps could show: left out",
        "cat: tracks are numbered from 0, objects from 1: track k is object k + 1",
        "objects overlap on 1 frames: a label map has one object a pixel, the upper one",
    )


def test_regions_that_no_track_tells_apart_are_refused(tmp_path: Path) -> None:
    square = [[0, 0, 3, 0, 3, 3, 0, 3]]
    data = {
        "images": [{"id": 1, "file_name": "a/0.jpg", "width": 8, "height": 6}],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [
            {"id": k, "image_id": 1, "category_id": 1, "segmentation": square, "iscrowd": 0} for k in (1, 2)
        ],
    }
    (tmp_path / "a.json").write_text(json.dumps(data))
    with pytest.raises(BadInputError, match=r"frame 0 has 2 regions 'cat' and no track says which is which"):
        import_masks(tmp_path / "a.json", "coco", out=tmp_path / "out")
    data["annotations"][0]["track_id"] = 5
    (tmp_path / "a.json").write_text(json.dumps(data))
    with pytest.raises(BadInputError, match="1 of 2 regions have no track"):
        import_masks(tmp_path / "a.json", "coco", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_regions_that_are_to_be_ignored_are_background(tmp_path: Path) -> None:
    pixels = np.zeros((4, 4), np.uint16)
    pixels[0], pixels[1], pixels[2] = 10000, 1005, 2005
    (tmp_path / "instances/0002").mkdir(parents=True)
    Image.fromarray(pixels).save(tmp_path / "instances/0002/000000.png")
    found = import_masks(tmp_path, "mots", out=tmp_path / "out")
    labels = label_maps(tmp_path / "out")["000000"]
    assert [*labels[:, 0]] == [0, 1005, 2005, 0]  # object 5 of two classes keeps both numbers
    assert any("class 10" in note for note in found.notes)


@pytest.mark.parametrize(
    ("name", "content", "form", "said"),
    [
        ("a.xml", "<annotations", "cvat", "cannot be read as XML"),
        ("a.xml", "<html/>", "cvat", "begins with <html>; expected <annotations>"),
        ("a.xml", CVAT.replace("1, 2, 3, 2, 1", "1, 2"), "cvat", "run lengths of 3 pixels for a mask of 3x3"),
        ("a.xml", CVAT.replace("<original_size>", "<x>").replace("</original_size>", "</x>"), "cvat", "add --size"),
        ("a.json", "{", "coco", "cannot be read as JSON"),
        ("a.json", '{"images": [{}], "annotations": [], "categories": []}', "coco", "is damaged, or not of the form"),
        ("a.json", "{}", "youtube-vis", "expected videos, annotations, categories"),
        ("a.txt", "", "label-studio", "holds no file like task-1-annotation-2-by-1-tag-Cat-0.png"),
        ("a.txt", "", "sav", "holds no masks of the form sav"),
    ],
)
def test_what_is_no_export_is_refused_in_a_sentence(
    call: Callable[..., int], name: str, content: str, form: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("in").mkdir()
    Path("in", name).write_text(content)
    source = "in" if name.endswith("txt") else f"in/{name}"
    assert call("import-masks", source, "--from", form, "--out", "out") == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


def test_label_maps_that_are_there_stay(
    call: Callable[..., int], exports: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("import-masks", exports / "mots", "--from", "mots", "--out", "out")
    assert call(*arguments) == 0
    assert call(*arguments) == 2
    assert "out/Annotations/clip: holds files" in capsys.readouterr().err
