"""Hostile settings: `--set`, config.toml, and options that take names and numbers."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hostile.outcome import Refused, outcome
from hostile.plan import fuzz
from hostile.texts import AS_BYTES, NUMBERS, names, values
from hypothesis import strategies as st

from vos_bench.commands import options
from vos_bench.config import FrozenModel, apply_overrides, read_user_config


class Inner(FrozenModel):
    size: int = 8
    rate: float = 0.5


class Config(FrozenModel):
    inner: Inner = Inner()
    name: str = "any"
    flags: tuple[bool, ...] = ()


def toml(value: Any) -> str:
    """Write a value as TOML would hold it, or nearly so."""
    return (
        {float("inf"): "inf", float("-inf"): "-inf"}.get(value, str(value)) if isinstance(value, float) else repr(value)
    )


TEXTS = (
    "[" * 5000,
    "[" * 5000 + "]" * 5000,
    "{a=" * 3000 + "1" + "}" * 3000,
    "1" * 5000,
    "0x" + "f" * 5000,
    "1\nother = 2",
    "1 # a remark",
    "2024-13-45",
    '"""a\nb"""',
    "'''",
    "1e400",
    "1_0",
    "\ud800",
)


@st.composite
def overrides(draw: Any) -> str:
    """One `--set`."""
    keys = ("inner.size", "inner.rate", "name", "flags", "inner", "inner.size.deep", "", ".", "inner.", "no such")
    key = draw(st.sampled_from(keys) | names)
    value = draw(st.sampled_from(TEXTS) | names | st.sampled_from(NUMBERS).map(toml) | values.map(toml))
    return draw(st.sampled_from((f"{key}={value}", f"{key}={value}", f"{key} {value}", f"{key}=={value}")))


@fuzz("settings", st.lists(overrides(), min_size=1, max_size=3), share=0.5)
def test_a_hostile_setting_is_refused_or_is_the_value_that_was_given(arena, texts: list[str]) -> None:
    found = outcome(lambda: apply_overrides(Config(), texts), "--set")
    assert not any(arena.inside.iterdir())
    if isinstance(found, Refused):
        return
    again = Config.model_validate_json(found.model_dump_json())
    assert again == found, "a record cannot hold it"
    for text in texts[-1:]:
        key, _, value = text.partition("=")
        if key == "name":
            assert found.name in {value.strip(), _read(value)}


def _read(value: str) -> Any:
    try:
        return tomllib.loads(f"value = {value.strip()}")["value"]
    except (tomllib.TOMLDecodeError, ValueError, RecursionError):
        return None


@st.composite
def config_files(draw: Any) -> bytes:
    """A config file: two tables with hostile keys and values, written in an odd way now and then."""
    lines = []
    for table in draw(st.lists(st.sampled_from(("data", "weights", "other", "data.inner")), max_size=3)):
        lines.append(f"[{table}]")
        for _ in range(draw(st.integers(0, 2))):
            key = draw(names).replace("'", "")
            lines.append(f"'{key}' = {draw(st.sampled_from(TEXTS) | names.map(repr) | values.map(toml))}")
    return AS_BYTES[draw(st.sampled_from(("plain", "plain", *AS_BYTES)))]("\n".join(lines))


@fuzz("settings", config_files(), share=0.3)
def test_a_hostile_config_file_is_refused_or_read_as_toml(arena, data: bytes) -> None:
    path = arena.inside / "config.toml"
    path.write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VOS_BENCH_CONFIG", str(path))
        found = outcome(read_user_config, path)
    if not isinstance(found, Refused):
        expected = tomllib.loads(data.decode("utf-8"))
        assert {name: Path(value) for name, value in expected.get("data", {}).items()} == found.data
        assert {name: Path(value) for name, value in expected.get("weights", {}).items()} == found.weights


SHORT = tuple(text for text in TEXTS if len(text) < 1000)
"""A message repeats what one typed."""


@fuzz("settings", names | st.lists(names, max_size=3).map(",".join) | st.sampled_from(SHORT), share=0.2)
def test_a_hostile_option_is_refused_by_one_message(arena, text: str) -> None:
    for read in (options.seeds, options.shard, options.sizes, options.sequence_names):
        outcome(lambda read=read: read(text), "--")
    outcome(lambda: options.counts("--objects", text), "--objects")
    outcome(lambda: options.named_number("--tolerance", text), "--tolerance")
    outcome(lambda: options.named_path(text, otherwise="any"))
    name = outcome(lambda: options.system_name("--method", text), "--method")
    assert isinstance(name, Refused) or (Path(name).name == name and name.isprintable())
    assert not any(arena.inside.iterdir())
