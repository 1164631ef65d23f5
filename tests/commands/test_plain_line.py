"""Plain command lines of `score` and `report`: read without cyclopts, and never otherwise than by it."""

import inspect
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_processes import run_python

from vos_bench.cli import main
from vos_bench.commands.app import app
from vos_bench.commands.plain_line import PLAIN, plain_arguments
from vos_bench.commands.report import report
from vos_bench.commands.reporting import make_reports
from vos_bench.commands.score import score
from vos_bench.commands.scoring import score_masks

WORDS = st.sampled_from(
    [f"--{name}" for command in PLAIN.values() for name in (*command.options, *command.flags)]
    + [
        "--json",
        "--notes",
        "--label",
        "--orientation",
        "--debug",
        "--help",
        "--truth=b",
        "--no-jobs",
        "-h",
        "--",
        "-",
        "",
        "score",
        "masks",
        "a b",
        "1",
        "007",
    ]
    + [
        "csv",
        "CSV",
        "markdown",
        "failures,review",
        "None",
        "null",
        "1_0",
        "1e3",
        "-1",
        "\u0661",
        "true",
        "davis",
        "DAVIS",
        "all-frames",
        "~/x",
        "a/../b/",
        ".",
        "é",
    ]
)


def by_cyclopts(line: list[str]) -> dict[str, object]:
    command, bound, _ = app.parse_args(line, exit_on_error=False, print_error=False)
    assert command is {"score": score, "report": report}[line[0]]
    return bound.arguments


@pytest.mark.parametrize("start", [["score", "masks"], ["report", "failures"], ["report"]])
@given(words=st.lists(WORDS, max_size=7))
def test_what_is_plain_means_the_same_to_cyclopts(start: list[str], words: list[str]) -> None:
    line = [*start, *words]
    if (found := plain_arguments(line)) is not None:
        assert found == by_cyclopts(line)


@pytest.mark.parametrize(
    "text",
    [
        "score masks --truth truth",
        "score --truth truth masks",
        "score masks --truth truth --protocol davis --jobs 4 --out out --name 'LWL (mine)'",
        "score masks --dataset davis17 --root /data --split val",
        "score --failures masks --truth truth",
        "report runs",
        "report failures,review runs/a runs/b --root /data",
        "report --sequences a,b attributes runs --published LWL --no-notes --format latex --out t.tex --methods A,B",
    ],
)
def test_usual_lines_are_plain(text: str) -> None:
    line = shlex.split(text)
    found = plain_arguments(line)
    assert found is not None
    assert found == by_cyclopts(line)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "run lwl-lite --dataset demo",
        "score",
        "score --truth truth",
        "score masks other",
        "score masks --truth",
        "score masks --truth ''",
        "score masks --truth=truth",
        "score masks --truth --out",
        "score masks --truth a --truth b",
        "score masks --jobs 0",
        "score masks --jobs many",
        "score masks --protocol nonsense",
        "score masks --name none",
        "score masks --json scores.json",
        "score masks --sequences @list",
        "score masks --unknown 1",
        "report",
        "report --root /data",
        "report failures runs --format nonsense",
        "report failures runs --label runs=Ours",
        "report failures runs --notes",
        "report failures runs null",
        "report failures runs --json x",
        "score masks -- x",
        "score --help",
        "score masks --debug",
        "--debug score masks",
        "--wide score masks --truth truth",
    ],
)
def test_every_other_line_is_left_to_cyclopts(text: str) -> None:
    assert plain_arguments(shlex.split(text)) is None


def test_bytes_that_are_no_text_are_left_to_what_refuses_them(capsys: pytest.CaptureFixture[str]) -> None:
    line = ["score", "\udcff", "--truth", "truth"]
    assert plain_arguments(line) is None
    assert main(line) == 2
    assert "not UTF-8" in capsys.readouterr().err


@pytest.mark.parametrize(("command", "function"), [(score, score_masks), (report, make_reports)])
def test_both_ways_lead_to_one_function_with_the_same_options(
    command: Callable[..., int], function: Callable[..., int]
) -> None:
    options = inspect.signature(command).parameters
    assert [*options] == [*inspect.signature(function).parameters]
    plain = PLAIN[command.__name__]
    named = {*plain.about, *plain.options, *(name for name, _ in plain.flags.values())}
    assert named < {*options}


def test_a_plain_line_forgets_the_flags_of_the_line_before(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    plain = ["score", str(tmp_path / "nowhere"), "--truth", str(tmp_path / "nowhere")]
    assert main(["--debug", *plain]) == 2
    with_traceback = capsys.readouterr().err
    assert main(plain) == 2
    without = capsys.readouterr().err
    assert "Traceback" in with_traceback
    assert "Traceback" not in without
    assert without.splitlines() == with_traceback.splitlines()[-len(without.splitlines()) :]


@pytest.mark.parametrize("line", [["score", "nowhere", "--truth", "nowhere"], ["report", "runs", "nowhere"]])
def test_a_plain_line_loads_no_cyclopts(line: list[str]) -> None:
    code = (
        f"import sys; from vos_bench.cli import main; main({line})\n"
        "print('cyclopts' in sys.modules, 'numpy' in sys.modules)"
    )
    assert run_python("-c", code).stdout.split() == ["False", "True"]
