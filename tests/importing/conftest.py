"""Exports of annotation tools, as these tools wrote them."""

import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from vos_bench.cli import main

sys.path.insert(0, str(Path(__file__).parent))  # for `export_files`, which the tests of this folder alone import


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What datumaro 1.13.12 and label-studio-sdk 2.1.2 wrote: `make_exports.py` says how."""
    folder = tmp_path_factory.mktemp("exports")
    with zipfile.ZipFile(Path(__file__).with_name("exports.zip")) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: main([str(each) for each in arguments])
