"""Every kind of bad dataset through the command line: one clear message, the right exit code, nothing lost."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from bad_input import (
    Capture,
    Data,
    clear,
    colour,
    cut,
    halve,
    kept,
    repaint,
    replace_folder,
    said_once,
    smooth,
    statuses,
    unpad,
)
from PIL import Image

Call = Callable[..., int]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        pytest.param(lambda d: (d.frames / "two/00002.jpg").unlink(), "without a frame: 00002", id="missing frame"),
        pytest.param(
            lambda d: cut(d.frames / "two/00002.jpg"), "two/00002.jpg: found a JPEG that is cut off", id="cut"
        ),
        pytest.param(lambda d: cut(d.labels / "two/00002.png"), "two/00002.png: ", id="truncated PNG"),
        pytest.param(lambda d: halve(d.labels / "two/00000.png"), "00000.png: found 20 x 30 pixels; expected 40 x 60"),
        pytest.param(lambda d: colour(d.labels / "two/00000.png"), "mode RGB with 3 colours", id="RGB mask"),
        pytest.param(lambda d: smooth(d.labels / "two/00000.png"), "00000.png: found 41 grey levels", id="smoothed"),
        pytest.param(lambda d: smooth(d.labels / "two/00003.png"), "two/00003.png: found ", id="smoothed truth"),
        pytest.param(lambda d: unpad(d.frames / "two/00000.jpg"), "order is unclear", id="unsorted names"),
    ],
)
def test_bad_data_fails_its_sequence_and_check_names_it(
    call: Call, data: Data, methods: Path, capsys: Capture, damage: Callable[[Data], None], message: str
) -> None:
    damage(data)
    assert call("check", data.dataset, "--root", data.root) == 2
    said_once(capsys, message.removesuffix("found "))
    assert call("run", f"{methods}:Stay", *data.arguments, "--out", "out") == 1
    said_once(capsys, "failed: two: ", message)
    assert kept("out")
    assert statuses("out")["two"] == "failed"


def test_an_empty_first_mask_fails_a_davis_sequence(call: Call, davis: Data, methods: Path, capsys: Capture) -> None:
    clear(davis.labels / "two/00000.png")
    assert call("run", f"{methods}:Stay", *davis.arguments, "--out", "out") == 1
    said_once(capsys, "failed: two: ", "two/00000.png: found an empty label map; expected the objects that start")
    assert kept("out")


def test_an_empty_first_mask_lets_a_folders_objects_start_later(call: Call, folder: Data, methods: Path) -> None:
    clear(folder.labels / "two/00000.png")
    assert call("run", f"{methods}:Stay", *folder.arguments, "--out", "out") == 0
    assert statuses("out") == {"one": "done", "two": "done"}


def test_a_sequence_without_any_object_fails(call: Call, folder: Data, methods: Path, capsys: Capture) -> None:
    for path in (folder.labels / "two").iterdir():
        clear(path)
    assert call("run", f"{methods}:Stay", *folder.arguments, "--out", "out") == 1
    said_once(capsys, "failed: two: ", "found 5 label maps, all empty; expected at least one object")
    assert kept("out")


@pytest.mark.parametrize(
    ("ids", "kind"),
    [((1000, 2000), "16 bits"), ((200, 400), "above 255"), ((3, 250), "gaps")],
    ids=["16-bit ids", "ids above 255", "gaps"],
)
def test_unusual_ids_are_taken_and_given_back(
    call: Call, data: Data, methods: Path, ids: tuple[int, int], kind: str
) -> None:
    for path in data.labels.rglob("*.png"):
        lookup = np.array([0, *ids], np.uint8 if kind == "gaps" else np.uint16)
        repaint(path, lambda labels, lookup=lookup: lookup[labels])
    assert call("run", f"{methods}:Stay", *data.arguments, "--out", "out") == 0
    for path in Path("out/masks").rglob("*.png"):
        assert np.unique(np.array(Image.open(path))).tolist() == [0, *ids]
    assert call("score", data.labels, *data.arguments, "--out", "scored") == 0
    assert json.loads(Path("scored/run.json").read_text())["scores"]["J&F"] == 1


@pytest.mark.parametrize("frames", [1, 2])
def test_a_short_sequence_runs_but_leaves_davis_nothing_to_score(
    call: Call, data: Data, methods: Path, capsys: Capture, frames: int
) -> None:
    for path in [*data.frames.glob("two/*"), *data.labels.glob("two/*")]:
        if int(path.stem) >= frames:
            path.unlink()
    fails = data.dataset == "davis17"
    assert call("run", f"{methods}:Stay", *data.arguments, "--out", "out") == fails
    assert len(list(Path("out/masks/two").iterdir())) == frames
    if fails:
        said_once(capsys, "failed: two: ", f"found a truth for {frames} of its frames, expected at least 3")
        assert kept("out")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        pytest.param(lambda d: d.root / "JPEGImages", "did you mean --root {root} ?", id="one level too deep"),
        pytest.param(lambda d: d.root.parent, "did you mean --root {root} ?", id="one level too high"),
        pytest.param(lambda d: d.frames / "two/00000.jpg", "00000.jpg: found a file; expected", id="a file"),
        pytest.param(lambda d: d.root / "absent", "absent: found no such folder; expected the root", id="absent"),
    ],
)
@pytest.mark.parametrize("command", ["check", "run"])
def test_a_wrong_root_is_refused_with_the_right_one(
    call: Call, data: Data, capsys: Capture, command: str, wrong: Callable[[Data], Path], message: str
) -> None:
    arguments = {"check": ("check", data.dataset), "run": ("run", "copy-first", "--dataset", data.dataset)}[command]
    wanted = message.format(root=data.root)
    if wrong(data) == data.root / "absent":
        wanted = f"did you mean --root {data.root} ?"
    assert call(*arguments, "--root", wrong(data)) == 2
    said_once(capsys, "vos-bench: ", wanted)
    assert not Path("runs").exists()


@pytest.mark.parametrize("part", ["frames", "labels"])
def test_a_file_in_the_place_of_a_sequence_is_named(
    call: Call, data: Data, methods: Path, capsys: Capture, part: str
) -> None:
    replace_folder(next((getattr(data, part) / "two").iterdir()))
    refused = data.dataset == "folder"  # which sequences there are is known from nothing but the folders
    assert call("run", f"{methods}:Stay", *data.arguments, "--out", "out") == (2 if refused else 1)
    if refused:
        said_once(
            capsys, "vos-bench: ", {"frames": "no folder of frames for two", "labels": "no label maps for two"}[part]
        )
    else:
        said_once(capsys, "failed: two: ", "480p/two: found a file; expected a folder of images")
        assert kept("out")
