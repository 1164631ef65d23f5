"""`vos-bench new-method`: what it writes runs, passes its own test, and stands on the page as it is."""

import subprocess
import sys
from pathlib import Path

import pytest

from vos_bench.cli import main
from vos_bench.commands import new_method
from vos_bench.records import load_run

PAGE = Path(__file__).resolve().parents[2] / "docs" / "add-a-method.md"


@pytest.mark.parametrize("kind", [(), ("--torch",)], ids=["numpy", "torch"])
def test_what_it_writes_runs_and_passes_its_own_test(
    kind: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new-method", "my-tracker", *kind]) == 0
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_my_tracker.py"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    settings = ("--set", "steps=5", "--set", "channels=4") if kind else ()
    some = ("--dataset", "demo", "--sequences", "lighting", "--device", "cpu", "--out", "run")
    assert main(["run", "./my_tracker.py:MyTracker", *some, *settings]) == 0
    assert load_run(Path("run")).record.counts.done == 1


def test_a_file_of_parameters_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from safetensors.torch import save_file

    from vos_bench.commands.templates.torch_network import Network

    monkeypatch.chdir(tmp_path)
    assert main(["new-method", "mine", "--torch"]) == 0
    save_file(Network(16).state_dict(), "mine.safetensors")
    some = ("--dataset", "demo", "--sequences", "tiny", "--device", "cpu", "--set", "steps=0", "--out", "run")
    assert main(["run", "./mine.py:Mine", *some, "--weights", "mine.safetensors"]) == 0
    weights = load_run(Path("run")).record.method.weights
    assert weights is not None
    assert weights.name == "mine.safetensors"


@pytest.mark.parametrize("there", [True, False])
def test_it_says_how_to_test_also_where_pytest_is_not_installed(
    there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(new_method, "find_spec", lambda name: sys if there and name == "pytest" else None)
    assert main(["new-method", "mine"]) == 0
    said = "test it: python -m pytest test_mine.py" + ("" if there else " (pip install pytest first)")
    assert capsys.readouterr().out.splitlines()[-1] == said


def test_files_that_are_there_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("test_mine.py").write_text("my own", encoding="utf-8")
    assert main(["new-method", "mine"]) == 2
    assert "test_mine.py: is there already" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["test_mine.py"]


@pytest.mark.parametrize("name", ["", "9lives", "a/b", "class", "../up", "ünder"])
def test_a_name_that_python_cannot_have_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new-method", name]) == 2
    assert "my-tracker" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["random", "NumPy", "torch", "vos-bench"])
def test_a_name_that_would_hide_a_module_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new-method", name]) == 2
    assert "which the file would hide" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_page_has_the_network_that_the_command_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["new-method", "my-network", "--torch"]) == 0
    assert Path("my_network.py").read_text(encoding="utf-8") in PAGE.read_text(encoding="utf-8")
