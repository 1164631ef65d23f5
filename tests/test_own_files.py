"""Files of others are neither removed nor replaced, and planted links lead nowhere."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from vos_bench.cli import main
from vos_bench.commands.output import write_json, write_page
from vos_bench.errors import BadInputError
from vos_bench.files import part_of, remove_stale_parts, replacing, write_text
from vos_bench.labelmaps import write_label_map
from vos_bench.running.run import RunSettings, run_method
from vos_bench.scoring.record import score

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links, pipes and devices of POSIX")


@pytest.fixture
def settings(fake_vos: ModuleType, tmp_path: Path) -> RunSettings:
    dataset = fake_vos.FakeDataset({"a": fake_vos.Spec(length=2)})
    return RunSettings(method=fake_vos.info("Drift"), dataset=dataset, out=tmp_path / "out", device="cpu")


def test_a_run_leaves_the_parts_of_others(settings: RunSettings) -> None:
    assert settings.out is not None
    run_method(settings)
    theirs = [settings.out / "holiday.mkv.part", settings.out / "run.json.part", settings.out / "sequences/mine.part"]
    ours = [settings.out / "run.json.0123456789abcdef.part", settings.out / "sequences/a.json.77.part"]
    for path in (*theirs, *ours):
        path.write_text("half")
    run_method(settings)
    assert [path.exists() for path in (*theirs, *ours)] == [True, True, True, False, False]


def test_a_run_whose_record_is_lost_goes_on_among_its_own_files(settings: RunSettings) -> None:
    assert settings.out is not None
    run_method(settings)
    (settings.out / "run.json").unlink()
    (settings.out / "overlaps").mkdir()
    assert run_method(settings).record.status == "complete"


@pytest.mark.parametrize("name", ["holiday.mkv.part", "mine.csv", "notes.txt"])
def test_a_run_does_not_begin_among_files_of_others(settings: RunSettings, name: str) -> None:
    assert settings.out is not None
    settings.out.mkdir()
    (settings.out / name).write_text("mine")
    with pytest.raises(BadInputError, match="expected an empty folder or one that a run made"):
        run_method(settings)
    assert (settings.out / name).read_text() == "mine"


def test_a_scoring_removes_records_of_sequences_and_nothing_else(fake_vos: ModuleType, tmp_path: Path) -> None:
    sequence = fake_vos.FakeSequence("s", fake_vos.Spec())
    for frame in sequence.frame_names:
        write_label_map(tmp_path / "truth" / "s" / f"{frame}.png", sequence.read_truth(frame))
    out = tmp_path / "out"
    score(tmp_path / "truth", truth=tmp_path / "truth", out=out)
    mine = [out / "own-notes.txt", out / "sequences" / "own-notes.txt", out / "holiday.mkv.part"]
    for path in mine:
        path.write_text("mine")
    score(tmp_path / "truth", truth=tmp_path / "truth", out=out)
    assert [path.read_text() for path in mine] == ["mine"] * 3
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "objects.csv").write_text("mine")
    with pytest.raises(BadInputError, match="found it without a run"):
        score(tmp_path / "truth", truth=tmp_path / "truth", out=tmp_path / "other")


def test_a_temporary_file_has_a_name_that_cannot_be_foretold_and_is_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = set()
    for _ in range(2):
        with replacing(tmp_path / "run.json") as part:
            names.add(part.name)
            part.write_text("x")
    assert len(names) == 2
    assert {part_of(Path(name)) for name in names} == {"run.json"}
    victim = tmp_path / "victim"
    victim.write_text("theirs")
    monkeypatch.setattr(os, "urandom", lambda count: b"\0" * count)
    (tmp_path / f"run.json.{'00' * 8}.part").symlink_to(victim)
    with pytest.raises(BadInputError, match="File exists"):
        write_text(tmp_path / "run.json", "ours")
    assert victim.read_text() == "theirs"
    assert (tmp_path / f"run.json.{'00' * 8}.part").is_symlink()


def test_a_device_or_a_pipe_is_written_into_and_never_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = subprocess.Popen(
        [sys.executable, "-c", f"print(open({str(tmp_path / 'pipe')!r}).read(), end='')"], stdout=subprocess.PIPE
    )
    write_json(tmp_path / "pipe", {"J": 1})
    assert json.loads(reader.communicate(timeout=900)[0]) == {"J": 1}
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    (tmp_path / "null").symlink_to(os.devnull)
    write_page(tmp_path / "null", "x")
    assert (tmp_path / "null").is_symlink()
    for path in (tmp_path / "pipe", tmp_path / "null"):
        with pytest.raises(BadInputError, match="is a device or a pipe, which is not replaced"):
            write_text(path, "x")


@pytest.mark.parametrize("name", ["", ".", "a\0b"])
def test_what_is_no_name_is_one_message(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInputError):
        write_text(Path(name), "x")


def test_parts_of_the_dead_are_removed_and_those_of_the_living_stay(tmp_path: Path) -> None:
    dead, other = tmp_path / "a.zip.0123456789abcdef.part", tmp_path / "b.zip.0123456789abcdef.part"
    piece = tmp_path / "a.zip.1.part"  # of a download by another program
    for path in (dead, other, piece):
        path.write_text("half")
    with replacing(tmp_path / "a.zip") as part:
        remove_stale_parts(tmp_path / "a.zip")
        assert [path.exists() for path in (dead, other, piece, part)] == [False, True, True, True]
        part.write_text("whole")
    assert (tmp_path / "a.zip").read_text() == "whole"


VOS_BENCH = "import sys; from vos_bench.cli import main; sys.exit(main())"
LATIN = {"PYTHONIOENCODING": "latin-1"}
C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.parametrize(
    ("shell", "environment", "code"),
    [
        ("{}", LATIN, 0),
        ("{}", C_LOCALE, 0),
        ("{} --help", {"COLUMNS": "1", "TERM": "dumb"}, 0),
        ("{} >&-", {}, 0),
        ("{} 2>&-", {}, 0),
        ("{} 2>/dev/full", {}, 0),
        ("{} >/dev/full", {}, 2),
        ("mkdir gone; cd gone; rmdir ../gone; {}", {}, 2),
        ("{} --json ''", {}, 2),
    ],
)
def test_output_of_any_kind_gives_no_traceback(
    tmp_path: Path, shell: str, environment: dict[str, str], code: int
) -> None:
    command = f"'{sys.executable}' -c '{VOS_BENCH}' list reports"
    if "--json" in shell:
        command = f"'{sys.executable}' -c '{VOS_BENCH}' compare a b"
    done = subprocess.run(
        ["sh", "-c", shell.format(command)],
        cwd=tmp_path,
        env={**os.environ, **environment},
        check=False,
        capture_output=True,
        text=True,
        errors="replace",
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == code, done.stderr


def test_a_file_that_an_option_names_is_looked_at_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("", str(tmp_path)):
        assert main(["run", "copy-first", "--dataset", "demo", "--out", "out", "--json", name]) == 2
        assert "expected the name of a file" in capsys.readouterr().err.replace("\n", " ")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "command",
    [
        ("score", "good", "--truth", "good", "--protocol", "all-frames", "--out", ""),
        ("score", "good", "--truth=", "--out", "out"),
        ("import-masks", "good", "--from", "davis", "--out="),
        ("check", "folder", "--root", ""),
    ],
)
def test_a_path_that_a_shell_left_empty_is_not_the_current_folder(
    tmp_path: Path, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for frame in ("0", "1"):
        write_label_map(tmp_path / f"good/s/{frame}.png", np.ones((4, 4), np.uint16))
    assert main([*command]) == 2
    assert "found an empty text; expected a path" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["good"]


@pytest.mark.parametrize("name", ["loop", "x" * 300, "file/inside", "loop/inside"])
@pytest.mark.parametrize("option", ["--json", "--out", "masks", "--truth"])
def test_a_path_that_cannot_be_is_one_message(
    tmp_path: Path, name: str, option: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").write_text("mine")
    write_label_map(tmp_path / "good/s/0.png", np.ones((4, 4), np.uint16))
    write_label_map(tmp_path / "good/s/1.png", np.ones((4, 4), np.uint16))
    options = {"masks": "good", "--truth": "good", "--out": "out", "--json": "json", option: name}
    masks = options.pop("masks")
    command = ["score", masks, *(text for pair in options.items() for text in pair)]
    assert main([*command, "--protocol", "all-frames"]) == 2
    said = capsys.readouterr().err
    assert said.count("vos-bench: ") == 1
    assert "Traceback" not in said
    assert (tmp_path / "file").read_text() == "mine"
