"""A score never stands without its weights where they are not the method's own, nor without `untrained`."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from vos_bench.api import UNTRAINED
from vos_bench.commands.compare import compare as command
from vos_bench.comparing.compare import compare
from vos_bench.comparing.history import history
from vos_bench.comparing.junit import comparison_junit
from vos_bench.comparing.markdown import comparison_markdown
from vos_bench.records import Run
from vos_bench.records.models import MethodEntry, WeightsEntry
from vos_bench.reports.measured import measured

MakeRun = Callable[..., Run]

RANDOM = WeightsEntry(name=UNTRAINED, file="", sha256=UNTRAINED)
SMALL = WeightsEntry(name="mine-small", file="small.pth", sha256="abcdef0123" * 6)


def with_weights(run: Run, weights: WeightsEntry | None) -> Run:
    method = run.record.method.replace(weights=weights)
    return replace(run, record=run.record.replace(method=method))


@pytest.fixture
def trained(make_run: MakeRun) -> Run:
    return make_run({"a": (0.8, 0.8), "b": (0.6, 0.6)})


@pytest.mark.parametrize(
    ("weights", "title"),
    [
        (None, "mine"),
        (WeightsEntry(name="mine", file="mine.safetensors", sha256="0" * 64), "mine"),
        (SMALL, "mine (mine-small)"),
        (WeightsEntry(name="", file="other.pth", sha256="0" * 64), "mine (other.pth)"),
        (RANDOM, "mine (untrained)"),
    ],
)
def test_a_title_names_the_weights_where_they_are_not_the_methods_own(weights: WeightsEntry | None, title: str) -> None:
    assert MethodEntry(name="mine", weights=weights).title == title


@pytest.mark.parametrize(
    ("before", "after", "heading"),
    [
        (None, None, "mine on demo val"),
        (None, RANDOM, "mine (untrained) on demo val against mine"),
        (RANDOM, None, "mine on demo val against mine (untrained)"),
        (RANDOM, RANDOM, "mine (untrained) on demo val"),
        (SMALL, SMALL, "mine (mine-small) on demo val"),
    ],
)
def test_a_comparison_names_both_sides_in_markdown_and_junit(
    trained: Run, before: WeightsEntry | None, after: WeightsEntry | None, heading: str
) -> None:
    judged = with_weights(trained, after)
    comparison = compare(with_weights(trained, before), judged)
    assert comparison_markdown(comparison).startswith(f"## {heading}: passed\n")
    assert f'name="{heading}"' in comparison_junit(comparison)


def saved(run: Run, folder: Path) -> Path:
    (folder / "sequences").mkdir(parents=True)
    (folder / "run.json").write_text(run.record.to_json())
    for name, sequence in run.sequence_records.items():
        (folder / "sequences" / f"{name}.json").write_text(sequence.to_json())
    return folder


def test_compare_prints_the_word_untrained(
    trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")  # the paths of a test are long, and names break where they have no room
    random = saved(with_weights(trained, RANDOM), tmp_path / "random")
    command(random, random)
    assert "Comparison: mine (untrained) on demo val" in capsys.readouterr().out
    command(random, saved(trained, tmp_path / "trained"), history=True)
    assert "mine (untrained)" in capsys.readouterr().out


def test_a_history_says_it_of_each_run(trained: Run) -> None:
    rows = history([trained, with_weights(trained, RANDOM)]).table.rows
    assert [row["method"] for row in rows] == ["mine", "mine (untrained)"]


def test_notes_of_tables_give_random_parameters_no_hash(trained: Run) -> None:
    (row,) = measured([with_weights(trained, RANDOM)], wanted=lambda record: record.scored)
    assert row.name == "mine (untrained)"
    assert any(note.startswith("untrained, random parameters; run 2026") for note in row.notes)
    assert "weights mine-small (sha256 abcdef01)" in SMALL.described
