"""Exports are read by other programs, and come back as they were where the form allows it."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from films import film, picture
from PIL import Image
from pycocotools.coco import COCO

from vos_bench.errors import BadInputError
from vos_bench.exporting import EXPORTS, export
from vos_bench.importing import import_masks
from vos_bench.labelmaps import read_label_map, write_label_map
from vos_bench.video import VideoReader

Call = Callable[..., int]

BACK = {"coco": "coco", "youtube-vis": "youtube-vis", "mot": "mots", "per-object": "sav", "davis": "davis"}
"""Form of an export to that of the import."""


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    """Two sequences with gaps in their ids; objects are gone on some frames, and one frame is empty."""
    for name, ids in (("cat", (1, 2)), ("dog", (4, 200))):
        for t in range(5):
            labels = picture(t)[1]
            labels = np.array([0, ids[0] if t != 2 else 0, ids[1] if t not in (2, 3) else 0], np.uint16)[labels]
            write_label_map(tmp_path / "masks" / name / f"{t:05d}.png", labels)
    return tmp_path / "masks"


@pytest.mark.parametrize("form", sorted(BACK))
def test_an_export_comes_back_as_it_was(masks: Path, tmp_path: Path, form: str) -> None:
    [*written] = export(masks, form, out=tmp_path / "made")
    source = written[0] if written[0].is_file() else tmp_path / "made"
    found = import_masks(source, BACK[form], out=tmp_path / "back")
    before = {path.relative_to(masks): path.read_bytes() for path in masks.rglob("*.png")}
    after = {p.relative_to(tmp_path / "back/Annotations"): p.read_bytes() for p in (tmp_path / "back").rglob("*.png")}
    assert after == before
    assert {name: [*ids] for name, ids in found.objects.items()} == {"cat": [1, 2], "dog": [4, 200]}


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # by pycocotools itself
def test_coco_is_read_by_its_own_code(masks: Path, tmp_path: Path) -> None:
    [path] = export(masks, "coco", out=tmp_path / "made")
    data = COCO(path)
    for image in data.loadImgs(data.getImgIds()):
        labels = read_label_map(masks / image["file_name"].replace(".jpg", ".png"))
        found = data.loadAnns(data.getAnnIds(image["id"]))
        assert sorted(each["track_id"] for each in found) == sorted(set(np.unique(labels)) - {0})
        for each in found:
            mask = data.annToMask(each) > 0
            assert (mask == (labels == each["track_id"])).all()
            x, y, width, height = each["bbox"]
            assert (each["area"], each["iscrowd"]) == (mask.sum(), 0)
            assert mask[int(y) : int(y + height), int(x) : int(x + width)].sum() == mask.sum()


def test_youtube_vis_has_a_place_for_every_frame(masks: Path, tmp_path: Path) -> None:
    [path] = export(masks, "youtube-vis", out=tmp_path / "made")
    data = json.loads(path.read_text())
    assert [video["length"] for video in data["videos"]] == [5, 5]
    absent = [[mask is None for mask in each["segmentations"]] for each in data["annotations"]]
    assert absent == [[False, False, True, False, False], [False, False, True, True, False]] * 2
    assert all(len(each["bboxes"]) == len(each["areas"]) == 5 for each in data["annotations"])


def test_mots_has_16_bits_and_all_frames(masks: Path, tmp_path: Path) -> None:
    export(masks, "mot", out=tmp_path / "made")
    with Image.open(tmp_path / "made/dog/instances/00000.png") as image:
        assert image.mode == "I;16"
        assert {*np.unique(np.asarray(image)).tolist()} == {0, 1004, 1200}
    assert not read_label_map(tmp_path / "made/dog/instances/00002.png").any()


@pytest.mark.parametrize("form", ["coco", "youtube-vis", "mot", "per-object"])
def test_white_is_the_one_object_or_nobodys(tmp_path: Path, form: str) -> None:
    for t in range(3):
        labels = picture(t)[1]
        rim = labels.copy()
        rim[0] = 255
        write_label_map(tmp_path / f"masks/white/{t:05d}.png", np.where(labels == 1, 255, 0).astype(np.uint16))
        write_label_map(tmp_path / f"masks/rim/{t:05d}.png", rim)
    notes: list[str] = []
    [*written] = export(tmp_path / "masks", form, out=tmp_path / "made", notes=notes)
    assert notes == [
        "rim: 255 marks undecided pixels on 3 frames, which became background",
        "white: 0/255 masks: white (255) is the one object of its sequence",
    ]
    source = written[0] if written[0].is_file() else tmp_path / "made"
    import_masks(source, BACK[form], out=tmp_path / "back")
    for t in range(3):
        labels = picture(t)[1]
        assert (read_label_map(tmp_path / f"back/Annotations/white/{t:05d}.png") == (labels == 1)).all()
        labels[0] = 0
        assert (read_label_map(tmp_path / f"back/Annotations/rim/{t:05d}.png") == labels).all()


def test_a_video_that_was_cut_gives_no_shorter_overlay(
    call: Call, cat: Path, fast: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("segment", cat, "--mask", "first.png", "--method", fast, "--out", "out") == 0
    film(cat, 7)
    assert call("export", "out", "--format", "overlay") == 2
    assert "cat: found frames for 7 of 12 label maps" in capsys.readouterr().err
    film(cat, width=176)
    assert call("export", "out", "--format", "overlay") == 2
    assert "is 160x96 and its frame 176x96" in capsys.readouterr().err
    assert not Path("out/export/overlay/cat.mp4").exists()


def test_a_zip_holds_the_files_as_they_are(masks: Path, tmp_path: Path) -> None:
    [path] = export(masks, "davis", out=tmp_path / "made", sequences=["dog"])
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == [f"dog/{t:05d}.png" for t in range(5)]
        assert archive.read("dog/00001.png") == (masks / "dog/00001.png").read_bytes()


@pytest.mark.parametrize("form", ["davis", "coco", "mot", "per-object", "youtube-vis"])
def test_a_damaged_label_map_is_not_passed_on(masks: Path, tmp_path: Path, form: str) -> None:
    path = masks / "cat/00001.png"
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(BadInputError, match=r"cat/00001\.png: the PNG is damaged"):
        export(masks, form, out=tmp_path / "out")
    assert not list((tmp_path / "out").rglob("*.zip*"))


@pytest.mark.parametrize(
    ("form", "names"),
    [
        ("davis", ["masks.zip"]),
        ("coco", ["instances.json"]),
        ("youtube-vis", ["instances.json"]),
        ("mot", ["cat/instances/00000.png", "cat/instances/labels.txt"]),
        ("per-object", ["cat/001/00000.png"]),
    ],
)
def test_what_a_killed_export_left_is_removed_and_files_of_others_stay(
    masks: Path, tmp_path: Path, form: str, names: list[str]
) -> None:
    out, digits = tmp_path / "out", "0123456789abcdef"
    left = [out / f"{name}.{digits}.part" for name in names]
    others = [out / "holiday.mkv.part", out / "cat.mp4.mine.part", out / f"notes.txt.{digits}.part"]
    others += [out / f"{place}/00000.png.{digits}.part" for place in (".", "cat", "elsewhere", "elsewhere/cat/001")]
    for path in (*left, *others):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"mine")
    export(masks, form, out=out)
    assert not [path for path in left if path.exists()]
    assert all(path.read_bytes() == b"mine" for path in others)


def test_what_a_killed_overlay_video_left_is_removed(call: Call, cat: Path, fast: str) -> None:
    assert call("segment", cat, "--mask", "first.png", "--method", fast, "--out", "out") == 0
    left, other = (Path(f"out/export/overlay/{name}.mp4.0123456789abcdef.part") for name in ("cat", "dog"))
    left.parent.mkdir(parents=True)
    for path in (left, other):
        path.write_bytes(b"half")
    assert call("export", "out", "--format", "overlay") == 0
    assert not left.exists()
    assert other.exists()


def test_a_segmented_video_is_exported_with_one_command(call: Call, cat: Path, fast: str) -> None:
    forms = ",".join(EXPORTS)
    assert call("segment", cat, "--mask", "first.png", "--method", fast, "--out", "out", "--export", forms) == 0
    assert sorted(path.name for path in Path("out/export").iterdir()) == sorted(EXPORTS)
    one, other = (VideoReader(Path(f"out/{name}/cat.mp4")) for name in ("overlay", "export/overlay"))
    assert all((a.image == b.image).all() for a, b in zip(one.frames(), other.frames(), strict=True))


def test_an_exported_overlay_of_frames_has_the_rate_they_were_segmented_with(call: Call, cat: Path, fast: str) -> None:
    for t, frame in enumerate(VideoReader(cat).frames()):
        path = Path(f"frames/{t:05d}.png")
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(frame.image).save(path)
    given = ("--mask", "first.png", "--method", fast, "--fps", "10", "--out", "out", "--export", "overlay")
    assert call("segment", "frames", *given) == 0
    times = [frame.time for frame in VideoReader(Path("out/export/overlay/frames.mp4")).frames()]
    assert times == [frame.time for frame in VideoReader(Path("out/overlay/frames.mp4")).frames()]
    assert float(times[-1]) == pytest.approx(1.1)


def test_a_run_without_truth_is_shown(call: Call, cat: Path, fast: str) -> None:
    folder = Path("data/JPEGImages/cat")
    folder.mkdir(parents=True)
    for t, frame in enumerate(VideoReader(cat).frames()):
        Image.fromarray(frame.image).save(folder / f"{t:05d}.png")
    write_label_map(Path("data/Annotations/cat/00000.png"), picture(0)[1])
    assert call("run", fast, "--dataset", "folder", "--root", "data", "--out", "run") == 0
    assert call("export", "run", "--format", "overlay", "--root", "data") == 0
    assert len([*VideoReader(Path("run/export/overlay/cat.mp4")).frames()]) == 12
    assert call("report", "strips", "run", "--root", "data", "--out", "strips.png") == 0
    assert call("report", "animation", "run", "--root", "data", "--out", "shown.webp") == 0
    with Image.open("shown.webp") as shown:
        assert shown.n_frames == 12


def test_what_cannot_be_exported_is_refused_in_a_sentence(
    call: Call, masks: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("export", masks, "--format", "overlay", "--out", "videos") == 2
    assert "has no frames beside it; give a run" in capsys.readouterr().err
    assert call("export", masks, "--format", "coco", "--sequences", "cow") == 2
    assert "--sequences cow: known: cat, dog" in capsys.readouterr().err
    write_label_map(masks / "cat/00009.png", np.full((96, 160), 1000, np.uint16))
    assert call("export", masks, "--format", "mot", "--out", "mots") == 2
    assert "MOTS PNG has room for 1 to 999" in capsys.readouterr().err
    export(masks, "per-object", out="run/masks", sequences=["dog"])
    assert call("export", "run", "--format", "coco") == 2
    said = capsys.readouterr().err
    assert "run: holds one folder of masks an object (dog/003/FRAME.png)" in said
    assert "  vos-bench import-masks run/masks --from sav --out FOLDER" in said
    assert call("export", "nowhere", "--format", "coco") == 2
    assert "nowhere: is no folder; expected a run" in capsys.readouterr().err
