"""One rule for 0/255, and what is odd about label maps, said in notes."""

import csv
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from vos_bench.datasets.davis import Davis16
from vos_bench.errors import BadInputError
from vos_bench.labelmaps import PARTIAL_NOTE, VOID_NOTE, WHITE_NOTE
from vos_bench.scoring.notes import LOST_WHITE_NOTE, NEXT_FRAME_NOTE, NO_BACKGROUND_NOTE, NOT_GIVEN_NOTE, SHIFTED_NOTE
from vos_bench.scoring.sequences import SequenceResult, score_sequences
from vos_bench.scoring.shifted_frames import EARLY_NOTE, LATE_NOTE, ShiftedFrames
from vos_bench.scoring.truth import truth_folder

Labels = NDArray[np.uint8]


def disk(place: int, label: int = 1) -> Labels:
    y, x = np.mgrid[:40, :60]
    return ((((x - 15 - 3 * place) ** 2 + (y - 20) ** 2) < 100) * label).astype(np.uint8)


def save(folder: Path, frames: list[Labels], start: int = 0) -> None:
    folder.mkdir(parents=True)
    for number, labels in enumerate(frames, start):
        Image.fromarray(labels).save(folder / f"{number:05d}.png")


@pytest.fixture
def score(tmp_path: Path) -> Callable[..., SequenceResult]:
    def scored(truth: list[Labels], masks: list[Labels], *, protocol: str = "davis", start: int = 0) -> SequenceResult:
        save(tmp_path / "truth/cat", truth)
        save(tmp_path / "masks/cat", masks, start)
        (result,) = score_sequences(truth_folder(tmp_path / "truth"), tmp_path / "masks", protocol=protocol)
        return result

    return scored


FRAMES = [disk(t) for t in range(6)]
WHITE = [disk(t, 255) for t in range(6)]


@pytest.mark.parametrize("protocol", ["davis", "all-frames", "ytvos"])
@pytest.mark.parametrize(("truth", "masks"), [(FRAMES, WHITE), (WHITE, FRAMES), (WHITE, WHITE)])
def test_white_is_the_one_object_on_both_sides(score, truth, masks, protocol) -> None:
    result = score(truth, masks, protocol=protocol)
    assert [np.mean(each.J) for each in result.objects] == [1.0]
    assert result.notes == {WHITE_NOTE: ""}


def test_some_frames_in_white_and_others_with_label_1_are_one_object(score) -> None:
    mixed = [*WHITE[:3], *FRAMES[3:]]
    result = score(mixed, mixed)
    assert [np.mean(each.J) for each in result.objects] == [1.0]


def test_white_is_no_object_of_several(score) -> None:
    two = [labels + disk(8, 2) * (labels == 0) for labels in FRAMES]
    assert "found id 255" in score(two, WHITE).error


def test_white_is_refused_where_a_second_object_starts_later(score) -> None:
    late = [*FRAMES[:3], *(labels + disk(8, 2) * (labels == 0) for labels in FRAMES[3:])]
    assert "found id 255" in score(late, WHITE, protocol="all-frames").error


def test_void_is_background_and_said(score) -> None:
    rim = [
        np.where(labels > 0, labels, np.where(np.roll(labels, 2, 0) > 0, 255, 0)).astype(np.uint8) for labels in FRAMES
    ]
    result = score(rim, FRAMES)
    assert [np.mean(each.J) for each in result.objects] == [1.0]
    assert result.notes == {VOID_NOTE: "4 of 4 scored frames"}


@pytest.mark.parametrize("protocol", ["mosev2", "vost"])
def test_white_that_a_protocol_takes_for_background_is_said(score, protocol) -> None:
    result = score(FRAMES, WHITE, protocol=protocol)
    assert result.notes[LOST_WHITE_NOTE] == "4 of 4 scored frames"


@pytest.mark.parametrize("protocol", ["sav", "mosev1"])
def test_white_that_a_protocol_takes_for_an_object_is_not_called_undecided(score, protocol) -> None:
    result = score(WHITE, WHITE, protocol=protocol)
    assert [np.mean(each.J) for each in result.objects] == [1.0]
    assert result.notes == {}


@pytest.mark.parametrize("start", [1, 7])
def test_label_maps_numbered_too_high_are_refused(score, start) -> None:
    with pytest.raises(
        BadInputError, match=f"numbered {start} too high\n  rename them as the frames: {start:05d} to 00000"
    ):
        score(FRAMES, FRAMES, start=start)


def test_a_picture_beside_shifted_label_maps_hides_nothing(tmp_path) -> None:
    save(tmp_path / "masks/cat", FRAMES, start=1)
    save(tmp_path / "truth/cat", FRAMES)
    Image.fromarray(FRAMES[0]).save(tmp_path / "masks/cat/overlay.png")
    with pytest.raises(BadInputError, match="numbered 1 too high"):
        score_sequences(truth_folder(tmp_path / "truth"), tmp_path / "masks", protocol="davis")


