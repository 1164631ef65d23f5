"""Data flows one way: no import of the core leads back to where it came from."""

import ast
from graphlib import CycleError, TopologicalSorter
from importlib.util import resolve_name
from pathlib import Path

import pytest

import vos_bench

PACKAGE = Path(vos_bench.__file__).parent
PLUGINS = ("vos_bench.methods", "vos_bench.datasets", "vos_bench.reports")
"""What a wheel has inside, and a checkout beside."""


def modules(package: Path) -> dict[str, ast.Module]:
    """Return the modules below a package by name; a package has that of its folder."""
    parsed = {path.relative_to(package.parent): ast.parse(path.read_text()) for path in package.rglob("*.py")}
    return {".".join(path.with_suffix("").parts).removesuffix(".__init__"): tree for path, tree in parsed.items()}


def arrows(package: Path) -> dict[str, set[str]]:
    """Return which modules each module names in its imports, also in functions and for type checkers alone."""
    trees = modules(package)
    found: dict[str, set[str]] = {name: set() for name in trees}
    for name, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                home = name if any(other.startswith(f"{name}.") for other in trees) else name.rpartition(".")[0]
                module = resolve_name("." * node.level + (node.module or ""), home)
                whole = [f"{module}.{each.name}" for each in node.names]
                found[name] |= {full if full in trees else module for full in whole}
            elif isinstance(node, ast.Import):
                found[name] |= {each.name for each in node.names}
    return {name: named & trees.keys() for name, named in found.items()}


def test_no_import_leads_back() -> None:
    found = {name: named for name, named in arrows(PACKAGE).items() if not name.startswith(PLUGINS)}
    assert "vos_bench.records.run" in found["vos_bench.records"]
    found[PACKAGE.name] = set()  # the front door shows functions of all rooms, and holds the version, which rooms need
    TopologicalSorter(found).prepare()


@pytest.mark.parametrize(
    "line", ["from made_up.notebook import html", "from . import notebook", "import made_up.notebook"]
)
def test_an_import_that_leads_back_is_found(tmp_path: Path, line: str) -> None:
    package = tmp_path / "made_up"
    package.mkdir()
    (package / "run.py").write_text(f"def show():\n    {line}\n")
    (package / "notebook.py").write_text("if TYPE_CHECKING:\n    from made_up.run import Run\n")
    with pytest.raises(CycleError):
        TopologicalSorter(arrows(package)).prepare()
