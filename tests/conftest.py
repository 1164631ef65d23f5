"""Fixtures that every test may use."""

import importlib
import os
import random
import shutil
import signal
import sys
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from vos_bench.api import Precision
from vos_bench.environment import Environment
from vos_bench.records import (
    Counts,
    DatasetEntry,
    FrameScores,
    MethodEntry,
    Numerics,
    ObjectRecord,
    ProtocolEntry,
    Run,
    RunRecord,
    SequenceRecord,
)
from vos_bench.timing import Latency, TimingSummary

# A busy machine is no fault of the code: time is measured in tests/benchmarks, and nowhere else.
# Inputs are the same each time, so that chance makes no change fail; where the nightly profile is asked for, others.
settings.register_profile(
    "patient",
    deadline=None,
    derandomize=not os.environ.get("VOS_BENCH_FUZZ"),
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("patient")

CHECKOUT = Path(__file__).resolve().parent.parent

sys.path.insert(0, str(CHECKOUT / "tests" / "fakes"))  # for what tests of several folders import


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Let every test draw the same random numbers, whichever tests ran before it in this process."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002
    if torch := sys.modules.get("torch"):  # most tests do without
        torch.manual_seed(0)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real sequences and recorded scores that lies beside a developer's checkout."""
    folder = CHECKOUT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs the folder shared/ beside the checkout, which holds data under its own licences")
    return folder


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own configuration and data out of every test, those of git and the terminal too."""
    home = tmp_path_factory.getbasetemp() / "home"
    home.mkdir(exist_ok=True)
    monkeypatch.setenv("VOS_BENCH_CONFIG", str(home / "config.toml"))
    monkeypatch.setenv("VOS_BENCH_CACHE", str(home / "cache"))
    for name in [name for name in os.environ if name.startswith("GIT_")]:  # as git sets them for its hooks
        monkeypatch.delenv(name)
    for name in ("COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.delenv("VOS_BENCH_DATA", raising=False)
    monkeypatch.delenv("VOS_BENCH_WEIGHTS", raising=False)


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Unpack an archive of benchmarks/ by its stem, and return the folder of runs that it holds."""

    @cache
    def unpack(stem: str) -> Path:
        folder = tmp_path_factory.mktemp("results")
        with tarfile.open(CHECKOUT / "benchmarks" / f"{stem}.tar.xz") as archive:
            archive.extraction_filter = getattr(tarfile, "data_filter", None)  # from Python 3.11.4 on
            archive.extractall(folder)
        return folder / stem

    return unpack


@pytest.fixture
def fake_vos() -> ModuleType:
    """The made-up dataset and methods of tests/fakes."""
    return importlib.import_module("fake_vos")


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_is_heard() -> None:
    """Let processes that tests start hear Ctrl-C, also where a shell in the background made this one deaf to it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def golden_folder(shared: Path) -> Path:
    """The recorded inputs and outputs of the authors' LWL."""
    return shared / "golden" / "lwl"


@pytest.fixture(scope="session")
def golden(golden_folder: Path) -> Callable[[str], Any]:
    """Read one recorded file of tensors by its stem."""
    import torch  # most tests do without

    return cache(lambda stem: torch.load(golden_folder / f"{stem}.pt", weights_only=True))


@pytest.fixture
def ytvos_tree() -> ModuleType:
    """Builds made-up trees of the layout of YouTube-VOS; see tests/fakes."""
    return importlib.import_module("ytvos_tree")


@pytest.fixture
def benchmark_trees() -> ModuleType:
    """Builds made-up trees of the layouts of SA-V, MOSE, LVOS, VOST and BURST; see tests/fakes."""
    return importlib.import_module("benchmark_trees")


@pytest.fixture(scope="session")
def make_run() -> Callable[..., Run]:
    """Make a run of given scores: sequence name to J and F of its one object, None for a failed sequence."""

    def make(
        scores: dict[str, tuple[float, float] | None],
        *,
        method: str = "mine",
        seed: int = 0,
        protocol: ProtocolEntry | None = None,
        fingerprint: str = "f" * 64,
        fps: float | None = None,
        p50: float | None = None,
        indicative: bool = False,
        amp: Precision = "off",
        environment: Mapping[str, Any] | None = None,
    ) -> Run:
        sequences = {name: _sequence(name, found) for name, found in scores.items()}
        done = [found for found in scores.values() if found is not None]
        J, F = (sum(found[i] for found in done) / max(len(done), 1) for i in (0, 1))
        record = RunRecord(
            status="complete" if len(done) == len(scores) else "failed",
            created="2026-01-01T00:00:00Z",
            method=MethodEntry(name=method),
            dataset=DatasetEntry(name="demo", split="val", fingerprint=fingerprint, sequences=tuple(scores)),
            protocol=protocol or ProtocolEntry(name="davis", init="mask", frames_seen="all"),
            environment=Environment(vos_bench="0", python="3", platform="none", **(environment or {})),
            numerics=Numerics(seed=seed, amp=amp),
            counts=Counts(selected=len(scores), done=len(done), failed=len(scores) - len(done), scored=len(done)),
            scored=bool(done),
            scores={"J&F": (J + F) / 2, "J": J, "J_recall": 1, "J_decay": 0, "F": F, "F_recall": 1, "F_decay": 0}
            if done
            else {},
            timing=_timing(fps, p50, indicative=indicative),
        )
        return Run(Path("runs") / method, record, sequences)

    return make


def _timing(fps: float | None, p50: float | None, *, indicative: bool) -> TimingSummary | None:
    if fps is None and p50 is None:
        return None
    latency = Latency(p50=p50, p90=p50, p99=p50) if p50 is not None else None
    return TimingSummary(definition="none", indicative=indicative, fps=fps, step_ms=latency)


def _sequence(name: str, scores: tuple[float, float] | None) -> SequenceRecord:
    if scores is None:
        return SequenceRecord(name=name, status="failed", error="the method raised ValueError")
    J, F = scores
    frames = FrameScores(frame=("00001",), J=(J,), F=(F,))
    found = ObjectRecord(object=1, J=J, J_recall=1, J_decay=0, F=F, F_recall=1, F_decay=0, per_frame=frames)
    return SequenceRecord(name=name, status="done", frames=3, objects=1, scores=(found,))


BROWSER_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A real browser without a window."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium (the extra `test`)")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("needs a browser (Debian: chromium and chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*BROWSER_FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}", "--window-size=1280,900"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    opened = _opened(lambda: webdriver.Chrome(options=options, service=webdriver.ChromeService(driver)))
    yield opened
    opened.quit()


def _opened(start: Callable[[], Any]) -> Any:
    """Start a browser, which may take longer than the minute that its driver waits: then try again."""
    from selenium.common.exceptions import WebDriverException

    for _ in range(2):
        with suppress(WebDriverException):
            return start()
    return start()
