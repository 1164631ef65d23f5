"""Whatever code of others raises is one message and never exit code 0, also `sys.exit`, wherever it is called."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from bad_input import Capture, Data

from vos_bench import registry
from vos_bench.errors import BadInputError
from vos_bench.records import load_run

Call = Callable[..., int]

RAISED = {
    "sys.exit": "import sys; sys.exit(0)",
    "SystemExit": "raise SystemExit",
    "BaseException": "raise BaseException('odd')",
    "GeneratorExit": "raise GeneratorExit",
    "ValueError": "raise ValueError('no such layer')",
}

METHOD = """
from vos_bench.api import Method, Prediction, SequenceMethod
from vos_bench.config import FrozenModel


def fault():
    {raised}


class Base(Method):
    def initialize(self, image, prompt):
        return self.step(image)

    def step(self, image, new=None):
        return Prediction(image[..., 0].astype("uint16") * 0)


class Build(Base):
    def __init__(self, *a, **k):
        fault()


class Initialize(Base):
    def initialize(self, image, prompt):
        fault()


class Step(Base):
    def step(self, image, new=None):
        fault()


class Finish(Base):
    def finish(self):
        fault()


class AtOnce(Base):
    @property
    def objects_at_once(self):
        fault()


class Words(Exception):
    def __str__(self):
        fault()


class Message(Base):
    def step(self, image, new=None):
        raise Words


class Configured(Base):
    class Config(FrozenModel):
        needed: int


class Segment(SequenceMethod):
    def segment(self, sequence):
        for image, new in sequence.frames:
            yield Prediction(image[..., 0].astype("uint16") * 0)
            fault()


class Preview(SequenceMethod):
    def preview_sequences(self, sequences):
        fault()

    def segment(self, sequence):
        for image, new in sequence.frames:
            yield Prediction(image[..., 0].astype("uint16") * 0)


class Silent(Base):
    def finish(self):
        return None


class Close(Base):
    def close(self):
        fault()
