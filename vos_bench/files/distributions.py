"""Installed distributions: their versions, and what they need.

Only what lies in a folder that Python imports from is found. `importlib.metadata` finds more, but takes as long to load
as a hundred label maps take to score, because it loads Python's package for e-mail.
"""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


class InstalledDistributions:
    """What is installed, by a look at the folders that Python imports from."""

    def __init__(self) -> None:
        """Look."""
        self._folders: dict[str, str] = {}
        for place in sys.path:
            with suppress(OSError):
                for entry in os.listdir(place or "."):  # noqa: PTH208 - a path for each takes longer
                    if entry.endswith((".dist-info", ".egg-info")):
                        name = entry.rpartition(".")[0].partition("-")[0]
                        self._folders.setdefault(_normal(name), f"{place or '.'}/{entry}")

    def text(self, distribution: str, *files: str) -> str:
        """Return what the first of these files says that a distribution has; empty where there is none."""
        if folder := self._folders.get(_normal(distribution)):
            for file in files:
                with suppress(OSError, UnicodeDecodeError):
                    return Path(folder, file).read_text(encoding="utf-8")
        return ""

    def version(self, distribution: str) -> str:
        """Return the version of a distribution; empty where it is not installed."""
        return next(self._values(distribution, "Version"), "")

    def requirements(self, distribution: str) -> Iterator[str]:
        """Yield the names of what a distribution needs, without its extras; none where it is not installed."""
        for requirement in self._values(distribution, "Requires-Dist"):
            if "extra ==" not in requirement:
                yield re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]

    def _values(self, distribution: str, key: str) -> Iterator[str]:
        """Yield the values of a key in the metadata of a distribution, whose description begins behind a blank line."""
        head = self.text(distribution, "METADATA", "PKG-INFO").partition("\n\n")[0]
        fields = f"\n{head}".split(f"\n{key}: ")[1:]
        return (field.partition("\n")[0].strip() for field in fields)


def _normal(name: str) -> str:
    """Return a name of a distribution as all its spellings have it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
