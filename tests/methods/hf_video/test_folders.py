"""Which folder of parameters is meant, and what is said where it does not fit."""

import builtins
import json
import re
import shutil
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from vos_bench import registry, weights
from vos_bench.cli import main
from vos_bench.environment import collect_environment
from vos_bench.errors import BadInputError
from vos_bench.methods.hf_video.families import FAMILIES
from vos_bench.methods.hf_video.networks import import_transformers

transformers = pytest.importorskip("transformers", reason="pip install '.[hf]'")

COMMIT = "0123456789abcdef0123456789abcdef01234567"
INFO = registry.method("sam2-hf")


def method(folder: Path, name: str = "sam2-hf") -> Any:
    return registry.resolve(registry.method(name).factory)(weights=folder)


@pytest.fixture
def copy(folder: Callable[[str], Path], tmp_path: Path) -> Path:
    """A copy of the small network's folder, to be spoilt."""
    return Path(shutil.copytree(folder("sam2-hf"), tmp_path / "copy"))


def test_a_folder_of_the_image_model_is_refused(copy: Path) -> None:
    """transformers loads it into the video model with a warning, and random memory."""
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, "model_type": "sam2"}))
    with pytest.raises(BadInputError, match=r"found parameters of 'sam2', expected 'sam2_video'; give a folder such"):
        method(copy)


def test_a_folder_of_another_of_these_methods_is_sent_there(folder: Callable[[str], Path]) -> None:
    with pytest.raises(BadInputError, match=r"found parameters of 'edgetam_video'.* run edgetam-hf with it"):
        method(folder("edgetam-hf"))


def test_parameters_of_another_size_are_refused(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    config["memory_attention_num_layers"] = 2
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(BadInputError, match=r"not those that config.json describes: \d+ missing keys, such as memory_"):
        method(copy)


def test_parameters_of_other_shapes_are_refused(copy: Path) -> None:
    tensors = load_file(copy / "model.safetensors")
    tensors["no_object_pointer"] = torch.zeros(1, 128)
    save_file(tensors, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(BadInputError, match=r"copy: .*(mismatched|size mismatch|shape)"):
        method(copy)


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_a_folder_with_a_file_missing_is_refused(copy: Path, missing: str) -> None:
    (copy / missing).unlink()
    with pytest.raises(BadInputError, match=rf"{missing}.*; expected config.json and model.safetensors of one network"):
        method(copy)


def test_a_file_that_would_run_code_is_not_read(copy: Path) -> None:
    tensors = load_file(copy / "model.safetensors")
    (copy / "model.safetensors").unlink()
    torch.save(tensors, copy / "pytorch_model.bin")
    with pytest.raises(BadInputError, match=r"model\.safetensors"):
        method(copy)


def test_a_file_of_the_authors_is_sent_to_the_converter(tmp_path: Path) -> None:
    (tmp_path / "sam2.1_hiera_tiny.pt").write_bytes(b"x")
    with pytest.raises(BadInputError, match=r"found a file, .* vos-bench convert sam2-hf .*tiny\.pt --out FOLDER"):
        weights.choose(INFO, str(tmp_path / "sam2.1_hiera_tiny.pt"))


def test_a_folder_is_recorded_with_the_commit_that_it_was_fetched_at(copy: Path, tmp_path: Path) -> None:
    chosen = weights.choose(INFO, str(copy))
    assert chosen is not None
    assert chosen.name == "copy"
    note = copy / ".cache" / "huggingface" / "download" / "config.json.metadata"
    note.parent.mkdir(parents=True)
    note.write_text(f"{COMMIT}\nabc\n1.5\n")
    chosen = weights.choose(INFO, str(copy))
    assert chosen is not None
    assert chosen.name == f"copy@{COMMIT}"
    snapshot = tmp_path / "hub" / "models--facebook--x" / "snapshots" / COMMIT
    shutil.copytree(copy, snapshot)
    chosen = weights.choose(INFO, str(snapshot))
    assert chosen is not None
    assert chosen.name.endswith(f"@{COMMIT}")


def test_the_hash_of_a_folder_is_that_of_what_is_read(copy: Path) -> None:
    before = weights.weights_sha256(copy)
    (copy / "README.md").write_text("no matter")
    assert weights.weights_sha256(copy) == before
    (copy / "config.json").write_text((copy / "config.json").read_text() + " ")
    assert weights.weights_sha256(copy) != before


class Hub(ModuleType):
    """In place of huggingface_hub."""

    def __init__(self, answer: Path | Exception) -> None:
        super().__init__("huggingface_hub")
        self.answer, self.asked = answer, ("", None)

    def snapshot_download(self, repository: str, *, revision: str | None, allow_patterns: list[str]) -> str:
        assert set(allow_patterns) == {"config.json", "*.safetensors", "*.safetensors.index.json"}
        self.asked = repository, revision
        if isinstance(self.answer, Exception):
            raise self.answer
        return str(self.answer)


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ("sam2.1-tiny", ("facebook/sam2.1-hiera-tiny", None)),
        ("facebook/sam2.1-hiera-tiny", ("facebook/sam2.1-hiera-tiny", None)),
        ("somebody/else@v1.2", ("somebody/else", "v1.2")),
    ],
)
def test_the_hub_is_asked_and_the_commit_is_recorded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: str, asked: tuple[str, str | None]
) -> None:
    hub = Hub(tmp_path / "snapshots" / COMMIT)
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    chosen = weights.choose(INFO, given)
    assert hub.asked == asked
    assert chosen == (tmp_path / "snapshots" / COMMIT, f"{asked[0]}@{COMMIT}", "Apache-2.0" if "sam2" in given else "")


def test_no_network_gives_one_message(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", Hub(OSError("cannot\nreach it")))
    assert main(["run", "sam2-hf", "--dataset", "demo", "--weights", "facebook/sam2.1-hiera-tiny"]) == 2
    said = capsys.readouterr().err
    assert "hf download facebook/sam2.1-hiera-tiny --local-dir FOLDER" in " ".join(said.split())
    assert "Traceback" not in said


def test_a_name_that_is_no_folder_and_no_repository_is_refused() -> None:
    with pytest.raises(BadInputError, match=r"(?s)no such folder of weights; .* OWNER/NAME\n  or one of sam2"):
        weights.choose(INFO, "/nowhere/at/all/w")


def test_no_weights_at_all_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOS_BENCH_CONFIG", "/nonexistent/config.toml")
    with pytest.raises(BadInputError, match=r"(?s)sam2-hf: no weights.*hf download facebook/sam2\.1-hiera-base-plus"):
        weights.choose(INFO, None)


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] == "transformers":
            raise ImportError("No module named 'transformers'")
        return real(name, *rest)

    monkeypatch.setattr("importlib.import_module", without)
    with pytest.raises(BadInputError, match=re.escape("pip install '.[hf]'")):
        import_transformers(FAMILIES[0])


def test_an_old_package_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["transformers"], "__version__", "5.9.1")
    with pytest.raises(BadInputError, match=r"needs transformers 5\.24 or later.*found 5\.9\.1"):
        import_transformers(FAMILIES[0])


def test_a_record_has_the_version_of_the_package() -> None:
    assert collect_environment("", INFO.packages).packages["transformers"] == metadata.version("transformers")
