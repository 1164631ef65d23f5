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

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PACKAGE = "vos-bench"

FREE = frozenset(
    {
        *(
            "0BSD",
            "BSD-2-Clause",
            "BSD-3-Clause",
            "BSD-3-Clause-Clear",
            "ISC",
            "MIT",
            "MIT-0",
            "MIT-CMU",
            "HPND",
            "NCSA",
        ),
        *("Apache-2.0", "BSL-1.0", "PSF-2.0", "Python-2.0", "Python-2.0.1", "Zlib", "Libpng", "libpng-2.0"),
        *("CC0-1.0", "Unlicense", "Unicode-3.0", "Unicode-DFS-2015", "Unicode-DFS-2016", "MPL-2.0"),
        *(f"LGPL-{version}-{which}" for version in ("2.0", "2.1", "3.0") for which in ("only", "or-later")),
    }
)
"""Licences by their SPDX names that let a package of another licence need theirs; copyleft of the file or of the
library is among them."""

FREE_WITH = frozenset({"GCC-exception-3.1"})
"""Exceptions that make any licence such a one."""

FREE_WORDS = re.compile(
    r"((new|modified|3-clause|2-clause) )?bsd([- ][23]-clause)?( license)?|(the )?mit( license)?( \(mit\))?"
    r"|(the )?apache( software)?( license)?(,? (version )?2(\.0)?)?|isc license( \(iscl\))?|public domain"
    r"|(the )?unlicense( \(unlicense\))?|zlib/libpng license|(python software foundation|psf) license"
    r"|boost software license 1\.0 \(bsl-1\.0\)|historical permission notice and disclaimer \(hpnd\)"
    r"|university of illinois/ncsa open source license|mozilla public license 2\.0 \(mpl 2\.0\)"
    r"|gnu (lesser|library or lesser) general public license v[23][^;]{0,40}",
    re.IGNORECASE,
)
"""The same by the words of PyPI's classifiers, and of packages older than SPDX names."""

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
        return verdict(self.licence)


def verdict(licence: str) -> str:
    """Return what is wrong with a licence, or nothing; what is no SPDX expression is a list of words that all hold."""
    try:
        expression = canonicalize_license_expression(licence)
    except InvalidLicenseExpression:
        return next(filter(None, map(_verdict_on_words, licence.split(";"))), "")
    return _any_of(re.findall(r"[()]|[^\s()]+", expression))


def _any_of(tokens: list[str]) -> str:
    """Take alternatives from the front of `tokens`; one that is right is enough."""
    found = [_all_of(tokens)]
    while tokens[:1] == ["OR"]:
        del tokens[0]
        found.append(_all_of(tokens))
    return "" if "" in found else found[0]


def _all_of(tokens: list[str]) -> str:
    found = [_one_of(tokens)]
    while tokens[:1] == ["AND"]:
        del tokens[0]
        found.append(_one_of(tokens))
    return next(filter(None, found), "")


def _one_of(tokens: list[str]) -> str:
    token = tokens.pop(0)
    if token == "(":
        found = _any_of(tokens)
        del tokens[0]  # the bracket's end
        return found
    exception = ""
    if tokens[:1] == ["WITH"]:
        exception = tokens[1]
        del tokens[:2]
    return "" if token in FREE or exception in FREE_WITH else _problem(token)


def _verdict_on_words(words: str) -> str:
    return "" if FREE_WORDS.fullmatch(words.strip()) else _problem(words.strip())


def _problem(licence: str) -> str:
    kind = "strong copyleft" if COPYLEFT.fullmatch(licence) else "not known to be free"
    return f"{licence or 'no licence'}: {kind}"


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
