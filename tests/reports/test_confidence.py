"""The reports `calibration`, `reliability` and `review`: what saved probabilities and label maps say of a run."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vos_bench.api import ReportOptions
from vos_bench.cli import main
from vos_bench.errors import BadInputError
from vos_bench.formats.probabilities import write_probabilities
from vos_bench.labelmaps import write_label_map
from vos_bench.records import Run, find_runs
from vos_bench.reports import confidence, reliability, review
from vos_bench.tables import render

MakeRun = Callable[..., Run]

UNSURE = """
import numpy as np
from vos_bench.api import Method, Prediction


class Unsure(Method):
    '''The first label map stays, and each object gets a probability of its own there.'''

    def initialize(self, image, prompt):
        self.labels = sum(mask.astype("uint16") * k for k, mask in prompt.masks.items())
        self.count = len(prompt.masks)
        return self.answer()

    def step(self, image, new=None):
        return self.answer()

    def answer(self):
        planes = np.stack([np.where(self.labels == k, 0.9 if k < 2 else 0.6, 0.0) for k in range(self.count + 1)])
        return Prediction(self.labels, planes.astype(np.float16))
"""


@pytest.fixture(scope="module")
def unsure(on_disk: Any, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run with probabilities on the videos of `on_disk`, whose object 1 moves by a pixel a frame and 2 stays."""
    base = tmp_path_factory.mktemp("unsure")
    (base / "unsure.py").write_text(UNSURE)
    command = ("run", f"{base / 'unsure.py'}:Unsure", "--dataset", "folder", "--root", str(on_disk.root))
    assert main([*command, "--out", str(base / "run"), "--save-probabilities"]) == 0
    (run,) = find_runs([base / "run"]).runs
    return run


def options_of(root: Path | None = None, out: Path = Path(), sequences: tuple[str, ...] | None = None) -> ReportOptions:
    return ReportOptions(out=out, root=root, sequences=sequences)


def test_an_object_that_stays_is_underconfident_by_what_it_lacks_to_one(unsure: Run, on_disk: Any) -> None:
    rows = confidence.make_table([unsure], options_of(on_disk.root)).rows
    found = {(row["sequence"], row.get("object")): row for row in rows}
    still = found["one", "2"]
    assert still["frames"] == 5, "six frames, of which the first is given"
    # Object 2 covers 14 x 20 pixels of a box that is widened by 20 / 4 = 5: 40 - 17 rows by 30 columns.
    assert still["pixels"] == 5 * 23 * 30
    assert still["ECE"] == pytest.approx(0.4 * 14 * 20 / (23 * 30), abs=1e-3)
    assert still["overconfidence"] == pytest.approx(-still["ECE"])
    moving = found["one", "1"]
    assert moving["ECE"] > still["ECE"] / 10
    means = [found[name, key]["ECE"] for name in ("one", "<b>two") for key in ("1", "2")]
    assert found["all", None]["ECE"] == pytest.approx(np.mean(means))


def test_what_cannot_be_counted_says_why_in_its_cell(on_disk: Any, unsure: Run, tmp_path: Path) -> None:
    table = confidence.make_table([*on_disk.runs, unsure], options_of(on_disk.root))
    said = {row["group"]: row["ECE"] for row in table.rows if row["sequence"] == "all"}
    assert [said[f"{name} on folder all"] for name in ("Slip", "Stay")] == ["not saved", "not saved"]
    assert isinstance(said["Unsure on folder all"], float)
    assert "not saved" in render(table, "text")
    assert main(["report", "calibration", str(on_disk.folder), "--root", str(tmp_path)]) == 0, "nothing is opened"


def test_a_sequence_is_chosen_by_name(unsure: Run, on_disk: Any) -> None:
    rows = confidence.make_table([unsure], options_of(on_disk.root, sequences=("one",))).rows
    assert {row["sequence"] for row in rows} == {"all", "one"}
    with pytest.raises(BadInputError, match="--sequences ones: no run has finished it; did you mean one"):
        confidence.make_table([unsure], options_of(on_disk.root, sequences=("ones",)))


