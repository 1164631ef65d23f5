"""Exports of annotation tools become label maps that keep identities, and what cannot be kept is said."""

import json
import os
import re
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

EMPTY = "00004"


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
    with pytest.raises(BadInputError, match=r"(?s)numbers objects anew on every frame.*export `CVAT for video 1.1`"):
        import_masks(exports / "voc", "cvat", out=tmp_path)


def test_numpy_files_have_the_numbers_of_their_tasks(exports: Path, tmp_path: Path) -> None:
    found = import_masks(exports / "label-studio/numpy", "label-studio", out=tmp_path)
    assert [*label_maps(tmp_path)] == ["00011", "00012", "00013", "00014", "00016"]
    assert any("frames are named by their tasks" in note for note in found.notes)


def test_frames_without_objects_are_written_and_said(exports: Path, tmp_path: Path) -> None:
    found = import_masks(exports / "mots", "mots", out=tmp_path)
    assert not label_maps(tmp_path)[EMPTY].any()
    assert "clip: 1 frame has no file, for MOTS PNG omits empty ones: written as empty" in found.notes


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
        "1 track is on one frame alone: CVAT makes one of each shape that was not drawn as a track, and which of "
        "them are one object is lost",
        "1 shape has no area that label maps could show (boxes, lines, points): left out",
        "cat: tracks are numbered from 0, objects from 1: track k is object k + 1",
        "objects overlap on 1 frame: a label map has one object a pixel, the upper one",
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
    with pytest.raises(BadInputError, match=r"frame 0 has 2 regions 'cat', and no track says which is which"):
        import_masks(tmp_path / "a.json", "coco", out=tmp_path / "out")
    data["annotations"][0]["track_id"] = 5
    (tmp_path / "a.json").write_text(json.dumps(data))
    with pytest.raises(BadInputError, match="1 of 2 regions without a track"):
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


SQUARE = {"size": [6, 8], "counts": [0, 48]}


