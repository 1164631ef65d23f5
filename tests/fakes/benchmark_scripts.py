"""The scripts of `benchmarks/`, which are no modules of a package."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

from python_processes import run_python

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def load_script(name: str) -> Any:
    """Import a script."""
    spec = importlib.util.spec_from_file_location(f"{name}_script", BENCHMARKS / f"{name}.py")
    assert spec
    assert spec.loader
    found = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = found
    spec.loader.exec_module(found)
    return found


def run_script(name: str, *arguments: str) -> str:
    """Run a script in a process of its own; return what it printed. A failure shows its errors."""
    return run_python(BENCHMARKS / f"{name}.py", *arguments).stdout
