"""`vos-bench run external` from end to end."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from vos_bench.methods.external.recipes import DRIVERS
from vos_bench.records import load_run

pytestmark = pytest.mark.skipif(os.name == "nt", reason="external programs need process groups")

Call = Callable[..., int]

STILL = shlex.join((sys.executable, str(DRIVERS / "vos_bench_client.py")))

SYSTEM = f"""
import os, sys, time
sys.path.insert(0, {str(DRIVERS)!r})
from vos_bench_client import Still, serve


class System(Still):
    def step(self, image, new, boxes):
        sys.stderr.write("a frame\\n")
        FAULT
        return super().step(image, new, boxes)


serve(lambda hello: System())
"""


def system(folder: Path, fault: str) -> str:
    path = folder / "system.py"
    path.write_text(SYSTEM.replace("FAULT", fault))
    return shlex.join((sys.executable, str(path)))


def test_a_system_is_run_scored_and_recorded_under_its_own_name(call: Call, video: Path) -> None:
    code = call(
        "run", "external", "--command", STILL, "--name", "still", "--dataset", "folder", "--root", video, "--out", "out"
    )
    assert code == 0
    run = load_run(Path("out"))
    assert run.record.method.name == "still"
    assert run.record.method.config["command"] == STILL
    assert run.record.scored
    assert run.record.timing is not None
    assert "the system timed itself" in run.record.timing.reasons
    assert {sequence.timings.bracket for sequence in run.sequence_records.values()} == {"reported"}


def test_a_crash_costs_one_sequence_and_its_log_is_in_the_record(
    call: Call, video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = system(tmp_path, "os._exit(7) if image[0, 0, 0] < 100 else 0")
    code = call("run", "external", "--command", command, "--dataset", "folder", "--root", video, "--out", "out")
    assert code == 1
    sequences = load_run(Path("out")).sequence_records
    assert {name: found.status for name, found in sequences.items()} == {"one": "failed", "two": "done"}
    assert sequences["one"].error.startswith("the program ended with exit code 7 instead of answering frame 00000")
    assert sequences["two"].log.splitlines() == ["a frame"] * 5
    assert "failed: one: the program ended with exit code 7" in capsys.readouterr().out


def test_an_id_that_was_never_given_costs_one_sequence(call: Call, video: Path, tmp_path: Path) -> None:
    command = system(tmp_path, "self.labels[0, 0] = 9 if image[0, 0, 0] < 100 else 0")
    assert call("run", "external", "--command", command, "--dataset", "folder", "--root", video, "--out", "out") == 1
    sequences = load_run(Path("out")).sequence_records
    assert "returned the unknown object 9" in sequences["one"].error
    assert sequences["two"].status == "done"


def test_worker_processes_have_a_system_each(call: Call, video: Path, tmp_path: Path) -> None:
    command = system(tmp_path, "pass")
    code = call(
        "run", "external", "--command", command, "--dataset", "folder", "--root", video, "--out", "out", "--jobs", "2"
    )
    assert code == 0
    assert load_run(Path("out")).record.counts.done == 2


def test_the_batch_form_with_one_call_for_all(call: Call, video: Path, tmp_path: Path) -> None:
    path = tmp_path / "all.py"
    path.write_text("""
import pathlib, shutil, sys
frames, prompts, out = map(pathlib.Path, sys.argv[1:4])
print("called")
for folder in frames.iterdir():
    for frame in folder.iterdir():
        shutil.copy(prompts / folder.name / "00000.png", out / folder.name / (frame.stem + ".png"))
""")
    command = f"{shlex.join((sys.executable, str(path)))} {{frames}} {{prompts}} {{out}}"
    code = call(
        "run", "external", "--command", command, "--set", "calls=once", "--dataset", "folder", "--root", video,
        "--out", "out",
    )  # fmt: skip
    assert code == 0
    assert sorted(found.log for found in load_run(Path("out")).sequence_records.values()) == ["", "called"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("external",), "external: no command. Give --command"),
        (("external", "--command", "no-such-program"), "there is no program 'no-such-program'"),
        (("copy-first", "--command", "x"), "there is no 'command'"),
        (("external", "--command", "true", "--name", "a/b"), "--name a/b: expected letters"),
        (("external", "--command", "true", "--timeout", "0"), "timeout_seconds"),
        (("external", "--command", "true", "--timeout", "300"), "ended with exit code 0 instead of answering hello"),
        (("cutie",), "cutie: no weights. To give it some:\n  --weights FILE"),
        (("xmem", "--weights", "w.pth"), "there is no such folder\n  expected a checkout"),
        (("sam2.1", "--weights", "w.pth", "--set", "python=no-such-python"), "there is no program 'no-such-python'"),
    ],
)
def test_what_cannot_be_is_one_message(
    call: Call, video: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    Path("w.pth").touch()
    assert call("run", *arguments, "--dataset", "folder", "--root", video, "--out", "out") == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("vos-bench: ")
    assert all(line.startswith("  ") for line in error.splitlines()[1:])


def processes(pattern: str) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and pattern in (entry / "cmdline").read_bytes().decode(errors="replace"):
                found += [entry.name] if (entry / "stat").read_text().rpartition(")")[2].split()[0] != "Z" else []
        except OSError:
            continue
    return found


def wait_until(condition: Callable[[], object]) -> bool:
    deadline = time.monotonic() + 900
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return bool(found)


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill-9"])
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_no_process_outlives_a_run_that_is_ended(video: Path, tmp_path: Path, end: signal.Signals, jobs: str) -> None:
    mark = tmp_path / "at-work"
    ignore = "__import__('signal').signal(15, __import__('signal').SIG_IGN)"
    command = system(tmp_path, f"{ignore}; open({str(mark)!r}, 'w'); time.sleep(1000)")
    arguments = [
        "run",
        "external",
        "--command",
        command,
        "--dataset",
        "folder",
        "--root",
        str(video),
        "--out",
        "out",
        "--jobs",
        jobs,
    ]
    code = f"import sys; from vos_bench.cli import main; sys.exit(main({json.dumps(arguments)}))"
    run = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    assert wait_until(lambda: mark.exists() or run.poll() is not None), "the system never began"
    run.send_signal(end)
    _, errors = run.communicate(timeout=900)
    assert run.returncode == (130 if end == signal.SIGINT else -9), errors
    assert wait_until(lambda: not processes(str(tmp_path / "system.py")))
