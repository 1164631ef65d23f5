"""What is no export, or a damaged one, is refused in a sentence and leaves nothing behind."""

import json
import os
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from export_files import CVAT, coco, png
from PIL import Image

from vos_bench.errors import BadInputError
from vos_bench.importing import import_masks


def test_a_form_that_numbers_objects_anew_is_refused_with_the_one_to_export(exports: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"(?s)numbers objects anew on every frame.*export `CVAT for video 1.1`"):
        import_masks(exports / "voc", "cvat", out=tmp_path)


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
    folder = Path("out/Annotations/clip")
    first, *_ = sorted(folder.iterdir())
    written = first.stat()
    capsys.readouterr()
    assert call(*arguments) == 0
    assert "note: clip: the same label maps were there already, and stay\n" in capsys.readouterr().out
    assert first.stat() == written
    first.write_bytes(b"mine")
    assert call(*arguments) == 2
    assert "out/Annotations/clip: holds other label maps than this export" in capsys.readouterr().err
    assert first.read_bytes() == b"mine"
    first.rename(folder / "mine.png")
    assert call(*arguments) == 2
    assert "out/Annotations/clip: holds files" in capsys.readouterr().err
    assert [path.name for path in Path("out").iterdir()] == ["Annotations"]


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), KeyboardInterrupt()])
def test_an_error_between_two_moves_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    (tmp_path / "a.json").write_text(coco("cat/0.jpg", "dog/0.jpg"))
    (tmp_path / "out/Annotations/cat").mkdir(parents=True)
    rename = Path.rename

    def failing(path: Path, target: Path) -> Path:
        if path.name == "dog":
            raise error
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises((BadInputError, KeyboardInterrupt)):
        import_masks(tmp_path / "a.json", "coco", out=tmp_path / "out")
    assert sorted(str(path.relative_to(tmp_path)) for path in (tmp_path / "out").rglob("*")) == [
        "out/Annotations",
        "out/Annotations/cat",
    ]


def test_what_others_put_in_the_place_of_a_sequence_stays_after_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.json").write_text(coco("cat/0.jpg", "dog/0.jpg"))
    rename = Path.rename

    def failing(path: Path, target: Path) -> Path:
        if path.name != "dog":
            return rename(path, target)
        target.mkdir()
        (target / "theirs.png").write_bytes(b"theirs")
        shutil.rmtree(path)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(BadInputError):
        import_masks(tmp_path / "a.json", "coco", out=tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").rglob("*.png")] == ["theirs.png"]


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
