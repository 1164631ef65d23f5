"""A comparison as JUnit XML, which continuous integration shows as tests."""

import re
from collections.abc import Mapping
from xml.etree import ElementTree as Xml

from vos_bench.comparing.comparison import OVERALL, Comparison, ComparisonRow, FailOn, Verdict
from vos_bench.errors import VosBenchError
from vos_bench.records import RunRecord

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, not even escaped; a method's error message may have it."""


def comparison_junit(comparison: Comparison, *, fail_on: FailOn = "worse") -> str:
    """Return a comparison as JUnit XML: a test case for each overall score and each sequence.

    A row that fails the comparison is a failure, and one that cannot be compared is skipped. A sequence of which only
    the score got worse passes, as it does by the exit code, and is named in `system-out`. The form is that of Ant's
    JUnit task.
    """
    failing, record = set(comparison.failing(fail_on)), comparison.candidate.record
    skipped = sum(row.verdict is Verdict.NOT_COMPARABLE for row in comparison.rows)
    counts = {"tests": len(comparison.rows), "failures": len(failing), "errors": 0, "skipped": skipped}
    suite = _suite(comparison.heading, record.ended, counts)
    for row in comparison.rows:
        _add_case(suite, row, record, fails=row in failing)
    unpunished = [row for row in comparison.rows if row.verdict is Verdict.WORSE and row not in failing]
    return _written(suite, "\n".join(_text(f"{_name(row)}: {sentence(row)}") for row in unpunished))


def refusal_junit(error: VosBenchError, *, when: str) -> str:
    """Return a comparison that could not be made as JUnit XML: one case, an error. `when` is as in records."""
    suite = _suite("comparison", when, {"tests": 1, "failures": 0, "errors": 1, "skipped": 0})
    case = Xml.SubElement(suite, "testcase", {"classname": "vos-bench", "name": "comparison", "time": "0"})
    Xml.SubElement(case, "error", {"type": type(error).__name__, "message": _text(str(error))})
    return _written(suite)


def _suite(name: str, when: str, counts: Mapping[str, int]) -> Xml.Element:
    suite = Xml.Element(
        "testsuite",
        {
            "package": "vos-bench",
            "id": "0",
            "name": _text(name),
            "timestamp": when.removesuffix("Z"),
            "hostname": "localhost",
            **{count: str(number) for count, number in counts.items()},
            "time": "0",
        },
    )
    Xml.SubElement(suite, "properties")
    return suite


def _written(suite: Xml.Element, said: str = "") -> str:
    Xml.SubElement(suite, "system-out").text = said
    Xml.SubElement(suite, "system-err")
    suites = Xml.Element("testsuites")
    suites.append(suite)
    Xml.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(suites, encoding="unicode") + "\n"


def _add_case(suite: Xml.Element, row: ComparisonRow, record: RunRecord, *, fails: bool) -> None:
    kind = "overall" if row.subject == OVERALL else "sequences"
    names = {"classname": _text(f"vos-bench.{record.dataset.name}.{kind}"), "name": _text(_name(row)), "time": "0"}
    case = Xml.SubElement(suite, "testcase", names)
    if fails:
        failure = Xml.SubElement(case, "failure", {"type": row.verdict.value, "message": _text(sentence(row))})
        failure.text = _text(row.note)
    elif row.verdict is Verdict.NOT_COMPARABLE:
        Xml.SubElement(case, "skipped")


def sentence(row: ComparisonRow) -> str:
    """Return a row's verdict with its numbers."""
    values = [
        f"{what} {value:z.4f}" for what, value in (("was", row.baseline), ("is", row.candidate)) if value is not None
    ]
    return f"{row.score} {row.verdict.value}: {', '.join(values)}".strip() + (f" ({row.note})" if row.note else "")


def _name(row: ComparisonRow) -> str:
    return row.score if row.subject == OVERALL else row.subject


def _text(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
