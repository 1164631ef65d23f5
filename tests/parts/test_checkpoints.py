"""Files of parameters: foreign pickles are read without running them, and what does not fit is listed."""

import os
import pickle
import sys
import types
import zipfile
from collections import OrderedDict

import pytest
import torch
from python_processes import run_python
from safetensors.torch import save_file

from vos_bench.errors import BadInputError
from vos_bench.parts.checkpoints import (
    StandIn,
    check_tensors,
    read_metadata,
    read_pickle,
    read_tensors,
    write_tensors,
)

LEGACY = pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])


@pytest.fixture
def foreign(monkeypatch):
    """A package like the authors', there while a test saves and gone before it reads."""

    class Settings:
        pass

    class Meter(dict):
        pass

    names = ("ltr", "ltr.admin", "ltr.admin.settings")
    for name in names:
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    for kind in (Settings, Meter):
        kind.__module__, kind.__qualname__ = names[-1], kind.__name__
        setattr(sys.modules[names[-1]], kind.__name__, kind)

    def leave():
        for name in names:
            monkeypatch.delitem(sys.modules, name)

    return sys.modules[names[-1]], leave


def save(path, content, *, zipped):
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    return path


class Calls:
    """Pickles as a call of any function."""

    def __init__(self, function, *arguments):
        self._call = (function, arguments)

    def __reduce__(self):
        return self._call


@LEGACY
def test_a_checkpoint_with_foreign_classes_gives_its_tensors(tmp_path, foreign, zipped):
    module, leave = foreign
    settings, meter = module.Settings(), module.Meter(loss=0.5)
    settings.directory, settings.nested = "/home/someone", module.Settings()
    net = OrderedDict(a=torch.arange(6.0).view(2, 3), b=torch.nn.Parameter(torch.ones(2)))
    content = {
        "net": net,
        "epoch": 70,
        "settings": settings,
        "stats": OrderedDict(train=meter),
        "size": torch.Size([2]),
    }
    path = save(tmp_path / "foreign.pth", content, zipped=zipped)
    leave()
    read = read_pickle(path)
    assert isinstance(read["settings"], StandIn)
    assert read["settings"].directory == "/home/someone"
    assert read["stats"]["train"].items == [("loss", 0.5)]
    tensors = read_tensors(path)
    assert list(tensors) == ["a", "b"]
    assert torch.equal(tensors["a"], net["a"])
    assert not tensors["b"].requires_grad


@LEGACY
def test_a_checkpoint_with_a_pickled_module_gives_its_tensors(tmp_path, zipped):
    content = {
        "net": {"a": torch.ones(3)},
        "constructor": torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU()),
    }
    path = save(tmp_path / "module.pth", content, zipped=zipped)
    assert torch.equal(read_tensors(path)["a"], torch.ones(3))
    modules = read_pickle(path)["constructor"]._modules
    assert modules["0"]._parameters["weight"].shape == (2, 1, 3, 3)


@LEGACY
@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (os.system, ("touch {trace}",)),
        (eval, ("open('{trace}', 'w')",)),
        (exec, ("open('{trace}', 'w')",)),
        (getattr, ("text", "upper")),
        (__import__, ("os",)),
        (torch.hub.load, ("{trace}", "x")),
    ],
    ids=["os.system", "eval", "exec", "getattr", "import", "torch.hub"],
)
def test_a_hostile_pickle_is_refused_and_does_not_run(tmp_path, function, arguments, zipped):
    trace = tmp_path / "it-ran"
    call = Calls(function, *(text.format(trace=trace) for text in arguments))
    path = save(tmp_path / "hostile.pth", {"net": {"a": torch.ones(1)}, "settings": call}, zipped=zipped)
    with pytest.raises(BadInputError, match=r"(?s)hostile\.pth: refused: .* nothing of it was run"):
        read_tensors(path)
    assert not trace.exists()


def test_a_bare_hostile_pickle_does_not_run(tmp_path):
    trace = tmp_path / "it-ran"
    path = tmp_path / "bare.pth"
    path.write_bytes(pickle.dumps(Calls(os.system, f"touch {trace}")))
    with pytest.raises(BadInputError, match="refused"):
        read_tensors(path)
    assert not trace.exists()


def test_the_same_hostile_pickle_runs_elsewhere(tmp_path):
    trace = tmp_path / "it-ran"
    pickle.loads(pickle.dumps(Calls(os.system, f"touch {trace}")))
    assert trace.exists()


def test_a_script_archive_is_refused(tmp_path):
    path = tmp_path / "script.pt"
    save(path, {"a": torch.ones(1)}, zipped=True)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(f"{path.stem}/constants.pkl", b"")
    with pytest.raises(BadInputError, match="TorchScript"):
        read_tensors(path)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 half a zip", b"\x80\x02}q\x00(U\x03net"])
def test_a_damaged_file_is_said_to_be_one(tmp_path, content):
    path = tmp_path / "damaged.pth"
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=r"damaged\.pth: cannot be read"):
        read_tensors(path)


