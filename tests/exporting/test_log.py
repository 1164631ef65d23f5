"""`vos-bench log`: a logger of one's own, and those of MLflow and W&B with stand-ins for the two packages."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from vos_bench import registry
from vos_bench.cli import main
from vos_bench.records import MethodEntry, Run, load_run, write_record
from vos_bench.records.files import run_file, sequence_file
from vos_bench.records.run_fields import run_fields

MakeRun = Callable[..., Run]
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def saved(make_run: MakeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Write a made-up run to `runs/NAME` of an empty folder and return its folder."""
    monkeypatch.chdir(tmp_path)

    def save(name: str, *, config: dict[str, Any] | None = None, failed: bool = False, **changes: Any) -> Path:
        made = make_run({"a": (0.8, 0.832), **({"b": None} if failed else {})}, method=name, fps=20.0, p50=40.0)
        record = made.record.replace(method=MethodEntry(name=name, config=config or {}), **changes)
        folder = Path("runs") / name
        write_record(record, run_file(folder))
        for sequence in made.sequence_records.values():
            write_record(sequence, sequence_file(folder, sequence.name))
        return folder

    return save


def test_a_run_in_flat_form_has_nothing_that_is_not_known(saved: Callable[..., Path]) -> None:
    run = load_run(saved("mine", config={"size": 480}))
    run = replace(run, record=run.record.replace(scores={**run.scores, "J_decay": float("nan")}))
    fields = run_fields(run)
    assert fields.params["config.size"] == "480"
    assert fields.metrics["J_and_F"] == pytest.approx(0.816)
    assert (fields.metrics["fps"], fields.metrics["p50_ms"], fields.metrics["sequences_scored"]) == (20.0, 40.0, 1)
    assert "J_decay" not in fields.metrics
    assert "weights" not in fields.params
    assert (fields.tags["kind"], fields.tags["vos_bench"]) == ("run", "0")


OWN = """
from vos_bench.records.logger import Logger
from vos_bench.plugins import LoggerInfo
from vos_bench.records.run_fields import run_fields

INFO = LoggerInfo("own", "Mine.", "own_logger:{factory}", about=("file",))


class Own(Logger):
    def log(self, run):
        {body}


def seven(about):
    return 7
"""
WRITES = """
        with open(self.about.get("file", "log.txt"), "a") as file:
            file.write(f"{run_fields(run).params['method']}\\n")
        return f"{file.name}\\n of mine"
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Install a logger `own` that does what `body` says."""

    def install(body: str = WRITES, factory: str = "Own") -> None:
        (tmp_path / "own_logger.py").write_text(OWN.replace("{body}", body.strip()).replace("{factory}", factory))
        about = tmp_path / "own_logger-1.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: own-logger\nVersion: 1\n")
        (about / "entry_points.txt").write_text("[vos_bench.loggers]\nown = own_logger:INFO\n")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "own_logger", raising=False)
        registry._found.cache_clear()

    return install


def test_runs_go_to_an_installed_logger_and_others_are_left_out_with_a_line(
    saved: Callable[..., Path], own: Callable[..., None], capsys: Capture
) -> None:
    own()
    saved("one"), saved("two"), saved("broken", failed=True), saved("begun", status="started", finished=None)
    saved("bare", scores={}, scored=False)
    for path in Path("runs/bare/sequences").iterdir():
        path.unlink()
    assert main(["log", "runs", "--to", "own", "--about", "file=mine.txt"]) == 0
    out, err = capsys.readouterr()
    assert out == "runs/one: mine.txt of mine\nruns/two: mine.txt of mine\n"
    assert err.splitlines() == [
        "runs/bare: has no scores, and was not logged",
        "runs/begun: is incomplete, and was not logged",
        "runs/broken: has failed sequences, and was not logged",
    ]
    assert Path("mine.txt").read_text() == "one\ntwo\n"


def test_nothing_to_log_is_an_error(saved: Callable[..., Path], own: Callable[..., None], capsys: Capture) -> None:
    own()
    saved("broken", failed=True)
    assert main(["log", "runs", "--to", "own"]) == 2
    assert "runs/broken: has failed sequences, and was not logged; found no run to log" in capsys.readouterr().err
    run_file(saved("one")).write_text("{")
    assert main(["log", "runs", "--to", "own"]) == 2
    assert "runs/one" in capsys.readouterr().err
    assert not Path("log.txt").exists()


