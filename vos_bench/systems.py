"""Systems that do not run here: known by published numbers, or by label maps that their authors released."""

import importlib.resources
import tomllib
from dataclasses import dataclass
from typing import Literal

from vos_bench.errors import BadInputError


@dataclass(frozen=True)
class KnownSystem:
    """One such system.

    Attributes:
        name: As `vos-bench import --method` calls it.
        published: Its name in the table of published scores.
        summary: One sentence.
        reference: Its paper, and where its code lies.
        licence: Licence of its code.
        weights: Whether there are any, in words.
        weights_licence: Licence of these.
        masks: Where its released label maps lie; empty where there are none.
        note: What a reader of its row should know.
    """

    name: str
    published: str
    summary: str
    reference: str
    licence: str
    weights: str
    weights_licence: str
    masks: str = ""
    note: str = ""

    @property
    def row(self) -> Literal["results-only", "published only"]:
        """What kind of row it has in tables."""
        return "results-only" if self.masks else "published only"


def known_systems() -> dict[str, KnownSystem]:
    """Return all of them by name, sorted.

    Raises:
        BadInputError: The file that came with the package is damaged.
    """
    path = importlib.resources.files("vos_bench.methods") / "systems.toml"
    try:
        found = [KnownSystem(**row) for row in tomllib.loads(path.read_text(encoding="utf-8"))["system"]]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise BadInputError(f"{path}: {error}; install vos-bench again") from None
    return {system.name: system for system in sorted(found, key=lambda system: system.name)}
