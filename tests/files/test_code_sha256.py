"""The identity of a method of one file: its code, and that of the modules beside it."""

import hashlib
from pathlib import Path

import pytest

from vos_bench.files.code import code_sha256


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A method that imports a module, a package with a module of its own, and what lies elsewhere."""
    for path, code in {
        "mine.py": "import os, numpy as np, net\nfrom parts.deep import Layer\nimport vos_bench\n",
        "net.py": "def late():\n    from parts import other\n",
        "parts/__init__.py": "",
        "parts/deep.py": "from . import near\nfrom .. import beyond\n",
        "parts/near.py": "import mine\n",
        "parts/other.py": "broken (",
        "unused.py": "",
        "vos_bench/__init__.py": "",
    }.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(code)
    return tmp_path / "mine.py"


@pytest.mark.parametrize(
    "module", ["mine.py", "net.py", "parts/__init__.py", "parts/deep.py", "parts/near.py", "parts/other.py"]
)
def test_a_change_of_a_module_that_is_imported_from_its_folder_changes_the_hash(file: Path, module: str) -> None:
    before = code_sha256(file)
    (file.parent / module).write_text("x = 1\n" + (file.parent / module).read_text())
    assert code_sha256(file) != before


@pytest.mark.parametrize("module", ["unused.py", "vos_bench/__init__.py"])
def test_what_is_not_imported_and_the_harness_itself_do_not_enter(file: Path, module: str) -> None:
    before = code_sha256(file)
    (file.parent / module).write_text("x = 1\n")
    assert code_sha256(file) == before


def test_a_file_that_imports_nothing_of_its_folder_keeps_the_hash_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("import numpy\n")
    assert code_sha256(tmp_path / "mine.py") == hashlib.sha256(b"import numpy\n").hexdigest()