@pytest.mark.parametrize(
    ("body", "factory", "said"),
    [
        ("raise SystemExit(0)", "Own", "logger own: its plugin own_logger:Own fails: runs/one: SystemExit: 0"),
        ("raise ValueError('no server')", "Own", "fails: runs/one: ValueError: no server"),
        ("return 7", "Own", "logger own: own_logger:Own returned int, expected a text"),
        ("pass", "seven", "logger own: own_logger:seven made int, expected a Logger"),
        ("pass", "Logger", "logger own: its plugin own_logger:Logger fails: TypeError"),
        ("pass", "absent", "own_logger: there is no 'absent' in it"),
    ],
)
def test_a_broken_logger_is_one_message(
    saved: Callable[..., Path], own: Callable[..., None], capsys: Capture, body: str, factory: str, said: str
) -> None:
    own(body, factory)
    saved("one")
    assert main(["log", "runs", "--to", "own"]) == 2
    out, err = capsys.readouterr()
    assert said in err
    assert "Traceback" not in out + err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--to", "mlflo"), "there is no logger 'mlflo'; did you mean mlflow? (vos-bench list loggers)"),
        (("--to", "own", "--about", "fil=x"), "--about fil: --to own has no use for it; did you mean file?"),
        ((), "log: --to is missing"),
    ],
)
def test_a_wrong_option_is_one_message(
    saved: Callable[..., Path], own: Callable[..., None], capsys: Capture, arguments: tuple[str, ...], said: str
) -> None:
    own()
    saved("one")
    assert main(["log", "runs", *arguments]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("name", ["mlflow", "wandb"])
def test_a_package_that_is_not_installed_is_named(
    saved: Callable[..., Path], capsys: Capture, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    saved("one")
    monkeypatch.setitem(sys.modules, name, None)  # which Python takes for a package that is not there
    assert main(["log", "runs", "--to", name]) == 2
    assert f"--to {name}: found no package {name}; pip install {name}" in capsys.readouterr().err


class Started(SimpleNamespace):
    """A run of a tracking server while it is open."""

    def __enter__(self) -> "Started":
        return self

    def __exit__(self, *_: object) -> None:
        self.ended = True


class FakeMlflow(ModuleType):
    """What the logger calls of MLflow, kept in lists; a run that breaks off keeps what was logged until then."""

    def __init__(self) -> None:
        super().__init__("mlflow")
        self.experiment, self.runs, self.broken = "Default", list[Started](), False

    def set_experiment(self, name: str) -> None:
        self.experiment = name

    def search_runs(self, *, filter_string: str, max_results: int, output_format: str) -> list[Started]:
        assert (max_results, output_format) == (1, "list")
        name, _, value = filter_string.removeprefix("tags.").partition(" = ")
        wanted = value.strip("'")
        return [run for run in self.runs if run.experiment == self.experiment and run.tags.get(name) == wanted]

    def start_run(self, *, run_name: str) -> Started:
        info = SimpleNamespace(experiment_id=self.experiment, run_id=f"id{len(self.runs)}")
        self.runs.append(Started(info=info, name=run_name, experiment=self.experiment, tags={}))
        return self.runs[-1]

    def log_params(self, params: dict[str, str]) -> None:
        self.runs[-1].params = params

    def log_metrics(self, metrics: dict[str, float]) -> None:
        if self.broken:
            raise ConnectionError("no answer")
        self.runs[-1].metrics = metrics

    def set_tags(self, tags: dict[str, str]) -> None:
        self.runs[-1].tags = tags


@pytest.fixture
def mlflow(monkeypatch: pytest.MonkeyPatch) -> FakeMlflow:
    made = FakeMlflow()
    monkeypatch.setitem(sys.modules, "mlflow", made)
    return made


def test_mlflow_gets_each_run_once(saved: Callable[..., Path], mlflow: FakeMlflow, capsys: Capture) -> None:
    folder = saved("one", config={"long": "x" * 7000})
    arguments = ["log", "runs", "--to", "mlflow", "--about", "experiment=vos"]
    assert main(arguments) == 0
    assert capsys.readouterr().out == f"{folder}: MLflow experiment vos, run id0\n"
    (logged,) = mlflow.runs
    fields = run_fields(load_run(folder))
    assert logged.name == "one on demo val"
    assert logged.params == {**{name: str(value) for name, value in fields.params.items()}, "config.long": "x" * 6000}
    assert logged.metrics == fields.metrics
    assert logged.tags == {**fields.tags, "vos_bench_run": fields.id}
    assert logged.ended
    saved("two")
    assert main(arguments) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0] == f"{folder}: MLflow experiment vos, run id0, has it already"
    assert [run.name for run in mlflow.runs] == ["one on demo val", "two on demo val"]
    assert main(["log", str(folder), "--to", "mlflow", "--about", "experiment=other"]) == 0
    assert len(mlflow.runs) == 3


def test_the_same_configuration_measured_again_is_another_run(saved: Callable[..., Path], mlflow: FakeMlflow) -> None:
    saved("one")
    assert main(["log", "runs", "--to", "mlflow"]) == 0
    saved("one", finished="2026-01-02T00:01:00Z")  # a run that is repeated in its folder keeps the time when it began
    assert main(["log", "runs", "--to", "mlflow"]) == 0
    first, second = (run.tags["vos_bench_run"].partition("-") for run in mlflow.runs)
    assert first[0] == second[0]
    assert first[2] != second[2]


def test_a_run_that_broke_off_is_logged_again(saved: Callable[..., Path], mlflow: FakeMlflow, capsys: Capture) -> None:
    saved("one")
    mlflow.broken = True
    assert main(["log", "runs", "--to", "mlflow"]) == 2
    assert "runs/one: ConnectionError: no answer" in capsys.readouterr().err
    mlflow.broken = False
    assert main(["log", "runs", "--to", "mlflow"]) == 0
    assert capsys.readouterr().out == "runs/one: MLflow experiment Default, run id1\n"


LOG = "import sys; from vos_bench.cli import main; sys.exit(main(['log', 'runs', '--to', 'mlflow']))"


def test_mlflow_itself_takes_more_settings_than_it_takes_at_once(saved: Callable[..., Path], tmp_path: Path) -> None:
    pytest.importorskip("mlflow")
    folder = saved("one", config={f"setting{number}": number for number in range(250)})
    place = {"MLFLOW_TRACKING_URI": (tmp_path / "server").as_uri(), "MLFLOW_ALLOW_FILE_STORE": "true"}
    subprocess.run([sys.executable, "-c", LOG], env={**os.environ, **place}, check=True)
    fields = run_fields(load_run(folder))
    (params,) = (tmp_path / "server").glob("*/*/params")
    assert {path.name: path.read_text() for path in params.iterdir()} == {
        name: str(value) for name, value in fields.params.items()
    }
    assert {path.name for path in (params.parent / "metrics").iterdir()} == set(fields.metrics)


class FakeWandb(ModuleType):
    """What the logger calls of W&B, kept by id; online, a second start of an id resumes its run."""

    def __init__(self) -> None:
        super().__init__("wandb")
        self.runs, self.offline, self.steps = dict[str, Started](), False, list[Any]()

    def Settings(self, **given: object) -> dict[str, object]:  # noqa: N802 - W&B's own name
        return given

    def init(self, *, id: str, **given: Any) -> Started:
        resumed = id in self.runs and not self.offline
        started = self.runs[id] = Started(
            **given, resumed=resumed, offline=self.offline, url=f"https://w/{id}", dir=f"wandb/{id}/files"
        )
        started.log, started.summary = self.steps.append, dict[str, float]()
        return started


def test_wandb_gets_each_run_once(saved: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    folder, wandb = saved("one", config={"size": 480}), FakeWandb()
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    arguments = ["log", "runs", "--to", "wandb", "--about", "project=vos"]
    fields = run_fields(load_run(folder))
    assert main(arguments) == 0
    assert capsys.readouterr().out == f"{folder}: https://w/{fields.id}\n"
    (started,) = wandb.runs.values()
    assert (started.project, started.entity, started.name, started.resume) == ("vos", None, "one on demo val", "allow")
    assert started.config == {**fields.params, **{f"tags.{name}": value for name, value in fields.tags.items()}}
    assert json.dumps(started.config)
    assert wandb.steps == [fields.metrics]
    assert main(arguments) == 0
    assert capsys.readouterr().out.endswith(", had it; its metrics were written again\n")
    assert (wandb.steps, wandb.runs[fields.id].summary) == ([fields.metrics], fields.metrics)
    wandb.offline = True
    assert main(arguments) == 0
    assert capsys.readouterr().out == f"{folder}: wandb/{fields.id}\n"
