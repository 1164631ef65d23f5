"""Systems of the field that do not run here, as `systems.toml` lists them."""

import tomllib
from pathlib import Path

from vos_bench.errors import BadInputError
from vos_bench.plugins import KnownSystem


def known_systems() -> list[KnownSystem]:
    """Return all of them. Raises BadInputError where the file that came with the package is damaged."""
    path = Path(__file__).with_name("systems.toml")
    try:
        return [KnownSystem(**row) for row in tomllib.loads(path.read_text(encoding="utf-8"))["system"]]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise BadInputError(f"{path}: {error}; install vos-bench again") from None
