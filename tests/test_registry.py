import subprocess
import sys
from pathlib import Path

import pytest

from vos_bench import registry
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
        "sys.exit(bool({'torch', 'cv2', 'numba'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
