"""`--about NAME=VALUE`: what a form or a logger asks for and no file of a run or of data contains."""

from collections.abc import Iterable, Mapping

from vos_bench.errors import BadInputError
from vos_bench.names import did_you_mean


def parse_about(texts: Iterable[str], reader: str, known: Iterable[str]) -> Mapping[str, str]:
    """Read NAME=VALUE, each name once.

    Args:
        texts: What `--about` said.
        reader: The option that reads them, for the message: `--format coco`, `--to NAME`.
        known: The names that it takes.

    Raises:
        BadInputError: A text has no `=`, or its name is none of these, or stands twice.
    """
    known, found = tuple(known), dict[str, str]()
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator or not value.strip():
            raise BadInputError(f"--about {text}: expected NAME=VALUE, as in --about {known[0] if known else 'NAME'}=…")
        if name not in known:
            hint = did_you_mean(name, known) if known else "it takes none"
            raise BadInputError(f"--about {name}: {reader} has no use for it; {hint}")
        if name in found:
            raise BadInputError(f"--about {name}: named twice, expected once")
        found[name] = value.strip()
    return found


def require_about(about: Mapping[str, str], form: str, needed: Mapping[str, str]) -> None:
    """Raise BadInputError where something that the form needs was not said; `needed` is name to an example."""
    missing = [f"--about {name}={example}" for name, example in needed.items() if name not in about]
    if missing:
        raise BadInputError(f"--format {form}: the form requires what the files do not say; add {' '.join(missing)}")
