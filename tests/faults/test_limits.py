"""Limits of the system on files and memory: one message, and nothing is lost that was finished."""

import errno
import os
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from vos_bench.commands.error_messages import exhausted

resource = pytest.importorskip("resource")

RUN = ("run", "copy-first", "--dataset", "demo", "--sequences", "tiny,lighting", "--out", "out")
SCORE = ("score", "masks", "--truth", "truth", "--out", "out")
FILE_SIZE, FILES, MEMORY = resource.RLIMIT_FSIZE, resource.RLIMIT_NOFILE, resource.RLIMIT_AS


def call(
    breaking: ModuleType, folder: Path, command: tuple[str, ...], limit: tuple[int, int] | None = None
) -> tuple[int, str]:
    def lower() -> None:
        if limit is not None:
            resource.setrlimit(limit[0], (limit[1], limit[1]))

    done = subprocess.run(
        [*breaking.VOS_BENCH, *command],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        preexec_fn=lower,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("command", "limit", "reason"),
    [
        (RUN, (FILE_SIZE, 4096), "cannot be written: File too large"),
        ((*RUN, "--jobs", "2"), (FILE_SIZE, 4096), "cannot be written: File too large"),
        ((*RUN, "--jobs", "2"), (FILES, 9), "Too many open files"),
        (SCORE, (FILE_SIZE, 1024), "cannot be written: File too large"),
        (SCORE, (FILES, 5), "Too many open files"),
        (RUN, (MEMORY, 200 << 20), "failed to map segment"),
    ],
)
def test_a_limit_is_one_message_and_the_same_command_goes_on(
    breaking: ModuleType,
    works: ModuleType,
    tmp_path: Path,
    command: tuple[str, ...],
    limit: tuple[int, int],
    reason: str,
) -> None:
    if command[0] == "score":
        truth, masks = works.make_label_maps(tmp_path, sequences=2)
        masks.rename(tmp_path / "masks")
        assert truth == tmp_path / "truth"
    code, said = call(breaking, tmp_path, command, limit)
    assert (code, said.count("vos-bench: ")) == (2, 1), said
    assert reason in said
    assert "Traceback" not in said
    assert not list(tmp_path.rglob("*.part"))
    before = {path: path.read_bytes() for path in tmp_path.glob("out/sequences/*.json")}
    code, said = call(breaking, tmp_path, command)
    assert code == 0, said
    if command[0] == "run":
        assert all(path.read_bytes() == data for path, data in before.items())


def chained(outer: Exception, inner: Exception) -> Exception:
    outer.__context__ = inner
    return outer


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "out of memory"),
        (OSError(errno.EMFILE, os.strerror(errno.EMFILE)), "Too many open files"),
        (chained(AttributeError("terminate"), RuntimeError("can't start new thread")), "can't start new thread"),
        (chained(OSError("no library"), OSError("x.so: failed to map segment from shared object")), "failed to map"),
        (ValueError("a mistake of ours"), None),
        (OSError(errno.ENOENT, "no such file"), None),
    ],
)
def test_what_the_system_refuses_is_told_from_mistakes(error: Exception, words: str | None) -> None:
    found = exhausted(error)
    assert (found is None) if words is None else (words in str(found))
