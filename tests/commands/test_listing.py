"""`vos-bench list methods`: what each row is, and the page of the docs that is made of it."""

import json
from pathlib import Path

import pytest
from python_processes import run_python

from vos_bench import registry
from vos_bench.cli import main
from vos_bench.metrics.protocols import PROTOCOLS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "capabilities.md"


def listed(capsys: pytest.CaptureFixture[str], format: str = "markdown") -> str:
    capsys.readouterr()
    assert main(["list", "methods", "--format", format]) == 0
    return capsys.readouterr().out


def rows(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, str]]:
    lines = [line for line in listed(capsys).splitlines() if line.startswith("|")]
    heading, _, *body = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return {cells[0]: dict(zip(heading, cells, strict=True)) for cells in body}


def test_every_method_and_every_known_system_has_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    assert set(rows(capsys)) == {*registry.names("methods"), *registry.known_systems()}


@pytest.mark.parametrize(
    ("name", "row", "weights"),
    [
        ("lwl", "native", "official, to download: lwl, lwl-box"),
        ("lwl-lite", "native", "shipped: lwl-lite"),
        ("copy-first", "native", "none needed"),
        ("cutie", "adapter", "official, to download: cutie-base-mega"),
        ("premvos", "results-only", "official, to download (TensorFlow 1, PyTorch 0.2)"),
        ("feelvos", "results-only, verified", "official, to download (TensorFlow 1)"),
        ("siammask", "native", "official, to download: siammask"),
        ("s2s", "published only", "none"),
    ],
)
def test_a_row_says_of_which_kind_it_is_and_where_weights_are(
    capsys: pytest.CaptureFixture[str], name: str, row: str, weights: str
) -> None:
    found = rows(capsys)[name]
    assert found["kind"] == row
    assert found["weights"].startswith(weights)


def test_a_row_says_the_licences_and_what_deviates(capsys: pytest.CaptureFixture[str]) -> None:
    found = rows(capsys)
    assert found["lwl-lite"]["licence"] == "MIT"
    assert found["lwl-lite"]["licence of the weights"].startswith("CC BY-NC 4.0")
    assert "EfficientNet-Lite0 instead of ResNet-50" in found["lwl-lite"]["deviates from the original"]
    assert all(found[name]["deviates from the original"] for name in ("lwl", "matching", "ridge", "xmem"))


def test_the_page_of_the_docs_is_what_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    printed = listed(capsys)
    assert PAGE.read_text("utf-8") == printed, (
        "make it again: vos-bench list methods --format markdown > docs/capabilities.md"
    )


@pytest.mark.parametrize("kind", ["methods", "datasets", "recipes", "reports", "loggers", "weights"])
def test_listing_imports_nothing_heavy(kind: str) -> None:
    code = f"""
import json, sys
from vos_bench.cli import main
main(["list", "{kind}"])
heavy = {{"torch", "numpy", "pandas", "pydantic", "timm", "cv2", "matplotlib"}}
sys.stderr.write(json.dumps(sorted(heavy & set(sys.modules))))
"""
    assert json.loads(run_python("-c", code).stderr.splitlines()[-1]) == []


def page(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert main(["list", *arguments]) == 0
    return capsys.readouterr().out


def test_a_page_says_all_of_a_method_and_breaks_no_address(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    info = registry.method("lwl")
    words = page(capsys, "methods", "lwl").split()
    for text in (info.summary, info.reference, *info.deviations, *(each.note for each in info.weights)):
        assert set(text.split()) <= set(words)
    assert {each.location for each in info.weights} <= set(words)
    assert "vos-bench run lwl --dataset demo --weights FILE" in page(capsys, "methods", "lwl")


def test_a_page_keeps_a_checksum_whole(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    words = page(capsys, "weights", "lwl-lite").split()
    assert all(each.sha256 in words for each in registry.method("lwl-lite").weights)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *(("methods", name) for name in (*registry.names("methods"), *registry.known_systems())),
        *(("datasets", name) for name in registry.names("datasets")),
        *(("reports", name) for name in registry.names("reports")),
        *(("loggers", name) for name in registry.names("loggers")),
    ],
)
def test_everything_has_a_page(capsys: pytest.CaptureFixture[str], kind: str, name: str) -> None:
    first, *rest = page(capsys, kind, name).splitlines()
    assert first == name
    assert len(rest) > 3


@pytest.mark.parametrize(
    ("kind", "wrong", "meant"), [("methods", "lwl-lit", "lwl-lite"), ("datasets", "davi16", "davis16")]
)
def test_a_page_of_what_is_not_there_names_what_may_be_meant(
    capsys: pytest.CaptureFixture[str], kind: str, wrong: str, meant: str
) -> None:
    assert main(["list", kind, wrong]) == 2
    assert meant in capsys.readouterr().err


def test_a_page_takes_no_format(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "methods", "lwl", "--format", "csv"]) == 2
    assert "--format csv" in capsys.readouterr().err


def test_a_protocol_is_a_page_with_all_its_rules(capsys: pytest.CaptureFixture[str]) -> None:
    for name, protocol in PROTOCOLS.items():
        assert main(["list", "protocols", name]) == 0
        page = " ".join(capsys.readouterr().out.split())
        for about, said in protocol.page.items():
            assert about == "name" or f"{about}: {' '.join(said.split())}" in page
        assert all(text in page for text in protocol.assumed)
        assert page.endswith(f"--protocol {name}")


def test_a_protocol_that_is_not_there_is_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "protocols", "mose2"]) == 2
    assert "there is no protocol 'mose2'; did you mean mosev2?" in capsys.readouterr().err


def test_a_narrow_list_of_protocols_has_the_whole_name_of_each_tool(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["list", "protocols"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for name, protocol in PROTOCOLS.items():
        tool = protocol.official.source.partition(",")[0] or "none published"
        assert any(line.startswith(f"  {name} ") and line.endswith(f" {tool}") for line in lines)


def test_the_list_of_protocols_names_their_tools(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "protocols", "--format", "json"]) == 0
    found = {row["name"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    assert set(found) == set(PROTOCOLS)
    assert found["davis"]["official tool"] == "davisvideochallenge/davis2017-evaluation, ac7c43f"
    assert found["vost"]["F"] == "none"


@pytest.mark.parametrize("name", ["mosev2", "lvos2", "sav", "vost", "burst", "lvos"])
def test_the_page_of_a_dataset_offers_what_it_can_do(capsys: pytest.CaptureFixture[str], name: str) -> None:
    said = page(capsys, "datasets", name)
    assert ("the zip that it takes" in said) == (name in ("mosev2", "lvos2"))  # some split of theirs has a server
    assert ("vos-bench run" in said) == (name != "lvos")
    assert ("vos-bench score MASKS --dataset lvos --truth DIR" in said) == (name == "lvos")
