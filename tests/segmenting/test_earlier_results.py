"""What an earlier call of `vos-bench segment` left: kept, replaced or refused."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from films import film, frames_folder, label_maps
from watched_processes import interrupted

Call = Callable[..., int]


def test_nothing_is_written_over_or_into_what_is_read(
    call: Call, cat: Path, fast: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("segment", cat, "--mask", "first.png", "--method", fast)
    assert call(*arguments, "--out", "out") == 0
    assert call(*arguments, "--out", "out") == 2
    assert "holds results; give another folder, or --overwrite" in capsys.readouterr().err
    assert call(*arguments, "--out", "out", "--overwrite", "--no-overlay") == 0
    assert not Path("out/overlay/cat.mp4").exists()
    frames = frames_folder(Path("frames/cat"), cat)
    before = sorted(frames.rglob("*"))
    assert call("segment", frames, "--mask", "first.png", "--method", fast, "--out", frames / "out") == 2
    assert sorted(frames.rglob("*")) == before
    assert call(*arguments, "--out", ".") == 2
    assert "holds files of another kind" in capsys.readouterr().err


def test_what_a_killed_call_left_is_no_file_of_another_kind(call: Call, cat: Path, fast: str) -> None:
    Path("out").mkdir()
    left = Path("out/segment.json.0123456789abcdef.part")
    left.write_text("half", encoding="utf-8")
    assert call("segment", cat, "--mask", "first.png", "--method", fast, "--out", "out") == 0
    assert not left.exists()


def test_a_method_that_cannot_be_built_costs_no_results(call: Call, cat: Path, fast: str) -> None:
    assert call("segment", cat, "--mask", "first.png", "--method", fast, "--out", "out") == 0
    before = {path: path.read_bytes() for path in Path("out").rglob("*") if path.is_file()}
    Path("broken.py").write_text(
        "from fast import Red\n\n\nclass Broken(Red):\n    def __init__(self):\n        1 / 0\n"
    )
    assert (
        call("segment", cat, "--mask", "first.png", "--method", "broken.py:Broken", "--out", "out", "--overwrite") == 2
    )
    assert {path: path.read_bytes() for path in Path("out").rglob("*") if path.is_file()} == before


def test_overwriting_leaves_nothing_of_videos_that_are_not_segmented_again(call: Call, cat: Path, fast: str) -> None:
    film(Path("dog.mkv"), 5)
    masks = ("--mask", "first.png", "--mask", "first.png")
    assert call("segment", cat, "dog.mkv", *masks, "--method", fast, "--out", "out") == 0
    assert call("segment", cat, *masks[:2], "--method", fast, "--out", "out", "--overwrite") == 0
    assert sorted(path.name for kind in ("masks", "overlay") for path in Path("out", kind).iterdir()) == [
        "cat",
        "cat.mp4",
    ]


def test_overwriting_keeps_what_others_put_among_label_maps(
    call: Call, cat: Path, fast: str, capsys: pytest.CaptureFixture[str]
) -> None:
    again = ("segment", cat, "--mask", "first.png", "--method", fast, "--out", "out", "--overwrite")
    assert call(*again[:-1]) == 0
    others = [Path("out/masks/cat", name) for name in ("00003-fixed.png", "3.png", "notes.txt")]
    for path in (*others, left := Path("out/masks/cat/.DS_Store")):
        path.write_text("mine")
    before = {path: path.read_bytes() for path in Path("out").rglob("*") if path.is_file()}
    assert call(*again) == 2
    error = capsys.readouterr().err
    assert "out/masks/cat: holds 00003-fixed.png, 3.png, notes.txt, which segment.json does not name" in error
    assert {path: path.read_bytes() for path in Path("out").rglob("*") if path.is_file()} == before
    for path in others:
        path.unlink()
    Path("out/masks/cat/00012.png").write_bytes(b"of a longer video")
    assert call(*again) == 0
    assert [*label_maps(Path("out/masks/cat"))] == [f"{t:05d}" for t in range(12)]
    assert left.read_text() == "mine"


def test_overwriting_removes_label_maps_of_frames_that_have_other_names_now(call: Call, cat: Path, fast: str) -> None:
    frames = frames_folder(Path("frames/cat"), cat)
    for path in frames.iterdir():
        path.rename(path.with_name(f"img-{path.name}"))
    arguments = ("segment", frames, "--mask", "first.png", "--at", "0", "--method", fast, "--out", "out")
    assert call(*arguments) == 0
    assert len(label_maps(Path("out/masks/cat"))) == 12
    for path in frames.iterdir():
        path.rename(path.with_name(path.name.replace("img", "frame")))
    assert call(*arguments, "--overwrite") == 0
    assert [*label_maps(Path("out/masks/cat"))] == [f"frame-{t:05d}" for t in range(12)]


@pytest.mark.parametrize("wrong", [{"name": "../../dog"}, {"rate": "1/0"}, {"rate": "-25"}])
def test_a_record_that_leads_elsewhere_is_refused(
    call: Call, cat: Path, fast: str, capsys: pytest.CaptureFixture[str], wrong: dict[str, str]
) -> None:
    assert call("segment", cat, "--mask", "first.png", "--method", fast, "--out", "out") == 0
    path = Path("out/segment.json")
    record = json.loads(path.read_text())
    record["sequences"][0].update(wrong)
    path.write_text(json.dumps(record))
    assert call("export", "out", "--format", "davis") == 2
    assert f"out/segment.json: is damaged or no record: sequences[0]: {next(iter(wrong))}" in capsys.readouterr().err
    assert call("segment", cat, "--mask", "first.png", "--method", fast, "--out", "out", "--overwrite") == 2
    assert Path("out/masks/cat/00000.png").exists()


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_an_interrupt_says_how_to_go_on(call: Call, cat: Path, fast: str, tmp_path: Path) -> None:
    Path("slow.py").write_text(
        "import pathlib, time\nfrom fast import Red\n\n\nclass Slow(Red):\n    def step(self, image, new=None):\n"
        "        pathlib.Path('slow').touch()\n        time.sleep(1)\n        return super().step(image, new)\n"
    )
    arguments = ("segment", str(cat), "--mask", "first.png", "--method", "slow.py:Slow", "--out", "out")
    code, said = interrupted(arguments, tmp_path, begun=tmp_path / "slow")
    assert code == 130
    assert "interrupted; finished videos are kept, the same command with --overwrite begins anew" in said
    assert "Traceback" not in said
    assert call("segment", cat, "--mask", "first.png", "--method", fast, "--out", "out", "--overwrite") == 0
    assert len(label_maps(Path("out/masks/cat"))) == 12
