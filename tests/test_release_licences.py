"""A release is stopped by a package whose licence is unknown or does not fit."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parent.parent / "ci" / "release" / "licences.py"


@pytest.fixture(scope="module")
def licences() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release_licences", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "licence",
    [
        "MIT",
        "MIT-CMU",
        "BSD License",
        "3-Clause BSD License",
        "Apache Software License; MIT License",
        "BSD-3-Clause AND 0BSD AND MIT AND Zlib AND CC0-1.0",
        "Apache-2.0 AND Apache-2.0 WITH LLVM-exception AND BSL-1.0",
        "Mozilla Public License 2.0 (MPL 2.0)",
        "Python Software Foundation License",
        "GPL-3.0-only OR MIT",
        "(GPL-3.0-only OR MIT) AND BSD-2-Clause",
        "GPL-3.0-or-later AND MIT OR ISC",
        "GPL-3.0-or-later WITH GCC-exception-3.1",
        "Apache License, Version 2.0",
        "ISC License (ISCL)",
        "mit and bsd-3-clause",
        "LGPL-2.1-or-later",
    ],
)
def test_a_licence_that_fits_passes(licences: ModuleType, licence: str) -> None:
    assert licences.Entry("any", "1", licence).problem == ""


@pytest.mark.parametrize(
    ("licence", "problem"),
    [
        ("GPL-3.0-or-later", "strong copyleft"),
        ("GNU General Public License v3 (GPLv3)", "strong copyleft"),
        ("GNU Affero General Public License v3", "strong copyleft"),
        ("AGPL-3.0", "strong copyleft"),
        ("MIT AND GPL-2.0-only", "strong copyleft"),
        ("MIT; GPLv3", "strong copyleft"),
        ("UNKNOWN", "not known to be free"),
        ("", "no licence: not known"),
        ("Other/Proprietary License", "not known to be free"),
        ("(MIT OR BSD-3-Clause) AND GPL-3.0-only", "GPL-3.0-only: strong copyleft"),
        ("GPL-3.0-only AND (MIT OR Apache-2.0)", "GPL-3.0-only: strong copyleft"),
        ("MIT AND (GPL-3.0-only OR AGPL-3.0-only)", "GPL-3.0-only: strong copyleft"),
        ("MIT OR", "not known to be free"),
        ("isc-proprietary", "not known to be free"),
        ("Python Proprietary", "not known to be free"),
        ("BSD License; Other/Proprietary License", "Other/Proprietary License: not known to be free"),
        ("LicenseRef-Mine", "not known to be free"),
        ("MITx", "not known to be free"),
    ],
)
def test_a_licence_that_does_not_fit_is_named(licences: ModuleType, licence: str, problem: str) -> None:
    assert problem in licences.Entry("any", "1", licence).problem


def test_exceptions_are_by_name_and_have_a_reason(licences: ModuleType) -> None:
    assert licences.Entry("nvidia-cudnn-cu13", "1", "Other/Proprietary License").problem == ""
    assert licences.Entry("not-nvidia-cudnn", "1", "Other/Proprietary License").problem
    assert all(len(reason.split()) > 5 for reason in licences.ALLOWED.values())


def test_what_is_needed_is_followed_through_others_and_without_extras(licences: ModuleType) -> None:
    names = licences.needed("vos-bench")
    assert {"torch", "numpy", "pillow", "sympy"} <= names  # sympy: through torch
    assert not {"pytest", "hypothesis", "dask", "vos-bench"} & names


def listed(licences: ModuleType, monkeypatch: pytest.MonkeyPatch, *entries: tuple[str, str]) -> int:
    names = {name for name, _ in entries}
    monkeypatch.setattr(licences, "needed", lambda _: {*names})
    monkeypatch.setattr(
        licences, "licences", lambda _: [licences.Entry(name, "1", licence) for name, licence in entries if licence]
    )
    return int(licences.main())


def test_one_wrong_licence_or_a_package_without_an_answer_fails_the_list(
    licences: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert listed(licences, monkeypatch, ("a", "MIT"), ("b", "BSD License")) == 0
    assert capsys.readouterr().out.endswith("2 packages that are needed, all with licences that fit\n")
    assert listed(licences, monkeypatch, ("a", "MIT"), ("b", "GPLv3")) == 1
    assert capsys.readouterr().out.endswith("does not fit: b\n")
    assert listed(licences, monkeypatch, ("a", "MIT"), ("b", "")) == 1
