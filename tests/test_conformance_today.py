"""Every recorded case of the official tools of SA-V, MOSE, MOSEv2, LVOS, VOST and BURST, run by command."""

import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from vos_bench.cli import main
from vos_bench.metrics.counts import CompiledCounter, count_frame
from vos_bench.scoring import sequences

FOLDER = Path(__file__).resolve().parent.parent.parent / "shared" / "conformance-today"
DATASETS = ("sav", "mosev1", "mosev2", "lvos", "vost", "burst")
CASES = [(name, path.name) for name in DATASETS for path in sorted((FOLDER / name).glob("c*"))]
TOLERANCE = 1e-12

REFUSED = {
    ("sav", "c13_missing_video"),
    ("mosev1", "c07_missing_video"),
    ("mosev2", "c13_missing_video"),
    ("sav", "c23_davis_two_frames"),
    ("mosev2", "c09_missing_frame"),
    ("mosev2", "c16_two_frames"),
    ("lvos", "c14_two_frames"),
    ("mosev2", "c20_rgb"),
    ("lvos", "c04_nums_high"),
}
"""Where the tool gives a number only since it lost or made up data; here this is an error."""

OTHER_VALUE = {("mosev2", "c14_one_video")}
"""A perfect prediction that the tool scores 0, since it takes a lone video's folder for a wrapper."""

WRAPPED_DECAY = {("vost", "c20_decay_wrap")}
"""Where the official decay wraps in 8 bits; here it does not, by design."""

MOSEV2_NAMES = {
    "J&F_new": "J&F_dot",
    "F_new": "F_dot",
    "disappear_J&F_new": "J&F_dot_disappear",
    "reappear_J&F_new": "J&F_dot_reappear",
}

pytestmark = pytest.mark.skipif(not CASES, reason="needs the recorded cases in shared/ beside the checkout")


@cache
def expected(dataset: str) -> dict[str, Any]:
    cases: dict[str, Any] = json.loads((FOLDER / dataset / "expected.json").read_text())["cases"]
    return cases


def command(dataset: str, case: str, out: Path, *more: str) -> list[str]:
    folder = FOLDER / dataset / case
    options = expected(dataset)[case].get("options", {})
    masks = folder / "pred" / "pred.json" if dataset == "burst" else folder / "pred"
    if options.get("skip_first_and_last") is False:
        more = ("--protocol", "sav-all", *more)
    if task := options.get("task"):
        more = ("--protocol", f"burst-{task.split('_')[0]}", *more)
    return ["score", str(masks), "--dataset", dataset, "--truth", str(folder / "gt"), "--out", str(out), *more]


def official_name(dataset: str, name: str) -> str:
    if dataset == "lvos":
        return name.removesuffix("-Mean").replace("-", "_")
    if dataset == "vost":
        return name.removesuffix("-Mean").replace("-R", "_r").replace("-D", "_d")
    return MOSEV2_NAMES.get(name, name)


def scale(dataset: str) -> float:
    return 1.0 if dataset in ("lvos", "vost") else 100.0


def same(found: Any, wanted: Any, by: float) -> bool:
    if wanted is None or wanted == "nan" or math.isnan(float(wanted)):
        return found is None or math.isnan(found)
    return found is not None and abs(found - wanted / by) <= TOLERANCE


def differing(found: dict[str, Any], wanted: dict[str, Any], by: float, what: str) -> list[str]:
    return [
        f"{what} {name}: {found.get(name)!r} for {value!r}"
        for name, value in wanted.items()
        if not same(found.get(name), value, by)
    ]


