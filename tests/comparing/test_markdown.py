"""The Markdown page of a comparison, and the pictures in it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vos_bench.comparing.compare import compare
from vos_bench.comparing.comparison import ComparisonRow, Verdict
from vos_bench.comparing.markdown import comparison_markdown, comparison_table
from vos_bench.comparing.thumbnails import WIDTH, pictures, worst_frame
from vos_bench.datasets.folder import Folder
from vos_bench.labelmaps import write_label_map
from vos_bench.records import FrameScores, Run, SequenceRecord
from vos_bench.tables import render

MakeRun = Callable[..., Run]


def test_what_fails_comes_first_and_then_what_fell_most(make_run: MakeRun) -> None:
    before = make_run({"a": (0.8, 0.8), "b": (0.8, 0.8), "c": (0.8, 0.8), "d": (0.8, 0.8), "e": (0.8, 0.8)})
    after = make_run({"a": (0.9, 0.9), "b": (0.7, 0.7), "c": (0.2, 0.2), "d": None, "e": (0.8, 0.8)})
    text = comparison_markdown(compare(before, after))
    lines = [line.split("|")[1].strip() for line in text.split("Sequences that moved")[1].splitlines() if "|" in line]
    assert [line for line in lines if line in {"a", "b", "c", "d", "e"}] == ["d", "c", "b", "a"]
    assert text.startswith("## mine on demo val: failed, ")
    assert "1 better, 2 worse, 1 same within tolerance, 1 newly failing" in text
    assert text.endswith(
        "zero is inside, so no difference is shown (paired bootstrap over 4 sequences, 10000 resamples).\n"
    )


def test_without_notes_there_is_no_column_of_notes() -> None:
    same = ComparisonRow("overall", "J&F", 0.5, 0.5, Verdict.SAME)
    noted = replace(same, note="not judged")
    assert [column.name for column in comparison_table([same], "").columns][-1] == "verdict"
    assert [column.name for column in comparison_table([same, noted], "").columns][-1] == "note"


def test_a_terminal_of_80_columns_has_both_scores_beside_a_long_note() -> None:
    long = "different processor (Intel(R) Xeon(R) Processor @ 2.10GHz, then AMD EPYC 7763 64-Core Processor)"
    rows = [
        ComparisonRow("overall", "J_recall", 0.8123, 0.8124, Verdict.SAME, "not judged"),
        ComparisonRow("overall", "FPS", 20.1, 19.0, Verdict.NOT_COMPARABLE, long),
        ComparisonRow("scooter-black", "J&F", 0.8125, 0.7421, Verdict.WORSE),
    ]
    text = render(comparison_table(rows, "Comparison", notes_below=True), "text", width=80)
    assert max(map(len, text.splitlines())) <= 80
    assert "Not shown" not in text
    for value in ("0.8123", "0.8124", "20.1000", "19.0000", "-1.1000", "0.8125", "0.7421", "-0.0704"):
        assert value in text
    assert f"[2] {long}" in " ".join(text.split())


def test_an_equal_run_passes_and_lists_no_sequence(make_run: MakeRun) -> None:
    run = make_run({"a": (0.8, 0.8)})
    text = comparison_markdown(compare(run, run))
    assert text.startswith("## mine on demo val: passed\n")
    assert "Sequences that moved" not in text


def with_frames(record: SequenceRecord, J: tuple[float, ...]) -> SequenceRecord:
    frames = FrameScores(frame=tuple(f"{k:05d}" for k in range(1, len(J) + 1)), J=J, F=J)
    return record.replace(scores=(record.scores[0].replace(per_frame=frames),))


def test_the_worst_frame_is_the_one_that_lost_most_not_the_one_with_the_lowest_score(make_run: MakeRun) -> None:
    record = make_run({"a": (0.8, 0.8)}).sequence_records["a"]
    before, after = with_frames(record, (0.1, 0.9, 0.8)), with_frames(record, (0.1, 0.3, 0.7))
    assert worst_frame(before, after) == "00002"
    assert worst_frame(before, record.replace(scores=())) is None


def test_a_frame_that_the_sequence_does_not_have_is_not_drawn(
    folder: Folder, make_run: MakeRun, tmp_path: Path
) -> None:
    record = make_run({"a": (0.8, 0.8)}).sequence_records["a"]
    frames = FrameScores(frame=("../../../secret",), J=(0.8,), F=(0.8,))
    scores = (record.scores[0].replace(per_frame=frames),)
    run = replace(make_run({"a": (0.8, 0.8)}), folder=tmp_path / "run")
    run = replace(run, sequence_records={"a": record.replace(scores=scores)})
    (tmp_path / "run" / "masks" / "a").mkdir(parents=True)
    write_label_map(tmp_path / "secret.png", square())
    assert pictures("a", baseline=run, candidate=run, dataset=folder) == ()


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """One sequence of three wide frames with one object."""
    for frame in ("00000", "00001", "00002"):
        for kind in ("JPEGImages", "Annotations"):
            (tmp_path / "data" / kind / "a").mkdir(parents=True, exist_ok=True)
        image = np.full((60, 480, 3), 100, np.uint8)
        Image.fromarray(image).save(tmp_path / "data" / "JPEGImages" / "a" / f"{frame}.png")
        write_label_map(tmp_path / "data" / "Annotations" / "a" / f"{frame}.png", square())
    return Folder(tmp_path / "data", split="all")


def square() -> np.ndarray:
    labels = np.zeros((60, 480), np.uint16)
    labels[10:50, 100:200] = 1
    return labels


def test_pictures_are_small_and_colour_the_objects(folder: Folder, make_run: MakeRun, tmp_path: Path) -> None:
    run = replace(make_run({"a": (0.8, 0.8)}), folder=tmp_path / "run")
    write_label_map(tmp_path / "run" / "masks" / "a" / "00001.png", square())
    truth, judged = pictures("a", baseline=make_run({"a": (0.9, 0.9)}), candidate=run, dataset=folder)
    assert (truth.title, judged.title) == ("a 00001: truth", "a 00001: run")
    (tmp_path / "picture.png").write_bytes(judged.png)
    with Image.open(tmp_path / "picture.png") as opened:
        shown = np.asarray(opened)
    assert shown.shape == (WIDTH // 8, WIDTH, 3)
    assert (shown[15, 75] != shown[15, 5]).any()
    assert (shown[15, 5] == 100).all()


def test_without_the_runs_label_map_there_is_no_picture(folder: Folder, make_run: MakeRun, tmp_path: Path) -> None:
    run = replace(make_run({"a": (0.8, 0.8)}), folder=tmp_path / "run")
    assert pictures("a", baseline=run, candidate=run, dataset=folder) == ()
