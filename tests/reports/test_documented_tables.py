"""The tables and the figure in the documentation are those that the reports make."""

from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import pytest

from vos_bench import registry
from vos_bench.api import ReportOptions
from vos_bench.records import find_runs
from vos_bench.tables import Format, render

ROOT = Path(__file__).parents[2]
TABLES = ROOT / "docs" / "tables"
ROBUSTNESS = ROOT / "docs" / "images" / "robustness.svg"
FIGURE = ROOT / "docs" / "images" / "ablation.svg"
RECORDS = "ablation-lite"
SUFFIXES = {"markdown": "md", "latex": "tex"}


@pytest.mark.parametrize(
    "name", ["box", "davis17", "lvos2", "mosev2", "sav", "speed", "summary", "vost", "ytvos18", "ytvos19"]
)
def test_the_published_tables_are_as_documented(name: str) -> None:
    made = render(registry.resolve(registry.report(name).factory)([]), "markdown")
    assert made == (TABLES / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["ablation", "ablation-axes"])
@pytest.mark.parametrize("form", ["markdown", "latex"])
def test_the_tables_of_the_ablation_are_made_of_the_committed_records(
    name: str, form: Format, results: Callable[[str], Path]
) -> None:
    runs = find_runs([results(RECORDS)]).runs
    made = render(registry.resolve(registry.report(name).factory)(runs), form)
    assert made == (TABLES / f"{name}.{SUFFIXES[form]}").read_text(encoding="utf-8")


@pytest.mark.skipif(
    f"Matplotlib v{mpl.__version__}," not in FIGURE.read_text(encoding="utf-8"),
    reason=f"docs/images/ablation.svg was drawn by another matplotlib than {mpl.__version__}",
)
def test_the_figure_of_the_ablation_is_drawn_from_the_committed_records(
    tmp_path: Path, results: Callable[[str], Path]
) -> None:
    out = tmp_path / "ablation.svg"
    runs = find_runs([results(RECORDS)]).runs
    registry.resolve(registry.report("ablation-figure").factory)(runs, ReportOptions(out=out))
    assert out.read_bytes() == FIGURE.read_bytes()


def test_the_table_of_robustness_is_made_of_the_committed_records(results: Callable[[str], Path]) -> None:
    runs = find_runs([results("robustness")]).runs
    made = render(registry.resolve(registry.report("robustness").factory)(runs), "markdown")
    assert made == (TABLES / "robustness.md").read_text(encoding="utf-8")
    assert {run.record.environment.git.dirty for run in runs if run.record.environment.git} == {False}


@pytest.mark.skipif(
    f"Matplotlib v{mpl.__version__}," not in ROBUSTNESS.read_text(encoding="utf-8"),
    reason=f"docs/images/robustness.svg was drawn by another matplotlib than {mpl.__version__}",
)
def test_the_figure_of_robustness_is_drawn_from_the_committed_records(
    tmp_path: Path, results: Callable[[str], Path]
) -> None:
    out = tmp_path / "robustness.svg"
    runs = find_runs([results("robustness")]).runs
    registry.resolve(registry.report("robustness-figure").factory)(runs, ReportOptions(out=out))
    assert out.read_bytes() == ROBUSTNESS.read_bytes()


def test_the_figures_of_real_time_are_those_of_the_committed_records(results: Callable[[str], Path]) -> None:
    page = (ROOT / "docs" / "real-time.md").read_text(encoding="utf-8")
    runs = find_runs([results("real-time")]).runs
    rows = registry.resolve(registry.report("real-time").factory)(runs).rows
    by_rate = {(row["method"], row["rate"]): row for row in rows}
    for method in ("copy-first", "flow-warp", "lwl-lite"):
        slow, fast = by_rate[method, 2], by_rate[method, 30]
        scores = (fast["offline"], slow["in real time"], fast["in real time"])
        figures = (*(f"{100 * score:.1f}" for score in scores), f"{100 * fast['dropped']:.0f} %", f"{fast['p50']:.0f}")
        assert f"| `{method}` | {' | '.join(figures)} |" in page
