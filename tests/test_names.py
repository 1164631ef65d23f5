"""Names from strangers: which become files, and how they are shown."""

import pytest

from vos_bench.names import MOST_NAME_BYTES, counted, did_you_mean, escape_formula, is_file_name, printable, shorten

ODD = [
    "",
    ".",
    "..",
    "a/b",
    "/a",
    "a\\b",
    "a\0b",
    "a\nb",
    "a\x1b[31mb",
    "\x7f",
    "\x9b",
    "\u202ea",
    "a\u2066",
    "a\u2028b",
]


@pytest.mark.parametrize("name", [*ODD, "\udcff", "x" * 201, "ü" * 101])
def test_a_name_that_would_leave_its_folder_or_steer_a_terminal_is_no_files(name: str) -> None:
    assert not is_file_name(name)


@pytest.mark.parametrize(
    "name", ["one", "with space", "a.b", "-rf", "ü", "日本", "می\u200cخواهم", "👩‍👩‍👧", "x" * MOST_NAME_BYTES]
)
def test_names_that_people_use_are_files(name: str) -> None:
    assert is_file_name(name)


def test_what_would_steer_a_terminal_is_shown_as_its_code() -> None:
    assert printable("a\x1b[2J\x9b\u202e\ud800b\r\n\tc") == "a\\x1b[2J\\x9b\\u202e\\ud800b\\x0d\n\tc"
    assert printable("ü 日本 – ±") == "ü 日本 – ±"


def test_a_formula_is_told_from_a_number() -> None:
    assert [escape_formula(text) for text in ("=1+1", "@x", "-a", "+a", "\ta")] == [
        "'=1+1",
        "'@x",
        "'-a",
        "'+a",
        "'\ta",
    ]
    assert [escape_formula(text) for text in ("-1.5", "+2", "a=b", "", "–")] == ["-1.5", "+2", "a=b", "", "–"]


def test_a_misspelt_name_gets_the_close_one_and_a_strange_one_what_there_is() -> None:
    assert did_you_mean("caml", ["camel", "bear"]) == "did you mean camel?"
    assert did_you_mean("zzz", ["camel", "bear"]) == "known: camel, bear"
    assert did_you_mean("zzz", [], otherwise="see the list") == "see the list"
    assert did_you_mean("zzz", []) == "known: none"


def test_of_many_names_a_message_holds_a_few() -> None:
    assert shorten("abc") == "a, b, c"
    assert shorten("abcd") == "a, b, c, …"


def test_a_number_has_its_noun():
    assert [counted(number, "frame") for number in (0, 1, 2)] == ["0 frames", "1 frame", "2 frames"]
    assert [counted(number, "map is", "maps are") for number in (1, 3)] == ["1 map is", "3 maps are"]
