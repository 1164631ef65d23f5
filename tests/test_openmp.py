"""How OpenMP's threads shall wait: asleep on a busy machine, soon asleep on an idle one, as the user says always."""

import os
from pathlib import Path

import pytest
from python_processes import run_python

from vos_bench import openmp


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Say how many processes of the machine run, this one included."""
    for name in (openmp.POLICY, openmp.SPINS):
        monkeypatch.setenv(name, "")  # so that it is put back as it was, whatever the test makes of it
        monkeypatch.delenv(name)
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    monkeypatch.setattr(openmp, "_LOAD", tmp_path / "loadavg")

    def say(text: str) -> None:
        (tmp_path / "loadavg").write_text(text)

    return say


@pytest.mark.parametrize(
    ("count", "expected"),
    [(1, "GOMP_SPINCOUNT=10000"), (2, "GOMP_SPINCOUNT=10000"), (3, "PASSIVE"), (9, "PASSIVE")],
)
def test_threads_sleep_where_others_want_the_processors(running, count: int, expected: str):
    running(f"0.31 1.00 2.65 {count}/78 6426\n")
    assert openmp.wait_policy() == ""
    openmp.choose_wait_policy()
    assert openmp.wait_policy() == expected


def test_a_process_that_another_one_started_looks_again(running):
    running("0.31 1.00 2.65 1/78 6426\n")
    openmp.choose_wait_policy()
    running("9.00 9.00 9.00 9/78 6426\n")
    openmp.choose_wait_policy()
    assert openmp.wait_policy() == "PASSIVE"
    assert openmp.SPINS not in os.environ


@pytest.mark.parametrize(("name", "value"), [(openmp.POLICY, "ACTIVE"), (openmp.SPINS, "77")])
def test_what_the_user_set_stays(running, monkeypatch: pytest.MonkeyPatch, name: str, value: str):
    running("9.00 9.00 9.00 9/78 6426\n")
    monkeypatch.setenv(name, value)
    openmp.choose_wait_policy()
    assert {each for each in (openmp.POLICY, openmp.SPINS) if each in os.environ} == {name}
    assert value in openmp.wait_policy()


@pytest.mark.parametrize("text", [None, "", "nonsense", "1 2 3 x/y 5"])
def test_a_system_that_does_not_tell_counts_as_idle(running, text: str | None):
    if text is not None:
        running(text)
    assert openmp.others_running() == 0


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="the system does not list threads")
def test_the_command_that_scores_has_one_thread():
    code = "import os, sys\nfrom vos_bench.cli import main\nmain(['score', 'none', '--truth', 'none'])\n"
    code += "print('numpy' in sys.modules, len(os.listdir('/proc/self/task')))"
    variables = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    assert run_python("-c", code, env=variables).stdout.split() == ["True", "1"]


@pytest.mark.parametrize(("given", "expected"), [(None, "1"), ("3", "3")])
def test_scoring_starts_no_threads_for_products_of_matrices(given, expected):
    variables = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    code = "import os\nfrom vos_bench.openmp import choose_one_blas_thread\nchoose_one_blas_thread()\n"
    code += "print(os.environ['OPENBLAS_NUM_THREADS'])"
    done = run_python("-c", code, env=variables | ({"OPENBLAS_NUM_THREADS": given} if given else {}))
    assert done.stdout.strip() == expected
