import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from python_processes import run_python

from vos_bench.errors import BadInputError, VosBenchError
from vos_bench.progress import Progress
from vos_bench.training import checkpoint, loop
from vos_bench.training.loop import train_recipe


def curve_steps(out: Path) -> list[int]:
    lines = [json.loads(line) for line in (out / "curves.jsonl").read_text().splitlines()]
    return [line["step"] for line in lines if "loss" in line]


class At(Progress):
    """Does something after one step of a training."""

    def __init__(self, step: int, act: Callable[[], None]) -> None:
        self.step, self.act = step, act

    def step_done(self, step: int, steps: int, values: Mapping[str, float], seconds_left: float) -> None:  # noqa: ARG002
        if step == self.step:
            self.act()


def test_a_training_stopped_and_resumed_gives_the_same_bits_as_an_unbroken_one(
    tmp_path, point_recipe, points, loop_settings
):
    unbroken = train_recipe(point_recipe(loop_settings), points, out=tmp_path / "a")
    stop = At(10, lambda: os.kill(os.getpid(), signal.SIGTERM))
    first = train_recipe(point_recipe(loop_settings), points, out=tmp_path / "b", progress=stop)
    second = train_recipe(point_recipe(loop_settings), points, out=tmp_path / "b", resume=True)

    assert (unbroken.status, first.status, second.status) == ("done", "interrupted", "done")
    assert (first.step, second.step) == (10, 20)
    for name, value in unbroken.weights.items():
        assert torch.equal(value, second.weights[name]), name
    a, b = (checkpoint.load_checkpoint(tmp_path / each)["network"] for each in "ab")
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert unbroken.validation == second.validation
    assert curve_steps(tmp_path / "a") == curve_steps(tmp_path / "b") == list(range(1, 21))


def test_the_number_of_workers_changes_no_bit(tmp_path, point_recipe, points, loop_settings):
    here = train_recipe(point_recipe(loop_settings), points, out=tmp_path / "a")
    settings = loop_settings.replace(workers=2)
    elsewhere = train_recipe(point_recipe(settings), points, out=tmp_path / "b")
    assert all(torch.equal(here.weights[name], elsewhere.weights[name]) for name in here.weights)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_after_the_step_and_leaves(tmp_path, point_recipe, points, loop_settings, number):
    def act() -> None:
        os.kill(os.getpid(), number)

    outcome = train_recipe(point_recipe(loop_settings), points, out=tmp_path, progress=At(3, act))
    assert (outcome.status, outcome.step) == ("interrupted", 3)
    assert checkpoint.load_checkpoint(tmp_path)["step"] == 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_all_processes_of_a_job_finds_the_workers_standing(
    tmp_path, point_recipe, points, loop_settings, number
):
    def act() -> None:
        for process in (*multiprocessing.active_children(), multiprocessing.current_process()):
            os.kill(process.pid, number)

    settings = loop_settings.replace(workers=2)
    outcome = train_recipe(point_recipe(settings), points, out=tmp_path, progress=At(3, act))
    assert (outcome.status, outcome.step) == ("interrupted", 3)
    assert not multiprocessing.active_children()


def test_a_reading_process_that_is_killed_is_said_plainly_and_the_checkpoint_is_kept(
    tmp_path, point_recipe, points, loop_settings
):
    def act() -> None:
        for process in multiprocessing.active_children():
            process.kill()
            process.join()

    settings = loop_settings.replace(workers=2)
    with pytest.raises(VosBenchError, match=r"(?s)a process that reads samples died: .*--resume goes on from there"):
        train_recipe(point_recipe(settings), points, out=tmp_path, progress=At(7, act))
    assert checkpoint.load_checkpoint(tmp_path)["step"] == 5
    assert train_recipe(point_recipe(settings), points, out=tmp_path, resume=True).step == 20


@pytest.mark.parametrize(("error", "said"), [(ConnectionResetError(), ""), (KeyError("x"), "KeyError: 'x'\n")])
def test_a_reading_process_keeps_quiet_only_when_the_training_is_gone(error, said, monkeypatch, capfd):
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # those of this process stay as they are
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    loop._start_data_worker(0)
    sys.excepthook(type(error), error, None)
    assert capfd.readouterr().err == said


def test_what_is_held_out_is_measured_with_its_own_samples(tmp_path, point_recipe, points, loop_settings):
    settings = loop_settings.replace(validate_every=2, validate_samples=3)
    recipe = point_recipe(settings)
    outcome = train_recipe(recipe, points, out=tmp_path, held_out=points)
    lines = [json.loads(line) for line in (tmp_path / "curves.jsonl").read_text().splitlines()]
    measured = [line for line in lines if "validation/loss" in line]
    assert [line["step"] for line in measured] == [20]
    assert set(outcome.validation) == {"loss", "largest", "weight"}
    network = recipe.build_network().eval()
    network.load_state_dict(outcome.weights)
    with torch.no_grad():
        batches = ({name: value[None] for name, value in points[number].items()} for number in range(3))
        losses = [float(recipe.loss(network, batch).total) for batch in batches]
    assert outcome.validation["loss"] == pytest.approx(sum(losses) / 3)
    assert measured[0]["validation/loss"] == outcome.validation["loss"]


