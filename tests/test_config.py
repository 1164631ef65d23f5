from pathlib import Path

import pytest
from pydantic import ValidationError

from vos_bench import config
from vos_bench.config import FrozenModel, apply_overrides, find_data_root, find_weights, overrides
from vos_bench.errors import BadInputError
from vos_bench.files import places


class Memory(FrozenModel):
    size: int = 32
    policy: str = "decay"


class Example(FrozenModel):
    memory: Memory = Memory()
    memories: tuple[Memory, ...] = (Memory(), Memory())
    scale: float = 1.0
    names: tuple[str, ...] = ()


def test_overrides_reach_nested_fields_and_leave_the_original_alone() -> None:
    original = Example()
    changed = apply_overrides(original, ["memory.size=8", "scale=0.5", "memory.policy=first", 'names=["a", "b"]'])
    assert changed == Example(memory=Memory(size=8, policy="first"), scale=0.5, names=("a", "b"))
    assert original == Example()


def test_a_replaced_field_is_checked_like_one_of_a_new_model() -> None:
    assert Example().replace(scale=2) == Example(scale=2.0)
    with pytest.raises(ValidationError, match="scales"):
        Example().replace(scales=2)
    with pytest.raises(ValidationError, match="scale"):
        Example().replace(scale="wide")


def test_settings_of_python_may_hold_dicts_in_lists_and_no_none() -> None:
    given = {"memories": [{"size": 3, "policy": "last"}], "scale": 0.5}
    changed = apply_overrides(Example(), overrides(given))
    assert (changed.memories[0].size, changed.memories[0].policy, changed.scale) == (3, "last", 0.5)
    for none in (None, [None], [{"size": None}]):
        with pytest.raises(BadInputError, match=r"settings: memories is .*expected a number, a text"):
            overrides({"memories": none})


def test_a_number_picks_an_item_of_a_list() -> None:
    changed = apply_overrides(Example(), ["memories.1.size=8", 'memories.0={size=3, policy="last"}'])
    assert changed == Example(memories=(Memory(size=3, policy="last"), Memory(size=8)))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("memory.size", "found no '='"),
        ("memories.2.size=8", "there is no '2' in memories; known: 0, 1"),
        ("memories.-1.size=8", "there is no '-1' in memories; known: 0, 1"),
        ("memory.sise=8", "there is no 'sise' in memory; known: policy, size"),
        ("memroy.size=8", "there is no 'memroy'; known: memories, memory, names, scale"),
        ("scale.more=8", "'scale' is a value, it has no 'more' inside"),
        ("memory.size=many", "memory.size: .* found 'many'"),
        ("memory.policy=\udcff", "bytes that are not UTF-8"),
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
    with pytest.raises(BadInputError, match=r"(?s)--root DIR\n.*VOS_BENCH_DATA.*\n.*\[data\] davis17.*config\.toml"):
        find_data_root("davis17", None)


@pytest.mark.parametrize("text", ["[data\n", "[date]\ndavis17 = 'x'\n"])
def test_a_damaged_config_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    monkeypatch.setenv("VOS_BENCH_CONFIG", str(path))
    with pytest.raises(BadInputError, match=str(path)):
        config.read_user_config()


@pytest.mark.parametrize("text", ['"a"\nscale = 2', "[" * 5000, "1" * 5000])
def test_what_is_not_one_value_is_a_text(text: str) -> None:
    assert apply_overrides(Example(), [f"memory.policy={text}"]).memory.policy == text


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
def test_a_setting_that_is_no_number_is_refused(number: str) -> None:
    with pytest.raises(BadInputError, match="finite number"):
        apply_overrides(Example(), [f"scale={number}"])


def test_a_message_about_many_mistakes_is_short() -> None:
    with pytest.raises(BadInputError, match="and 992 more") as caught:
        apply_overrides(Example(), [f"names=[{'1, ' * 1000}]"])
    assert len(str(caught.value)) < 2000


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"data = {'[' * 5000}", "it is nested too deeply"),
        (f"{'a.' * 5000}a = 1", "it is nested too deeply"),
        (f"[data]\na = [0x{'f' * 5000}]", "an integer of more than 64 bits"),
    ],
    ids=["brackets", "dots", "a number of 6,000 digits"],
)
def test_a_config_file_that_toml_has_no_end_of_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    monkeypatch.setenv("VOS_BENCH_CONFIG", str(tmp_path / "config.toml"))
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(BadInputError, match=rf"config\.toml: cannot be read as TOML: {words}"):
        config.read_user_config()


def test_the_home_of_nobody_is_refused() -> None:
    with pytest.raises(BadInputError, match="~nobody-of-this-name/x"):
        places.expanded("~nobody-of-this-name/x")