def test_label_maps_of_a_longer_video_are_not_taken_for_shifted(tmp_path) -> None:
    save(tmp_path / "truth/cat", FRAMES)
    save(tmp_path / "masks/cat", [*FRAMES[1:], FRAMES[-1], FRAMES[-1]], start=1)
    (result,) = score_sequences(truth_folder(tmp_path / "truth"), tmp_path / "masks", protocol="davis")
    assert [np.mean(each.J) for each in result.objects] == [1.0]


def test_label_maps_numbered_too_low_are_refused(tmp_path) -> None:
    save(tmp_path / "later/cat", FRAMES, start=1)
    save(tmp_path / "masks/cat", FRAMES)
    with pytest.raises(BadInputError, match="numbered 1 too low"):
        score_sequences(truth_folder(tmp_path / "later"), tmp_path / "masks", protocol="davis")


def test_frames_that_are_shifted_under_the_right_names_are_noted(score) -> None:
    assert score(FRAMES, [*FRAMES[1:], FRAMES[-1]]).notes == {NEXT_FRAME_NOTE: ""}


LONG = [disk(t % 9) for t in range(12)]


@pytest.mark.parametrize("protocol", ["davis", "all-frames", "ytvos"])
def test_label_maps_one_frame_late_under_the_right_names_are_noted(score, protocol) -> None:
    result = score(LONG, [LONG[0], *LONG[:-1]], protocol=protocol)
    [(note, detail)] = result.notes.items()
    assert note == LATE_NOTE
    assert re.fullmatch(r"J 1\.00 against 0\.\d\d", detail)


def test_label_maps_one_frame_early_are_noted_whatever_the_first_shows(score) -> None:
    assert EARLY_NOTE in score(LONG, [LONG[0], *LONG[2:], LONG[-1]]).notes


def test_several_objects_that_are_late_are_noted(score) -> None:
    two = [np.where(labels > 0, labels, disk(14 - t % 9, 2)).astype(np.uint8) for t, labels in enumerate(LONG)]
    assert LATE_NOTE in score(two, [two[0], *two[:-1]]).notes


def test_several_objects_in_time_are_not_called_late(score) -> None:
    two = [np.where(labels > 0, labels, disk(14 - t % 9, 2)).astype(np.uint8) for t, labels in enumerate(LONG)]
    assert score(two, two).notes == {}


@pytest.mark.parametrize(
    "masks", [LONG, [LONG[0]] * 12, [np.roll(labels, 2, 1) for labels in LONG]], ids=["true", "copied", "beside"]
)
def test_label_maps_that_are_only_bad_are_not_called_late(score, masks) -> None:
    found = score(LONG, [LONG[0], *masks[1:]])
    assert not {LATE_NOTE, EARLY_NOTE} & {*found.notes}


class Unhurried(ShiftedFrames):
    """Looks at all frames, whatever the first ones say."""

    def _is_settled(self) -> bool:
        return False


def test_the_first_frames_settle_what_all_frames_say() -> None:
    rng, said, looked = np.random.default_rng(0), set[str](), list[int]()
    truth, names = [disk(t % 9) for t in range(30)], [str(t) for t in range(30)]
    for step in (-2, -1, 0, 1, 2):
        for right in (0.0, 0.1, 0.3, 0.9):  # the share of label maps that are those of their own frame
            for moving in (1.0, 0.5):
                places = [t if rng.random() < moving else 3 for t in range(30)]
                shown = [truth[t] for t in places]
                masks = [shown[t if rng.random() < right else (t + step) % 30] for t in range(30)]
                quick, slow = ShiftedFrames(names, one_object=True), Unhurried(names, one_object=True)
                for t in range(30):
                    quick.see(t, shown[t], masks[t])
                    slow.see(t, shown[t], masks[t])
                assert quick.notes() == slow.notes()
                said |= {*slow.notes()}
                looked.append(len(quick._rows))
    assert said == {EARLY_NOTE, LATE_NOTE}
    assert min(looked) < max(looked)


def test_frames_that_are_not_consecutive_say_nothing_of_the_frame_before(tmp_path) -> None:
    for name, frames in (("truth", LONG), ("masks", [LONG[0], *LONG[:-1]])):
        (tmp_path / name / "cat").mkdir(parents=True)
        for t, labels in enumerate(frames):
            Image.fromarray(labels).save(tmp_path / name / f"cat/{5 * t:05d}.png")
    (result,) = score_sequences(truth_folder(tmp_path / "truth"), tmp_path / "masks", protocol="davis")
    assert result.notes == {}