def test_few_frames_of_a_long_sequence_are_read(unsure: Run, on_disk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert confidence.evenly("abcdefg", 3) == ["a", "d", "g"]
    assert confidence.evenly("ab", 3) == ["a", "b"]
    monkeypatch.setattr(confidence, "FRAMES", 2)
    rows = confidence.make_table([unsure], options_of(on_disk.root)).rows
    assert {row["frames"] for row in rows if row.get("object")} == {2}


def test_probabilities_of_another_size_than_the_truth_are_refused(
    unsure: Run, on_disk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = np.ones((4, 6), np.uint16)
    write_probabilities(tmp_path / "00003.npz", np.full((3, 4, 6), 0.5), labels, [1, 2])
    monkeypatch.setattr(confidence, "saved_frames", lambda *_: {"00003": tmp_path / "00003.npz"})
    with pytest.raises(BadInputError, match=r"00003: probabilities are of 4 x 6 pixels .*\n  the truth is of 40"):
        confidence.make_table([unsure], options_of(on_disk.root, sequences=("one",)))


def test_values_that_are_no_probabilities_are_refused_by_name(
    unsure: Run, on_disk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = np.ones((40, 60), np.uint16)
    write_probabilities(tmp_path / "00003.npz", np.full((3, 40, 60), 7.5), labels, [1, 2])
    monkeypatch.setattr(confidence, "saved_frames", lambda *_: {"00003": tmp_path / "00003.npz"})
    with pytest.raises(BadInputError, match=r"one, frame 00003, object 1: found the probability 7.5, expected 0 to 1"):
        confidence.make_table([unsure], options_of(on_disk.root, sequences=("one",)))


def test_the_reliability_plot_is_drawn_and_names_what_is_missing(unsure: Run, on_disk: Any, tmp_path: Path) -> None:
    out = tmp_path / "plot.svg"
    assert reliability.draw_figure([unsure, *on_disk.runs], options_of(on_disk.root, out)) == [out]
    drawn = out.read_text()
    assert "Unsure: ECE" in drawn
    assert "Slip" not in drawn
    with pytest.raises(BadInputError, match=r"found no run with saved probabilities \(--save-probabilities\)"):
        reliability.draw_figure(on_disk.runs, options_of(on_disk.root, out))


def drawn_run(make_run: MakeRun, folder: Path, places: dict[int, list[int | None]], size: int = 10) -> Run:
    """A run whose objects are squares at these columns, a frame each; None where an object is gone."""
    made = make_run({"a": (0.5, 0.5)})
    for number in range(len(next(iter(places.values())))):
        labels = np.zeros((size * (max(places) + 1), 100), np.uint16)
        for k, columns in places.items():
            if (left := columns[number]) is not None:
                labels[k * size : (k + 1) * size, left : left + size] = k
        write_label_map(folder / "masks" / "a" / f"{number:05d}.png", labels)
    return Run(folder, made.record, made.sequence_records)


def shown(run: Run) -> list[tuple[str, str, str]]:
    rows = review.make_table([run], options_of()).rows
    return [(row["object"], row["frame"], row["reason"]) for row in rows if "frame" in row]


def test_the_frame_on_which_an_object_vanishes_and_the_one_of_its_return_come_first(
    make_run: MakeRun, tmp_path: Path
) -> None:
    gone: list[int | None] = [20] * 10 + [None] * 10 + [20] * 10
    run = drawn_run(make_run, tmp_path, {1: [30] * 30, 2: gone})
    assert shown(run) == [("2", "00010", "vanishes"), ("2", "00020", "returns")]


def test_a_leap_is_a_doubt_and_steady_motion_is_none(make_run: MakeRun, tmp_path: Path) -> None:
    steady = [*range(0, 60, 2)]
    leaps = [20] * 15 + [24] * 15
    run = drawn_run(make_run, tmp_path, {1: steady, 2: leaps})
    ((number, frame, reason),) = shown(run)
    assert (number, frame) == ("2", "00015")
    assert reason == f"changes: overlap {60 / 140:.2f}, usually 1.00"


def test_of_neighbouring_frames_of_one_object_one_is_shown(make_run: MakeRun, tmp_path: Path) -> None:
    flickers = [20 if number % 2 else None for number in range(30)]
    found = shown(drawn_run(make_run, tmp_path, {1: flickers}))
    assert len(found) == 6
    frames = sorted(int(frame) for _, frame, _ in found)
    assert min(np.diff(frames)) >= review.APART


def test_at_most_so_many_frames_of_a_run_are_shown(make_run: MakeRun, tmp_path: Path) -> None:
    places = {k: [20 if (number // 6) % 2 else None for number in range(60)] for k in range(1, 6)}
    assert len(shown(drawn_run(make_run, tmp_path, places))) == review.MOST


def test_the_least_certain_object_is_named_with_its_probability(make_run: MakeRun, tmp_path: Path) -> None:
    run = drawn_run(make_run, tmp_path, {1: [30] * 12, 2: [40] * 12})
    for number in range(12):
        labels = np.zeros((30, 100), np.uint16)
        labels[10:20, 30:40], labels[20:30, 40:50] = 1, 2
        planes = np.stack([np.where(labels == k, 0.9, 0.0) for k in range(3)])
        if number == 7:
            planes[2] = np.where(labels == 2, 0.4, 0.0)
        write_probabilities(tmp_path / "probabilities" / "a" / f"{number:05d}.npz", planes, labels, [1, 2])
    first, *rest = review.make_table([run], options_of()).rows
    assert (first["object"], first["frame"], first["reason"]) == ("2", "00007", "uncertain: probability 0.40")
    assert first["doubt"] == pytest.approx(0.6, abs=1e-3)
    assert first["probability"] == pytest.approx(0.4, abs=1e-3)
    assert len(rest) == 4
    assert all(row["doubt"] == pytest.approx(0.1, abs=1e-3) for row in rest)


def test_a_file_of_before_confidences_were_kept_gives_the_same(make_run: MakeRun, tmp_path: Path) -> None:
    run = drawn_run(make_run, tmp_path, {1: [30] * 6, 3: [40] * 6})
    labels = np.zeros((40, 100), np.uint16)
    labels[10:20, 30:40], labels[30:40, 40:50] = 1, 2
    planes = np.stack([np.where(labels == k, (0, 0.9, 0.3)[k], 0.0) for k in range(3)]).astype(np.float16)
    folder = tmp_path / "probabilities" / "a"
    folder.mkdir(parents=True)
    np.savez_compressed(folder / "00003.npz", probabilities=planes, object_ids=np.array([1, 3], np.uint16))
    first = review.make_table([run], options_of()).rows[0]
    assert (first["object"], first["reason"]) == ("3", "uncertain: probability 0.30")


def test_a_run_without_probabilities_says_so_and_one_without_doubt_too(make_run: MakeRun, tmp_path: Path) -> None:
    run = drawn_run(make_run, tmp_path / "x", {1: [20, 20, None, 20]})
    rows = review.make_table([run], options_of()).rows
    assert [row["probability"] for row in rows] == ["not saved"]
    assert rows[0]["overlap"] == "vanishes"
    calm = drawn_run(make_run, tmp_path / "y", {1: [20, 20, 20]})
    assert [row["reason"] for row in review.make_table([calm], options_of()).rows] == ["nothing is doubtful"]
    bare = make_run({"a": (0.5, 0.5)})
    rows = review.make_table([Run(tmp_path / "z", bare.record, bare.sequence_records)], options_of()).rows
    assert [row["reason"] for row in rows] == ["its label maps are gone"]


def test_the_command_shows_a_review_and_says_that_a_root_is_no_use(
    on_disk: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "review", str(on_disk.folder), "--format", "csv", "--sequences", "one"]) == 0
    assert "Slip on folder all" in capsys.readouterr().out
    assert main(["report", "review", str(on_disk.folder), "--root", "."]) == 0
    assert "note: --root has no effect" in capsys.readouterr().err
    assert main(["report", "review", str(on_disk.folder), "--sequences", "nobody"]) == 2
    assert "--sequences nobody: no run has finished it" in capsys.readouterr().err


def test_a_run_whose_data_are_not_here_says_so_and_the_others_keep_their_numbers(unsure: Run, on_disk: Any) -> None:
    data = unsure.record.dataset.replace(name="davis17", split="val")
    elsewhere = replace(unsure, record=unsure.record.replace(dataset=data))
    rows = confidence.make_table([elsewhere, unsure], options_of(on_disk.root)).rows
    first = rows[0]
    assert (first["sequence"], first["ECE"]) == ("all", "no data")
    assert str(on_disk.root) in first["notes"][0]
    assert "\n" not in first["notes"][0]
    assert isinstance(rows[1]["ECE"], float)
    with pytest.raises(BadInputError, match=str(on_disk.root)):
        confidence.make_table([elsewhere], options_of(on_disk.root))


def test_other_data_than_the_run_saw_are_not_calibrated_against(unsure: Run, on_disk: Any, tmp_path: Path) -> None:
    other = shutil.copytree(on_disk.root, tmp_path / "video")
    [*_, last] = sorted((other / "Annotations" / "one").glob("*.png"))
    shutil.copy(last, last.with_name("00000.png"))
    with pytest.raises(BadInputError, match=r"is not the .* name it with --root"):
        confidence.make_table([unsure], options_of(other))
