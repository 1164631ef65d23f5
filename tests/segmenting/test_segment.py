"""`vos-bench segment`: from a video and a mask to label maps and a video that plays."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from films import HEIGHT, WIDTH, copied, film, frames_folder, label_maps, labelled_png, picture
from PIL import Image

import vos_bench
from vos_bench.errors import BadInputError
from vos_bench.labelmaps import read_label_map, write_label_map
from vos_bench.segmenting import GivenBox, GivenMask
from vos_bench.segmenting.record import PresenceLog
from vos_bench.video import VideoReader

Call = Callable[..., int]


def white(path: Path, t: int, k: int) -> Path:
    Image.fromarray(np.where(picture(t)[1] == k, 255, 0).astype(np.uint8)).save(path)
    return path


def test_a_video_and_a_mask_give_label_maps_and_a_video(
    call: Call, cat: Path, fast: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("segment", cat, "--mask", "first.png", "--method", fast, "--out", "out") == 0
    found = label_maps(Path("out/masks/cat"))
    assert [*found] == [f"{t:05d}" for t in range(12)]
    assert all((labels == picture(t)[1]).mean() > 0.97 for t, labels in enumerate(found.values()))
    shown = [*VideoReader(Path("out/overlay/cat.mp4")).frames()]
    assert [frame.time for frame in shown] == [frame.time for frame in VideoReader(cat).frames()]
    said = capsys.readouterr().out
    assert "cat: 12 frames" in said
    assert "object 1: given on 00000; on 12 frames, never lost" in said
    assert "out/overlay/cat.mp4" in said


PLAY = """
const done = arguments[0], video = document.querySelector("video");
video.onerror = () => done(video.error.message);
video.onended = () => done([video.videoWidth, video.videoHeight, video.currentTime]);
video.play().catch(error => done(String(error)));
"""


def test_the_overlay_plays_in_a_browser_from_beginning_to_end(call: Call, cat: Path, fast: str, browser: Any) -> None:
    assert call("segment", cat, "--mask", "first.png", "--method", fast, "--out", "out") == 0
    video = Path("out/overlay/cat.mp4").resolve()
    page = Path("page.html").resolve()
    page.write_text(f'<video muted src="{video.as_uri()}"></video>')
    browser.get(page.as_uri())
    browser.set_script_timeout(100)
    seconds = float(12 / VideoReader(cat).rate)
    assert browser.execute_async_script(PLAY) == [WIDTH, HEIGHT, pytest.approx(seconds, abs=0.05)]


@pytest.mark.parametrize("method", ["flow-warp", "lwl-lite"])
def test_label_maps_are_those_of_run_on_the_same_decoded_frames(call: Call, cat: Path, method: str) -> None:
    frames_folder(Path("data/JPEGImages/cat"), cat)
    labelled_png(Path("data/Annotations/cat/00000.png"), 0)
    assert call("run", method, "--dataset", "folder", "--root", "data", "--out", "run") == 0
    assert call("segment", cat, "--mask", "first.png", "--method", method, "--out", "out") == 0
    of_video, of_run = label_maps(Path("out/masks/cat")), label_maps(Path("run/masks/cat"))
    assert of_video.keys() == of_run.keys()
    assert all((of_video[name] == of_run[name]).all() for name in of_run)


def test_a_folder_of_frames_keeps_its_names(call: Call, cat: Path, fast: str) -> None:
    frames_folder(Path("frames/cat"), cat)
    assert call("segment", "frames/cat", "--mask", "first.png", "--method", fast, "--out", "out", "--fps", "29.97") == 0
    assert [*label_maps(Path("out/masks/cat"))] == [f"{t:05d}" for t in range(12)]
    assert float(VideoReader(Path("out/overlay/cat.mp4")).rate) == pytest.approx(30000 / 1001)


def test_black_and_white_masks_are_objects_in_their_order(call: Call, cat: Path, fast: str) -> None:
    disk, square = white(Path("disk.png"), 0, 1), white(Path("square.png"), 0, 2)
    assert call("segment", cat, "--mask", disk, "--mask", square, "--method", fast, "--out", "out") == 0
    first = label_maps(Path("out/masks/cat"))["00000"]
    assert (first == picture(0)[1]).all()


def test_an_object_may_start_on_any_frame_and_go_both_ways(call: Call, cat: Path, fast: str) -> None:
    disk, square = white(Path("disk.png"), 4, 1), white(Path("square.png"), 8, 2)
    prompts = ("--mask", f"{disk}@4", "--mask", f"{square}@8")
    assert call("segment", cat, *prompts, "--method", fast, "--out", "forwards") == 0
    assert call("segment", cat, *prompts, "--method", fast, "--out", "both", "--both-ways") == 0
    forwards, both = label_maps(Path("forwards/masks/cat")), label_maps(Path("both/masks/cat"))
    assert [sorted(np.unique(labels)) for labels in forwards.values()] == [[0]] * 4 + [[0, 1]] * 4 + [[0, 1, 2]] * 4
    assert [sorted(np.unique(labels)) for labels in both.values()] == [[0, 1, 2]] * 12
    assert all((labels == picture(t)[1]).mean() > 0.97 for t, labels in enumerate(both.values()))
    assert all((both[name] == forwards[name]).all() for name in [*both][8:])


@pytest.mark.parametrize(("method", "start"), [("flow-warp", ""), ("lwl-lite", ""), ("matching", "grabcut")])
def test_a_box_will_do_for_every_method(call: Call, cat: Path, method: str, start: str) -> None:
    box = "12,14,52,54"  # around the disk
    assert call("segment", cat, "--box", box, "--method", method, "--out", "out") == 0
    record = json.loads(Path("out/segment.json").read_text())
    assert record["box_start"] == start
    first, truth = label_maps(Path("out/masks/cat"))["00000"] == 1, picture(0)[1] == 1
    assert (first & truth).sum() / (first | truth).sum() > 0.8


def test_several_videos_take_their_masks_in_order_or_by_name(call: Call, cat: Path, fast: str) -> None:
    film(Path("dog.mkv"), 5)
    labelled_png(Path("masks/cat.png"), 0)
    labelled_png(Path("masks/dog.png"), 0)
    assert call("segment", cat, "dog.mkv", "--mask", "masks", "--method", fast, "--out", "out") == 0
    assert (len(label_maps(Path("out/masks/cat"))), len(label_maps(Path("out/masks/dog")))) == (12, 5)
    two = ("--mask", "masks/cat.png", "--mask", "masks/dog.png")
    assert call("segment", cat, "dog.mkv", *two, "--method", fast, "--out", "again") == 0
    assert (label_maps(Path("again/masks/dog"))["00004"] == label_maps(Path("out/masks/dog"))["00004"]).all()


def test_many_given_masks_are_told_in_short(
    call: Call, cat: Path, fast: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for t in range(8):
        labelled_png(Path(f"given/{t:05d}.png"), t)
    assert call("segment", cat, "--mask", "given", "--method", fast, "--out", "out") == 0
    assert "given on 00000, 00001, 00002, 00003, 00004, 00005 and 2 more frames; on " in capsys.readouterr().out


def test_a_correction_reaches_a_method_that_takes_it(call: Call, cat: Path, fast: str) -> None:
    for t in (0, 6):
        labelled_png(Path(f"given/{t:05d}.png"), t)
    given = read_label_map(Path("given/00006.png"))
    given[given == 1] = 0
    given[:9, :9] = 1  # where nothing red is
    write_label_map(Path("given/00006.png"), given)
    assert call("segment", cat, "--mask", "given", "--method", fast, "--out", "out") == 0
    assert (label_maps(Path("out/masks/cat"))["00006"] == given).all()
    assert json.loads(Path("out/segment.json").read_text())["sequences"][0]["objects"][0]["prompts"] == [
        "00000",
        "00006",
    ]


def test_a_method_without_corrections_refuses_them(
    call: Call, cat: Path, fast: str, capsys: pytest.CaptureFixture[str]
) -> None:
    white(Path("again.png"), 6, 1)
    method = fast.replace("Red", "Stubborn")
    prompts = ("--mask", "first.png", "--mask", "1=again.png@6")
    assert call("segment", cat, *prompts, "--method", method, "--out", "out") == 2
    assert "object 1 is given again on frame 00006: Stubborn takes no corrections" in capsys.readouterr().err
    assert not Path("out").exists()


def test_a_method_may_want_the_whole_sequence(call: Call, cat: Path, fast: str) -> None:
    method = fast.replace("Red", "Whole")
    assert call("segment", cat, "--mask", "first.png", "--at", "3", "--method", method, "--out", "out") == 0
    found = [*label_maps(Path("out/masks/cat")).values()]
    assert [labels.any() for labels in found] == [False] * 3 + [True] * 9
    assert all((labels == picture(0)[1]).all() for labels in found[3:])


def test_what_is_lost_is_told() -> None:
    log = PresenceLog()
    for t, present in enumerate([{1}, {1}, set(), set(), {1}, set()]):
        log.add(f"{t:05d}", frozenset(present), frozenset({1}))
    [found] = log.objects({1: ("00000",)})
    assert found.lost == (("00002", "00003"), ("00005", "00005"))
    assert found.frames == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "found nothing to start from; expected --mask M.png or --box x0,y0,x1,y1"),
        (("--mask", "gone.png"), "gone.png: cannot be read"),
        (("--mask", "small.png"), "small.png: is 20x10 and the frames of"),
        (("--mask", "empty.png"), "empty.png: shows no object"),
        (("--box", "1,2,3"), "--box 1,2,3: expected x0,y0,x1,y1 in pixels"),
        (("--box", "0.1,0.2,0.5,1"), "if these are parts of the frame, it is 16,19.2,80,96"),
        (("--box", "5,5,5,9"), "the box of object 1 on frame 0 is empty"),
        (("--box", "0,0,400,9"), "expected x0, y0, x1, y1 in pixels, with 0 <= x0 < x1 <= 160"),
        (("--mask", "first.png", "--at", "12"), "has 12 frames; expected a frame number 12, counted from 0"),
        (("--mask", "first.png", "--at", "start"), "frame 'start' of"),
        (("--mask", "first.png", "--mask", "first.png"), "object 1 is given twice on frame 0"),
        (("--mask", "first.png", "--export", "cocoa"), "--export cocoa: did you mean coco?"),
        (("--mask", "first.png", "--fps", "10"), "is a video, which has a rate of its own"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(
    call: Call, cat: Path, fast: str, arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_label_map(Path("small.png"), np.ones((10, 20), np.uint16))
    write_label_map(Path("empty.png"), np.zeros((HEIGHT, WIDTH), np.uint16))
    assert call("segment", cat, *arguments, "--method", fast, "--out", "out") == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error


def test_undecided_pixels_are_no_object_and_that_is_said(
    call: Call, cat: Path, fast: str, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = picture(0)[1]
    rim = (np.roll(labels, 2, axis=1) > 0) & (labels == 0)
    write_label_map(Path("void.png"), np.where(rim, 255, labels).astype(np.uint16))
    assert call("segment", cat, "--mask", "void.png", "--method", fast, "--out", "out") == 0
    assert "label 255 stands beside other labels and is taken as undecided" in capsys.readouterr().out


def adaptive(labels: np.ndarray) -> Image.Image:
    colours = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0]], np.uint8)
    return Image.fromarray(colours[labels]).convert("P", palette=Image.Palette.ADAPTIVE, colors=8)


def smooth(labels: np.ndarray) -> Image.Image:
    image = Image.fromarray(np.where(labels == 1, 255, 0).astype(np.uint8))
    return image.resize((40, 24)).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)


@pytest.mark.parametrize(
    ("cut", "said"),
    [
        (lambda content: content[: len(content) * 2 // 3], "the file lasts as long as 24 frames, and 14 could be read"),
        (
            lambda content: content[: len(content) // 2] + bytes(400) + content[len(content) // 2 + 400 :],
            "damaged: 1 frame (000",
        ),
    ],
    ids=["cut off", "damaged"],
)
def test_frames_that_are_missing_or_damaged_are_told(
    call: Call, fast: str, capsys: pytest.CaptureFixture[str], cut: Any, said: str
) -> None:
    labelled_png(Path("first.png"), 0)
    whole = film(Path("whole.mkv"), 24)
    Path("part.mkv").write_bytes(cut(whole.read_bytes()))
    for name, there in (("whole", False), ("part", True)):
        assert call("segment", f"{name}.mkv", "--mask", "first.png", "--method", fast, "--out", name) == 0
        assert (said in capsys.readouterr().out) == there


def test_a_video_that_begins_without_a_key_frame_is_told(
    call: Call, fast: str, capsys: pytest.CaptureFixture[str]
) -> None:
    labelled_png(Path("first.png"), 0)
    copied(film(Path("whole.mp4"), 24), Path("part.mkv"), skipped=2)
    assert call("segment", "part.mkv", "--mask", "first.png", "--method", fast, "--out", "out") == 0
    assert "24 frames, and 18 could be read, which are numbered from 0" in capsys.readouterr().out


def test_label_255_is_no_id_of_an_object(call: Call, cat: Path, fast: str, capsys: pytest.CaptureFixture[str]) -> None:
    disk = white(Path("disk.png"), 0, 1)
    assert call("segment", cat, "--mask", f"255={disk}", "--method", fast, "--out", "out") == 2
    assert "object id 255: marks undecided pixels" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (adaptive, "all along the frame's edge and on most of its pixels\n  expected 0 as the background"),
        (smooth, "its edges are smoothed\n  expected object ids"),
        (
            lambda labels: Image.fromarray(np.array([0, 128, 255], np.uint8)[labels]),
            "if it is an object, give it another",
        ),
        (lambda labels: Image.fromarray(np.where(labels == 1, 0, 255).astype(np.uint8)), "turn the mask round"),
        (lambda labels: Image.fromarray(labels.T.astype(np.uint8)), "turn the mask alike; do not resize it"),
        (
            lambda labels: Image.fromarray(np.stack([np.uint8(labels) * 100] * 3, 2)),
            "found an image of mode RGB with 3 colours",
        ),
    ],
)
def test_a_mask_that_says_something_else_than_was_meant_is_refused(
    call: Call, cat: Path, fast: str, capsys: pytest.CaptureFixture[str], draw: Any, said: str
) -> None:
    draw(picture(0)[1]).save("m.png")
    assert call("segment", cat, "--mask", "m.png", "--method", fast, "--out", "out") == 2
    assert said in capsys.readouterr().err
    assert not Path("out").exists()


def test_python_takes_arrays_and_boxes(cat: Path, fast: str, tmp_path: Path) -> None:
    done = vos_bench.segment(
        cat, masks=picture(0)[1] == 1, boxes={2: (118, 57, 145, 83)}, method=fast, out=tmp_path / "o"
    )
    assert [each.object_id for each in done.sequences["cat"].objects] == [1, 2]
    assert done.sequences["cat"].frames == 12


def test_python_takes_dicts_and_arrays_of_boxes(cat: Path, fast: str, tmp_path: Path) -> None:
    labels = picture(0)[1]
    both = vos_bench.segment(cat, masks={4: labels == 1, 9: labels == 2}, method=fast, out=tmp_path / "masks")
    assert [each.object_id for each in both.sequences["cat"].objects] == [4, 9]
    boxes = np.array([[12, 14, 52, 54], [118, 57, 145, 83]])
    both = vos_bench.segment(cat, boxes=boxes, method=fast, out=tmp_path / "boxes")
    assert [each.object_id for each in both.sequences["cat"].objects] == [1, 2]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"masks": Image.new("L", (WIDTH, HEIGHT))}, r"masks: found a PIL image \(np.asarray makes an array of it\)"),
        ({"masks": np.full((HEIGHT, WIDTH), 0.5)}, "found values of type float64"),
        ({"boxes": "12,14,52,54"}, "boxes: found str"),
        ({"boxes": (12, 14, 52, 54), "box_start": "circle"}, "box_start='circle': expected one of 'grabcut'"),
        ({"boxes": (12, 14, 52, 54), "amp": "half"}, "amp='half': expected one of"),
        ({"boxes": (12, 14, 52, 54), "seed": -1}, "seed=-1: expected a whole number"),
    ],
)
def test_python_is_told_what_is_expected(
    cat: Path, fast: str, tmp_path: Path, given: dict[str, Any], said: str
) -> None:
    with pytest.raises(BadInputError, match=said):
        vos_bench.segment(cat, method=fast, out=tmp_path / "o", **given)
    assert not (tmp_path / "o").exists()


def test_masks_that_overlap_or_are_turned_are_noted(
    call: Call, cat: Path, fast: str, capsys: pytest.CaptureFixture[str]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    disk = white(Path("disk.png"), 0, 1)
    with Image.open(disk) as image:
        image.save("turned.png", exif=exif)
    assert call("segment", cat, "--mask", disk, "--mask", "turned.png", "--method", fast, "--out", "out") == 0
    said = capsys.readouterr().out
    assert "note: object 1 is covered in part on frame 00000: by 2, given after it" in said
    assert "note: turned.png: its EXIF data say that it is turned (orientation 6); it is taken as it is stored" in said


def test_texts_name_objects_and_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a@5.png").touch()
    Path("2=b.png").touch()
    assert GivenMask.parse("3=m.png@7") == GivenMask(Path("m.png"), 3, "7")
    assert GivenMask.parse("a@5.png") == GivenMask(Path("a@5.png"))
    assert GivenMask.parse("a@5.png@6") == GivenMask(Path("a@5.png"), None, "6")
    assert GivenMask.parse("2=b.png@1") == GivenMask(Path("2=b.png"), None, "1")
    assert GivenBox.parse("2=1,2,3.5,4@00010") == GivenBox((1, 2, 3.5, 4), 2, "00010")
