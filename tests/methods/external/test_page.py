"""docs/external.md says what is there."""

import re
from pathlib import Path

import pytest
from python_processes import run_python

from vos_bench import registry
from vos_bench.methods.external.method import PLACEHOLDERS
from vos_bench.methods.external.recipes import DRIVERS

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "external.md").read_text(encoding="utf-8")


def test_the_client_of_the_page_is_the_one_that_comes_along() -> None:
    client = (DRIVERS / "vos_bench_client.py").read_text(encoding="utf-8")
    assert re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[-1] == client


def test_the_client_is_printed_by_a_command() -> None:
    printed = run_python("-m", "vos_bench.methods.external").stdout
    assert printed == (DRIVERS / "vos_bench_client.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PLACEHOLDERS)
def test_every_placeholder_is_explained(name: str) -> None:
    assert f"`{{{name}}}`" in PAGE


@pytest.mark.parametrize("name", ["sam2.1", "cutie", "xmem", "aot"])
def test_every_option_of_a_recipe_is_in_the_table(name: str) -> None:
    factory = registry.resolve(registry.method(name).factory)
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |"))
    for option in set(factory.Config.model_fields) - factory.common - {"repository"}:
        assert f"`{option}=" in row
