"""Installed distributions are what `importlib.metadata` says they are, which takes longer to load."""

from importlib import metadata
from pathlib import Path

import pytest
from python_processes import run_python

from vos_bench.files.distributions import InstalledDistributions


def test_the_versions_of_all_that_is_installed_are_those_of_importlib():
    installed = InstalledDistributions()
    expected = {name: metadata.version(name) for each in metadata.distributions() if (name := each.metadata["Name"])}
    assert {"numpy", "vos-bench"} <= set(expected)
    assert {name: installed.version(name) for name in expected} == expected


def test_requirements_are_those_without_extras():
    names = [*InstalledDistributions().requirements("vos-bench")]
    assert {"numpy", "torch", "zlib-ng"} <= set(names)
    assert "tensorboard" not in names
    assert len(names) == sum("extra ==" not in each for each in metadata.requires("vos-bench") or ())


def _install(folder: Path, name: str, file: str, text: str) -> None:
    (folder / name).mkdir(parents=True)
    (folder / name / file).write_text(text, encoding="utf-8")


def test_all_spellings_of_a_name_are_one_distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    _install(tmp_path, "Their_Own.methods-1.2.dist-info", "METADATA", "Name: Their-Own.methods\nVersion: 1.2\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    installed = InstalledDistributions()
    assert {installed.version(name) for name in ("their-own-methods", "Their_Own.methods", "THEIR.OWN_methods")} == {
        "1.2"
    }


def test_what_python_would_import_first_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for place, version in (("later", "1.0"), ("first", "2.0")):
        _install(tmp_path / place, f"theirs-{version}.dist-info", "METADATA", f"Version: {version}\n")
        monkeypatch.syspath_prepend(str(tmp_path / place))
    assert InstalledDistributions().version("theirs") == "2.0"


def test_a_description_says_nothing_of_the_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    text = "Name: theirs\nRequires-Dist: numpy\n\nVersion: 9\nRequires-Dist: scipy\n"
    _install(tmp_path, "theirs-1.2.egg-info", "PKG-INFO", text)
    monkeypatch.syspath_prepend(str(tmp_path))
    installed = InstalledDistributions()
    assert (installed.version("theirs"), [*installed.requirements("theirs")]) == ("", ["numpy"])


def test_what_is_not_installed_has_no_version_and_needs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "empty-1.0.dist-info").mkdir()
    _install(tmp_path, "other_code-1.0.dist-info", "METADATA", "")
    (tmp_path / "other_code-1.0.dist-info" / "METADATA").write_bytes(b"Version: \xff\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    installed = InstalledDistributions()
    for name in ("empty", "other-code", "nowhere"):
        assert (installed.version(name), [*installed.requirements(name)]) == ("", [])


def test_it_does_not_load_what_importlib_needs():
    code = (
        "import sys; from vos_bench.files.distributions import InstalledDistributions;"
        " InstalledDistributions().version('numpy'); sys.exit('email' in sys.modules)"
    )
    run_python("-c", code)
