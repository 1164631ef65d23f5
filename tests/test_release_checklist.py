"""The checklist of a release turns red where something does not hold."""

import importlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPTS = Path(__file__).resolve().parent.parent / "ci" / "release"
FILES = {
    "vos_bench/__init__.py": '__version__ = "1.2.0"\n',
    "CHANGELOG.md": "# Changelog\n\n## 1.2.0 (2026-11-23)\n",
    "CITATION.cff": "version: 1.2.0\n",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    if shutil.which("git") is None:
        pytest.skip("needs git")
    root = tmp_path / "checkout"
    shutil.copytree(SCRIPTS, root / "ci" / "release", ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in FILES.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    git(root, "init", "--quiet")
    commit(root)
    return root


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *arguments], cwd=root, check=True)


def commit(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "all")


def check(root: Path, *, step: str = "version") -> tuple[int, dict[str, str]]:
    out = root.parent / "out"
    command = [sys.executable, "-B", root / "ci/release/checklist.py", "--only", step, "--out", out]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    [outcome] = json.loads((out / "checklist.json").read_text())
    assert f"| {step} | {outcome['outcome']} |" in (out / "checklist.md").read_text()
    return done.returncode, outcome


def test_a_commit_that_is_ready_passes(checkout: Path) -> None:
    code, outcome = check(checkout)
    assert (code, outcome["outcome"], outcome["found"]) == (0, "passed", "1.2.0")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("CHANGELOG.md", "# Changelog\n\n## Unreleased\n", "CHANGELOG.md has no part 1.2.0"),
        ("CITATION.cff", "version: 1.1.0\n", "CITATION.cff says version 1.1.0, the package 1.2.0"),
        ("vos_bench/__init__.py", "", "found nothing like"),
    ],
)
def test_what_does_not_agree_fails_by_name(checkout: Path, name: str, text: str, message: str) -> None:
    (checkout / name).write_text(text)
    commit(checkout)
    code, outcome = check(checkout)
    assert (code, outcome["outcome"]) == (1, "FAILED")
    assert message in outcome["found"]


def test_what_is_not_committed_fails(checkout: Path) -> None:
    (checkout / "new.py").write_text("")
    assert "not committed: new.py" in check(checkout)[1]["found"]


def test_a_version_that_has_a_tag_fails(checkout: Path) -> None:
    git(checkout, "tag", "v1.2.0")
    assert "there is a tag v1.2.0 already" in check(checkout)[1]["found"]


def test_what_cannot_be_checked_here_is_not_passed(checkout: Path) -> None:
    code, outcome = check(checkout, step="conformance")
    assert (code, outcome["outcome"]) == (3, "not checked")
    assert "shared/" in outcome["found"]


@pytest.mark.parametrize("step", ["", ","])
def test_no_step_at_all_is_refused(checkout: Path, step: str) -> None:
    command = [sys.executable, "-B", checkout / "ci/release/checklist.py", "--only", step, "--out", "out"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=checkout.parent)
    assert (done.returncode, "no step is chosen" in done.stderr) == (2, True)
    assert not (checkout.parent / "out").exists()


@pytest.fixture
def workshop(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return importlib.import_module("workshop")


def test_commands_do_not_see_what_would_bring_in_other_packages(
    workshop: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PYTHONPATH", "PIP_INDEX_URL", "KEPT"):
        monkeypatch.setenv(name, "there")
    shop = workshop.Workshop(tmp_path, out=tmp_path, scratch=tmp_path)
    said = shop.run(sys.executable, "-c", "import os; print(sorted(os.environ))", inside=tmp_path)
    assert "'KEPT'" in said
    assert "PYTHONPATH" not in said
    assert "PIP_" not in said


@pytest.mark.skipif(os.name == "nt", reason="Windows has no process groups of this kind")
def test_a_command_that_hangs_fails_by_name_and_leaves_nothing(workshop: ModuleType, tmp_path: Path) -> None:
    shop = workshop.Workshop(tmp_path, out=tmp_path, scratch=tmp_path)
    shop.limit_seconds = 5
    with pytest.raises(workshop.FailedError, match=r"sleep 100.* has not ended after 5 s"):
        shop.run("sh", "-c", "echo begun; sleep 100; echo ended", inside=tmp_path)  # sleep holds the pipe open
    assert "begun" in shop.log.read_text()


def test_every_script_that_a_step_runs_is_there() -> None:
    text = (SCRIPTS / "steps.py").read_text()
    assert '"-e", "ray"' in text
    assert "[testenv:ray]" in (SCRIPTS.parent.parent / "tox.ini").read_text()
    for path in ("benchmarks/faults.py", "ci/release/licences.py", "tests/test_conformance.py", "tests/fuzz"):
        assert path in text
        assert (SCRIPTS.parent.parent / path).exists()
