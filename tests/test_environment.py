"""What a record says of the machine, and what it does not."""

import os
import platform
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from python_processes import run_python

import vos_bench
from vos_bench.devices import torch_flags
from vos_bench.environment import collect_environment, device_name, git_state, without_home


def test_versions_of_what_vos_bench_needs_are_recorded():
    environment = collect_environment()
    assert environment.vos_bench == vos_bench.__version__
    assert environment.packages["numpy"]
    assert environment.packages["torch"]
    assert environment.python.startswith(f"{sys.version_info.major}.{sys.version_info.minor}")


def test_the_distribution_of_a_plugin_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "their_methods-1.2.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: their-methods\nVersion: 1.2\n", encoding="utf-8")
    (folder / "entry_points.txt").write_text("[vos_bench.methods]\nx = theirs.x:INFO\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert collect_environment("theirs.x.network").packages["their-methods"] == "1.2"
    assert "their-methods" not in collect_environment("vos_bench.methods.x").packages


def test_neither_host_user_nor_folders_are_recorded(monkeypatch: pytest.MonkeyPatch):
    known = platform.uname()
    monkeypatch.setattr(platform, "uname", lambda: known._replace(node="secret-host"))
    monkeypatch.setattr(platform, "node", lambda: "secret-host")
    monkeypatch.setattr(socket, "gethostname", lambda: "secret-host")
    for name in ("USER", "LOGNAME", "HOSTNAME"):
        monkeypatch.setenv(name, "secret-name")
    text = collect_environment().to_json()
    assert "secret" not in text
    assert str(Path.cwd()) not in text
    assert str(Path(vos_bench.__file__).parent) not in text
    assert str(Path.home()) not in text


def test_collecting_does_not_import_torch():
    code = (
        "import sys; from vos_bench.environment import *; from vos_bench.devices import *;"
        " collect_environment(); torch_flags(); device_name('cpu');"
        " sys.exit('torch' in sys.modules)"
    )
    run_python("-c", code)


def test_thread_counts_that_are_set_are_recorded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("MKL_NUM_THREADS", "many")
    threads = collect_environment().threads
    assert threads["OMP_NUM_THREADS"] == 3
    assert "MKL_NUM_THREADS" not in threads


def test_flags_of_torch_are_read_once_it_is_loaded():
    pytest.importorskip("torch")
    flags = torch_flags()
    assert flags.deterministic is False
    assert flags.tf32 is not None
    assert flags.cudnn_benchmark is not None


def test_flags_are_unknown_without_torch(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    assert torch_flags().tf32 is None


def test_gpus_are_read_from_nvidia_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    tool = tmp_path / "nvidia-smi"
    tool.write_text(
        "#!/bin/sh\necho 'NVIDIA H200, 143771, 570.1'\necho 'NVIDIA H200, [N/A], 570.1'\n", encoding="utf-8"
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    environment = collect_environment()
    assert [(gpu.name, gpu.memory_mib) for gpu in environment.gpus] == [("NVIDIA H200", 143771), ("NVIDIA H200", None)]
    assert environment.driver == "570.1"


def test_a_broken_nvidia_smi_is_no_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'has failed: no driver'\nexit 9\n", encoding="utf-8")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    environment = collect_environment()
    assert (environment.gpus, environment.driver) == ((), "")


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_git_state_is_that_of_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", *identity, "-C", str(tmp_path), *arguments], check=True)

    git("init")
    (tmp_path / "file").write_text("1", encoding="utf-8")
    git("add", "file")
    git("commit", "-m", "first")
    monkeypatch.setattr(vos_bench, "__path__", [vos_bench.__path__[0], str(tmp_path)])
    clean = git_state()
    (tmp_path / "file").write_text("2", encoding="utf-8")
    changed = git_state()
    assert clean is not None
    assert changed is not None
    assert len(clean.commit) == 40
    assert (clean.dirty, changed.dirty) == (False, True)
    assert clean.changes == ""
    assert len(changed.changes) == 12


@pytest.mark.parametrize(
    ("noted", "commit"),
    [
        (None, None),
        ('{"url": "file:///wheel.whl", "archive_info": {}}', None),
        ('{"url": "https://example.org/a.git", "vcs_info": {"vcs": "git", "commit_id": "1f3c"}}', "1f3c"),
        ("{cut off", None),
    ],
)
def test_an_installed_package_has_the_commit_that_pip_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, noted: str | None, commit: str | None
):
    folder = tmp_path / "vos_bench-1.0.dist-info"
    folder.mkdir()
    if noted is not None:
        (folder / "direct_url.json").write_text(noted, encoding="utf-8")
    monkeypatch.setattr(vos_bench, "__path__", vos_bench.__path__[:1])
    monkeypatch.syspath_prepend(str(tmp_path))
    found = git_state()
    assert (found and found.commit) == commit
    assert found is None or not found.dirty


def test_the_home_folder_is_written_as_a_tilde(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", "/home/someone")
    assert without_home("run --root /home/someone/data") == "run --root ~/data"
    monkeypatch.setenv("HOME", "/")
    assert without_home("run --root /data") == "run --root /data"


def test_the_cpu_has_a_name():
    assert device_name("cpu")
