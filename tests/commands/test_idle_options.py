"""An option that would have no effect is refused or mentioned, and nothing is written into anybody's data."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Call = Callable[..., int]
Capture = pytest.CaptureFixture[str]

IDLE = [
    (("run", "copy-first", "--dataset", "demo", "--root", "{video}"), "--root"),
    (("check", "demo", "--root", "{video}"), "--root"),
    (("score", "{video}/Annotations", "--dataset", "demo", "--root", "{video}"), "--root"),
    (("bench", "copy-first", "--dataset", "demo", "--root", "{video}"), "--root"),
    (("import", "{video}", "--method", "m", "--source", "s", "--dataset", "demo", "--root", "{video}"), "--root"),
    (("run", "copy-first", "--dataset", "folder", "--root", "{video}", "--weights", "{video}/x.pth"), "--weights"),
    (("score", "{video}/Annotations", "--truth", "{video}/Annotations", "--root", "{video}"), "--root"),
    (("score", "{video}/Annotations", "--truth", "{video}/Annotations", "--split", "val"), "--split"),
    (("bench", "copy-first", "--turns", "3"), "--turns"),
    (("fetch", "lwl", "--root", "{video}"), "--root"),
    (("fetch", "lwl", "--split", "val"), "--split"),
    (("compare", "a", "b", "--root", "{video}"), "--root"),
    (("compare", "a", "b", "--history", "--junit", "x.xml"), "--junit"),
    (("compare", "a", "b", "--history", "--sequences", "x"), "--sequences"),
    (("compare", "a", "b", "--history", "--tolerance", "J=1"), "--tolerance"),
    (("ablate", "lwl", "--scale", "lite", "--root", "ytvos18={video}"), "--root"),
    (("train", "lwl-lite", "--recipe", "demo", "--weights", "nonsense={video}/x.pth"), "--weights nonsense"),
]


@pytest.mark.parametrize(("arguments", "option"), IDLE, ids=[f"{words[0]} {option}" for words, option in IDLE])
def test_an_option_without_effect_is_refused(
    call: Call, video: Path, capsys: Capture, arguments: tuple[str, ...], option: str
) -> None:
    (video / "x.pth").write_bytes(b"anything")
    assert call(*(each.format(video=video) for each in arguments)) == 2
    assert option in capsys.readouterr().err


def test_a_figure_that_shows_no_frames_says_that_a_root_has_no_effect(call: Call, video: Path, capsys: Capture) -> None:
    assert call("run", "copy-first", "--dataset", "folder", "--root", video, "--out", "out") == 0
    for given in (("--root", video), ("--sequences", "one")):
        assert call("report", "distribution", "out", "--out", "x.svg", *given) == 0
        assert f"note: {given[0]} has no effect" in capsys.readouterr().err


def test_what_a_processor_cannot_do_is_said(call: Call, video: Path) -> None:
    arguments = ("--dataset", "folder", "--root", video, "--out", "out", "--amp", "tf32", "--compile")
    assert call("run", "copy-first", *arguments) == 0
    notes = json.loads(Path("out/run.json").read_text())["notes"]
    assert "--amp tf32, --compile had no effect: copy-first computes on the processor alone" in notes


def state(folder: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in sorted(folder.rglob("*"))}


def test_no_command_writes_into_a_data_root(call: Call, davis: object, video: Path) -> None:
    del davis  # the video lies in the layout of DAVIS now
    before = state(video)
    data, masks = ("--dataset", "davis17", "--root", video), video / "Annotations/480p"
    for arguments in (
        ("check", "davis17", "--root", video),
        ("run", "copy-first", *data, "--out", "out"),
        ("score", "out/masks", *data, "--out", "scored"),
        ("score", masks, "--truth", masks, "--out", "itself"),
        ("bench", "copy-first", *data, "--quick", "--repeats", "1", "--out", "timed"),
        ("import", masks, *data, "--method", "m", "--source", "s", "--out", "imported"),
        ("package", "out", "--out", "x.zip", "--root", video),
        ("report", "strips", "out", "--out", "x.png", "--root", video),
        ("compare", "out", "scored", "--thumbnails", "--summary", "x.md", "--root", video),
        ("run", "copy-first", "--dataset", "demo", "--root", video, "--out", "demo"),
        ("check", "demo", "--root", video),
        ("train", "lwl-lite", "--recipe", "demo", "--root", video),
    ):
        assert call(*arguments) in (0, 1, 2)
        assert state(video) == before, arguments


@pytest.mark.parametrize("inside", ["", "JPEGImages", "Annotations/one"])
def test_no_run_goes_among_the_data(call: Call, video: Path, capsys: Capture, inside: str) -> None:
    before, out = state(video), video / inside
    for command in (("run", "copy-first"), ("bench", "copy-first"), ("score", video / "Annotations")):
        assert call(*command, "--dataset", "folder", "--root", video, "--out", out) == 2
        assert "give another folder with --out" in capsys.readouterr().err
    assert state(video) == before
