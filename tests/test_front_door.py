"""`import vos_bench`: quick, and every name is there."""

import ast
import re
from pathlib import Path

import pytest
from python_processes import run_python

import vos_bench

HEAVY = {"numpy", "pandas", "torch", "pydantic", "PIL", "cv2"}


def test_the_import_takes_under_20_milliseconds_of_its_own():
    times = []
    for _ in range(5):  # the least of them: a busy machine is no fault of the code
        lines = run_python("-X", "importtime", "-c", "import vos_bench").stderr.splitlines()
        [own] = [int(line.split("|")[0].split(":")[1]) for line in lines if re.search(r"\| +vos_bench$", line)]
        times.append(own)
    assert min(times) < 20_000


def test_the_import_loads_nothing_heavy():
    assert run_python("-c", f"import sys, vos_bench; print({HEAVY} & {{*sys.modules}})").stdout == "set()\n"


@pytest.mark.parametrize("name", vos_bench.__all__)
def test_every_name_is_there_and_documented(name: str):
    found = getattr(vos_bench, name)
    assert found.__doc__
    assert found.__name__ == name
    assert name in dir(vos_bench)
    assert vos_bench.__dict__[name] is found


def test_what_type_checkers_see_is_what_is_there():
    tree = ast.parse(Path(vos_bench.__file__).read_text("utf-8"))
    imported = {
        each.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for each in node.names
    }
    assert imported == vos_bench._HOMES
    assert sorted(imported) == sorted(vos_bench.__all__)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'vos_bench' has no attribute 'rum'"):
        vos_bench.rum  # noqa: B018
