"""Scores of tracks on made-up files are those that TrackEval gave, as the committed record has them."""

import json
from pathlib import Path
from typing import Any

import pytest
from benchmark_scripts import load_script

ROOT = Path(__file__).resolve().parents[2]
RECORD = json.loads((ROOT / "benchmarks" / "tracks.json").read_text(encoding="utf-8"))
SEEDS = sorted({row["seed"] for row in RECORD["rows"]})


@pytest.fixture(scope="module")
def tracks() -> Any:
    return load_script("tracks")


@pytest.mark.parametrize("seed", SEEDS)
def test_the_scores_are_those_of_trackeval(tracks: Any, seed: int, tmp_path: Path) -> None:
    tracks.write_files(tmp_path / "files", seed)
    for row in (row for row in RECORD["rows"] if row["seed"] == seed):
        ours = tracks.our_scores(tmp_path / "files", row["task"])
        assert {name: ours[name] for name in row["theirs"]} == pytest.approx(row["theirs"], rel=0, abs=1e-12)


def test_the_record_tells_scores_by_boxes_and_by_masks_apart() -> None:
    assert RECORD["environment"]["packages"]["trackeval"] == "1.3.0"
    assert {row["task"] for row in RECORD["rows"]} == {"exemplar", "class", "open"}
    assert all(row["off"] <= 1e-12 for row in RECORD["rows"])
    pairs = [(row["theirs"].get("HOTA_all"), row["theirs"].get("mask_HOTA_all")) for row in RECORD["rows"]]
    assert sum(box != mask for box, mask in pairs) > len(SEEDS)
