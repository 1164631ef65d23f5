"""The end of a program is its process's end, and nothing it prints, keeps open or leaves unread can hold a run up."""

import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from vos_bench.errors import MethodError
from vos_bench.methods.external.child import POLITE_SECONDS, BoundedLog, Child, EndedError, SlowError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="external programs need process groups")
linux = pytest.mark.skipif(sys.platform != "linux", reason="orphans fall to the supervisor on Linux alone")

AWAY = "import subprocess, sys, time\nsubprocess.Popen(['sleep', '{seconds}'], start_new_session=True)\n"
"""A descendant in a session of its own, which keeps the streams open."""

PATIENCE_SECONDS = 300
"""Less than any descendant here sleeps, and more than a busy machine takes."""

Start = Callable[..., Child]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts Python programs, and leaves none running."""
    started: list[Child] = []

    def make(code: str, *, log: BoundedLog | None = None, converses: bool = False) -> Child:
        started.append(Child((sys.executable, "-c", code), log=log or BoundedLog(), converses=converses))
        return started[-1]

    yield make
    for child in started:
        child.end(politely=False)


def sleeping(seconds: str) -> list[psutil.Process]:
    known = psutil.process_iter(["cmdline", "status"])
    wanted = [process for process in known if process.info["cmdline"] == ["sleep", seconds]]
    return [process for process in wanted if process.info["status"] != psutil.STATUS_ZOMBIE]


def nothing(_: bytearray) -> None:
    """Find no answer in what was printed."""


@pytest.fixture
def left() -> Iterator[str]:
    """How long the descendant of this test sleeps, which tells it from all others; it is ended after the test."""
    seconds = f"1000.{time.time_ns()}"
    yield seconds
    for process in sleeping(seconds):
        process.kill()


def test_a_command_has_ended_though_a_descendant_keeps_its_streams_open(start: Start, left: str) -> None:
    log = BoundedLog()
    child = start(AWAY.format(seconds=left) + "print('x' * 50_000)\nprint('the end')\nsys.exit(3)", log=log)
    assert child.wait(seconds=PATIENCE_SECONDS) == 3
    assert log.last_line() == "the end"


@linux
@pytest.mark.parametrize("end", ["by itself", "at our word"])
def test_a_descendant_in_a_session_of_its_own_does_not_outlive_the_program(start: Start, left: str, end: str) -> None:
    nested = AWAY.format(seconds=left)
    code = f"import subprocess, sys, time\nsubprocess.run([sys.executable, '-c', {nested!r}], start_new_session=True)\n"
    child = start(code + ("" if end == "by itself" else "print(flush=True)\ntime.sleep(1000)"), converses=True)
    if end == "by itself":
        assert child.wait(seconds=PATIENCE_SECONDS) == 0
    else:
        child.receive(lambda inbox: bytes(inbox) or None, seconds=PATIENCE_SECONDS)
        assert sleeping(left)
        child.end(politely=False)
    assert not sleeping(left)


def test_a_death_is_noticed_at_once_though_a_descendant_keeps_the_streams_open(start: Start, left: str) -> None:
    child = start(AWAY.format(seconds=left) + "sys.exit(5)", converses=True)
    with pytest.raises(EndedError, match="ended with exit code 5"):
        child.receive(nothing, seconds=PATIENCE_SECONDS)


def test_a_program_that_takes_long_to_end_after_it_closed_its_output_is_not_said_to_be_killed(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an interpreter does on a busy machine."""
    monkeypatch.setattr("vos_bench.methods.external.child.LAST_SECONDS", 2 * PATIENCE_SECONDS)
    code = f"import os, sys, time; os.close(1); time.sleep({POLITE_SECONDS + 0.5}); os._exit(7)"
    with pytest.raises(EndedError, match="ended with exit code 7"):
        start(code, converses=True).receive(nothing, seconds=PATIENCE_SECONDS)


def test_what_is_still_in_the_pipe_at_the_end_is_taken(start: Start) -> None:
    child = start("import os; os.write(1, b'x' * 60_000); os._exit(0)", converses=True)
    assert child.receive(lambda inbox: len(inbox) if len(inbox) == 60_000 else None, seconds=PATIENCE_SECONDS)


FLOOD = "import subprocess, time\nfor _ in range(3): subprocess.Popen(['yes'], stdout=2)\ntime.sleep(1000)"


class SlowLog(BoundedLog):
    """Takes so long that there is always more to read, as on a busy machine."""

    def add(self, data: bytes) -> None:
        time.sleep(0.02)
        super().add(data)


@pytest.mark.parametrize("converses", [True, False])
def test_a_program_that_prints_without_end_is_too_slow_all_the_same(start: Start, converses: bool) -> None:
    child = start(FLOOD, log=SlowLog(), converses=converses)
    began = time.monotonic()
    with pytest.raises(SlowError):
        child.receive(nothing, seconds=0.5) if converses else child.wait(seconds=0.5)
    child.listen()
    child.end()
    assert time.monotonic() - began < PATIENCE_SECONDS  # it would not end at all


def test_a_hundred_megabytes_of_standard_error_are_bounded(start: Start) -> None:
    log = BoundedLog()
    child = start("import sys\nfor _ in range(100): sys.stderr.write('x' * 1_000_000)\nprint('the end')", log=log)
    assert child.wait(seconds=PATIENCE_SECONDS) == 0
    assert len(log.text()) < BoundedLog.HEAD + BoundedLog.TAIL + 100
    assert log.last_line().endswith("the end")


def test_a_program_that_reads_nothing_holds_up_an_answer_until_the_time_is_over(start: Start) -> None:
    child = start("import time; time.sleep(1000)", converses=True)
    child.send([bytes(10_000_000)])
    with pytest.raises(SlowError):
        child.receive(nothing, seconds=0.5)


def test_a_program_that_answers_while_it_is_still_sent_data_blocks_nobody(start: Start) -> None:
    code = "import os, sys\n[os.write(1, b'y' * 100_000) for _ in range(20)]\n"
    child = start(code + "print(len(sys.stdin.buffer.read(3_000_000)), end='!', flush=True)", converses=True)
    child.send([bytes(3_000_000)])
    found = child.receive(lambda inbox: bytes(inbox) if inbox.endswith(b"!") else None, seconds=PATIENCE_SECONDS)
    assert found[-8:] == b"3000000!"


def test_a_program_that_closes_its_input_and_says_nothing_is_not_waited_for(start: Start) -> None:
    child = start("import os, time; os.close(0); time.sleep(1000)", converses=True)
    child.send([bytes(10_000_000)])
    with pytest.raises(EndedError, match="closed its standard input"):
        child.receive(nothing, seconds=PATIENCE_SECONDS)


def test_a_program_dies_in_the_middle_of_an_answer_and_leaves_a_process(
    external: Any, clip: Any, answers: Any, program: Any, left: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vos_bench.methods.external.child.LAST_SECONDS", 2 * PATIENCE_SECONDS)
    body = f"""
subprocess.Popen(['sleep', {left!r}], start_new_session=True)
os.write(OUT, MARK + b'{{"frame": "00001", "height": 20, "width": 30}}\\n' + bytes(100))
os._exit(9)"""
    command = program(body)
    path = Path(shlex.split(command)[-1])
    path.write_text(path.read_text().replace("import vos_bench_client", "import vos_bench_client\nOUT = os.dup(1)", 1))
    began = time.monotonic()
    with pytest.raises(MethodError, match=r"exit code 9 instead of answering frame 00001 \(its label map is not whole"):
        answers(external(command), clip())
    assert time.monotonic() - began < PATIENCE_SECONDS
