"""The command line in this process, and what must hold of whatever it says."""

import io
from collections.abc import Iterable
from contextlib import redirect_stderr, redirect_stdout
from typing import Any, NamedTuple

from hostile.outcome import is_harmless
from vos_bench.cli import main


class Said(NamedTuple):
    """The exit code and both streams."""

    code: int
    out: str
    err: str


def call(*arguments: Any) -> Said:
    """Run a command; it ends with a known code, without a traceback, and says nothing that a terminal would obey."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main([str(argument) for argument in arguments])
    said = Said(code, out.getvalue(), err.getvalue())
    assert code in {0, 1, 2}, said
    assert "Traceback" not in said.out + said.err, said
    assert is_harmless(said.out + said.err), said
    (said.out + said.err).encode("utf-8")  # a terminal could show it
    if code == 2:
        assert said.err.count("vos-bench: ") >= 1 or "problem" in said.out, said
    return said


def unescaped(page: str, names: Iterable[str]) -> list[str]:
    """Return those names that would be markup where they stand in a page."""
    return [name for name in names if "<" in name and name in page]
