"""What people brought, built by the scripts of shared/inputs: the right result, or one message that helps."""

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from python_processes import run_python

from vos_bench.labelmaps import object_ids, read_label_map

Call = Callable[..., int]
Capture = pytest.CaptureFixture[str]
Built = Callable[[str], Path]


@pytest.fixture
def built(shared: Path, tmp_path: Path) -> Built:
    """Run one of the scripts, and return the folder that it made."""

    def build(name: str) -> Path:
        if not (script := shared / "inputs" / f"{name}.py").is_file():
            pytest.skip("needs the scripts of shared/inputs beside the checkout")
        root = tmp_path / "brought"
        run_python("-B", script, root)
        return root

    return build


def record(folder: str = "out") -> dict:
    found: dict = json.loads(Path(folder, "run.json").read_text())
    return found


def said(capsys: Capture) -> str:
    printed = capsys.readouterr()
    return printed.out + printed.err


def noted(words: str, folder: str = "out") -> bool:
    """Say whether one note of a record, and only one, has these words."""
    return sum(words in note for note in record(folder)["notes"]) == 1


def test_a_background_that_is_not_index_0_is_refused(built: Built, call: Call, capsys: Capture) -> None:
    root = built("background_is_not_index_0")
    assert call("check", "folder", "--root", root) == 2
    assert "0 as the background" in said(capsys)
    assert call("run", "copy-first", "--dataset", "folder", "--root", root, "--out", "out") == 1
    assert "index 0 is the background" in said(capsys)


def test_binary_masks_are_one_object_everywhere(built: Built, call: Call, capsys: Capture) -> None:
    root = built("binary_truth")
    labels = root / "Annotations"
    assert call("check", "folder", "--root", root) == 0
    assert "white (255) is the one object" in said(capsys)
    assert call("run", "copy-first", "--dataset", "folder", "--root", root, "--out", "out") == 0
    assert noted("white (255) is the one object")
    assert call("score", "out/masks", "--truth", labels, "--protocol", "all-frames", "--out", "scored") == 0
    assert record("scored")["scores"] == record()["scores"]
    assert noted("white (255) is the one object", "scored")
    for target in (("--truth", labels), ("--dataset", "folder", "--root", root)):
        assert call("score", labels, *target, "--out", "itself") == 0
        assert record("itself")["scores"]["J&F"] == 1
        assert noted("white (255) is the one object", "itself")


def test_the_original_form_of_davis_2016_is_scored(built: Built, call: Call) -> None:
    root = built("davis16_white_predictions")
    arguments = ("score", root / "Annotations/480p", "--dataset", "davis16", "--root", root, "--out", "out")
    assert call(*arguments) == 0
    assert record()["scores"]["J&F"] == 1
    assert noted("white (255) is the one object")


def test_frames_turned_by_exif(built: Built, call: Call, capsys: Capture) -> None:
    root = built("exif_raw_masks")
    assert call("check", "folder", "--root", root / "quarter") == 2
    told = said(capsys)
    assert "turn the label maps alike" in told
    assert "do not resize" in told
    for case in ("half", "square"):
        assert call("check", "folder", "--root", root / case) == 0
        assert "note: frames are turned as their EXIF data say" in said(capsys)
        arguments = ("run", "copy-first", "--dataset", "folder", "--root", root / case, "--out", case)
        assert call(*arguments) == 0
        assert noted("EXIF", case)


@pytest.mark.parametrize("name", ["list.txt", "list16.txt"])
def test_a_list_of_names_with_a_byte_order_mark(built: Built, call: Call, name: str) -> None:
    root = built("list_with_bom")
    arguments = ("--dataset", "folder", "--root", root, "--sequences", f"@{root / name}", "--out", "out")
    assert call("run", "copy-first", *arguments) == 0
    assert record()["dataset"]["sequences"] == ["cat"]


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("suffix", "rename 00000_mask to 00000"),
        ("prefix", "rename mask_00000 to 00000"),
        ("double", "rename 00000.jpg to 00000"),
        ("case", "rename Cat to cat"),
        ("folder", "rename cat_mask to cat"),
    ],
)
def test_names_that_differ_in_a_pattern(built: Built, call: Call, capsys: Capture, case: str, message: str) -> None:
    root = built("mask_names") / case
    assert call("check", "folder", "--root", root) == 2
    assert message in said(capsys)


