"""Which parameters a method gets, and the word for random ones."""

from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from vos_bench import registry, weights
from vos_bench.api import UNTRAINED
from vos_bench.errors import BadInputError
from vos_bench.plugins import MethodInfo
from vos_bench.records import load_run
from vos_bench.records.identity import identity
from vos_bench.records.runs_table import runs_table
from vos_bench.running.run import RunSettings, run_method


@pytest.fixture
def network(fake_vos: ModuleType) -> MethodInfo:
    """A method with official weights to download that also runs untrained."""
    return replace(fake_vos.info("Untrained"), name="network", weights=registry.method("lwl").weights, untrained=True)


def test_untrained_is_a_choice_that_has_to_be_made(network: MethodInfo):
    assert weights.choose(network, UNTRAINED) == (UNTRAINED, UNTRAINED, "")
    with pytest.raises(BadInputError, match=r"(?s)no weights.*--weights untrained"):
        weights.choose(network, None)


def test_a_method_that_does_not_run_untrained_takes_the_word_for_a_file():
    with pytest.raises(BadInputError, match="untrained: there is no such file of weights; expected a file or one of"):
        weights.choose(replace(registry.method("lwl"), untrained=False), UNTRAINED)


def shipped() -> list[tuple[MethodInfo, str]]:
    """Every method with weights that come along, and their name."""
    infos = [registry.method(name) for name in registry.names("methods")]
    return [(info, each.name) for info in infos for each in info.weights if weights._packaged(info, each)]


def test_all_weights_that_come_along_have_a_hash_and_it_is_right():
    found = shipped()
    assert {name for _, name in found} >= {"lwl-lite", "lwl-lite-open", "imagenet-lite0"}
    for info, name in found:
        assert [each.sha256 for each in info.weights if each.name == name] != [None]
        assert weights.choose(info, name) is not None


@pytest.mark.parametrize("given", [None, "lwl-lite"])
def test_weights_that_came_along_and_were_changed_are_refused(tmp_path: Path, monkeypatch, given: str | None):
    info = registry.method("lwl-lite")
    spec = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    path = tmp_path / info.weights[0].location
    path.parent.mkdir()
    path.write_bytes(b"others")
    monkeypatch.setattr(weights.importlib.util, "find_spec", lambda _: spec)
    with pytest.raises(
        BadInputError,
        match=rf"lite\.safetensors: found sha256 .{{64}}\n  expected {info.weights[0].sha256} .*\n  install .* again",
    ):
        weights.choose(info, given)
    assert weights.choose(info, str(path)) is not None  # named as a file, it is the user's own


def test_an_untrained_run_says_so_wherever_its_scores_stand(fake_vos: ModuleType, network: MethodInfo, tmp_path: Path):
    dataset = fake_vos.FakeDataset({"a": fake_vos.Spec()})
    settings = RunSettings(network, dataset, weights=UNTRAINED, out=tmp_path / "out", device="cpu")
    record = run_method(settings).record
    assert record.method.weights is not None
    assert record.method.weights.name == UNTRAINED
    assert identity(record)["weights"] == UNTRAINED
    assert [note for note in run_method(settings).record.notes if note.startswith("untrained: ")] == [record.notes[0]]
    table = runs_table([load_run(tmp_path / "out")])
    assert [row["method"] for row in table.rows] == ["network (untrained)"]
