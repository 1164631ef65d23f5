"""Data flows one way: no import of the package leads back to where it came from."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import vos_bench

PACKAGE = Path(vos_bench.__file__).parent


def modules(package: Path) -> dict[str, ast.Module]:
    """Return the modules below a package by name; a package has that of its folder."""
    parsed = {path.relative_to(package.parent): ast.parse(path.read_text()) for path in package.rglob("*.py")}
    return {".".join(path.with_suffix("").parts).removesuffix(".__init__"): tree for path, tree in parsed.items()}


def arrows(package: Path) -> dict[str, set[str]]:
    """Return which modules each module names in its imports, also in functions and for type checkers alone."""
    trees = modules(package)
    return {
        name: {
            full if (full := f"{node.module}.{each.name}") in trees else node.module
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(f"{package.name}.")
            for each in node.names
        }
        for name, tree in trees.items()
    }


def test_no_import_leads_back() -> None:
    found = arrows(PACKAGE)
    assert "vos_bench.records.run" in found["vos_bench.records"]
    TopologicalSorter(found).prepare()


def test_an_import_that_leads_back_is_found(tmp_path: Path) -> None:
    package = tmp_path / "made_up"
    package.mkdir()
    (package / "run.py").write_text("def show():\n    from made_up.notebook import html\n")
    (package / "notebook.py").write_text("if TYPE_CHECKING:\n    from made_up.run import Run\n")
    with pytest.raises(CycleError):
        TopologicalSorter(arrows(package)).prepare()
