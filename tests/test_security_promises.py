"""What SECURITY.md promises and no other test watches."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from vos_bench.errors import BadInputError
from vos_bench.running.run import RunSettings, run_method

CHECKOUT = Path(__file__).resolve().parent.parent
READER = Path("vos_bench/parts/checkpoints.py")
DRIVERS = Path("methods/external/drivers")
"""These run in other environments, as SECURITY.md says."""
PIPES = {Path("vos_bench/running/worker_pool.py"), Path("vos_bench/running/worker_process.py")}
"""The two ends of the pipes between a run and the worker processes that it started; they read no file."""


def calls() -> Iterator[tuple[Path, str, dict[str, str]]]:
    """Every call in the package: file, what is called, keyword arguments as text."""
    for folder in ("vos_bench", "methods", "datasets", "reports"):
        for path in (CHECKOUT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call):
                    keywords = {each.arg: ast.unparse(each.value) for each in node.keywords if each.arg}
                    yield path.relative_to(CHECKOUT), ast.unparse(node.func), keywords


def openings() -> Iterator[tuple[str, str]]:
    """Every call in the package that opens a file for reading: file and the call as text."""
    for folder in ("vos_bench", "methods", "datasets", "reports"):
        for path in (CHECKOUT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and _opens(node):
                    yield path.relative_to(CHECKOUT).as_posix(), ast.unparse(node)


def _opens(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    text = ast.unparse(call)
    if name in {"read_bytes", "read_text"}:  # of a path, and not of vos_bench.files
        return isinstance(call.func, ast.Attribute)
    if "PillowImage" in text and name == "open":
        return "BytesIO" not in text
    if isinstance(call.func, ast.Name) and name == "open" and len(call.args) == 1:  # for reading, unless told
        return not any(keyword.arg == "mode" for keyword in call.keywords)
    if name in {"ZipFile", "is_zipfile", "memmap"} or ast.unparse(call.func) in {
        "av.open",
        "np.load",
        "ElementTree.parse",
    }:
        return "'w'" not in text
    return name in {"open", "fdopen", "load_file", "safe_open", "imread"} and (
        name not in {"open", "fdopen"} or "'rb'" in text or "'r'" in text
    )


OWN_FILES = {
    "datasets/demo.py": "the demo data, which it wrote into the cache folder itself",
    "datasets/manifest.py": "comes along",
    "datasets/synthesis/photographs.py": "comes along",
    "methods/external/__main__.py": "comes along",
    "methods/external/batch.py": "times, written by the program that the user named, which could do anything anyway",
    "methods/external/supervisor.py": "of the kernel",
    "methods/systems.py": "comes along",
    "reports/page/site.py": "comes along",
    "reports/published.py": "comes along",
    "reports/published_sequences.py": "comes along",
    "vos_bench/__init__.py": "pyproject.toml of the checkout",
    "vos_bench/ablation/jobs.py": "the ablation's own log",
    "vos_bench/benching/energy.py": "of the kernel",
    "vos_bench/compiled/cache.py": "comes along",
    "vos_bench/download.py": "downloads, which it wrote itself, and zips that `import-masks` looked at",
    "vos_bench/environment.py": "of the kernel",
    "vos_bench/files/distributions.py": "of installed packages",
    "vos_bench/files/reading.py": "looks first what it is",
    "vos_bench/running/peak_memory.py": "of the kernel",
    "vos_bench/running/worker_process.py": "its end of a pipe to the run that started it",
    "vos_bench/training/curves.py": "the training's own",
    "vos_bench/training/visibility.py": "written into the cache folder by itself",
    "vos_bench/openmp.py": "of the kernel",
    "vos_bench/commands/new_method.py": "a part of the package",
    "vos_bench/commands/templates/torch_network.py": "a template of code for the user, who names the weights",
}
"""Where files are opened without a look at what they are, and whose they are."""

AFTER_A_LOOK = {
    "datasets/frames.py": ("PillowImage.open(source, formats=_FORMATS)", "PillowImage.open(path, formats=_FORMATS)"),
    "datasets/split_tree.py": ("zipfile.ZipFile(path)",),
    "vos_bench/formats/probabilities.py": ("path.open('rb')", "zipfile.ZipFile(self._file)"),
    "vos_bench/importing/cvat.py": ("ElementTree.parse(file)",),
    "vos_bench/importing/import_masks.py": ("zipfile.is_zipfile(path)",),
    "vos_bench/importing/label_studio.py": ("np.load(path, mmap_mode='r', allow_pickle=False)",),
    "vos_bench/parts/checkpoints.py": ("load_file(path)", "zipfile.is_zipfile(data)", "zipfile.ZipFile(data)"),
    "vos_bench/video/reader.py": ("av.open(str(self.path))",),
}


def test_files_of_strangers_are_opened_in_one_place_which_looks_first_what_they_are() -> None:
    found = {
        (file, text)
        for file, text in openings()
        if file not in OWN_FILES and not Path(file).is_relative_to(DRIVERS) and text not in AFTER_A_LOOK.get(file, ())
    }
    assert found == {
        ("vos_bench/parts/checkpoints.py", "safetensors.safe_open(path, framework='pt')"),  # after the same look
    }
    assert {*OWN_FILES} <= {file for file, _ in openings()}, "a file of this list opens nothing any more"


def test_every_load_of_torch_but_the_one_restricted_reader_is_of_weights_only() -> None:
    loads = {
        (path, keywords.get("weights_only"))
        for path, function, keywords in calls()
        if function == "torch.load" and not path.is_relative_to(DRIVERS)
    }
    assert {path for path, only in loads if only != "True"} == {READER}
    assert {only for path, only in loads if path != READER} == {"True"}


def test_every_driver_reads_weights_only_before_the_code_of_others_does() -> None:
    loads = [
        (path.name, keywords.get("weights_only"))
        for path, function, keywords in calls()
        if function == "torch.load" and path.is_relative_to(DRIVERS)
    ]
    assert loads == [("driver_tools.py", "True")]
    readers = {path.name for path, function, _ in calls() if function == "read_weights"}
    assert readers == {path.name for path in (CHECKOUT / DRIVERS).glob("run_*.py")}


def test_nothing_else_runs_what_lies_in_a_file() -> None:
    forbidden = {
        "eval",
        "exec",
        "pickle.load",
        "pickle.loads",
        "yaml.load",
        "os.system",
        "joblib.load",
        "marshal.loads",
    }
    found = {(path, function) for path, function, _ in calls() if function in forbidden and path not in PIPES}
    shells = {path for path, _, keywords in calls() if keywords.get("shell") == "True"}
    numpy = {path for path, _, keywords in calls() if keywords.get("allow_pickle") == "True"}
    assert (found, shells, numpy) == (set(), set(), set())


@pytest.mark.parametrize("name", ["../escaped", "..", "/escaped", "a/b", "a\\b", "a\0b", ""])
def test_a_sequence_name_does_not_lead_out_of_the_output_folder(
    name: str, fake_vos: ModuleType, tmp_path: Path
) -> None:
    dataset = fake_vos.FakeDataset({name: fake_vos.Spec()})
    out = tmp_path / "inner" / "out"
    with pytest.raises(BadInputError, match="sequence"):
        run_method(RunSettings(fake_vos.info("Untrained"), dataset, out=out, device="cpu"))
    assert not list(tmp_path.rglob("*.png"))
    assert {path.name for path in tmp_path.iterdir()} <= {"inner"}
    assert {path.name for path in (tmp_path / "inner").glob("*")} <= {"out"}


def test_the_files_that_security_names_exist() -> None:
    text = (CHECKOUT / "SECURITY.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:vos_bench|tests)/[\w/]+\.py)`", text)
    assert len(named) >= 6
    assert [name for name in named if not (CHECKOUT / name).is_file()] == []
