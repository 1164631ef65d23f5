"""What is wrong with folders is said before anything is scored, with the way out."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vos_bench import registry
from vos_bench.errors import BadInputError
from vos_bench.labelmaps import write_label_map
from vos_bench.scoring.preflight import preflight
from vos_bench.scoring.record import score
from vos_bench.scoring.truth import truth_folder

FRAMES = [np.ones((4, 5), np.uint16)] * 5
ANSWERS = [*FRAMES[:4], np.tri(4, 5, dtype=np.uint16)]
Write = Callable[[Path, Any], Path]


@pytest.fixture
def truth(tmp_path: Path, write: Write) -> Path:
    for name in ("bear", "camel"):
        write(tmp_path / "truth" / name, FRAMES)
    return tmp_path / "truth"


@pytest.fixture
def masks(tmp_path: Path, write: Write) -> Path:
    for name in ("bear", "camel"):
        write(tmp_path / "masks" / name, ANSWERS)
    return tmp_path / "masks"


def complaint(truth: Path, masks: Path, protocol: Any = "davis") -> str:
    with pytest.raises(BadInputError) as caught:
        preflight(truth_folder(truth), masks, protocol=protocol)
    return str(caught.value)


def test_whole_folders_pass_with_the_number_of_pixels(truth: Path, masks: Path) -> None:
    assert preflight(truth_folder(truth), masks, protocol="davis") == 2 * 3 * 20


def test_more_files_and_folders_than_asked_for_do_not_matter(truth: Path, masks: Path, write: Write) -> None:
    write(masks / "zebra", FRAMES)
    write(masks / "bear", {"00099": FRAMES[0]})
    (masks / "results.csv").write_text("stale")
    (masks / "bear" / "notes.txt").write_text("mine")
    assert preflight(truth_folder(truth), masks, protocol="davis") == 120


def test_missing_frames_are_listed_and_counted(truth: Path, masks: Path) -> None:
    (masks / "bear" / "00002.png").unlink()
    assert f"{masks / 'bear'}: 1 of 3 label maps is missing: 00002.png; every scored frame" in complaint(truth, masks)


def test_all_problems_come_in_one_message(truth: Path, masks: Path, write: Write) -> None:
    (masks / "bear" / "00002.png").unlink()
    write(masks / "camel", {"00001": np.zeros((9, 9), np.uint16)})
    message = complaint(truth, masks)
    assert message.startswith("2 sequences cannot be scored:")
    assert "00002.png" in message
    assert "found 9 x 9 pixels (height x width), expected 4 x 5" in message


def test_a_missing_sequence_is_named(truth: Path, masks: Path) -> None:
    (masks / "camel").rename(masks / "zebra")
    assert f"{masks / 'camel'}: there is no such folder; expected 3 label maps of camel" in complaint(truth, masks)


def test_other_frame_names_are_shown(truth: Path, masks: Path) -> None:
    for path in sorted((masks / "bear").iterdir()):
        path.rename(path.with_name(f"frame{path.name}"))
    message = complaint(truth, masks)
    assert "3 of 3 label maps are missing: 00001.png, 00002.png, 00003.png; found frame00000.png" in message
    assert "name label maps as the frames of the truth" in message


def test_files_of_another_kind_are_shown(truth: Path, masks: Path) -> None:
    for path in (masks / "bear").iterdir():
        path.rename(path.with_suffix(".jpg"))
    assert "found 00000.jpg and the like: save label maps as FRAME.png" in complaint(truth, masks)


def test_hidden_files_do_not_matter(truth: Path, masks: Path) -> None:
    for folder in (truth, truth / "bear"):
        (folder / ".cache").mkdir()
        (folder / "._00007.png").write_text("left by another system")
    assert preflight(truth_folder(truth), masks, protocol="davis") == 120


def test_a_file_where_a_folder_is_expected_is_named(truth: Path, masks: Path) -> None:
    for path in (masks / "bear").iterdir():
        path.unlink()
    (masks / "bear").rmdir()
    (masks / "bear").write_text("")
    assert f"{masks / 'bear'}: cannot be listed: Not a directory" in complaint(truth, masks)


def test_a_folder_that_may_not_be_read_is_named(truth: Path, masks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listing = os.listdir

    def refuse(path: Any) -> Any:
        if path == masks / "bear":
            raise PermissionError(13, "Permission denied")
        return listing(path)

    monkeypatch.setattr(os, "listdir", refuse)
    assert f"{masks / 'bear'}: cannot be listed: Permission denied" in complaint(truth, masks)


def test_masks_one_level_too_deep_or_too_high_come_with_the_right_folder(truth: Path, masks: Path) -> None:
    assert f"5 PNG files directly in it, so it is one level too deep; did you mean {masks}?" in complaint(
        truth, masks / "bear"
    )
    assert f"did you mean {masks}?" in complaint(truth, masks.parent)
    assert "cannot be listed: No such file" in complaint(truth, masks / "nowhere")
    empty = masks / "empty"
    empty.mkdir()
    assert "expected one folder of label maps for each sequence (bear, camel); it is empty" in complaint(truth, empty)


def test_the_truth_is_never_proposed_as_label_maps_to_score(truth: Path, masks: Path) -> None:
    above = truth.parent
    masks.rename(above / "zoo")  # behind the truth in the order of names
    assert complaint(truth, above).endswith(f"; did you mean {above / 'zoo'}?")
    shutil.rmtree(above / "zoo")
    assert complaint(truth, above).endswith(f"; found {truth}, which shows the truth itself")
    assert complaint(truth, truth / "bear").endswith("so it is one level too deep; they show the truth itself")
    for path in (truth / "bear").iterdir():  # a white mask shows the same region
        write_label_map(above / "white" / "bear" / path.name, np.full((4, 5), 255, np.uint16))
    assert "did you mean" not in complaint(truth, above)
    (above / "frames" / "bear").mkdir(parents=True)
    (above / "frames" / "bear" / "00000.jpg").touch()
    assert "did you mean" not in complaint(truth, above)


def test_masks_of_objects_that_are_the_truth_are_not_proposed_either(tmp_path: Path, write: Write) -> None:
    for number in range(2):
        mask = np.zeros((4, 5), np.uint16)
        mask[number:] = 255
        write(tmp_path / "truth" / "cat" / f"{number:03d}", [mask] * 3)
    opened = registry.open_truth("sav", tmp_path / "truth")
    assert opened is not None
    with pytest.raises(BadInputError, match=r"found .*/truth, which shows the truth itself"):
        preflight([*opened], tmp_path, protocol="sav")
    shutil.copytree(tmp_path / "truth", tmp_path / "yours")
    write(tmp_path / "yours/cat/000", [np.zeros((4, 5), np.uint16)])
    with pytest.raises(BadInputError, match=r"did you mean .*/yours\?"):
        preflight([*opened], tmp_path, protocol="sav")


def test_truth_one_level_too_deep_or_too_high_comes_with_the_right_folder(truth: Path) -> None:
    with pytest.raises(BadInputError, match=rf"did you mean {truth}\?"):
        truth_folder(truth / "bear")
    with pytest.raises(BadInputError, match=rf"did you mean {truth}\?"):
        truth_folder(truth.parent)
    with pytest.raises(BadInputError, match="cannot be listed: No such file"):
        truth_folder(truth / "nowhere")


def test_unknown_sequences_come_with_a_guess(truth: Path) -> None:
    with pytest.raises(BadInputError, match=r"has no folder caml; did you mean camel\?"):
        truth_folder(truth, ["bear", "caml"])
    with pytest.raises(BadInputError, match=r"has no folder bear; did you mean"):
        truth_folder(truth.parent, ["bear"])
    with pytest.raises(BadInputError, match="bear is asked for twice"):
        truth_folder(truth, ["bear", "camel", "bear"])


def test_sequences_keep_the_order_asked_for(truth: Path) -> None:
    assert [sequence.name for sequence in truth_folder(truth)] == ["bear", "camel"]
    assert [sequence.name for sequence in truth_folder(truth, ["camel", "bear"])] == ["camel", "bear"]


def test_frames_are_ordered_by_file_name_as_strings(tmp_path: Path, write: Write) -> None:
    write(tmp_path / "s", dict.fromkeys(["1", "2", "10", "11", "100"], FRAMES[0]))
    assert truth_folder(tmp_path)[0].truth_names == ("1", "10", "100", "11", "2")


def test_a_short_sequence_is_an_error_under_davis_alone(tmp_path: Path, write: Write) -> None:
    for name in ("truth", "masks"):
        write(tmp_path / name / "s", FRAMES[:2])
    message = complaint(tmp_path / "truth", tmp_path / "masks")
    assert message.startswith("s: found a truth for 2 of its frames, expected at least 3")
    assert preflight(truth_folder(tmp_path / "truth"), tmp_path / "masks", protocol="all-frames") == 40


def test_no_sequence_at_all_is_an_error(masks: Path) -> None:
    with pytest.raises(BadInputError, match="there is no sequence to score"):
        preflight([], masks, protocol="davis")


def test_an_archive_is_to_be_unpacked(truth: Path, tmp_path: Path) -> None:
    (tmp_path / "masks.zip").write_bytes(b"mine")
    for masks, true in ((tmp_path / "masks.zip", truth), (truth, tmp_path / "masks.zip")):
        with pytest.raises(BadInputError, match=r"masks\.zip: cannot be listed.*unpack it, and give its folder"):
            score(masks, truth=true, out=tmp_path / "out")


def test_a_truth_without_any_object_is_no_scoring(tmp_path: Path, write: Write) -> None:
    protocol: Any
    for folder in ("truth", "masks"):
        write(tmp_path / folder / "a", [np.zeros((4, 5), np.uint16)] * 5)
    for protocol in ("all-frames", "mosev1"):
        with pytest.raises(
            BadInputError, match="the truth shows no object in the scored frames of a, so that there is"
        ):
            score(tmp_path / "masks", truth=tmp_path / "truth", protocol=protocol, out=tmp_path / "out")


def test_folders_of_named_objects_are_told_from_sequences(tmp_path: Path, write: Write) -> None:
    for k in ("dog", "person"):
        write(tmp_path / f"truth/v1/{k}", FRAMES)
    with pytest.raises(BadInputError) as raised:
        score(tmp_path / "truth", truth=tmp_path / "truth", out=tmp_path / "out")
    assert "it holds folders of them (dog, person). Is each an object? Then merge" in str(raised.value)
    assert f"Else, did you mean {tmp_path / 'truth/v1'}?" in str(raised.value)
