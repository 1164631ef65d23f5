from pathlib import Path

import pytest

from vos_bench import config
from vos_bench.config import FrozenModel, apply_overrides, find_data_root, find_weights
from vos_bench.errors import BadInputError


class Memory(FrozenModel):
    size: int = 32
    policy: str = "decay"


class Example(FrozenModel):
    memory: Memory = Memory()
    scale: float = 1.0
    names: tuple[str, ...] = ()


def test_overrides_reach_nested_fields_and_leave_the_original_alone() -> None:
    original = Example()
    changed = apply_overrides(original, ["memory.size=8", "scale=0.5", "memory.policy=first", 'names=["a", "b"]'])
    assert changed == Example(memory=Memory(size=8, policy="first"), scale=0.5, names=("a", "b"))
    assert original == Example()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("memory.size", "found no '='"),
        ("memory.sise=8", "there is no 'sise' in memory; known: policy, size"),
        ("memroy.size=8", "there is no 'memroy'; known: memory, names, scale"),
        ("scale.more=8", "'scale' is a value, it has no 'more' inside"),
        ("memory.size=many", "memory.size: .* found 'many'"),
    ],
)
def test_a_wrong_override_names_what_is_known(override: str, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        apply_overrides(Example(), [override])


def test_the_flag_wins_over_environment_and_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "base" / "DAVIS").mkdir(parents=True)
    monkeypatch.setenv("VOS_BENCH_DATA", str(tmp_path / "base"))
    assert find_data_root("davis17", tmp_path / "flag", ["DAVIS"]) == tmp_path / "flag"
    assert find_data_root("davis17", None, ["DAVIS"]) == tmp_path / "base" / "DAVIS"


def test_the_config_file_names_roots_and_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[data]\ndavis17 = "/data/DAVIS"\n[weights]\nlwl = "/weights/lwl.pth"\n')
    monkeypatch.setenv("VOS_BENCH_CONFIG", str(path))
    assert find_data_root("davis17", None) == Path("/data/DAVIS")
    assert find_weights("lwl", None) == Path("/weights/lwl.pth")
    assert find_weights("other", None) is None


def test_weights_are_found_in_the_environments_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lwl.safetensors").touch()
    monkeypatch.setenv("VOS_BENCH_WEIGHTS", str(tmp_path))
    assert find_weights("lwl", None) == tmp_path / "lwl.safetensors"


def test_without_any_root_the_message_names_all_three_ways() -> None:
    with pytest.raises(BadInputError, match=r"--root DIR.*VOS_BENCH_DATA.*\[data\] davis17.*config\.toml"):
        find_data_root("davis17", None)


@pytest.mark.parametrize("text", ["[data\n", "[date]\ndavis17 = 'x'\n"])
def test_a_damaged_config_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    monkeypatch.setenv("VOS_BENCH_CONFIG", str(path))
    with pytest.raises(BadInputError, match=str(path)):
        config.read_user_config()