"""


@pytest.fixture
def faulty(tmp_path: Path) -> Callable[[str], Path]:
    def write(raised: str) -> Path:
        path = tmp_path / "faulty.py"
        path.write_text(METHOD.format(raised=RAISED[raised]))
        return path

    return write


@pytest.mark.parametrize("raised", RAISED)
@pytest.mark.parametrize("method", ["Initialize", "Step", "Segment", "Finish", "Message", "Silent"])
def test_what_a_method_raises_on_a_sequence_fails_it_and_the_others_are_tried(
    call: Call, folder: Data, faulty: Callable[[str], Path], capsys: Capture, method: str, raised: str
) -> None:
    assert call("run", f"{faulty(raised)}:{method}", *folder.arguments, "--out", "out") == 1
    run = load_run("out")
    assert (run.record.status, run.record.counts.failed) == ("failed", 2)
    assert "Traceback" not in "".join(capsys.readouterr())


@pytest.mark.parametrize("raised", RAISED)
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_method_that_cannot_be_built_for_any_reason_ends_the_run_with_2(
    call: Call, folder: Data, faulty: Callable[[str], Path], capsys: Capture, raised: str, jobs: int
) -> None:
    if jobs == 2 and raised != "sys.exit":
        pytest.skip("one is enough: processes are slow to start")
    assert call("run", f"{faulty(raised)}:Build", *folder.arguments, "--out", "out", "--jobs", jobs) == 2
    out, err = capsys.readouterr()
    assert "Build: cannot be built: " in err
    assert "Traceback" not in out + err


@pytest.mark.parametrize("raised", RAISED)
def test_what_does_no_harm_is_noted(
    call: Call, folder: Data, faulty: Callable[[str], Path], capsys: Capture, raised: str
) -> None:
    for method, note in (("Preview", "preview_sequences raised "), ("Close", "closing the method raised ")):
        assert call("run", f"{faulty(raised)}:{method}", *folder.arguments, "--out", method) == 0
        run = load_run(method)
        assert (run.record.status, run.record.counts.done) == ("complete", 2)
        assert any(each.startswith(note) for each in run.record.notes)
    assert call("run", f"{faulty(raised)}:AtOnce", *folder.arguments, "--out", "AtOnce") == 0
    assert "Traceback" not in "".join(capsys.readouterr())


def test_a_config_without_defaults_is_one_message(
    call: Call, folder: Data, faulty: Callable[[str], Path], capsys: Capture
) -> None:
    assert call("run", f"{faulty('ValueError')}:Configured", *folder.arguments, "--out", "out") == 2
    assert "Configured: its Config fails: ValidationError" in capsys.readouterr().err


@pytest.mark.parametrize("raised", RAISED)
def test_a_file_that_raises_while_it_is_imported_is_one_message(
    call: Call, folder: Data, tmp_path: Path, capsys: Capture, raised: str
) -> None:
    (tmp_path / "mine.py").write_text(RAISED[raised])
    assert call("run", f"{tmp_path}/mine.py:Mine", *folder.arguments, "--out", "out") == 2
    assert "mine.py: cannot be imported: " in capsys.readouterr().err


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
@pytest.mark.parametrize("family", ["methods", "datasets", "reports"])
def test_one_broken_plugin_hides_no_other(
    call: Call, plugin: Install, capsys: Capture, family: str, raised: str
) -> None:
    plugin(RAISED[raised], f"[vos_bench.{family}]", "odd = odd_plugin:INFO")
    assert call("list", family) == 0
    out, err = capsys.readouterr()
    assert {"methods": "copy-first", "datasets": "davis17", "reports": "davis17"}[family] in out
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
}
KINDS = {
    "methods": "MethodInfo(**{'name': 'odd', 'summary': '', 'factory': 'x:y', **dict(%s)})",
    "datasets": "DatasetInfo(**{'name': 'odd', 'summary': '', 'factory': 'x:y', 'splits': ('val',), **dict(%s)})",
    "reports": "ReportInfo(**{'name': 'odd', 'summary': '', 'factory': 'x:y', **dict(%s)})",
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
    for kind in ("methods", "datasets", "reports", "recipes", "weights"):
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


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        ("table", "return 7", "odd_code:build returned int, expected a Table"),
        ("table", "yield 7", "odd_code:build returned generator, expected a Table"),
        ("table", "from vos_bench.tables import Table; return Table('t', None, None)", "a Table whose columns is None"),
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


def test_a_thread_that_a_method_left_does_not_hold_the_process(folder: Data, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        METHOD.format(raised="pass")
        + """
class Threads(Base):
    def __init__(self, *a, **k):
        super().__init__(*a, **k)
        import threading, time
        threading.Thread(target=time.sleep, args=(600,)).start()
"""
    )
    command = (sys.executable, "-c", "import sys; from vos_bench.cli import main; sys.exit(main())")
    what = ("run", f"{tmp_path}/mine.py:Threads", *map(str, folder.arguments), "--out", str(tmp_path / "out"))
    done = subprocess.run([*command, *what], check=False, capture_output=True, text=True, timeout=300)
    assert (done.returncode, "complete" in done.stdout) == (0, True)


@pytest.mark.parametrize("daemon", [True, False])
def test_the_end_of_a_process_runs_what_was_registered_for_it_and_waits_for_threads_of_our_own(daemon: bool) -> None:
    code = f"""
import atexit, threading, time
from vos_bench.foreign_code import leave
atexit.register(print, "registered", end=" ")
threading.Thread(target=lambda: (time.sleep(0.5), print("thread", end=" ")), daemon={daemon}).start()
print("printed", end=" ")
leave(3)
print("returned", end=" ")
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60)
    expected = (3, "printed registered ") if daemon else (0, "printed returned thread registered ")
    assert (done.returncode, done.stdout) == expected


def test_a_run_without_all_its_results_is_never_0(call: Call, folder: Data, methods: Path, capsys: Capture) -> None:
    method = f"{methods}:Stay"
    assert call("run", method, *folder.arguments, "--out", "out") == 0
    (Path("out/sequences/two.json")).unlink()
    assert call("run", method, *folder.arguments, "--out", "out", "--sequences", "one") == 1
    assert "unfinished: 2 sequences chosen, 1 missing" in capsys.readouterr().out
    assert call("run", method, *folder.arguments, "--out", "out", "--shard", "1/2") == 0
