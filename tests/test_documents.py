"""What the documents show exists: every link leads somewhere, and the command line takes every command."""

import itertools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from vos_bench.commands.app import app

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
PARTIAL = re.compile(r"\[-|\||(?<!--root) …")
"""A line that describes options, or leaves some out, is no command."""


def tokens(page: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(page.read_text("utf-8"))


def links(page: Path) -> Iterator[str]:
    for block in tokens(page):
        for inline in block.children or ():
            target = inline.attrGet("href") or inline.attrGet("src")
            if isinstance(target, str) and "://" not in target:
                yield target


def anchors(page: Path) -> set[str]:
    """The names that GitHub gives to a page's headings."""
    blocks = tokens(page)
    headings = [after.content for block, after in itertools.pairwise(blocks) if block.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(page: Path) -> Iterator[str]:
    for before, block in itertools.pairwise(tokens(page)):
        if before.type == "td_open":
            yield from _commands_of_cell(block)
        if block.type not in ("fence", "code_block"):
            continue
        for line in block.content.replace("\\\n", " ").splitlines():
            command = re.sub(r"^(\$ )?((for|do|\S+=\S+|if) )*", "", line.strip())
            if command.startswith("vos-bench ") and not PARTIAL.search(command):
                yield command


def _commands_of_cell(block: Token) -> Iterator[str]:
    """Yield the whole commands, with an option at least, of one cell of a table."""
    for inline in block.children or ():
        command = inline.content
        if inline.type == "code_inline" and re.match(r"vos-bench .* -", command) and not PARTIAL.search(command):
            yield command


EVERY_COMMAND = [(page, command) for page in PAGES for command in commands(page)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link}: there is no such file"
        assert not anchor or anchor in anchors(target), f"{link}: there is no such heading"


@pytest.mark.parametrize(
    ("page", "command"), EVERY_COMMAND, ids=[f"{page.stem}-{number}" for number, (page, _) in enumerate(EVERY_COMMAND)]
)
def test_every_command_is_one_that_the_command_line_takes(page: Path, command: str) -> None:
    del page
    words = shlex.split(re.split(r"[;&>]", command)[0], comments=True)
    app.parse_args(words[1:], exit_on_error=False, print_error=False)


def test_there_are_commands_and_links_to_look_at() -> None:
    assert len(EVERY_COMMAND) > 60
    assert sum(1 for page in PAGES for _ in links(page)) > 40


def test_the_table_of_folders_has_all_of_the_core() -> None:
    table = (ROOT / "CONTRIBUTING.md").read_text("utf-8").partition("## Where code belongs")[2].partition("\n## ")[0]
    folders = {path.parent.name for path in ROOT.glob("vos_bench/*/*.py")}
    assert len(folders) > 20
    assert {name for name in folders if f"{name}/`" not in table} == set()