def test_the_step_that_is_named_for_data_without_truth_works(built: Built, call: Call, capsys: Capture) -> None:
    root = built("no_truth_next_step")
    arguments = ("--dataset", "folder", "--root", root)
    assert call("run", "copy-first", *arguments, "--out", "out") == 0
    told = said(capsys)
    assert "vos-bench package" not in told
    named = re.search(r"vos-bench (score out/masks --dataset folder --split all --root .+ --truth )DIR", told)
    assert named is not None
    assert call(*shlex.split(named[1]), "out/masks") == 0
    said(capsys)
    assert call("package", "out", "--out", "x.zip", "--root", root) == 2
    told = said(capsys)
    assert "there is no server" in told
    assert "public" not in told


@pytest.mark.parametrize("method", ["flow-warp", "colour-model", "correlation-filter", "copy-first"])
def test_a_frame_of_another_size_is_found_by_the_runner(built: Built, call: Call, capsys: Capture, method: str) -> None:
    root = built("odd_size_frame")
    assert call("run", method, "--dataset", "folder", "--root", root, "--out", "out") == 1
    assert "cat/00005: the frame has 96 x 158 pixels" in said(capsys)


def test_label_maps_numbered_from_1_are_refused(built: Built, call: Call, capsys: Capture) -> None:
    root = built("offset_predictions")
    assert call("score", root / "pred", "--dataset", "davis17", "--root", root, "--out", "out") == 2
    told = said(capsys)
    assert "numbered 1 too high" in told
    assert "00001 to 00000" in told


def test_folders_of_one_object_each_are_called_so(built: Built, call: Call, capsys: Capture) -> None:
    root = built("per_object_folders")
    for case in ("one", "two"):
        assert call("check", "folder", "--root", root / case) == 2
        told = said(capsys)
        assert "a folder for each object (000, 001)" in told
        assert f"vos-bench import-masks {shlex.quote(str(root / case / 'Annotations'))} --from sav --out FOLDER" in told
        assert "resolution" not in told
    labels = root / "one/Annotations"
    assert call("score", labels, "--truth", labels) == 2
    told = said(capsys)
    assert "a folder for each object (000, 001)" in told
    assert call(*shlex.split(re.search(r"vos-bench (import-masks .* --from sav --out )FOLDER", told)[1]), "made") == 0
    made = Path("made/Annotations")
    assert call("score", made, "--truth", made, "--out", "scored") == 0


def test_prompts_of_probabilities_or_of_id_0_are_refused(built: Built) -> None:
    from PIL import Image

    from vos_bench.api import Prompt
    from vos_bench.errors import BadInputError
    from vos_bench.methods.copy_first import CopyFirst

    root = built("prompts_for_the_python_api")
    frame = np.asarray(Image.open(root / "frame.png"))
    soft, mask = np.load(root / "soft.npy"), np.load(root / "mask.npy")
    with pytest.raises(BadInputError, match=r"probabilities > 0\.5"):
        Prompt(masks={1: soft})
    with pytest.raises(BadInputError, match="object id 0"):
        CopyFirst().initialize(frame, Prompt(masks={0: mask}))
    as_numbers = CopyFirst().initialize(frame, Prompt(masks={1: mask * np.uint8(255)}))
    assert np.array_equal(as_numbers.labels, mask)


def test_a_root_that_training_would_not_use_is_refused(built: Built, call: Call, capsys: Capture) -> None:
    root = built("train_root_ignored")
    for given in (str(root), f"nonsense={root}"):
        assert call("train", "lwl-lite", "--recipe", "demo", "--root", given) == 2
        assert "--root" in said(capsys)
    assert not Path("training").exists()


def test_white_as_a_second_object_is_asked_about(built: Built, call: Call, capsys: Capture) -> None:
    root = built("white_as_second_object")
    assert call("check", "folder", "--root", root) == 2
    assert "label 255, which marks undecided pixels, as a region of its own" in said(capsys)
    assert call("run", "copy-first", "--dataset", "folder", "--root", root, "--out", "out") == 0
    assert noted("255 counts as undecided and not as an object")
    assert object_ids(read_label_map(Path("out/masks/cat/00000.png"))) == (128,)
