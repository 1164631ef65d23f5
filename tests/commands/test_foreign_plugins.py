"""What is wrong with an installed plugin is one message, and hides no other plugin."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from bad_input import RAISED, Capture, Data

from vos_bench import registry
from vos_bench.errors import BadInputError

Call = Callable[..., int]
Install = Callable[..., None]


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a distribution `odd` with a module of the given text and entry points."""

    def install(text: str, *points: str, distribution: str = "odd") -> None:
        module = f"{distribution}_plugin"
        (tmp_path / f"{module}.py").write_text(text)
        about = tmp_path / f"{distribution}-1.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1\n")
        (about / "entry_points.txt").write_text("\n".join(points) + "\n")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, module, raising=False)
        registry._found.cache_clear()

    return install


@pytest.mark.parametrize("raised", RAISED)
@pytest.mark.parametrize("family", ["methods", "datasets", "reports", "loggers"])
def test_one_broken_plugin_hides_no_other(
    call: Call, plugin: Install, capsys: Capture, family: str, raised: str
) -> None:
    plugin(RAISED[raised], f"[vos_bench.{family}]", "odd = odd_plugin:INFO")
    assert call("list", family) == 0
    out, err = capsys.readouterr()
    known = {"methods": "copy-first", "datasets": "davis17", "reports": "davis17", "loggers": "mlflow"}
    assert known[family] in out
    assert "odd: its plugin odd_plugin:INFO fails to load" in err


DATASET = """
from vos_bench.plugins import DatasetInfo

INFO = DatasetInfo("odd", "", "odd_plugin:Odd", ("val",), needs_root=False)
from pathlib import Path
from vos_bench.api import Dataset


class Odd(Dataset):
    name, split, root, protocol = "odd", "val", Path(), "davis"

    def __init__(self, root, split):
        {init}

    sequence_names = property(lambda self: self.fault())

    def fault(self):
        {fault}

    def sequence(self, name):
        self.fault()

    def fingerprint(self):
        self.fault()

    def check(self):
        self.fault()

    def package(self, masks, archive):
        self.fault()
"""


@pytest.mark.parametrize("raised", RAISED)
@pytest.mark.parametrize("where", ["init", "fault"])
@pytest.mark.parametrize("command", [("check", "odd"), ("run", "copy-first", "--dataset", "odd", "--out", "out")])
def test_a_dataset_that_raises_is_named(
    call: Call, plugin: Install, capsys: Capture, raised: str, where: str, command: tuple[str, ...]
) -> None:
    texts = {"init": "pass", "fault": "return ()", where: RAISED[raised]}
    plugin(DATASET.format(**texts), "[vos_bench.datasets]", "odd = odd_plugin:INFO")
    code = call(*command)
    out, err = capsys.readouterr()
    assert code == 2, out + err
    assert "odd" in err
    assert "Traceback" not in out + err


def test_a_name_that_two_distributions_bear_is_refused_and_both_are_named(
    call: Call, plugin: Install, folder: Data, capsys: Capture
) -> None:
    plugin("", "[vos_bench.methods]", "copy-first = odd_plugin:INFO")
    assert call("run", "copy-first", *folder.arguments, "--out", "out") == 2
    err = capsys.readouterr().err
    assert "copy-first: found it in " in err
    assert "odd 1 (odd_plugin:INFO)" in err
    assert "vos-bench " in err


@pytest.mark.parametrize("name", ["../../evil", "/evil", "a\nb", "\udce9", "", None, "other"])
def test_a_plugin_does_not_choose_its_place_by_its_name(
    call: Call, plugin: Install, folder: Data, capsys: Capture, name: str | None
) -> None:
    text = f"""
from vos_bench.plugins import MethodInfo
INFO = MethodInfo({name!r}, "", "vos_bench.methods.copy_first:CopyFirst")
"""
    plugin(text, "[vos_bench.methods]", "odd = odd_plugin:INFO")
    with pytest.raises(BadInputError, match="says that its name is"):
        registry.method("odd")
    assert call("list", "methods") == 0
    assert call("run", "odd", *folder.arguments) == 2
    assert "copy-first" in capsys.readouterr().out
    assert list(Path().iterdir()) == []


DESCRIPTIONS = {
    "methods": {
        "factory=None": "factory is None: Input should be a valid string",
        "prompts=None": "prompts is None",
        "weights=(1,)": "weights is (1,)",
        "weights=(WeightsInfo(None, '', None, '', ''),)": "weights: name is None",
        "recipes=(7,)": "recipes is (7,)",
        "packages=('x', None)": "packages is ('x', None)",
        "row='foo'": "row is 'foo'",
        "licence=None": "licence is None",
    },
    "datasets": {"splits=None": "splits is None", "folders=None": "folders is None", "factory=None": "factory is None"},
    "reports": {"kind='foo'": "kind is 'foo'", "takes=None": "takes is None", "factory=None": "factory is None"},
    "loggers": {"about=None": "about is None", "factory=None": "factory is None"},
}
KINDS = {
    "methods": "MethodInfo(**{'name': 'odd', 'summary': '', 'factory': 'x:y', **dict(%s)})",
    "datasets": "DatasetInfo(**{'name': 'odd', 'summary': '', 'factory': 'x:y', 'splits': ('val',), **dict(%s)})",
    "reports": "ReportInfo(**{'name': 'odd', 'summary': '', 'factory': 'x:y', **dict(%s)})",
    "loggers": "LoggerInfo(**{'name': 'odd', 'summary': '', 'factory': 'x:y', **dict(%s)})",
}