def official_objects(dataset: str, official: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return each object's numbers by sequence and name, under the names of objects.csv, and its frames."""
    found = {}
    for key, value in official["per_object"].items():
        if dataset in ("sav", "mosev1"):
            found.update({(key, name): numbers for name, numbers in value.items()})
            continue
        sequence, _, name = key.rpartition("_")
        found[sequence, value.get("id", name)] = value
    return found


def check_objects(dataset: str, case: str, official: dict[str, Any], out: Path) -> list[str]:
    objects = pd.read_csv(out / "objects.csv", dtype={"object": str, "sequence": str})
    frames = pd.read_csv(out / "frames.csv.gz", dtype={"object": str, "sequence": str})
    wanted = official_objects(dataset, official)
    rows = {(row["sequence"], row["object"]): row for row in objects.to_dict("records")}
    problems = [f"objects {sorted(rows)} for {sorted(wanted)}"] if sorted(rows) != sorted(wanted) else []
    for key, numbers in wanted.items():
        # LVOS's decay is always 0 or NaN, since its tool hands over an array of the wrong shape.
        plain = {
            official_name(dataset, name): value
            for name, value in numbers.items()
            if not isinstance(value, (list, dict))
            and name not in ("id", "J&F")
            and not (dataset == "lvos" and name.endswith(("_decay", "_recall")))
            and not ((dataset, case) in WRAPPED_DECAY and name.endswith("decay"))
        }
        problems += [f"no column {name}" for name in plain if name not in objects.columns]
        problems += differing(rows.get(key, {}), plain, scale(dataset), str(key))
        mine = frames[(frames["sequence"] == key[0]) & (frames["object"] == key[1])]
        lists = numbers.get("frames", {name: numbers.get(f"{name}_frames") for name in ("J", "F")})
        for name, values in lists.items():
            if name == "truth_empty" or values is None:
                continue
            column = [*mine[official_name(dataset, name)]]
            if len(column) != len(values) or not all(map(same, column, values, [1.0] * len(values))):
                problems.append(f"{key} frames {name}: {column} for {values}")
    return problems


@pytest.fixture(params=["plain", "compiled"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    ways = {
        "plain": lambda _, contour: lambda truth, masks: count_frame(truth, masks, contour),
        "compiled": lambda _, contour: CompiledCounter(contour),
    }
    monkeypatch.setattr(sequences, "counter", ways[request.param])
    return str(request.param)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(("dataset", "case"), CASES, ids=[case for _, case in CASES])
def test_scores_are_the_official_ones(
    dataset: str, case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    official = expected(dataset)[case]["official"]
    code = main(command(dataset, case, tmp_path / "out"))
    said = capsys.readouterr()
    if official["status"] == "error" or (dataset, case) in REFUSED:
        assert code != 0
        assert "Traceback" not in said.err + said.out
        return
    assert code == 0, said.err
    scores = json.loads((tmp_path / "out" / "run.json").read_text())["scores"]
    if (dataset, case) in OTHER_VALUE:
        assert scores["J&F_dot"] == 1
        return
    if dataset == "burst":
        wanted = {f"{name}_{part}": v for name, each in official["global"].items() for part, v in each.items()}
        assert differing(scores, wanted, 100, "scores") == []
        return
    wanted = {
        official_name(dataset, name): value
        for name, value in official["global"].items()
        if not ((dataset, case) in WRAPPED_DECAY and name.endswith("Decay"))
    }
    problems = differing(scores, wanted, scale(dataset), "scores")
    assert problems + check_objects(dataset, case, official, tmp_path / "out") == []


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("case", [case for dataset, case in CASES if dataset == "lvos"])
def test_the_compiled_op_of_lvos_is_a_protocol(case: str, tmp_path: Path) -> None:
    compiled = expected("lvos")[case].get("with_compiled_op")
    if not compiled or ("lvos", case) in REFUSED or "global" not in compiled:
        pytest.skip("there is no number to compare with")
    assert main(command("lvos", case, tmp_path / "out", "--protocol", "lvos-compiled-op")) == 0
    scores = json.loads((tmp_path / "out" / "run.json").read_text())["scores"]
    wanted = {official_name("lvos", name): value for name, value in compiled["global"].items()}
    assert differing(scores, wanted, 1, "scores") == []
    frames = pd.read_csv(tmp_path / "out" / "frames.csv.gz", dtype={"object": str})
    for key, numbers in compiled["per_object"].items():
        sequence = key.rpartition("_")[0]
        known = expected("lvos")[case]["official"]["per_object"][key]["id"]
        mine = frames[(frames["sequence"] == sequence) & (frames["object"] == known)]
        assert all(map(same, [*mine["F"]], numbers["F_frames"], [1.0] * len(mine)))
