"""VOTS's measures on made-up clips are those that vot-toolkit gave, as the committed record has them."""

import json
from pathlib import Path
from typing import Any

import pytest
from benchmark_scripts import load_script

ROOT = Path(__file__).resolve().parents[2]
RECORD = json.loads((ROOT / "benchmarks" / "vots.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def vots() -> Any:
    return load_script("vots")


def test_the_measures_are_those_of_the_toolkit(vots: Any, tmp_path: Path) -> None:
    vots.write_clips(tmp_path)
    ours = vots.our_scores(tmp_path / "truth", tmp_path / "masks")
    assert ours == {row["measure"]: row["theirs"] for row in RECORD["rows"]}
    assert RECORD["environment"]["packages"]["vot-toolkit"] == "0.9.0"


def test_the_clips_have_what_the_measures_tell_apart() -> None:
    rows = {row["measure"]: row["theirs"] for row in RECORD["rows"]}
    assert set(rows) == {"Q", "Acc", "Rob", "NRE", "DRE", "ADQ"}
    assert all(0.02 < value < 0.98 for value in rows.values())
