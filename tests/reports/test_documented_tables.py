"""The tables in the documentation are those that the reports make."""

from pathlib import Path

import pytest

from vos_bench import registry
from vos_bench.tables import render

TABLES = Path(__file__).parents[2] / "docs" / "tables"


@pytest.mark.parametrize("name", ["ablation", "box", "davis17", "speed", "ytvos18", "ytvos19"])
def test_the_published_tables_are_as_documented(name: str) -> None:
    made = render(registry.resolve(registry.report(name).factory)([]), "markdown")
    assert made == (TABLES / f"{name}.md").read_text(encoding="utf-8")
