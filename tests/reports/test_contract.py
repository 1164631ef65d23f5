"""What every registered report must do."""

from pathlib import Path
from typing import Any

import pytest

from vos_bench import registry
from vos_bench.api import ReportOptions
from vos_bench.tables import FORMATS, Table, render

TABLES = [name for name in registry.names("reports") if registry.report(name).kind == "table"]


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_made_of_real_runs_in_every_format(name: str, on_disk: Any) -> None:
    info = registry.report(name)
    more = (ReportOptions(out=Path(), root=on_disk.root),) if info.options else ()
    table = registry.resolve(info.factory)(on_disk.runs, *more)
    assert isinstance(table, Table)
    for format in FORMATS:
        text = render(table, format)
        assert text.endswith("\n")
        assert "nan" not in text.lower().split()


@pytest.mark.parametrize("name", registry.names("reports"))
def test_a_report_is_called_by_its_entry_points_name_and_its_function_exists(name: str) -> None:
    info = registry.report(name)
    assert info.name == name
    assert callable(registry.resolve(info.factory))
    assert len(info.summary.splitlines()) == 1
