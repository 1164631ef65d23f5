"""A run, a scoring or a training that is killed or stopped loses nothing that was finished.

benchmarks/faults.py does this many times, with more faults.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from vos_bench.errors import BadInputError
from vos_bench.files.locks import FolderLock
from vos_bench.records import load_run

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")

Trials = Callable[..., Any]
Meet = Callable[..., Any]


def written(out: Path) -> int:
    return len(list(out.glob("masks/*/*.png")))


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_run_killed_at_any_moment_and_given_again_equals_an_unbroken_one(
    breaking: ModuleType, works: ModuleType, trial: Trials, meet: Meet, jobs: int
):
    run, whole = works.made_up_run(jobs), works.made_up_run(1)
    attempt = meet(breaking.killed, lambda seed: trial(run, seed=jobs + seed, whole=whole))
    assert load_run(attempt.out).record.status == "complete"
    assert not list(attempt.out.rglob("*.part"))


def test_a_run_that_is_killed_again_and_again_ends_as_an_unbroken_one(
    breaking: ModuleType, works: ModuleType, trial: Trials
):
    attempt = trial(works.made_up_run(1))
    for goal in (7, 20, 33):
        process = attempt.start()
        breaking.wait_for(lambda goal=goal: written(attempt.out) >= goal, process)
        process.kill()
        process.wait()
    attempt.restart(attempt.work.kept(attempt.out))


def test_workers_that_outlive_a_killed_run_do_not_disturb_the_next(
    breaking: ModuleType, works: ModuleType, trial: Trials
):
    attempt = trial(works.made_up_run(2), whole=works.made_up_run(1))
    process = attempt.start()
    breaking.wait_for(lambda: written(attempt.out) >= 6, process)
    process.kill()
    process.wait()
    attempt.restart(attempt.work.kept(attempt.out))
    breaking.require_gone(process.pid)
    attempt.require_whole()
    assert load_run(attempt.out).record.counts.failed == 0


def test_finished_sequences_are_not_run_again(breaking: ModuleType, works: ModuleType, trial: Trials):
    attempt = trial(works.made_up_run(1))
    process = attempt.start()
    breaking.wait_for(lambda: len(list(attempt.out.glob("sequences/*.json"))) >= 2, process)
    process.kill()
    process.wait()
    before = {path: path.stat().st_mtime_ns for path in attempt.out.glob("sequences/*.json")}
    assert len(before) >= 2
    attempt.restart(attempt.work.kept(attempt.out))
    assert before.items() <= {path: path.stat().st_mtime_ns for path in attempt.out.glob("sequences/*.json")}.items()


def test_a_run_that_is_asked_to_stop_goes_on_later(breaking: ModuleType, works: ModuleType, trial: Trials, meet: Meet):
    meet(breaking.terminated, lambda seed: trial(works.made_up_run(1), seed=seed))


def test_ctrl_c_twice_ends_a_run_without_a_word_too_many_and_leaves_no_process(
    breaking: ModuleType, works: ModuleType, trial: Trials, meet: Meet
):
    run, whole = works.made_up_run(2), works.made_up_run(1)
    meet(breaking.interrupted_twice, lambda seed: trial(run, seed=3 + seed, whole=whole))


@pytest.mark.parametrize("pause", [0.0, 0.1, 0.3])
def test_ctrl_c_while_workers_start_is_answered_by_the_first_process_alone(
    breaking: ModuleType, works: ModuleType, trial: Trials, meet: Meet, tmp_path: Path, pause: float
):
    run, whole = works.made_up_run(2), works.made_up_run(1)
    meet(partial(breaking.interrupted_at_start, pause=pause), lambda seed: trial(run, seed=seed, whole=whole))
    scoring = trial(works.scoring(tmp_path, jobs=6), whole=works.scoring(tmp_path / "one"))
    with suppress(breaking.TooLateError):  # on a fast machine it may have ended
        breaking.interrupted_at_start(scoring, pause=pause)


def test_a_worker_that_is_killed_costs_nothing(breaking: ModuleType, works: ModuleType, trial: Trials, meet: Meet):
    run, whole = works.made_up_run(2), works.made_up_run(1)
    meet(breaking.worker_killed, lambda seed: trial(run, seed=3 + seed, whole=whole))


def test_a_scoring_killed_at_any_moment_and_given_again_equals_an_unbroken_one(
    breaking: ModuleType, works: ModuleType, trial: Trials, meet: Meet, tmp_path: Path
):
    work = works.scoring(tmp_path)
    meet(breaking.killed, lambda seed: trial(work, seed=seed))


def test_ctrl_c_twice_ends_a_training_that_goes_on_to_the_same_weights(
    breaking: ModuleType, works: ModuleType, trial: Trials, meet: Meet, tmp_path: Path
):
    training = works.training(tmp_path)
    meet(breaking.interrupted_twice, lambda seed: trial(training, seed=seed))


def test_a_second_run_in_the_same_folder_stops_and_the_first_goes_on(
    breaking: ModuleType, works: ModuleType, trial: Trials, meet: Meet
):
    meet(breaking.started_twice, lambda seed: trial(works.made_up_run(1), seed=seed))


def test_a_killed_run_leaves_no_lock(breaking: ModuleType, works: ModuleType, trial: Trials):
    attempt = trial(works.made_up_run(1))
    process = attempt.start()
    breaking.wait_for(lambda: written(attempt.out) > 0, process)
    breaking.stop(process)
    with pytest.raises(BadInputError), FolderLock(attempt.out, shard=None).held():
        pass
    process.kill()
    process.wait()
    with FolderLock(attempt.out, shard=None).held():
        pass
