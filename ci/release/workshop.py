"""Where a release is checked: a clone of the commit, its wheel, fresh environments; each made when first asked for."""

import os
import signal
import subprocess
import sys
import venv
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path


class NotCheckedError(Exception):
    """What a step needs is not on this machine, so that nothing is known."""


class FailedError(Exception):
    """A step found that something does not hold."""


class Workshop:
    """The clone, the wheel and the environments of one check.

    Attributes:
        root: The checkout.
        out: Where logs and results go.
        scratch: Where the rest goes; it may be thrown away afterwards.
        log: Where commands write.
        limit_seconds: After how long a command is taken for one that hangs.
    """

    limit_seconds: float = 3 * 3600

    def __init__(self, root: Path, *, out: Path, scratch: Path) -> None:
        """Begin; nothing is made yet."""
        self.root, self.out, self.scratch = root, out, scratch
        self.log = out / "log.txt"

    def run(
        self, *command: str | Path, inside: Path | None = None, environment: Mapping[str, str] | None = None
    ) -> str:
        """Run a command in the clone (or `inside`), with its output in the log, and return that output.

        Raises:
            FailedError: It leaves with another code than 0.
        """
        code, said = self.attempt(*command, inside=inside, environment=environment)
        if code:
            raise FailedError(f"{_text(command)} left with {code}: {_last_line(said)}")
        return said

    def attempt(
        self, *command: str | Path, inside: Path | None = None, environment: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        """Run a command as `run` does, and return its exit code and its output. Raises FailedError where it hangs."""
        with subprocess.Popen(
            list(map(str, command)),
            cwd=inside or self.source,
            env={**_neutral(os.environ), **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                said, _ = process.communicate(timeout=self.limit_seconds)
            except subprocess.TimeoutExpired:
                _kill(process)
                self._log(command, process.communicate()[0])
                raise FailedError(f"{_text(command)} has not ended after {self.limit_seconds:g} s") from None
            except BaseException:
                _kill(process)
                raise
        self._log(command, said)
        return process.returncode, said

    def _log(self, command: tuple[str | Path, ...], said: str) -> None:
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"$ {_text(command)}\n{said}\n")

    @cached_property
    def source(self) -> Path:
        """A clone of the commit that is checked out, so that what was never committed cannot help."""
        folder = self.scratch / "source"
        self.run("git", "clone", "--quiet", self.root, folder, inside=self.scratch)
        shared = self.root.parent / "shared"
        if shared.is_dir():
            (self.scratch / "shared").symlink_to(shared, target_is_directory=True)
        return folder

    @cached_property
    def packages(self) -> Path:
        """A folder with the source package and the wheel that was built from it."""
        self.run(sys.executable, "-m", "build", "--outdir", self.scratch / "dist", self.source)
        return self.scratch / "dist"

    @property
    def wheel(self) -> Path:
        """The wheel."""
        [wheel] = self.packages.glob("*.whl")
        return wheel

    @cached_property
    def tester(self) -> Path:
        """The Python of a fresh environment that holds the wheel and what tests need."""
        python = self.fresh("tester")
        self.run(python, "-m", "pip", "install", "--quiet", f"{self.wheel}[test,training]")
        return python

    def fresh(self, name: str) -> Path:
        """Make a virtual environment and return its Python."""
        folder = self.scratch / "environments" / name
        venv.create(folder, with_pip=True)
        return folder / ("Scripts" if os.name == "nt" else "bin") / "python"

    def pytest(self, *arguments: str | Path, environment: Mapping[str, str] | None = None) -> str:
        """Run tests of the clone against the wheel, with the clone's packages out of Python's reach."""
        where = ("-c", self.source / "pyproject.toml", "--rootdir", self.source, "-p", "no:cacheprovider")
        return self.run(
            self.tester, "-I", "-m", "pytest", *where, *arguments, inside=self.scratch, environment=environment
        )

    def needs_shared(self) -> None:
        """Raise NotCheckedError where the recorded data that tests compare with are not beside the checkout."""
        if not (self.source.parent / "shared").exists():
            raise NotCheckedError("there is no folder shared/ beside the checkout")


def _text(command: tuple[str | Path, ...]) -> str:
    return " ".join(map(str, command))


def _neutral(environment: Mapping[str, str]) -> dict[str, str]:
    """Leave out what would bring in other packages than those that a step installs."""
    return {name: value for name, value in environment.items() if name != "PYTHONPATH" and not name.startswith("PIP_")}


def _kill(process: subprocess.Popen[str]) -> None:
    """Kill a command and all that it started."""
    if os.name == "nt":
        process.kill()
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it said nothing"
