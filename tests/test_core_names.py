"""The core knows no plugin by name: what it wants of one, a field of its description says."""

import ast
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import vos_bench

CORE = Path(vos_bench.__file__).parent
FAMILIES = ("methods", "datasets", "reports", "loggers")
LOOK_UPS = {"method", "dataset", "report", "logger", "open_dataset"}
"""Functions of `vos_bench.registry` whose first argument is a plugin's name."""

PLUGINS = {point.name for family in FAMILIES for point in entry_points(group=f"vos_bench.{family}")}
OURS = {CORE / family for family in FAMILIES}
SOURCES = {path: path.read_text() for path in CORE.rglob("*.py") if not OURS & set(path.parents)}


def words(tree: ast.Module) -> Iterator[str]:
    """Yield the core's own words: what its Literal types list, and how the fields of its classes are called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "Literal":
            yield from (each.value for each in ast.walk(node.slice) if isinstance(each, ast.Constant))
        elif isinstance(node, ast.ClassDef):
            for each in node.body:
                if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
                    yield each.target.id


VOCABULARY = {word for source in SOURCES.values() for word in words(ast.parse(source))}


def named(source: str) -> list[str]:
    """Return the plugins that a source names, each with its line."""
    tree, found = ast.parse(source), []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text, line = node.value, node.lineno
            if text in PLUGINS - VOCABULARY or text.startswith(tuple(f"vos_bench.{each}." for each in FAMILIES)):
                found.append(f"{line}: {text}")
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if called in LOOK_UPS:
                found.append(f"{node.lineno}: {called}({node.args[0].value!r})")
    return found


@pytest.mark.parametrize("path", sorted(SOURCES), ids=lambda path: path.relative_to(CORE).as_posix())
def test_no_module_of_the_core_names_a_plugin(path: Path) -> None:
    assert not named(SOURCES[path]), "let the plugin's description say it: vos_bench/plugins.py"


@pytest.mark.parametrize(
    "line",
    ['name = "lwl"', 'if name == "davis17": pass', 'registry.report("runs")', 'at = "vos_bench.methods.lwl:INFO"'],
)
def test_a_plugin_that_is_named_is_found(line: str) -> None:
    assert named(f"import vos_bench\n{line}\n")[0].startswith("2: ")


def test_words_of_the_core_may_also_name_a_plugin() -> None:
    assert {"box", "external", "html"} <= PLUGINS & VOCABULARY
    assert not named('kind = "box"')