def test_handlers_of_signals_come_back(tmp_path, point_recipe, points, loop_settings):
    before = signal.getsignal(signal.SIGTERM)
    train_recipe(point_recipe(loop_settings), points, out=tmp_path)
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_loss_that_is_not_finite_stops_and_names_its_batch(tmp_path, point_recipe, points, loop_settings):
    class Broken(point_recipe):
        def loss(self, network, batch):
            losses = super().loss(network, batch)
            return losses._replace(total=losses.total * (float("nan") if len(self.seen) == 7 else 1))

        def schedule(self, step):
            self.seen.add(step)
            return 1.0

    recipe = Broken(loop_settings)
    recipe.seen = set()
    with pytest.raises(VosBenchError, match="step 6 is not a finite number"):
        train_recipe(recipe, points, out=tmp_path)
    saved = json.loads((tmp_path / "non-finite.json").read_text())
    assert saved == {"step": 6, "samples": {str(n): {"point": n} for n in range(24, 28)}}
    assert checkpoint.load_checkpoint(tmp_path)["step"] == 5


def test_a_training_with_other_settings_is_not_resumed(tmp_path, point_recipe, points, loop_settings):
    train_recipe(point_recipe(loop_settings), points, out=tmp_path)
    changed = loop_settings.replace(batch_size=2)
    with pytest.raises(BadInputError, match="batch_size: 4 before, 2 now"):
        train_recipe(point_recipe(changed), points, out=tmp_path, resume=True)


def test_a_training_may_be_resumed_for_more_epochs(tmp_path, point_recipe, points, loop_settings):
    train_recipe(point_recipe(loop_settings), points, out=tmp_path)
    longer = loop_settings.replace(epochs=3)
    assert train_recipe(point_recipe(longer), points, out=tmp_path, resume=True).step == 30


def test_a_folder_with_a_training_is_not_overwritten(tmp_path, point_recipe, points, loop_settings):
    train_recipe(point_recipe(loop_settings), points, out=tmp_path)
    with pytest.raises(BadInputError, match="holds a training already"):
        train_recipe(point_recipe(loop_settings), points, out=tmp_path)


def test_clipping_bounds_the_step(tmp_path, point_recipe, points, loop_settings):
    clipped = loop_settings.replace(clip=1e-9)
    free = train_recipe(point_recipe(loop_settings), points, out=tmp_path / "a")
    bound = train_recipe(point_recipe(clipped), points, out=tmp_path / "b")
    assert not torch.equal(free.weights["0.weight"], bound.weights["0.weight"])


@pytest.mark.parametrize("amp", ["tf32", "bf16", "fp16"])
def test_every_precision_trains_on_the_cpu(tmp_path, point_recipe, points, loop_settings, amp):
    outcome = train_recipe(point_recipe(loop_settings.replace(amp=amp)), points, out=tmp_path)
    assert all(torch.isfinite(value).all() for value in outcome.weights.values())


def test_cuda_without_a_card_is_said_plainly(tmp_path, point_recipe, points, loop_settings):
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    with pytest.raises(BadInputError, match="found 0 GPUs that torch can use"):
        train_recipe(point_recipe(loop_settings), points, out=tmp_path, device="cuda")


WORKER = """
import sys, torch
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import importlib.util
spec = importlib.util.spec_from_file_location("points", sys.argv[1])
module = importlib.util.module_from_spec(spec); spec.loader.exec_module(module)
from vos_bench.training.loop import train_recipe
from vos_bench.training.recipe import LoopSettings
settings = LoopSettings(epochs=1, steps_per_epoch=10, batch_size=4, workers=0)
recipe = module.PointRecipe(settings, whole_batch=sys.argv[3] == "batch", dropout=0.0)
outcome = train_recipe(recipe, module.Points(), out=Path(sys.argv[2]))
if int(__import__("os").environ.get("RANK", "0")) == 0:
    torch.save(outcome.weights, Path(sys.argv[2]) / "weights.pt")
"""


@pytest.mark.parametrize("scope", ["sequence", "batch"])
def test_two_processes_of_two_samples_equal_one_of_four(tmp_path, scope):
    points_file = Path(__file__).with_name("conftest.py")
    script = tmp_path / "worker.py"
    script.write_text(WORKER)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
    for name, command in (("one", ()), ("two", launcher)):
        (tmp_path / name).mkdir()
        run_python(*command, script, points_file, tmp_path / name, scope, env=environment)
    one, two = (torch.load(tmp_path / name / "weights.pt", weights_only=True) for name in ("one", "two"))
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, rtol=0, atol=1e-5)
