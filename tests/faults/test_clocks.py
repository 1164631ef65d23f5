"""A wall clock that jumps does no harm: what lasts is measured by clocks that never do."""

import ast
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from vos_bench.records import load_run
from vos_bench.running.run import RunSettings, run_method

CHECKOUT = Path(__file__).resolve().parents[2]
HOURS_ARE_FOR_READERS = {
    "vos_bench/records/summary.py": "when a record was made",
    "vos_bench/training/curves.py": "when a step was done",
    "vos_bench/download.py": "when a file was fetched",
    "vos_bench/commands/record.py": "the date that a server gave",
    "datasets/demo.py": "how old the remains of a killed process are, which must be dead besides",
}
"""The files that may ask for the hour, and what for; nothing is computed from it but in the last."""

WALL_CLOCKS = {("time", "time"), ("time", "time_ns"), ("datetime", "now"), ("datetime", "utcnow"), ("date", "today")}


def hours_asked(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in {name for _, name in WALL_CLOCKS}:
            owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            if (owner, node.attr) in WALL_CLOCKS:
                yield f"{owner}.{node.attr}"
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            yield from (f"time.{each.name}" for each in node.names if ("time", each.name) in WALL_CLOCKS)


def package() -> Iterator[Path]:
    for folder in ("vos_bench", "methods", "datasets", "reports"):
        yield from (CHECKOUT / folder).rglob("*.py")


def test_only_what_people_read_comes_from_the_wall_clock():
    found = {str(path.relative_to(CHECKOUT)): [*hours_asked(path.read_text("utf-8"))] for path in package()}
    assert {name: hours for name, hours in found.items() if hours and name not in HOURS_ARE_FOR_READERS} == {}
    assert len(found) > 100


@pytest.mark.parametrize(
    "code", ["import time\ntime.time()", "from time import time", "datetime.datetime.now()", "datetime.now(UTC)"]
)
def test_the_wall_clock_is_recognised(code: str):
    assert [*hours_asked(code)]


@pytest.fixture
def jumping(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the wall clock go a day ahead at one look and back at the next."""
    real, real_ns, looks = time.time, time.time_ns, iter(range(1 << 30))
    monkeypatch.setattr(time, "time", lambda: real() + 86400 * (next(looks) % 2))
    monkeypatch.setattr(time, "time_ns", lambda: real_ns() + 86400 * 10**9 * (next(looks) % 2))


def test_a_run_measures_its_seconds_whatever_the_wall_clock_does(
    fake_vos: ModuleType, tmp_path: Path, request: pytest.FixtureRequest
):
    specs = {name: fake_vos.Spec() for name in "abc"}
    sound = RunSettings(
        method=fake_vos.info("Slow"), dataset=fake_vos.FakeDataset(specs), out=tmp_path / "sound", device="cpu"
    )
    run_method(sound)
    request.getfixturevalue("jumping")
    jumped = replace(sound, out=tmp_path / "jumped")
    assert run_method(jumped).record.status == "complete"
    for name, sequence in load_run(jumped.out).sequence_records.items():
        assert 0.05 <= sequence.seconds < 600, name
        assert all(0 <= ms < 600_000 for ms in sequence.timings.stream_ms if ms is not None)
    for path in sorted(sound.out.glob("masks/*/*.png")):
        assert (jumped.out / path.relative_to(sound.out)).read_bytes() == path.read_bytes()


def test_workers_and_their_watch_do_not_mind_either(breaking: ModuleType, works: ModuleType, trial: Callable[..., Any]):
    breaking.clock_jumped(trial(works.made_up_run(2), whole=works.made_up_run(1)))
