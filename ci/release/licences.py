"""The licence of every package that vos-bench needs to run; fails where one is unknown or strong copyleft.

    pip install . pip-licenses
    python ci/release/licences.py

Looks at the packages that are installed beside vos-bench and that it needs, directly or through others, without extras.
What a wheel bundles besides its own code is named in that wheel's licence files and is not looked at here.
"""

import importlib.metadata
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PACKAGE = "vos-bench"

FREE = re.compile(
    r"(new |modified |3-clause |2-clause )?bsd( license|-[23]-clause|-[23]-clause.*)?|0bsd|mit([ -]cmu|-0)?( license)?"
    r"|apache([ -](software license|license.*|2(\.0)?))?( with llvm-exception)?|isc.*|zlib.*|(psf|python).*|bsl-1\.0"
    r"|boost.*|cc0-1\.0|unlicense|the unlicense.*|hpnd|ncsa|libpng.*|unicode-.*|(mozilla|mpl).*2\.0.*|public domain"
    r"|lgpl.*|gnu lesser.*|.*with gcc-exception-3\.1",
    re.IGNORECASE,
)
"""Licences that let a package of another licence need theirs; copyleft of the file or of the library is among them."""

COPYLEFT = re.compile(r"(a|s)?gpl.*|gnu (affero |general).*|sspl.*|eupl.*|.*\bagpl\b.*", re.IGNORECASE)

ALLOWED: Mapping[str, str] = {
    r"nvidia-.*": "NVIDIA's own terms allow its use; it comes with torch's build for GPUs and is not passed on by us",
    r"cuda-toolkit": "an empty package that names nvidia-* packages, which torch's build for GPUs needs",
}
"""Names of packages, as patterns, that may have any licence, and why."""


class Entry(NamedTuple):
    """One package that is needed."""

    name: str
    version: str
    licence: str

    @property
    def problem(self) -> str:
        """What is wrong with its licence; empty where nothing is."""
        if any(re.fullmatch(pattern, self.name.lower()) for pattern in ALLOWED):
            return ""
        found = [verdict(alternative) for alternative in re.split(r"\s+OR\s+", self.licence)]
        return "" if "" in found else found[0]


def verdict(licence: str) -> str:
    """Return what is wrong with a licence all of whose parts hold together, or nothing."""
    parts = [part.strip("() ") for part in re.split(r"\s+AND\s+|;|,", licence)]
    if unknown := [part for part in parts if not FREE.fullmatch(part)]:
        kind = "strong copyleft" if COPYLEFT.fullmatch(unknown[0]) else "not known to be free"
        return f"{unknown[0] or 'no licence'}: {kind}"
    return ""


def needed(package: str) -> set[str]:
    """Return the names of all packages that one needs, without itself; of extras only those asked for."""
    found: set[str] = set()
    waiting: list[tuple[str, frozenset[str]]] = [(package, frozenset())]
    while waiting:
        name, extras = waiting.pop()
        for text in importlib.metadata.requires(name) or ():
            wanted = Requirement(text)
            asked = wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in ("", *extras))
            key = canonicalize_name(wanted.name)
            if asked and key not in found:
                found.add(key)
                waiting.append((wanted.name, frozenset(wanted.extras)))
    return found


def licences(names: Iterable[str]) -> list[Entry]:
    """Ask pip-licenses about packages."""
    command = [sys.executable, "-m", "piplicenses", "--from=mixed", "--format=json", "--with-system"]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    wanted = set(names)
    entries = [Entry(each["Name"], each["Version"], " ".join(each["License"].split())) for each in told]
    return sorted(entry for entry in entries if canonicalize_name(entry.name) in wanted)


def main() -> int:
    """Print the list; return 1 where a licence is a problem, or a package is missing from the list."""
    names = needed(PACKAGE)
    entries = licences(names)
    for entry in entries:
        print(f"{entry.name} {entry.version}: {entry.licence[:100]}" + f" <- {entry.problem}" * bool(entry.problem))
    unlisted = sorted(names - {canonicalize_name(entry.name) for entry in entries})
    problems = [entry.name for entry in entries if entry.problem]
    if unlisted or problems:
        print(f"no known licence, or one that does not fit: {', '.join([*problems, *unlisted])}")
        return 1
    print(f"{len(entries)} packages that are needed, all with licences that fit")
    return 0


if __name__ == "__main__":
    sys.exit(main())
