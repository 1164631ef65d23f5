"""Imports the package of a tracking server, which is not a dependency of vos-bench."""

import importlib
from typing import Any

from vos_bench.errors import BadInputError


def import_package(name: str) -> Any:
    """Import a package that the logger of the same name needs. Raises BadInputError where it is not installed."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise BadInputError(f"--to {name}: found no package {name}; pip install {name}") from None
