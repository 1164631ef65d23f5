"""Exports of annotation tools become label maps that keep identities, and what cannot be kept is said."""

import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from export_files import CVAT, coco, label_maps, png
from PIL import Image

from vos_bench.errors import BadInputError
from vos_bench.importing import import_masks
from vos_bench.labelmaps import read_label_map

EMPTY = "00004"


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


def test_numpy_files_have_the_numbers_of_their_tasks(exports: Path, tmp_path: Path) -> None:
    found = import_masks(exports / "label-studio/numpy", "label-studio", out=tmp_path)
    assert [*label_maps(tmp_path)] == ["00011", "00012", "00013", "00014", "00016"]
    assert any("frames are named by their tasks" in note for note in found.notes)


def test_frames_without_objects_are_written_and_said(exports: Path, tmp_path: Path) -> None:
    found = import_masks(exports / "mots", "mots", out=tmp_path)
    assert not label_maps(tmp_path)[EMPTY].any()
    assert "clip: 1 frame has no file, for MOTS PNG omits empty ones: written as empty" in found.notes


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
        "1 track is on one frame alone: CVAT makes one of each shape that was not drawn as a track, and which of "
        "them are one object is lost",
        "1 shape has no area that label maps could show (boxes, lines, points): left out",
        "cat: tracks are numbered from 0, objects from 1: track k is object k + 1",
        "objects overlap on 1 frame: a label map has one object a pixel, the upper one",
    )


def test_regions_that_are_to_be_ignored_are_background(tmp_path: Path) -> None:
    pixels = np.zeros((4, 4), np.uint16)
    pixels[0], pixels[1], pixels[2] = 10000, 1005, 2005
    (tmp_path / "instances/0002").mkdir(parents=True)
    Image.fromarray(pixels).save(tmp_path / "instances/0002/000000.png")
    found = import_masks(tmp_path, "mots", out=tmp_path / "out")
    labels = label_maps(tmp_path / "out")["000000"]
    assert [*labels[:, 0]] == [0, 1005, 2005, 0]  # object 5 of two classes keeps both numbers
    assert any("class 10" in note for note in found.notes)


def test_sizes_that_were_computed_are_whole_numbers_too(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(coco("cat/0.jpg", size=(6.0, 8.0)))
    assert import_masks(tmp_path / "a.json", "coco", out=tmp_path / "out").frames == {"cat": 1}
    assert label_maps(tmp_path / "out")["0"].shape == (6, 8)


def test_whole_run_lengths_may_be_written_as_decimals(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(coco("cat/0.jpg", segmentation={"size": [6.0, 8.0], "counts": [6.0, 42.0]}))
    import_masks(tmp_path / "a.json", "coco", out=tmp_path / "out")
    assert (label_maps(tmp_path / "out")["0"] == [[0, *[1] * 7]] * 6).all()


def test_white_is_object_1_where_there_is_one_and_255_stays_undecided_elsewhere(tmp_path: Path) -> None:
    square = np.zeros((20, 30))
    square[5:15, 5:15] = 1
    for t in range(2):
        png(tmp_path / f"in/white/{t}.png", 255 * square)
        labels = square.copy()
        labels[15, 5:15], labels[2:4, 20:25] = 255, 2
        png(tmp_path / f"in/rim/{t}.png", labels)
    found = import_masks(tmp_path / "in", "davis", out=tmp_path / "out")
    assert found.objects == {"rim": {1: "track 1 (object)", 2: "track 2 (object)"}, "white": {1: "track 1 (object)"}}
    assert found.notes == (
        "rim: 255 marks undecided pixels on 2 frames: kept, and of no object",
        "white: 0/255 masks: white (255) is the one object of its sequence",
    )
    assert (read_label_map(tmp_path / "out/Annotations/white/0.png") == square).all()
    assert (read_label_map(tmp_path / "out/Annotations/rim/1.png") == labels).all()
    labels[5:15, 18:28] = 255
    png(tmp_path / "in/rim/1.png", labels)
    with pytest.raises(BadInputError, match="if it is an object, give it another id, such as 3"):
        import_masks(tmp_path / "in", "davis", out=tmp_path / "again")


def test_track_255_gets_another_number_for_255_marks_undecided_pixels(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(coco("cat/0.jpg").replace('"track_id": 1', '"track_id": 255'))
    found = import_masks(tmp_path / "a.json", "coco", out=tmp_path / "out")
    assert found.objects == {"cat": {1: "track 255 (cat)"}}
    assert "255 marks undecided pixels; objects are numbered in their order" in found.notes[0]


def test_tracks_are_whole_numbers_or_none(tmp_path: Path) -> None:
    def imported(*tracks: object) -> object:
        data = json.loads(coco("cat/0.jpg", "cat/1.jpg"))
        for annotation, track in zip(data["annotations"], tracks, strict=True):
            annotation["track_id"] = track
        (tmp_path / "a.json").write_text(json.dumps(data))
        folder = tmp_path / f"out-{len([*tmp_path.iterdir()])}"
        return import_masks(tmp_path / "a.json", "coco", out=folder).objects["cat"]

    assert imported(3.0, "4") == {3: "track 3 (cat)", 4: "track 4 (cat)"}
    assert imported(-1, -1) == {1: "cat"}
    for wrong in ("disk", 1.5, True, [1]):
        with pytest.raises(BadInputError, match=r"annotation 0: found the track_id .*; expected a whole number"):
            imported(wrong, 1)


def test_two_tracks_of_one_number_are_not_made_one_object(tmp_path: Path) -> None:
    track = re.search(r"<track.*</track>", CVAT, re.DOTALL)
    assert track is not None
    (tmp_path / "a.xml").write_text(CVAT.replace(track[0], 2 * track[0]))
    with pytest.raises(BadInputError, match="two tracks have the id"):
        import_masks(tmp_path / "a.xml", "cvat", out=tmp_path / "out")


def test_sequences_with_numbers_below_a_resolution_are_no_objects(tmp_path: Path) -> None:
    for name in ("000", "001"):
        png(tmp_path / f"in/Annotations/480p/{name}/00000.png", np.ones((4, 4)))
    found = import_masks(tmp_path / "in", "davis", out=tmp_path / "out")
    assert found.frames == {"000": 1, "001": 1}


def test_objects_in_folders_are_no_resolutions(tmp_path: Path) -> None:
    for k in ("000", "001"):
        png(tmp_path / f"in/v/{k}/00000.png", np.ones((4, 4)))
    for form in ("davis", "mots"):
        with pytest.raises(BadInputError, match="holds one folder an object, which is the form sav"):
            import_masks(tmp_path / "in", form, out=tmp_path / "out")


def test_boxes_alone_make_no_empty_label_maps(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(coco("cat/0.jpg", segmentation=[]))
    with pytest.raises(BadInputError, match="1 annotation is a box and none has a mask"):
        import_masks(tmp_path / "a.json", "coco", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