def coco(*names: str, size: tuple[object, object] = (6, 8), segmentation: object = SQUARE) -> str:
    """An image of each name with one object, whose mask in the last image is `segmentation`."""
    images = [{"id": k, "file_name": name, "height": size[0], "width": size[1]} for k, name in enumerate(names)]
    masks = [*([SQUARE] * (len(names) - 1)), segmentation]
    annotations = [
        {"id": k, "image_id": k, "category_id": 1, "segmentation": mask, "track_id": 1} for k, mask in enumerate(masks)
    ]
    return json.dumps({"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "cat"}]})


def cvat_images(*names: str, size: tuple[object, object] = (6, 8)) -> str:
    images = "".join(f'<image name="{name}" height="{size[0]}" width="{size[1]}"/>' for name in names)
    return f"<annotations>{images}</annotations>"


YOUTUBE_VIS = json.dumps(
    {
        "videos": [
            {"id": k, "height": 6, "width": 8, "file_names": [f"{k}/cat/{t}.jpg" for t in range(2)]} for k in (1, 2)
        ],
        "annotations": [],
        "categories": [],
    }
)
TWICE = "frame 0 of cat is there twice, as where two videos have one name"
HUGE_CVAT = CVAT.replace("<width>8</width>", "<width>99999999</width>")


@pytest.mark.parametrize(
    ("form", "content", "said"),
    [
        ("coco", coco("1/cat/0.jpg", "1/cat/1.jpg", "2/cat/0.jpg", "2/cat/1.jpg"), TWICE),
        ("youtube-vis", YOUTUBE_VIS, TWICE),
        ("cvat", cvat_images("1/cat/0.jpg", "1/cat/1.jpg", "2/cat/0.jpg"), TWICE),
        ("coco", coco("cat/..", "cat/1.jpg"), "cat has the frame '..', which cannot be the name of a file"),
        ("coco", coco("cat/0.jpg", size=(100000, 100000)), "the frames of cat are said to be 100000x100000"),
        ("coco", coco("cat/0.jpg", size=(0, 8)), "the frames of cat are said to be 8x0"),
        ("coco", coco("cat/0.jpg", size=(6.5, 8)), "a size of 8x6.5, expected whole numbers"),
        ("cvat", cvat_images("cat/0.jpg", size=(10**6, 10**6)), "the frames of cat are said to be 1000000x1000000"),
        ("cvat", HUGE_CVAT, "the frames of cat are said to be 99999999x6"),
        ("cvat", CVAT.replace("<size>3<", "<size>999999999<"), "it has 999999999 frames, expected at most 5000000"),
        ("cvat", CVAT.replace('frame="1" keyframe="0"', 'frame="999999999" keyframe="0"'), "it has 1000000000 frames"),
        ("cvat", CVAT.replace('frame="1" keyframe="0"', 'frame="-1" keyframe="0"'), "the frame -1, expected 0 or more"),
    ],
)
def test_frames_that_cannot_be_files_of_their_own_are_refused(
    tmp_path: Path, form: str, content: str, said: str
) -> None:
    (tmp_path / "export").write_text(content)
    with pytest.raises(BadInputError, match=re.escape(said)):
        import_masks(tmp_path / "export", form, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_tasks_of_one_image_are_refused(tmp_path: Path) -> None:
    for task in (1, 2):
        Image.new("L", (8, 6), 255).save(tmp_path / f"task-{task}-annotation-{task}-by-1-tag-Cat-0.png")
    tasks = [{"id": task, "data": {"image": f"/data/{task}/0.jpg"}} for task in (1, 2)]
    (tmp_path / "tasks.json").write_text(json.dumps(tasks))
    with pytest.raises(BadInputError, match=f"frame 0 of {tmp_path.name} is there twice"):
        import_masks(tmp_path, "label-studio", out=tmp_path / "out")


def test_sizes_that_were_computed_are_whole_numbers_too(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(coco("cat/0.jpg", size=(6.0, 8.0)))
    assert import_masks(tmp_path / "a.json", "coco", out=tmp_path / "out").frames == {"cat": 1}
    assert label_maps(tmp_path / "out")["0"].shape == (6, 8)


@pytest.mark.parametrize(
    ("segmentation", "said"),
    [
        ({"size": [6, 8], "counts": "8"}, "its run lengths do not add up to 6 x 8 pixels"),  # 8 pixels of 48
        ({"size": [6, 8], "counts": [3, 5]}, "its run lengths do not add up to 6 x 8 pixels"),
        ({"size": [6, 8], "counts": [3, 40, 50]}, "its run lengths do not add up to 6 x 8 pixels"),
        ({"size": [6, 8], "counts": [50, -2]}, "its run lengths do not add up to 6 x 8 pixels"),
        ({"size": [6, 8], "counts": [3.5, 44.5]}, "a run length is no whole number"),
        ({"size": [100000, 100000], "counts": [10**10]}, "a segmentation is 100000x100000, its image 8x6"),
        ([[0, 0, 1e9, 0, 0, 1e9]], "expected at most 4194304"),
        ([[0, 0, float("nan"), 0, 0, 5]], "an outline is nan pixels long"),
    ],
)
def test_a_damaged_mask_in_the_last_frame_leaves_nothing_behind(
    tmp_path: Path, segmentation: object, said: str
) -> None:
    names = ("cat/0.jpg", "cat/1.jpg", "dog/0.jpg", "dog/1.jpg")
    (tmp_path / "a.json").write_text(coco(*names, segmentation=segmentation))
    with pytest.raises(BadInputError, match=said):
        import_masks(tmp_path / "a.json", "coco", out=tmp_path / "out")
    assert [*(tmp_path / "out").iterdir()] == []
    (tmp_path / "a.json").write_text(coco(*names))
    assert import_masks(tmp_path / "a.json", "coco", out=tmp_path / "out").frames == {"cat": 2, "dog": 2}
    assert len([*(tmp_path / "out/Annotations").rglob("*.png")]) == 4


def test_whole_run_lengths_may_be_written_as_decimals(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(coco("cat/0.jpg", segmentation={"size": [6.0, 8.0], "counts": [6.0, 42.0]}))
    import_masks(tmp_path / "a.json", "coco", out=tmp_path / "out")
    assert (label_maps(tmp_path / "out")["0"] == [[0, *[1] * 7]] * 6).all()


def spoilt(path: Path, content: str, *, encrypted: bool = False) -> Path:
    """A zip whose one member has a wrong checksum, or is said to be encrypted."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("annotations.xml", content)
    data = bytearray(path.read_bytes())
    if encrypted:
        for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            data[data.index(mark) + place] |= 1
    else:
        data[data.index(b"label=")] ^= 1
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(("encrypted", "said"), [(False, "Bad CRC-32"), (True, "is encrypted")])
def test_a_damaged_zip_is_refused_in_a_sentence(tmp_path: Path, encrypted: bool, said: str) -> None:
    path = spoilt(tmp_path / "a.zip", CVAT, encrypted=encrypted)
    with pytest.raises(BadInputError, match=rf"a.zip: found a damaged zip .*{said}.*; export it again, or unpack it"):
        import_masks(path, "cvat", out=tmp_path / "out")


def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadInputError, match="pipe: cannot be read: it is a device or a pipe"):
        import_masks(tmp_path / "pipe", "coco", out=tmp_path / "out")
    (tmp_path / "in").mkdir()
    os.mkfifo(tmp_path / "in/task-1-annotation-1-by-1-tag-Cat-0.npy")
    with pytest.raises(BadInputError, match="it is a device or a pipe"):
        import_masks(tmp_path / "in", "label-studio", out=tmp_path / "out")


def png(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values.astype(np.uint8)).save(path)


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


@pytest.mark.parametrize(
    ("form", "files", "said"),
    [
        ("davis", {"cat/0": (6, 8), "cat/1": (7, 8)}, r"cat/1\.png: is 8x7, and the first of its sequence 8x6"),
        ("davis", {"Annotations/480p/cat/0": (6, 8), "Annotations/1080p/cat/0": (6, 8)}, "of several resolutions"),
        ("mots", {"cat/0": (6, 8)}, "holds no value above 1; expected 1000 x class"),
        ("sav", {"cat/disk/0": (6, 8)}, "with 000, 001, ... as OBJECT"),
    ],
)
def test_folders_of_another_form_are_told_apart(
    tmp_path: Path, form: str, files: dict[str, tuple[int, int]], said: str
) -> None:
    for name, size in files.items():
        png(tmp_path / f"in/{name}.png", np.pad(np.ones((1, 1)), ((1, size[0] - 2), (1, size[1] - 2))))
    with pytest.raises(BadInputError, match=said):
        import_masks(tmp_path / "in", form, out=tmp_path / "out")


def test_messages_name_the_zip_and_the_frame(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "e.zip", "w"):
        pass
    with pytest.raises(BadInputError, match=rf"^{re.escape(str(tmp_path))}/e\.zip: is empty; expected the export"):
        import_masks(tmp_path / "e.zip", "coco", out=tmp_path / "out")
    (tmp_path / "a.json").write_text(coco("cat/0.jpg", segmentation=[[1, 1, 5]]))
    with pytest.raises(BadInputError, match=r"cat/0, 'cat': a segmentation is damaged"):
        import_masks(tmp_path / "a.json", "coco", out=tmp_path / "out")


def test_frames_numbered_in_two_widths_are_not_made_twice(tmp_path: Path) -> None:
    for name in ("3", "00005"):
        path = tmp_path / f"in/cat/instances/{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.pad(np.full((1, 1), 1001, np.uint16), 2)).save(path)
    found = import_masks(tmp_path / "in", "mots", out=tmp_path / "out")
    assert sorted(path.stem for path in (found.folder / "Annotations/cat").iterdir()) == ["00005", "3"]


def test_archives_that_are_no_zip_and_those_inside_one_are_to_be_unpacked(tmp_path: Path) -> None:
    for name in ("a.tar.gz", "a.7z", "a.rar", "a.tgz"):
        (tmp_path / name).write_bytes(b"mine")
        with pytest.raises(BadInputError, match=r"is an archive that is not a zip; unpack it, and give its folder"):
            import_masks(tmp_path / name, "davis", out=tmp_path / "out")
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as archive:
        archive.writestr("export/inner.zip", b"mine")
    for form in ("davis", "coco", "cvat"):
        with pytest.raises(
            BadInputError, match=r"outer\.zip: holds the archive inner\.zip and nothing else; unpack it"
        ):
            import_masks(tmp_path / "outer.zip", form, out=tmp_path / "out")
    png(tmp_path / "in/Annotations/cat/00000.png", np.ones((4, 4)))
    (tmp_path / "outer.zip").replace(tmp_path / "in/outer.zip")
    assert import_masks(tmp_path / "in", "davis", out=tmp_path / "out").frames == {"cat": 1}


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
