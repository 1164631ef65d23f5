"""The site of the documentation: its navigation has every page, and its reference names what exists.

The release checklist builds the site strictly; this needs neither MkDocs nor a browser.
"""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import yaml

import vos_bench

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the site's hook, loaded without MkDocs."""
    fake = ModuleType("mkdocs.structure.files")
    fake.File = fake.Files = object  # type: ignore[attr-defined]
    for name, module in {"mkdocs": ModuleType("mkdocs"), "mkdocs.structure.files": fake}.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setitem(sys.modules, "mkdocs.structure", ModuleType("mkdocs.structure"))
    spec = importlib.util.spec_from_file_location("pages", ROOT / "ci" / "site" / "pages.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def navigated(entries: list[Any]) -> Iterator[str]:
    for entry in entries:
        if isinstance(entry, str):
            yield entry
        else:
            for inside in entry.values():
                yield from [inside] if isinstance(inside, str) else navigated(inside)


def test_the_navigation_has_every_page_once(hook: ModuleType) -> None:
    found = list(navigated(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]))
    pages = [path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")]
    beside = [called or name for name, called in hook.BESIDE.items()]
    assert sorted(found) == sorted([*pages, *beside, *(f"reference/{name}.md" for name in hook.REFERENCE)])


def test_the_reference_names_what_exists(hook: ModuleType) -> None:
    for _, told in hook.REFERENCE.values():
        for name in told:
            module, _, attribute = name.rpartition(".")
            try:
                importlib.import_module(name)
            except ModuleNotFoundError:
                assert hasattr(importlib.import_module(module), attribute), name


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("[runs](docs/runs.md#resume)", "[runs](runs.md#resume)"),
        ("[security](../SECURITY.md)", "[security](SECURITY.md)"),
        ("[home](../README.md)", "[home](index.md)"),
        ("[record](../benchmarks/faults.json)", "record"),
        ("[paper](https://example.org/a)", "[paper](https://example.org/a)"),
        ("[below](#below)", "[below](#below)"),
    ],
)
def test_links_stay_in_the_site(hook: ModuleType, written: str, shown: str) -> None:
    files = SimpleNamespace(get_file_from_path=lambda path: path in {"runs.md", "SECURITY.md", "index.md"} or None)
    page = SimpleNamespace(file=SimpleNamespace(src_uri="runs.md"))
    assert hook.on_page_markdown(written, page, None, files) == shown


@pytest.mark.parametrize(
    ("url", "address"),
    [("index.html", "assets/javascripts/worker.js"), ("reference/records.html", "../assets/javascripts/worker.js")],
)
def test_the_search_of_a_page_from_disk_asks_no_other_machine(hook: ModuleType, url: str, address: str) -> None:
    written = f'<script src="{hook.FROM_ELSEWHERE}"></script>'
    assert hook.on_post_page(written, SimpleNamespace(url=url), None) == f'<script src="{address}"></script>'
    assert hook.on_post_template(written, "404.html", None) == '<script src="/assets/javascripts/worker.js"></script>'
    assert (ROOT / "ci" / "site" / "worker.js").is_file()


def test_the_reference_has_the_front_door_plugins_and_records(hook: ModuleType) -> None:
    assert list(hook.REFERENCE) == ["front-door", "plugins", "records"]
    told = {name.rpartition(".")[2] for name in hook.REFERENCE["front-door"][1]}
    assert set(vos_bench.__all__) - told == {"Prompt"}, "which stands in vos_bench.prompts"
