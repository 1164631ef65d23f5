"""`--help` of every command: examples that are right, a page that exists, options in groups, completion."""

import shlex
from pathlib import Path

import pytest

from vos_bench.cli import main
from vos_bench.commands.app import app
from vos_bench.commands.catalogue import COMMANDS

DOCS = Path(__file__).resolve().parents[2] / "docs"
EXAMPLES = [(name, example) for name, command in COMMANDS.items() for example in command.examples]


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_an_example_is_a_call_of_its_command(name: str, example: str) -> None:
    words = shlex.split(example)
    assert words[0] == name
    function, bound, _ = app.parse_args(words, exit_on_error=False, print_error=False)
    assert function.__name__ == COMMANDS[name].module
    assert bound.arguments


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_examples_and_a_page_that_exists(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert COMMANDS[name].examples
    assert (DOCS / COMMANDS[name].page).is_file()
    assert main([name, "--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert all(f"vos-bench {example}" in said for example in COMMANDS[name].examples)
    assert f"docs/{COMMANDS[name].page}" in said


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_no_default_that_says_nothing(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--help"]) == 0
    said = capsys.readouterr().out
    assert "default: False" not in said
    assert "default: ()" not in said
    assert "default: None" not in said


def test_the_options_of_run_stand_in_groups(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--help"]) == 0
    headings = [line.split("─")[1].strip() for line in capsys.readouterr().out.splitlines() if line.startswith("╭─")]
    assert headings[0] == "Parameters"
    assert headings[1:] == [
        "Data",
        "Method",
        "Scoring",
        "How it runs",
        "A system in a process of its own",
        "Results",
        "Of every command",
    ]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_every_command(shell: str) -> None:
    script = app.generate_completion(shell=shell)  # type: ignore[arg-type]
    assert all(name in script for name in COMMANDS)
    assert "save-probabilities" in script


@pytest.mark.parametrize(
    ("command", "missing"),
    [(["list"], "KIND"), (["run", "lwl-lite"], "--dataset"), (["score"], "MASKS"), (["segment"], "--out")],
)
def test_a_missing_argument_is_called_by_the_name_of_the_help(
    capsys: pytest.CaptureFixture[str], command: list[str], missing: str
) -> None:
    assert main(command) == 2
    said = f"{command[0]}: {missing} is missing; vos-bench {command[0]} --help says what it is"
    assert capsys.readouterr().err == f"vos-bench: {said}\n"


def test_an_option_without_its_value_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "lwl-lite", "--dataset"]) == 2
    assert capsys.readouterr().err == 'vos-bench: Command "run" parameter --dataset requires an argument.\n'
