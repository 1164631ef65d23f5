"""Every recorded case of the official DAVIS tool: the same numbers, or an error where it ends with one."""

import json
import math
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from vos_bench.cli import main
from vos_bench.errors import BadInputError
from vos_bench.metrics import statistics
from vos_bench.metrics.counts import CompiledCounter, count_frame
from vos_bench.scoring import sequences
from vos_bench.scoring.sequences import score_sequences
from vos_bench.scoring.truth import truth_folder

FOLDER = Path(__file__).resolve().parent.parent.parent / "shared" / "conformance"
CASES = sorted(path.parent.name for path in FOLDER.glob("c*/case.json"))
WRAPPED_DECAY = {"c40_decay_258_frames", "c41_decay_259_frames"}
"""Where the official decay wraps in 8 bits; here it does not, by design."""

OFFICIAL_NAMES = {"J": "JM", "J_recall": "JR", "J_decay": "JD", "F": "FM", "F_recall": "FR", "F_decay": "FD"}

pytestmark = pytest.mark.skipif(not CASES, reason="needs the recorded cases in shared/conformance beside the checkout")


@cache
def expected() -> dict[str, Any]:
    cases: dict[str, Any] = json.loads((FOLDER / "expected.json").read_text())["cases"]
    return cases


def score(case: str) -> dict[str, statistics.ObjectScores]:
    names = (FOLDER / case / "val.txt").read_text().split()
    truth = truth_folder(FOLDER / case / "gt", names)
    results = score_sequences(truth, FOLDER / case / "pred", protocol="davis", jobs=2)
    if failed := [result.error for result in results if result.error]:
        raise BadInputError(failed[0])
    return {f"{result.name}_{scores.object_id}": scores for result in results for scores in result.objects}


@pytest.mark.parametrize("plain", [True, False], ids=["plain", "compiled"])
@pytest.mark.parametrize("case", CASES)
def test_scores_are_the_official_ones(case: str, *, plain: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if plain:
        monkeypatch.setattr(sequences, "counter", lambda _, contour: partial(count_frame, contour=contour))
    else:
        monkeypatch.setattr(sequences, "counter", lambda _, contour: CompiledCounter(contour))
    official = expected()[case]["official"]
    if official["status"] != "ok":
        with pytest.raises(BadInputError):
            score(case)
        return
    objects = score(case)
    assert list(objects) == list(official["per_object"])
    for name, numbers in official["per_object"].items():
        np.testing.assert_allclose(objects[name].J, numbers["J"], rtol=0, atol=1e-12)
        np.testing.assert_allclose(objects[name].F, numbers["F"], rtol=0, atol=1e-12)
        for ours, value in objects[name].statistics().items():
            if not (case in WRAPPED_DECAY and ours.endswith("decay")):
                assert math.isclose(value, numbers[OFFICIAL_NAMES[ours]], rel_tol=0, abs_tol=1e-12)
    for ours, value in statistics.overall(objects.values()).items():
        if not (case in WRAPPED_DECAY and ours.endswith("decay")):
            assert math.isclose(value, official["global"][_global_name(ours)], rel_tol=0, abs_tol=1e-12)


def _global_name(name: str) -> str:
    measure, _, statistic = name.partition("_")
    return f"{measure}-{(statistic or 'mean').capitalize()}"


def test_a_decay_that_the_official_tool_wraps_is_the_one_of_numpy_1_where_it_had_one() -> None:
    case = expected()["c40_decay_258_frames"]
    ours = statistics.overall(score("c40_decay_258_frames").values())
    assert math.isclose(ours["J_decay"], case["official_numpy1"]["global"]["J-Decay"], rel_tol=0, abs_tol=1e-12)


THROUGH_THE_COMMAND_LINE = (
    "c11_radius_rounding",
    "c16_extra_id_middle",
    "c19_gap_in_ids",
    "c31_missing_middle_frame",
    "c36_missing_sequence",
    "c44_object_average",
    "c46_png_variants",
    "c48_png_rgb",
    "c51_name_order",
    "c54_twenty_objects",
)


@pytest.mark.parametrize("case", THROUGH_THE_COMMAND_LINE)
def test_the_command_line_writes_the_official_scores(case: str, tmp_path: Path) -> None:
    folder = FOLDER / case
    official = expected()[case]["official"]
    arguments = ["--truth", str(folder / "gt"), "--protocol", "davis", "--sequences", f"@{folder / 'val.txt'}"]
    code = main(["score", str(folder / "pred"), *arguments, "--out", str(tmp_path / "out")])
    if official["status"] != "ok":
        assert code in (1, 2)
        return
    assert code == 0
    scores = json.loads((tmp_path / "out" / "run.json").read_text())["scores"]
    assert scores == pytest.approx({name: official["global"][_global_name(name)] for name in scores}, rel=0, abs=1e-12)
    objects = pd.read_csv(tmp_path / "out" / "objects.csv", dtype={"sequence": str}).set_index(["sequence", "object"])
    frames = pd.read_csv(tmp_path / "out" / "frames.csv.gz", dtype={"sequence": str}).groupby(["sequence", "object"])
    assert len(objects) == len(frames) == len(official["per_object"])
    for name, numbers in official["per_object"].items():
        sequence, _, object_id = name.rpartition("_")
        for ours, theirs in OFFICIAL_NAMES.items():
            assert objects.loc[(sequence, int(object_id)), ours] == pytest.approx(numbers[theirs], rel=0, abs=1e-12)
        each = frames.get_group((sequence, int(object_id)))
        np.testing.assert_allclose(each[["J", "F"]].T, [numbers["J"], numbers["F"]], rtol=0, atol=1e-12)