@pytest.mark.parametrize(
    ("family", "field", "said"),
    [(family, field, said) for family, each in DESCRIPTIONS.items() for field, said in each.items()],
)
def test_a_description_with_a_wrong_field_is_named_and_hides_no_other(
    call: Call, plugin: Install, capsys: Capture, family: str, field: str, said: str
) -> None:
    plugin(
        f"from vos_bench.plugins import *\nINFO = {KINDS[family] % field}\n",
        f"[vos_bench.{family}]",
        "odd = odd_plugin:INFO",
    )
    for kind in ("methods", "datasets", "reports", "loggers", "recipes", "weights"):
        assert call("list", kind) == 0
    err = capsys.readouterr().err
    assert f"odd_plugin:INFO: describes itself wrongly: {said}" in err


@pytest.mark.parametrize("listed", ["7", "[7]", "[KnownSystem(*[None] * 7)]"])
def test_a_list_of_systems_that_is_none_is_one_message(
    call: Call, plugin: Install, capsys: Capture, listed: str
) -> None:
    plugin(
        f"from vos_bench.plugins import KnownSystem\ndef systems():\n    return {listed}\n",
        "[vos_bench.systems]",
        "odd = odd_plugin:systems",
    )
    assert call("list", "methods") == 0
    out, err = capsys.readouterr()
    assert err.count("odd_plugin:systems: ") == 1
    assert "copy-first" in out


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("None", "found NoneType, expected a vos_bench.api.Dataset"),
        ("named(None)", "its sequence_names are None, expected a tuple"),
        ("named((None, 7))", "its sequence_names are (None, 7), expected a tuple"),
        ("named(('a', 'a'))", "its sequence_names have 'a' twice"),
        ("named(('../evil',))", "its sequence_names have '../evil', which cannot be the name of a folder"),
        ("named(('a\\nb',))", "which cannot be the name of a folder"),
    ],
)
def test_what_a_dataset_must_be_is_looked_at_as_it_is_opened(
    call: Call, plugin: Install, capsys: Capture, made: str, said: str
) -> None:
    text = f"""
from vos_bench import registry
from vos_bench.plugins import DatasetInfo
INFO = DatasetInfo("odd", "", "odd_plugin:opened", ("val",), needs_root=False)

def named(names):
    dataset = registry.open_dataset("demo")
    dataset.sequence_names = names
    return dataset

def opened(root, split):
    return {made}
"""
    plugin(text, "[vos_bench.datasets]", "odd = odd_plugin:INFO")
    for command in (("check", "odd"), ("run", "copy-first", "--dataset", "odd", "--out", "out")):
        assert call(*command) == 2
        assert said in capsys.readouterr().err


REPORT = """
from vos_bench.plugins import ReportInfo
from vos_bench.tables import Table
INFO = ReportInfo("odd", "", "odd_code:build", kind={kind!r})
"""


def test_the_table_of_an_installed_report_is_printed(
    call: Call, plugin: Install, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin(REPORT.format(kind="table"), "[vos_bench.reports]", "odd = odd_plugin:INFO")
    body = "from vos_bench.tables import Column, Table; return Table('t', (Column('x'),), [{'x': 'here'}])"
    (tmp_path / "odd_code.py").write_text(f"def build(*a, **k):\n    {body}\n")
    monkeypatch.delitem(sys.modules, "odd_code", raising=False)
    assert call("run", "copy-first", "--dataset", "demo", "--sequences", "tiny", "--out", "out") == 0
    capsys.readouterr()
    assert call("report", "odd", "out") == 0
    assert "here" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        ("table", "return 7", "odd_code:build returned int, expected a Table"),
        ("table", "yield 7", "odd_code:build returned generator, expected a Table"),
        ("table", "from vos_bench.tables import Table; return Table('t', None, None)", "a Table whose columns is None"),
        ("table", "import vos_bench.tables as t; return t.Table('t', (t.Column('x', 'y'),), [])", "digits is 'y'"),
        ("table", "raise ValueError('x')", "odd 1: raised ValueError: x"),
        ("figure", "return 7", "odd_code:build gave int, expected paths"),
        ("figure", "return [None]", "odd_code:build gave NoneType, expected paths"),
        ("page", "yield 'x'; raise SystemExit(0)", "odd 1: raised SystemExit: 0"),
        ("page", "class Odd(Exception):\n        __str__ = lambda self: exit(0)\n    raise Odd", "odd 1: raised Odd: "),
    ],
)
def test_what_a_report_gives_back_is_looked_at(
    call: Call, plugin: Install, capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind, body, said
) -> None:
    plugin(REPORT.format(kind=kind), "[vos_bench.reports]", "odd = odd_plugin:INFO")
    (tmp_path / "odd_code.py").write_text(f"def build(*a, **k):\n    {body}\n")
    monkeypatch.delitem(sys.modules, "odd_code", raising=False)
    assert call("run", "copy-first", "--dataset", "demo", "--sequences", "tiny", "--out", "out") == 0
    capsys.readouterr()
    assert call("report", "odd", "out", "--out", "page") == 2
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err
