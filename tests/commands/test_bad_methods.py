"""Methods with faults: one clear message, and the sequences without the fault are finished."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from bad_input import Capture, Data, kept, said_once, statuses

from vos_bench.records import load_run

Call = Callable[..., int]


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("FailsOnTwo", "raised ValueError on frame 00001: cannot take bright frames"),
        ("WrongShape", "frame 00001: returned labels of shape (39, 60); expected the frame's (40, 60)"),
        ("UnknownId", "frame 00001: returned the unknown object 11; expected 0 (background) to 2"),
    ],
)
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_methods_fault_fails_one_sequence_and_the_other_is_finished(
    call: Call, folder: Data, methods: Path, capsys: Capture, method: str, message: str, jobs: int
) -> None:
    assert call("run", f"{methods}:{method}", *folder.arguments, "--out", "out", "--jobs", jobs) == 1
    said_once(capsys, "failed: two: ", message)
    assert kept("out")


@pytest.mark.parametrize(
    ("method", "text", "message"),
    [
        ("Unbuildable", None, "Unbuildable: cannot be built: RuntimeError: no luck today"),
        (
            "Forgets",
            None,
            "its __init__ leaves it without config, weights, device, amp, compile, seed; expected",
        ),
        ("NoMethod", None, "NoMethod is no subclass of vos_bench.api.Method"),
        ("Absent", None, "there is no 'Absent' in it"),
        ("Stay", "import nothing_of_this_name", "mine.py: cannot be imported: ModuleNotFoundError"),
        ("Stay", "def (", "mine.py: cannot be imported: SyntaxError"),
        ("Stay", "1 / 0", "mine.py: cannot be imported: ZeroDivisionError"),
    ],
)
def test_a_method_that_cannot_be_built_is_refused(
    call: Call, folder: Data, methods: Path, capsys: Capture, method: str, text: str | None, message: str
) -> None:
    if text is not None:
        methods.write_text(text)
    assert call("run", f"{methods}:{method}", *folder.arguments, "--out", "out") == 2
    said_once(capsys, "vos-bench: ", message)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_method_that_goes_to_another_folder_takes_nothing_with_it(
    call: Call, folder: Data, methods: Path, capsys: Capture, jobs: int
) -> None:
    root = Path(os.path.relpath(folder.root))
    method = f"{methods}:GoesAway"
    data = ("--dataset", folder.dataset, "--root", root, "--truth", Path(os.path.relpath(folder.labels)))
    assert call("run", method, *data, "--out", "out", "--jobs", jobs, "--seeds", "0,1", "--device", "cpu") == 0
    assert {status for seed in (0, 1) for status in statuses(f"out/seed-{seed}").values()} == {"done"}
    assert "out/seed-1" in capsys.readouterr().out.splitlines()
    assert call("run", method, *data, "--jobs", jobs) == 0
    assert len(list(Path("runs/folder").glob("*/*/run.json"))) == 1
    assert list(Path("elsewhere").rglob("*")) == []


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_method_that_cannot_be_closed_loses_nothing(
    call: Call, folder: Data, methods: Path, capsys: Capture, jobs: int
) -> None:
    assert call("run", f"{methods}:CannotClose", *folder.arguments, "--out", "out", "--jobs", jobs) == 0
    assert load_run(Path("out")).record.status == "complete"
    if jobs == 1:
        said_once(capsys, "note: closing the method raised RuntimeError: no luck today")


def test_a_timing_of_a_method_that_cannot_be_closed_is_kept(call: Call, folder: Data, methods: Path) -> None:
    assert call("bench", f"{methods}:CannotClose", *folder.arguments, "--quick", "--out", "out") == 0
    assert "closing the method raised RuntimeError: no luck today" in load_run(Path("out")).record.notes
