"""Error messages: those of several facts are several short lines, and one line where a record holds them."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from vos_bench.api import Problem
from vos_bench.errors import indented, one_line

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = ("vos_bench", "methods", "datasets", "reports")

LONGEST_LINE = 160
VALUE = "x" * 12
"""What stands for a value that a message holds: a name, a number, the end of a path."""


def text_of(node: ast.expr) -> str:
    """Return what an expression makes of literals, with `VALUE` for the rest; of a choice, the longer one."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(map(text_of, parts))
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return text_of(left) + text_of(right)
        case ast.IfExp(body=body, orelse=orelse):
            return max(text_of(body), text_of(orelse), key=len)
        case _:
            return VALUE


def is_error(node: ast.AST) -> bool:
    """Return whether a part of a program makes an error, or the problem that becomes one."""
    if not isinstance(node, ast.Call):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return name in ("cls", "Problem") or name.endswith(("Error", "SystemExit"))


def messages(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each message in a program."""
    for node in ast.walk(ast.parse(source)):
        if is_error(node):
            assert isinstance(node, ast.Call)
            for argument in node.args:
                yield node.lineno, text_of(argument)


def too_long(source: str) -> list[int]:
    """Return where a program has messages with a line that is too long."""
    return [number for number, text in messages(source) if max(map(len, text.split("\n"))) > LONGEST_LINE]


def test_no_message_has_a_long_line() -> None:
    seen, found = 0, []
    for path in (path for folder in PRODUCT for path in sorted((ROOT / folder).rglob("*.py"))):
        source = path.read_text(encoding="utf-8")
        seen += len(list(messages(source)))
        found += [f"{path.relative_to(ROOT)}:{number}" for number in too_long(source)]
    assert seen > 500
    assert found == [], "write a message of several facts as several lines: what was found, what to do"


@pytest.mark.parametrize(
    ("program", "found"),
    [
        ('raise BadInputError(f"{path}: ' + 150 * "x" + '")', [1]),
        ('raise BadInputError(f"{path}: ' + 140 * "x" + '")', []),
        ('raise BadInputError("' + 100 * "x" + '\\n  " + "' + 100 * "x" + '")', []),
        ('raise BadInputError("' + 100 * "x" + '" + ("; ' + 100 * "x" + '" if told else ""))', [1]),
        ('print("' + 200 * "x" + '")', []),
    ],
)
def test_a_long_line_is_found(program: str, found: list[int]) -> None:
    assert too_long(program) == found


def test_a_record_holds_a_message_in_one_line() -> None:
    assert one_line("a: found b\n  expected c\n  give d") == "a: found b; expected c; give d"
    assert one_line("a: no weights. To give it some:\n  --weights FILE\n  or none.\n") == (
        "a: no weights. To give it some: --weights FILE; or none."
    )
    assert one_line("one line") == "one line"


def test_a_message_in_a_list_is_indented_below_its_first_line() -> None:
    assert indented("a: found b\n  give c") == "a: found b\n    give c"


def test_a_short_problem_is_one_line_and_a_long_one_is_three() -> None:
    assert Problem(Path("a"), "b", "c", "d").message == "a: found b; expected c; d"
    assert Problem(Path("a"), "b" * 100, "c" * 30, "d").message.split("\n") == [
        f"a: found {'b' * 100}",
        f"  expected {'c' * 30}",
        "  d",
    ]
