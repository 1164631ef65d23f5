"""Names and numbers that make trouble, and JSON made of them."""

import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

NAMES = (
    "",
    ".",
    "..",
    "../../x",
    "/etc/passwd",
    "a/b",
    "a\\b",
    "C:\\x",
    "~",
    "-rf",
    "--out",
    "a b",
    " a",
    "a ",
    "a\nb",
    "a\r\nvos-bench: all well",
    "a\tb",
    "a\0b",
    "\x1b[2J\x1b[31mred",
    "\x1b]0;title\x07",
    "\x9b31m",
    "\x7f",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'; DROP TABLE runs; --",
    "</script><script>alert(1)</script>",
    "{{ 7 * 7 }}",
    "{% raw %}",
    "${HOME}",
    "$(touch x)",
    "`touch x`",
    "%s%n",
    "=1+1",
    '=HYPERLINK("http://x","y")',
    "+1",
    "-1+1",
    "@SUM(A1)",
    "\\input{/etc/passwd}",
    "\\write18{touch x}",
    "a_b^c~d#e&f$g%",
    "a|b",
    "*a*",
    "[a](javascript:alert(1))",
    "![x](http://x)",
    "[bold]a[/bold]",
    "x" * 100,
    "x" * 300,
    "\u0430ne",  # a Cyrillic a
    "\uff4f\uff4e\uff45",  # full width
    "e\u0301",
    "\u00e9",
    "\u202egnp.one",
    "\u2066a\u2069",
    "\u200b",
    "\ufeffone",
    "\ud800",
    "\udcff",
    "\U0001f600",
    "CON",
    "NUL",
    "aux.txt",
    "COM1",
    "one.",
    "ONE",
    "None",
    "nan",
    "0",
    "01",
    "+1",
    "1e400",
)
"""Of sequences, frames, methods and files."""

NUMBERS = (
    *(0, -1, 1, 2, 255, 256, 65535, 65536, 2**31, 2**63, 2**64, -(2**63) - 1, 10**30),
    *(0.5, -0.0, 1e308, 1e-320, 1.0000000001, float("nan"), float("inf"), float("-inf")),
)

names = st.sampled_from(NAMES) | st.text(max_size=8)
"""Of files: mostly those that are known to make trouble."""

values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.sampled_from(NUMBERS) | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
"""Anything that JSON holds."""


def changed(draw: Any, tree: Any, times: int = 1) -> Any:
    """Return a copy of a tree of dicts and lists with so many places changed: replaced, removed, added or renamed."""
    copy = json.loads(json.dumps(tree))
    for _ in range(times):
        place = copy
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(place[key], (dict, list)) and place[key] and draw(st.integers(0, 4)):
                place = place[key]
                continue
            _change(draw, place, key)
            break
    return copy


def _change(draw: Any, place: Any, key: Any) -> None:
    how = draw(st.sampled_from(("replace", "replace", "name", "number", "remove", "twice", "add")))
    if how in {"replace", "name", "number"}:
        place[key] = draw({"replace": values, "name": names, "number": st.sampled_from(NUMBERS)}[how])
    elif how == "remove":
        del place[key]
    elif isinstance(place, list):
        place.insert(key, place[key] if how == "twice" else draw(values))
    else:
        place[draw(names)] = place[key] if how == "twice" else draw(values)


def _deep(text: str) -> str:
    return "[" * 20_000 + text + "]" * 20_000


def _deep_objects(text: str) -> str:
    return '{"videos":' * 20_000 + text + "}" * 20_000


AS_BYTES: dict[str, Callable[[str], bytes]] = {
    "plain": lambda text: text.encode("utf-8", "surrogatepass"),
    "byte order mark": lambda text: text.encode("utf-8-sig", "surrogatepass"),
    "UTF-16": lambda text: text.encode("utf-16", "surrogatepass"),
    "UTF-32": lambda text: text.encode("utf-32", "surrogatepass"),
    "Latin-1": lambda text: text.encode("latin-1", "replace") + b"\xe9",
    "cut": lambda text: text.encode("utf-8", "surrogatepass")[: len(text) // 2],
    "twice": lambda text: (text + text).encode("utf-8", "surrogatepass"),
    "NULs": lambda text: text.encode("utf-8", "surrogatepass") + bytes(100),
    "deep": lambda text: _deep(text).encode("utf-8", "surrogatepass"),
    "deep objects": lambda text: _deep_objects(text).encode("utf-8", "surrogatepass"),
    "many digits": lambda text: text.replace("1", "1" * 5000, 1).encode("utf-8", "surrogatepass"),
    "empty": lambda _: b"",
    "compressed": lambda _: b"\x1f\x8b\x08\0" + bytes(50),
}
"""Ways to write a text to a file, of which the first is the right one."""


@st.composite
def json_bytes(draw: Any, tree: Any, *, spoil: bool = True) -> bytes:
    """A file of JSON near `tree`: some places changed, now and then a key twice, or written in an odd way."""
    content = changed(draw, tree, draw(st.integers(0, 3)))
    text = json.dumps(content, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from((None, 1))))
    if draw(st.integers(0, 5)) == 0:
        text = _with_key_twice(draw, text)
    ways = tuple(AS_BYTES) if spoil else ("plain",)
    return AS_BYTES[draw(st.sampled_from(("plain",) * 2 * len(ways) + ways))](text)


def _with_key_twice(draw: Any, text: str) -> str:
    """Say one key of an object a second time, with another value."""
    at = [i for i, each in enumerate(text) if each == "{"]
    end = text.find(":", at[0]) if at else -1
    if end < 0:
        return text
    start = draw(st.sampled_from(at)) + 1
    end = text.find(":", start)
    return text if end < 0 else f"{text[:start]}{text[start:end]}: {json.dumps(draw(values))}, {text[start:]}"
