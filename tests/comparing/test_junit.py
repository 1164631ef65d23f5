"""Comparisons as JUnit XML."""

import re
from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree as Xml

import pytest

from vos_bench.comparing.compare import compare
from vos_bench.comparing.comparison import Comparison
from vos_bench.comparing.junit import comparison_junit, refusal_junit
from vos_bench.errors import NotComparableError
from vos_bench.records import Run

MakeRun = Callable[..., Run]

# What https://github.com/windyroad/JUnit-Schema asks of each element: required attributes, and children in their order.
REQUIRED = {
    "testsuites": set(),
    "testsuite": {"package", "id", "name", "timestamp", "hostname", "tests", "failures", "errors", "time"},
    "properties": set(),
    "testcase": {"classname", "name", "time"},
    "failure": {"type"},
    "error": {"type"},
    "skipped": set(),
    "system-out": set(),
    "system-err": set(),
}
CHILDREN = {
    "testsuites": r"(testsuite )*",
    "testsuite": r"properties (testcase )*system-out system-err ",
    "testcase": r"(skipped |failure |error )?",
}


def read(text: str) -> Xml.Element:
    """Parse and check the form."""
    root = Xml.fromstring(text.encode())
    for element in root.iter():
        assert set(element.attrib) >= REQUIRED[element.tag]
        children = "".join(f"{child.tag} " for child in element)
        assert re.fullmatch(CHILDREN.get(element.tag, ""), children), (element.tag, children)
    (suite,) = root
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.attrib["timestamp"])
    cases = suite.findall("testcase")
    assert int(suite.attrib["tests"]) == len(cases)
    assert int(suite.attrib["failures"]) == len(suite.findall(".//failure"))
    assert int(suite.attrib["errors"]) == len(suite.findall(".//error"))
    assert int(suite.attrib["skipped"]) == len(suite.findall(".//skipped"))
    return suite


@pytest.fixture
def judged(make_run: MakeRun) -> Comparison:
    before = make_run({"a": (0.8, 0.8), "b": (0.6, 0.6), "c": (0.5, 0.5)}, fps=10.0)
    after = make_run({"a": (0.7, 0.9), "b": (0.5, 0.6), "c": None, "d": (0.1, 0.1)}, fps=5.0, amp="bf16")
    return compare(before, after)


def test_there_is_a_case_for_each_overall_score_and_each_sequence(judged: Comparison) -> None:
    suite = read(comparison_junit(judged))
    names = {(case.attrib["classname"], case.attrib["name"]) for case in suite.findall("testcase")}
    assert {("vos-bench.demo.overall", "J&F"), ("vos-bench.demo.sequences", "b")} <= names
    assert len(names) == len(judged.rows)


def test_failures_are_what_the_exit_code_counts(judged: Comparison) -> None:
    def failures(fail_on: str) -> set[str]:
        suite = read(comparison_junit(judged, fail_on=fail_on))
        return {case.attrib["name"] for case in suite.findall("testcase") if case.find("failure") is not None}

    assert failures("worse") == {"J&F", "J", "c"}
    assert failures("changed") == {"J&F", "J", "c", "F"}
    suite = read(comparison_junit(judged))
    assert "b: J&F worse: was 0.6000, is 0.5500" in suite.findtext("system-out", "")


def test_what_cannot_be_compared_is_skipped(judged: Comparison) -> None:
    suite = read(comparison_junit(judged))
    skipped = {case.attrib["name"] for case in suite.findall("testcase") if case.find("skipped") is not None}
    assert skipped == {"FPS", "d"}


def test_an_error_message_with_control_characters_stays_readable(make_run: MakeRun) -> None:
    before, after = make_run({"a": (0.8, 0.8), "b": (0.8, 0.8)}), make_run({"a": (0.8, 0.8), "b": None})
    record = after.sequence_records["b"].replace(error="\x1b[31m<b>&]]>\0 \ud800")
    broken = replace(after, sequence_records={**after.sequence_records, "b": record})
    failure = read(comparison_junit(compare(before, broken))).find(".//failure")
    assert failure is not None
    assert failure.text == "\ufffd[31m<b>&]]>\ufffd \ufffd"


def test_a_comparison_that_cannot_be_made_is_one_error() -> None:
    suite = read(refusal_junit(NotComparableError("other <data>\x1b"), when="2026-11-23T10:00:00Z"))
    (error,) = suite.findall("testcase/error")
    assert error.attrib["message"] == "Not comparable: other <data>\N{REPLACEMENT CHARACTER}"
