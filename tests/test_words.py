"""The names of the core and the words of the glossary: one word means one thing."""

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CORE = ROOT / "vos_bench"
PRODUCT = ("vos_bench", "methods", "datasets", "reports")

SAME_INTERFACE = {
    "main": "the entry point of a program: of the command, and of a worker process",
}
"""Public functions that share a name because they are the same interface."""


def definitions(kind: type[ast.stmt]) -> dict[str, set[Path]]:
    """Return the files of the core that define each public class or function at their top."""
    found: dict[str, set[Path]] = defaultdict(set)
    for path in CORE.rglob("*.py"):
        if path.parent.name == "templates":
            continue  # starts of users' own files, of which each stands alone
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, kind) and not node.name.startswith("_"):  # type: ignore[attr-defined]
                found[node.name].add(path.relative_to(CORE))  # type: ignore[attr-defined]
    return found


def glossary() -> Iterator[tuple[str, list[str]]]:
    """Yield each row of the glossary: its terms, and all of its cells."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.partition("\n## Glossary\n")[2].partition("\n## ")[0]
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[0] not in ("term", "---"):
            yield cells[0], cells


def test_no_two_classes_of_the_core_share_a_name() -> None:
    assert {name: files for name, files in definitions(ast.ClassDef).items() if len(files) > 1} == {}


def test_no_two_public_functions_of_the_core_share_a_name() -> None:
    shared = {}
    for name, files in definitions(ast.FunctionDef).items():
        # A command has the name that users type, and may share it with the verb that it calls.
        files = {path for path in files if path.parts[0] != "commands"}
        if len(files) > 1:
            shared[name] = files
    assert shared.keys() == SAME_INTERFACE.keys(), shared


def test_the_glossary_defines_every_term_once() -> None:
    terms = Counter(term.strip("`").lower() for cell, _ in glossary() for term in cell.split(", "))
    assert len(terms) > 60
    assert [term for term, count in terms.items() if count > 1] == []


def test_every_row_of_the_glossary_has_a_meaning() -> None:
    assert [cells for _, cells in glossary() if len(cells) not in (2, 3) or not all(cells)] == []


def test_a_class_in_the_glossary_is_one_of_the_core() -> None:
    names = {name for _, cells in glossary() for name in re.findall(r"`([A-Z]\w+)`", " ".join(cells))}
    assert names
    assert names - definitions(ast.ClassDef).keys() == set()


@pytest.mark.parametrize(("folder", "most"), [(".", 20), ("running", 14)])
def test_a_room_has_few_files(folder: str, most: int) -> None:
    assert len([path for path in (CORE / folder).glob("*.py") if path.name != "__init__.py"]) <= most


def test_models_are_copied_by_a_function_that_checks_the_changes() -> None:
    found = {
        f"{path.relative_to(ROOT)}:{number}"
        for folder in PRODUCT
        for path in (ROOT / folder).rglob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if re.search(r"model_copy\(\s*(update|\*\*)", line)
    }
    assert found == set()