def test_a_truncated_checkpoint_is_said_to_be_damaged(tmp_path):
    path = save(tmp_path / "cut.pth", {"net": {"a": torch.ones(1000)}}, zipped=True)
    path.write_bytes(path.read_bytes()[:-600])
    with pytest.raises(BadInputError, match=r"cut\.pth: cannot be read"):
        read_tensors(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BadInputError, match=r"none\.pth: cannot be read: No such file"):
        read_tensors(tmp_path / "none.pth")


@pytest.mark.parametrize("content", [{"epoch": 1}, [1, 2], {}, {"net": {"a": "text"}}])
def test_a_file_without_tensors_says_what_it_holds(tmp_path, content):
    path = save(tmp_path / "other.pth", content, zipped=True)
    with pytest.raises(BadInputError, match="expected named tensors"):
        read_tensors(path)


def test_a_bare_state_dict_is_read(tmp_path):
    path = save(tmp_path / "bare.pth", OrderedDict(a=torch.ones(2)), zipped=True)
    assert list(read_tensors(path)) == ["a"]


def test_safetensors_come_back_with_their_metadata(tmp_path):
    path = tmp_path / "weights.safetensors"
    tensors = {"a": torch.arange(4.0), "b": torch.ones(2, 2).half().T}
    write_tensors(path, tensors, metadata={"licence": "MIT"})
    read = read_tensors(path)
    assert all(torch.equal(read[name], x) for name, x in tensors.items())
    assert read_metadata(path) == {"licence": "MIT"}


def test_other_files_have_no_metadata(tmp_path):
    assert read_metadata(save(tmp_path / "a.pth", {"a": torch.ones(1)}, zipped=True)) == {}


def test_damaged_safetensors_are_said_to_be_damaged(tmp_path):
    path = tmp_path / "weights.safetensors"
    write_tensors(path, {"a": torch.ones(100)}, metadata={})
    path.write_bytes(path.read_bytes()[:-40])
    for read in (read_tensors, read_metadata):
        with pytest.raises(BadInputError, match="cannot be read as safetensors"):
            read(path)


def test_all_that_does_not_fit_is_listed():
    expected = {"a": torch.ones(2), "b": torch.ones(3), **{f"c{k}": torch.ones(1) for k in range(9)}}
    found = {"a": torch.ones(5), "z": torch.ones(1)}
    with pytest.raises(BadInputError) as caught:
        check_tensors(found, expected, source="some.pth")
    message = str(caught.value)
    assert "10 missing: b, c0, c1, c2, c3, c4, c5, c6 and 2 more" in message
    assert "1 unexpected: z" in message
    assert "1 of another shape: a (5,), expected (2,)" in message


def test_what_fits_passes():
    check_tensors({"a": torch.ones(2)}, {"a": torch.zeros(2)}, source="some.pth")


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module."])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_what_wrappers_put_before_every_name_is_left_out(tmp_path, prefix, suffix):
    tensors = {f"{prefix}{name}": torch.ones(2) for name in ("a.weight", "module.bias")}
    path = tmp_path / f"x{suffix}"
    if suffix == ".pth":
        torch.save({"state_dict": tensors}, path)
    else:
        write_tensors(path, tensors, metadata={})
    assert sorted(read_tensors(path)) == ["a.weight", "module.bias"]


def test_a_part_that_was_compiled_alone_has_its_own_name(tmp_path):
    torch.save({"backbone._orig_mod.weight": torch.ones(2), "head.bias": torch.ones(1)}, tmp_path / "x.pth")
    assert sorted(read_tensors(tmp_path / "x.pth")) == ["backbone.weight", "head.bias"]


def test_equal_tensors_and_texts_give_equal_files_in_every_process(tmp_path):
    code = (
        "import sys, torch; from pathlib import Path; from vos_bench.parts.checkpoints import write_tensors\n"
        "texts = {'card': 'c', 'format': 'f', 'lwl_config': 'x', 'source': 's'}\n"
        "tensors = {'b': torch.ones(2), 'a': torch.zeros(3)}\n"
        "for k in range(8): write_tensors(Path(sys.argv[1]) / str(k), tensors, metadata=texts)"
    )
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        run_python("-c", code, tmp_path / name)
    assert len({path.read_bytes() for path in tmp_path.glob("*/*")}) == 1


def test_metadata_of_other_files_is_read_key_by_key(tmp_path):
    save_file({"a": torch.ones(1)}, tmp_path / "theirs", metadata={"card": "c", "format": "f"})
    assert read_metadata(tmp_path / "theirs") == {"card": "c", "format": "f"}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (torch.full((2,), float("nan")), r"1 not finite \(NaN or infinite\): a"),
        (torch.tensor([1.0, float("inf")]), r"1 not finite \(NaN or infinite\): a"),
        (torch.ones(2, dtype=torch.int8), "1 of whole numbers, expected fractions: a int8"),
        (torch.ones(2, dtype=torch.bool), "1 of whole numbers, expected fractions: a bool"),
    ],
)
def test_parameters_that_are_no_finite_fractions_are_refused_by_name(value, message):
    with pytest.raises(BadInputError, match=message):
        check_tensors({"a": value}, {"a": torch.ones(2)}, source="weights")
    check_tensors({"a": torch.ones(2).half()}, {"a": torch.ones(2)}, source="weights")
