"""Folders that cannot be written, read or named: one clear message, and nobody's files are lost."""

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from bad_input import Capture, Data, kept, said_once, statuses

Call = Callable[..., int]


@pytest.mark.parametrize("command", ["run", "score"])
def test_a_file_in_the_place_of_the_runs_folder_is_left_alone(
    call: Call, folder: Data, methods: Path, capsys: Capture, command: str
) -> None:
    Path("out").write_text("mine")
    what = ("run", f"{methods}:Stay") if command == "run" else ("score", folder.labels)
    assert call(*what, *folder.arguments, "--out", "out") == 2
    said_once(capsys, "vos-bench: out: cannot be the run's folder: Not a directory")
    assert Path("out").read_text() == "mine"


@pytest.mark.parametrize(
    ("command", "name"),
    [("run", "masks/two/mine.png"), ("run", "probabilities/one/mine.npz"), ("score", "sequences/mine.txt")],
)
def test_what_no_run_made_is_never_removed(
    call: Call, folder: Data, methods: Path, capsys: Capture, command: str, name: str
) -> None:
    mine = Path("out", name)
    mine.parent.mkdir(parents=True)
    mine.touch()
    what = ("run", f"{methods}:Stay") if command == "run" else ("score", folder.labels)
    assert call(*what, *folder.arguments, "--out", "out") == 2
    said_once(capsys, "vos-bench: out", "give another --out")
    assert mine.exists()


@pytest.mark.parametrize("name", ["sequences", "masks", ".locks"])
@pytest.mark.parametrize("command", ["run", "score"])
def test_nothing_is_written_through_a_link_in_the_runs_folder(
    call: Call, folder: Data, methods: Path, capsys: Capture, command: str, name: str
) -> None:
    Path("elsewhere").mkdir()
    Path("out").mkdir()
    Path("out", name).symlink_to(Path("elsewhere").absolute())
    what = ("run", f"{methods}:Stay") if command == "run" else ("score", folder.labels)
    assert call(*what, *folder.arguments, "--out", "out") == 2
    said_once(capsys, f"vos-bench: out/{name}: is a symbolic link, expected a folder of the run's own")
    assert list(Path("elsewhere").iterdir()) == []


def test_label_maps_that_are_a_link_are_refused_and_nothing_is_removed(
    call: Call, folder: Data, methods: Path, capsys: Capture
) -> None:
    arguments = ("run", f"{methods}:Stay", *folder.arguments, "--out", "out")
    assert call(*arguments) == 0
    shutil.move("out/masks/one", "elsewhere")
    Path("out/masks/one").symlink_to(Path("elsewhere").absolute())
    assert call(*arguments, "--overwrite", "always") == 2
    said_once(capsys, "out/masks/one: is a symbolic link")
    assert statuses("out") == {"one": "done", "two": "done"}
    assert len(list(Path("elsewhere").iterdir())) == 5


def test_a_folder_whose_name_is_not_utf8_is_shown_escaped(call: Call, folder: Data, capsys: Capture) -> None:
    above = Path("caf\udce9").absolute()
    shutil.copytree(folder.labels, above / "masks")
    os.chdir(above)
    assert call("score", "masks", "--truth", folder.labels) == 0
    assert call("score", "masks", *folder.arguments, "--out", "out") == 0
    assert json.loads(Path("out/run.json").read_text())["method"]["name"] == "caf\\udce9"
    shutil.move(above / "masks", above / "truth\udce9")
    os.chdir(above / "truth\udce9")
    assert call("score", folder.labels, "--truth", ".", "--out", "out") == 0
    assert json.loads(Path("out/run.json").read_text())["dataset"]["name"] == "truth\\udce9"
    assert "Traceback" not in "".join(capsys.readouterr())


@pytest.mark.parametrize("command", ["run", "score"])
def test_a_full_disk_gives_one_message_and_the_same_command_goes_on(
    call: Call, folder: Data, methods: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    what = ("run", f"{methods}:Stay") if command == "run" else ("score", folder.labels)
    arguments = (*what, *folder.arguments, "--out", "out")
    full_at, original = {"run": "masks/two/00002.png", "score": "sequences/two.json"}[command], Path.replace

    def replace(self: Path, target: Path) -> Path:
        if str(target).endswith(full_at):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return original(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace)
        assert call(*arguments) == 2
    said_once(capsys, "vos-bench: ", full_at, "No space left on device")
    assert statuses("out") == {"one": "done"}
    assert not list(Path("out").rglob("*.part"))
    assert call(*arguments) == 0
    assert statuses("out") == {"one": "done", "two": "done"}


def outside(*arguments: object) -> list[str]:
    """Return the command line of a process of its own, which may not read what its rights forbid, not even as root."""
    line = [sys.executable, "-c", "import sys; from vos_bench.cli import main; sys.exit(main())", *map(str, arguments)]
    if os.geteuid() != 0:
        return line
    if not shutil.which("setpriv"):
        pytest.skip("root may read everything, and there is no setpriv to give that right up")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all", *line]


@pytest.mark.skipif(os.name == "nt", reason="needs the rights of a POSIX file system")
def test_an_unreadable_directory_is_named(masks: Path, davis: Data, methods: Path) -> None:
    """One process for each command, since what counts are real rights."""
    for path in (davis.frames / "two", masks / "two"):
        path.chmod(0)
    try:
        ran, scored = (
            subprocess.run(outside(*arguments), cwd=methods.parent, capture_output=True, text=True, check=False)
            for arguments in (
                ("run", f"{methods}:Stay", *davis.arguments, "--out", "out"),
                ("score", masks, "--truth", davis.labels, "--out", "scored"),
            )
        )
    finally:
        for path in (davis.frames / "two", masks / "two"):
            path.chmod(0o755)
    assert (ran.returncode, scored.returncode) == (1, 2), (ran, scored)
    assert "two: found a folder that cannot be read (Permission denied)" in ran.stdout
    assert "masks/two: cannot be listed: Permission denied" in scored.stderr
    assert "Traceback" not in ran.stdout + ran.stderr + scored.stdout + scored.stderr
    assert kept(str(methods.parent / "out"))


@pytest.mark.parametrize("option", ["--out", "--set", "--sequences"])
def test_an_option_that_is_not_utf8_is_refused(
    call: Call, folder: Data, methods: Path, capsys: Capture, option: str
) -> None:
    assert call("run", f"{methods}:Stay", *folder.arguments, option, "a=\udcff") == 2
    said_once(capsys, "a=\\udcff", "UTF-8")
    assert not Path("a=\udcff").exists()
