"""Small files that claim to be huge are refused within a bound of memory, each by one message."""

import json
import os
from pathlib import Path

import pytest
from python_processes import run_python

FOLDER = Path(__file__).parent
MEBIBYTES = 768
"""SECURITY.md states a gibibyte: what the largest label map takes, and room for what one more thread maps."""
READ = {"label map, the largest there may be": "read", "label map that swells": "read"} | {
    f"{kind} as {what}: fingerprint": "read" for kind in ("pipe", "device", "64 GiB") for what in ("label map", "frame")
}
"""What is well within the bound: of the second no more is inflated than its 64 x 64 pixels need; the others count as
missing in a dataset's fingerprint."""
CONTROL = {"the largest label map within a tenth": "MemoryError"}
"""That there is a bound shows where it is too low."""


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    path = os.pathsep.join((str(FOLDER), os.environ.get("PYTHONPATH", "")))
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path}
    done = run_python(FOLDER / "bombs.py", tmp_path_factory.mktemp("bombs"), MEBIBYTES, env=environment)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def test_every_bomb_is_refused_and_none_meets_the_bound(ends: dict[str, str]) -> None:
    assert len(ends) >= 52
    assert {name: end for name, end in ends.items() if not end.startswith("refused: ")} == READ | CONTROL


def test_the_messages_are_short_and_name_the_file(ends: dict[str, str]) -> None:
    refused = {name: end for name, end in ends.items() if name not in READ | CONTROL}
    wrong = {
        name for name, end in refused.items() if "/bombs" not in end or len(end.splitlines()) > 3 or len(end) > 999
    }
    assert wrong == set()
    assert [name for name, end in refused.items() if "MemoryError" in end] == []
