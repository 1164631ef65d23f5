"""Whatever code of others raises is one message and never exit code 0, also `sys.exit`, wherever it is called."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from bad_input import RAISED, Capture, Data

from vos_bench.records import load_run

Call = Callable[..., int]

METHOD = """
from vos_bench.api import Method, Prediction, SequenceMethod
from vos_bench.config import FrozenModel


def fault():
    {raised}


class Base(Method):
    def initialize(self, image, prompt):
        return self.step(image)

    def step(self, image, new=None):
        return Prediction(image[..., 0].astype("uint16") * 0)


class Build(Base):
    def __init__(self, *a, **k):
        fault()


class Initialize(Base):
    def initialize(self, image, prompt):
        fault()


class Step(Base):
    def step(self, image, new=None):
        fault()


class Finish(Base):
    def finish(self):
        fault()


class AtOnce(Base):
    @property
    def objects_at_once(self):
        fault()


class Words(Exception):
    def __str__(self):
        fault()


class Message(Base):
    def step(self, image, new=None):
        raise Words


class Configured(Base):
    class Config(FrozenModel):
        needed: int


class Segment(SequenceMethod):
    def segment(self, sequence):
        for image, new in sequence.frames:
            yield Prediction(image[..., 0].astype("uint16") * 0)
            fault()


class Preview(SequenceMethod):
    def preview_sequences(self, sequences):
        fault()

    def segment(self, sequence):
        for image, new in sequence.frames:
            yield Prediction(image[..., 0].astype("uint16") * 0)


class Silent(Base):
    def finish(self):
        return None


class Close(Base):
    def close(self):
        fault()
"""


@pytest.fixture
def faulty(tmp_path: Path) -> Callable[[str], Path]:
    def write(raised: str) -> Path:
        path = tmp_path / "faulty.py"
        path.write_text(METHOD.format(raised=RAISED[raised]))
        return path

    return write


@pytest.mark.parametrize("raised", RAISED)
@pytest.mark.parametrize("method", ["Initialize", "Step", "Segment", "Finish", "Message", "Silent"])
def test_what_a_method_raises_on_a_sequence_fails_it_and_the_others_are_tried(
    call: Call, folder: Data, faulty: Callable[[str], Path], capsys: Capture, method: str, raised: str
) -> None:
    assert call("run", f"{faulty(raised)}:{method}", *folder.arguments, "--out", "out") == 1
    run = load_run("out")
    assert (run.record.status, run.record.counts.failed) == ("failed", 2)
    assert "Traceback" not in "".join(capsys.readouterr())


@pytest.mark.parametrize("raised", RAISED)
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_method_that_cannot_be_built_for_any_reason_ends_the_run_with_2(
    call: Call, folder: Data, faulty: Callable[[str], Path], capsys: Capture, raised: str, jobs: int
) -> None:
    if jobs == 2 and raised != "sys.exit":
        pytest.skip("one is enough: processes are slow to start")
    assert call("run", f"{faulty(raised)}:Build", *folder.arguments, "--out", "out", "--jobs", jobs) == 2
    out, err = capsys.readouterr()
    assert "Build: cannot be built: " in err
    assert "Traceback" not in out + err


@pytest.mark.parametrize("raised", RAISED)
def test_what_does_no_harm_is_noted(
    call: Call, folder: Data, faulty: Callable[[str], Path], capsys: Capture, raised: str
) -> None:
    for method, note in (("Preview", "preview_sequences raised "), ("Close", "closing the method raised ")):
        assert call("run", f"{faulty(raised)}:{method}", *folder.arguments, "--out", method) == 0
        run = load_run(method)
        assert (run.record.status, run.record.counts.done) == ("complete", 2)
        assert any(each.startswith(note) for each in run.record.notes)
    assert call("run", f"{faulty(raised)}:AtOnce", *folder.arguments, "--out", "AtOnce") == 0
    assert "Traceback" not in "".join(capsys.readouterr())


def test_a_config_without_defaults_is_one_message(
    call: Call, folder: Data, faulty: Callable[[str], Path], capsys: Capture
) -> None:
    assert call("run", f"{faulty('ValueError')}:Configured", *folder.arguments, "--out", "out") == 2
    assert "Configured: its Config fails: ValidationError" in capsys.readouterr().err


@pytest.mark.parametrize("raised", RAISED)
def test_a_file_that_raises_while_it_is_imported_is_one_message(
    call: Call, folder: Data, tmp_path: Path, capsys: Capture, raised: str
) -> None:
    (tmp_path / "mine.py").write_text(RAISED[raised])
    assert call("run", f"{tmp_path}/mine.py:Mine", *folder.arguments, "--out", "out") == 2
    assert "mine.py: cannot be imported: " in capsys.readouterr().err


def test_a_thread_that_a_method_left_does_not_hold_the_process(folder: Data, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        METHOD.format(raised="pass")
        + """
class Threads(Base):
    def __init__(self, *a, **k):
        super().__init__(*a, **k)
        import threading, time
        threading.Thread(target=time.sleep, args=(600,)).start()
"""
    )
    command = (sys.executable, "-c", "import sys; from vos_bench.cli import main; sys.exit(main())")
    what = ("run", f"{tmp_path}/mine.py:Threads", *map(str, folder.arguments), "--out", str(tmp_path / "out"))
    done = subprocess.run([*command, *what], check=False, capture_output=True, text=True, timeout=900)
    assert (done.returncode, "complete" in done.stdout) == (0, True)


@pytest.mark.parametrize("daemon", [True, False])
def test_the_end_of_a_process_runs_what_was_registered_for_it_and_waits_for_threads_of_our_own(daemon: bool) -> None:
    code = f"""
import atexit, threading, time
from vos_bench.foreign_code import leave
atexit.register(print, "registered", end=" ")
back = threading.Event()
threading.Thread(target=lambda: (back.wait(), time.sleep(0.5), print("thread", end=" ")), daemon={daemon}).start()
print("printed", end=" ")
leave(3)
print("returned", end=" ")
back.set()
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=900)
    expected = (3, "printed registered ") if daemon else (0, "printed returned thread registered ")
    assert (done.returncode, done.stdout) == expected


def test_a_run_without_all_its_results_is_never_0(call: Call, folder: Data, methods: Path, capsys: Capture) -> None:
    method = f"{methods}:Stay"
    assert call("run", method, *folder.arguments, "--out", "out") == 0
    (Path("out/sequences/two.json")).unlink()
    assert call("run", method, *folder.arguments, "--out", "out", "--sequences", "one") == 1
    assert "unfinished: 2 sequences chosen, 1 missing" in capsys.readouterr().out
    assert call("run", method, *folder.arguments, "--out", "out", "--shard", "1/2") == 0