def test_real_truth_one_frame_late_is_noted_on_every_sequence_and_a_copied_mask_on_none(
    shared: Path, tmp_path: Path
) -> None:
    """On DAVIS 2016 val, where nothing but F and J say that something is wrong."""
    davis16 = Davis16(shared / "data/DAVIS", split="val")
    for sequence in davis16:
        files = sorted((shared / "data/DAVIS/Annotations/480p" / sequence.name).glob("*.png"))
        for folder, frames in (("late", [files[0], *files[:-1]]), ("copied", [files[0]] * len(files)), ("true", files)):
            (tmp_path / folder / sequence.name).mkdir(parents=True)
            for file, content in zip(files, frames, strict=True):
                (tmp_path / folder / sequence.name / file.name).symlink_to(content)
    found = {
        folder: [LATE_NOTE in each.notes for each in score_sequences([*davis16], tmp_path / folder, protocol="davis")]
        for folder in ("late", "copied", "true")
    }
    assert found == {"late": [True] * 20, "copied": [False] * 20, "true": [False] * 20}


def test_a_given_mask_on_the_second_frame_and_none_on_the_first_is_noted(score) -> None:
    assert score(FRAMES, FRAMES[:-1], start=1).notes == {SHIFTED_NOTE: ""}


def test_a_first_label_map_that_is_not_the_given_mask_is_noted(score) -> None:
    assert score(FRAMES, [disk(3), *FRAMES[1:]]).notes == {NOT_GIVEN_NOTE: ""}


def test_a_truth_on_some_frames_alone_is_noted(tmp_path) -> None:
    save(tmp_path / "some/cat", FRAMES)
    for number in (1, 3):
        (tmp_path / f"some/cat/{number:05d}.png").unlink()
    save(tmp_path / "masks/cat", FRAMES)
    (result,) = score_sequences(truth_folder(tmp_path / "some"), tmp_path / "masks", protocol="all-frames")
    assert result.notes == {PARTIAL_NOTE: "4 of 6 frames have one"}


def test_label_maps_without_background_are_noted(score) -> None:
    swapped = [np.where(labels > 0, 1, 2).astype(np.uint8) for labels in FRAMES]
    assert NO_BACKGROUND_NOTE in score(swapped, swapped).notes


@pytest.mark.parametrize(
    ("names", "folder", "message"),
    [
        ("mask_{:05d}", "cat", "rename mask_00000 to 00000"),
        ("{:05d}_mask", "cat", "rename 00000_mask to 00000"),
        ("{:03d}", "cat", "as many zeros"),
        ("{:05d}", "Cat", "rename Cat to cat"),
        ("{:05d}", "cat_mask", "rename cat_mask to cat"),
    ],
)
def test_how_predictions_are_to_be_renamed_is_said(tmp_path, names, folder, message) -> None:
    save(tmp_path / "truth/cat", FRAMES)
    save(tmp_path / "masks" / folder, FRAMES)
    for number in range(6):
        path = tmp_path / "masks" / folder / f"{number:05d}.png"
        path.rename(path.with_name(f"{names.format(number)}.png"))
    with pytest.raises(BadInputError, match=message):
        score_sequences(truth_folder(tmp_path / "truth"), tmp_path / "masks", protocol="all-frames")


def test_published_masks_of_davis_2016_score_as_the_site_says(shared: Path, tmp_path: Path) -> None:
    """One sequence of an archive, as labels 0/1 and in white: the official figures, with a note for white."""
    results = shared / "data/DAVIS-official-results"
    archives = sorted((results / "masks-2016-val").glob("*.zip"))
    if not archives:
        pytest.skip("needs the official results in shared/data")
    archive = archives[0]
    with zipfile.ZipFile(archive) as packed:
        for member in packed.namelist():
            if "blackswan/" in member and member.endswith(".png"):
                packed.extract(member, tmp_path)
    (folder,) = {path.parent for path in tmp_path.rglob("*.png")}
    white = tmp_path / "white/blackswan"
    white.mkdir(parents=True)
    for path in folder.glob("*.png"):
        labels = np.asarray(Image.open(path)).astype(np.uint8)
        Image.fromarray(np.where(labels > 0, 255, 0).astype(np.uint8)).save(white / path.name)
    sequence = Davis16(shared / "data/DAVIS", split="val").sequence("blackswan")
    plain, as_white = (score_sequences([sequence], each.parent, protocol="davis")[0] for each in (folder, white))
    assert [list(each.J) for each in plain.objects] == [list(each.J) for each in as_white.objects]
    assert WHITE_NOTE in as_white.notes
    with (results / "davis2016-per-sequence.csv").open() as file:
        rows = {(row["method"], row["sequence"]): row for row in csv.DictReader(file)}
    official = float(rows[archive.stem, "blackswan"]["J_mean"])
    assert float(np.mean(plain.objects[0].J)) == pytest.approx(official, abs=0.0002)  # it rounds frames to 3 digits
