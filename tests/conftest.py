"""Fixtures that every test may use."""

from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real sequences and recorded scores that lies beside a developer's checkout."""
    folder = CHECKOUT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs the folder shared/ beside the checkout, which holds data under its own licences")
    return folder


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own configuration and data out of every test."""
    home = tmp_path_factory.getbasetemp() / "home"
    home.mkdir(exist_ok=True)
    monkeypatch.setenv("VOS_BENCH_CONFIG", str(home / "config.toml"))
    monkeypatch.setenv("VOS_BENCH_CACHE", str(home / "cache"))
    monkeypatch.delenv("VOS_BENCH_DATA", raising=False)
    monkeypatch.delenv("VOS_BENCH_WEIGHTS", raising=False)
