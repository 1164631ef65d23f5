"""A comparison as JUnit XML, which continuous integration shows as tests."""

import re
from xml.etree import ElementTree as Xml

from vos_bench.compare import OVERALL, Comparison, FailOn, Row, Verdict
from vos_bench.records import RunRecord

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, not even escaped; a method's error message may have it."""


def junit(comparison: Comparison, record: RunRecord, *, fail_on: FailOn = "worse") -> str:
    """Return a comparison as JUnit XML: a test case for each overall score and each sequence.

    What fails the comparison is a failure; what cannot be compared is skipped; a sequence whose score alone got worse
    passes, as it does by the exit code, and is named in `system-out`. The form is that of Ant's JUnit task.

    Args:
        comparison: The rows.
        record: Of the run that is judged.
        fail_on: What fails.
    """
    failing = set(comparison.failing(fail_on))
    skipped = sum(row.verdict is Verdict.NOT_COMPARABLE for row in comparison.rows)
    finished = record.ended.removesuffix("Z")
    suites = Xml.Element("testsuites")
    suite = Xml.SubElement(
        suites,
        "testsuite",
        {
            "package": "vos-bench",
            "id": "0",
            "name": _text(comparison.heading),
            "timestamp": finished,
            "hostname": "localhost",
            "tests": str(len(comparison.rows)),
            "failures": str(len(failing)),
            "errors": "0",
            "skipped": str(skipped),
            "time": "0",
        },
    )
    Xml.SubElement(suite, "properties")
    for row in comparison.rows:
        _add_case(suite, row, record, fails=row in failing)
    unpunished = [row for row in comparison.rows if row.verdict is Verdict.WORSE and row not in failing]
    Xml.SubElement(suite, "system-out").text = "\n".join(_text(f"{_name(row)}: {sentence(row)}") for row in unpunished)
    Xml.SubElement(suite, "system-err")
    Xml.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(suites, encoding="unicode") + "\n"


def _add_case(suite: Xml.Element, row: Row, record: RunRecord, *, fails: bool) -> None:
    kind = "overall" if row.subject == OVERALL else "sequences"
    names = {"classname": _text(f"vos-bench.{record.dataset.name}.{kind}"), "name": _text(_name(row)), "time": "0"}
    case = Xml.SubElement(suite, "testcase", names)
    if fails:
        failure = Xml.SubElement(case, "failure", {"type": row.verdict.value, "message": _text(sentence(row))})
        failure.text = _text(row.note)
    elif row.verdict is Verdict.NOT_COMPARABLE:
        Xml.SubElement(case, "skipped")


def sentence(row: Row) -> str:
    """Return a row's verdict with its numbers."""
    values = [
        f"{what} {value:.4f}" for what, value in (("was", row.baseline), ("is", row.candidate)) if value is not None
    ]
    return f"{row.score} {row.verdict.value}: {', '.join(values)}".strip() + (f" ({row.note})" if row.note else "")


def _name(row: Row) -> str:
    return row.score if row.subject == OVERALL else row.subject


def _text(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
