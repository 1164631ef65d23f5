import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from python_processes import run_python

from vos_bench import registry
from vos_bench.cli import main
from vos_bench.errors import BadInputError
from vos_bench.plugins import DatasetInfo, MethodInfo

OWN_METHOD = '''
"""A method of one file."""
from vos_bench.api import Method, Prediction


class Mine(Method):
    """Answers nothing."""

    def initialize(self, image, prompt):
        return Prediction(image[..., 0].astype("uint16") * 0)

    def step(self, image, new=None):
        return self.initialize(image, new)


class NotAMethod:
    pass
'''


def test_every_registered_plugin_describes_itself_under_its_own_name() -> None:
    for name in registry.names("methods"):
        assert registry.method(name).name == name
    for name in registry.names("datasets"):
        assert registry.dataset(name).name == name
    for name in registry.names("reports"):
        assert registry.report(name).name == name
    for name in registry.names("loggers"):
        assert registry.logger(name).name == name


def test_a_misspelt_name_gets_the_close_one() -> None:
    with pytest.raises(BadInputError, match="did you mean flow-warp"):
        registry.method("flow-wrap")
    with pytest.raises(BadInputError, match=r"known: .*davis16"):
        registry.dataset("zzz")


def test_a_class_in_a_file_runs_without_being_installed(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(OWN_METHOD)
    info = registry.method(f"{path}:Mine")
    assert isinstance(info, MethodInfo)
    assert info.summary == "Answers nothing."
    assert registry.resolve(info.factory)().seed == 0


@pytest.mark.parametrize(
    ("name", "message"),
    [("absent.py:Mine", "no such file"), ("mine.py:NotAMethod", "no subclass"), ("mine.py:Absent", "no 'Absent'")],
)
def test_a_wrong_file_or_class_is_explained(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "mine.py").write_text(OWN_METHOD)
    with pytest.raises(BadInputError, match=message):
        registry.method(str(tmp_path / name))


@pytest.fixture
def broken_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Installs a method `broken` whose plugin has the given text."""

    def install(text: str) -> None:
        (tmp_path / "broken_plugin.py").write_text(text)
        about = tmp_path / "broken_plugin-1.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-plugin\nVersion: 1\n")
        (about / "entry_points.txt").write_text("[vos_bench.methods]\nbroken = broken_plugin:INFO\n")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "broken_plugin", raising=False)

    return install


BROKEN = [
    ("def (:", "SyntaxError"),
    ("1 / 0", "ZeroDivisionError: division by zero"),
    ("import absent_module", "No module named 'absent_module'"),
    ("", "no attribute 'INFO'"),
]


@pytest.mark.parametrize(("text", "message"), BROKEN)
def test_a_plugin_that_fails_to_load_is_named_and_hides_no_other(
    broken_plugin: Callable[[str], None], capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    broken_plugin(text)
    with pytest.raises(BadInputError, match=f"method broken: its plugin broken_plugin:INFO fails .*{message}"):
        registry.method("broken")
    assert main(["list", "methods"]) == 0
    out, err = capsys.readouterr()
    assert "copy-first" in out
    assert message in err


@pytest.mark.parametrize(("text", "message"), BROKEN[:3])
def test_what_a_plugin_refers_to_may_fail_to_import_too(
    broken_plugin: Callable[[str], None], text: str, message: str
) -> None:
    broken_plugin(text)
    with pytest.raises(BadInputError, match=f"broken_plugin: cannot be imported: .*{message}"):
        registry.resolve("broken_plugin:Anything")


def test_an_unknown_split_names_the_known_ones() -> None:
    info = registry.dataset("davis17")
    assert isinstance(info, DatasetInfo)
    with pytest.raises(BadInputError, match=r"known: .*val"):
        registry.open_dataset("davis17", root=Path(), split="vall")


def test_describing_all_plugins_imports_neither_torch_nor_opencv() -> None:
    code = (
        "import sys; from vos_bench import registry\n"
        "[registry.method(n) for n in registry.names('methods')]\n"
        "[registry.dataset(n) for n in registry.names('datasets')]\n"
        "[registry.report(n) for n in registry.names('reports')]\n"
        "[registry.logger(n) for n in registry.names('loggers')]\n"
        "sys.exit(bool({'torch', 'cv2', 'numba'} & set(sys.modules)))"
    )
    run_python("-c", code)
