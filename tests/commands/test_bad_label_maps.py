"""Every kind of bad label map that is to be scored: one clear message, the right exit code, the rest is scored."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from bad_input import (
    Capture,
    Data,
    as_whole_folder,
    colour,
    cut,
    halve,
    repaint,
    replace_folder,
    said_once,
    smooth,
    statuses,
    unpad,
)

Call = Callable[..., int]


@pytest.mark.parametrize(
    ("damage", "code", "message"),
    [
        pytest.param(lambda m: (m / "two/00002.png").unlink(), 2, "1 of 5 label maps is missing: 00002.png"),
        pytest.param(lambda m: cut(m / "two/00002.png"), 1, "00002.png: the PNG is damaged: the file is cut off"),
        pytest.param(lambda m: halve(m / "two/00002.png"), 1, "00002.png: found 20 x 30 pixels (height x width)"),
        pytest.param(lambda m: colour(m / "two/00002.png"), 1, "00002.png: found an image of mode RGB"),
        pytest.param(lambda m: smooth(m / "two/00000.png"), 1, "00000.png: has 41 colours but its sequence has 2"),
        pytest.param(lambda m: repaint(m / "two/00002.png", lambda x: x.astype("u2") * 1000), 1, "ids 1000, 2000"),
        pytest.param(lambda m: repaint(m / "two/00002.png", lambda x: x.astype("u2") * 200), 1, "ids 200, 400"),
        pytest.param(lambda m: repaint(m / "two/00002.png", lambda x: x * 3), 1, "ids 3, 6, expected only 1, 2"),
        pytest.param(lambda m: unpad(m / "two/00000.png"), 2, "name label maps as the frames of the truth"),
        pytest.param(lambda m: replace_folder(m / "two/00000.png"), 2, "masks/two: cannot be listed: Not a directory"),
        pytest.param(lambda m: (m / "two").rename(m.with_name("two")), 2, "masks/two: there is no such folder"),
        pytest.param(lambda m: as_whole_folder(m, lambda _: m.touch()), 2, "masks: cannot be listed: Not a directory"),
        pytest.param(lambda m: as_whole_folder(m, lambda _: None), 2, "masks: cannot be listed: No such file"),
        pytest.param(
            lambda m: as_whole_folder(m, lambda away: (away / "two").rename(m)), 2, "one level too deep; did you mean"
        ),
        pytest.param(
            lambda m: (
                repaint(m / "one/00002.png", lambda x: x * 0),  # else they would be the truth
                as_whole_folder(m, lambda away: (m.mkdir(), away.rename(m / "deep"))),
            ),
            2,
            "did you mean {masks}/deep?",
        ),
    ],
)
@pytest.mark.parametrize("truth", ["dataset", "folder of truth"])
def test_bad_label_maps_are_named_when_they_are_scored(
    call: Call,
    folder: Data,
    masks: Path,
    capsys: Capture,
    truth: str,
    damage: Callable[[Path], None],
    code: int,
    message: str,
) -> None:
    against = folder.arguments if truth == "dataset" else ("--truth", folder.labels, "--protocol", "all-frames")
    damage(masks)
    assert call("score", masks, *against, "--out", "out") == code
    said_once(capsys, "failed: two: " if code == 1 else "vos-bench: ", message.format(masks=masks))
    assert Path("out").exists() == (code == 1)
    if code == 1:
        assert statuses("out") == {"one": "done", "two": "failed"}


def test_a_smoothed_truth_is_never_scored_against(call: Call, davis: Data, tmp_path: Path, capsys: Capture) -> None:
    masks = shutil.copytree(davis.labels, tmp_path / "masks")
    smooth(davis.labels / "two/00002.png")
    assert call("score", masks, *davis.arguments, "--protocol", "all-frames", "--out", "out") == 1
    said_once(capsys, "failed: two: ", "two/00002.png: found 41 grey levels: its edges are smoothed")
