"""The action and the template in ci/: they parse, name what exists, and their scripts do what they say."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

Call = Callable[..., int]
Script = Callable[..., subprocess.CompletedProcess[str]]

CI = Path(__file__).resolve().parents[2] / "ci"
ACTION = yaml.safe_load((CI / "github" / "action.yml").read_text(encoding="utf-8"))
WORKFLOW = yaml.safe_load((CI / "github" / "example-workflow.yml").read_text(encoding="utf-8"))
TEMPLATE = yaml.safe_load((CI / "gitlab" / "vos-bench.gitlab-ci.yml").read_text(encoding="utf-8"))[".vos-bench"]

SCRIPTS = {"github": ACTION["runs"]["steps"][-1]["run"], "gitlab": "set -e\n" + "\n".join(TEMPLATE["script"])}
SHELLS = {"github": "bash", "gitlab": "sh"}


@pytest.mark.parametrize("service", SCRIPTS)
def test_scripts_name_commands_and_options_that_exist(
    service: str, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = SCRIPTS[service].replace("\\\n", " ").splitlines()
    found = {}
    for line in lines:
        if command := re.match(r"\s*vos-bench (\w+)", line):
            found[command[1]] = set(re.findall(r"(?<![\w-])--[a-z-]+", line))
    assert set(found) == {"run", "compare"}
    for command, used in found.items():
        capsys.readouterr()
        assert call(command, "--help") == 0
        assert used <= set(re.findall(r"--[a-z-]+", capsys.readouterr().out)), command


def test_the_action_reads_only_inputs_that_it_declares_and_never_pastes_them_into_a_script() -> None:
    (step,) = (each for each in ACTION["runs"]["steps"] if "env" in each)
    read = [re.fullmatch(r"\$\{\{ inputs\.([\w-]+) \}\}", text) for text in step["env"].values()]
    assert [each and each[1] for each in read if each] == [*dict.fromkeys(each[1] for each in read if each)]
    assert {each[1] for each in read if each} == set(ACTION["inputs"])
    assert not any("${{" in each["run"] for each in ACTION["runs"]["steps"])
    assert set(re.findall(r"\$\{?(VOS_\w+)", step["run"])) == set(step["env"])


def test_the_example_gives_the_action_inputs_that_it_has() -> None:
    (job,) = WORKFLOW["jobs"].values()
    (given,) = (step["with"] for step in job["steps"] if "/ci/github@" in step["uses"])
    required = {name for name, about in ACTION["inputs"].items() if about.get("required")}
    assert required <= set(given) <= set(ACTION["inputs"])


def test_the_template_declares_every_variable_of_its_script() -> None:
    text = "\n".join([*TEMPLATE["before_script"], *TEMPLATE["script"]])
    assert set(re.findall(r"\$\{?(VOS_\w+)", text)) == set(TEMPLATE["variables"])


@pytest.fixture
def script(call: Call, video: Path, method_file: Path) -> Script:
    """Return what runs a service's script, with an equal run's variables except for those that are given."""
    assert call("run", f"{method_file}:Stay", "--dataset", "folder", "--root", video, "--out", "baseline") == 0

    def run(service: str, method: str = "Stay", **given: str) -> subprocess.CompletedProcess[str]:
        variables = {
            **{key: str(value) for key, value in TEMPLATE["variables"].items()},
            "VOS_METHOD": f"{method_file}:{method}",
            "VOS_DATASET": "folder",
            "VOS_ROOT": str(video),
            "VOS_SEQUENCES": "one",
            "VOS_BASELINE": "baseline",
            "VOS_TOLERANCE": "J&F=0.01 F=0.01",
            "VOS_ARGUMENTS": "--device cpu --seeds 0",
            "VOS_OUT": f"{service} out",
            "GITHUB_STEP_SUMMARY": "page.md",
            **given,
        }
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        return subprocess.run(
            [SHELLS[service], "-c", SCRIPTS[service]],
            env={**os.environ, **variables, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.mark.parametrize("service", SCRIPTS)
def test_the_script_passes_an_equal_run_and_fails_a_worse_one(service: str, script: Script) -> None:
    for method, code in (("Stay", 0), ("Slip", 1)):
        done = script(service, method, VOS_OUT=f"{service} {method}")
        assert done.returncode == code, done.stderr
        assert Path(f"{service} {method}", "junit.xml").is_file()
    assert Path("page.md").exists() == (service == "github")


@pytest.mark.parametrize("service", SCRIPTS)
def test_every_line_of_a_list_counts(service: str, script: Script) -> None:
    lines = {"VOS_TOLERANCE": "J&F=0.01\nF=0.01\n", "VOS_ARGUMENTS": "--device cpu\n--seeds 0\n"}
    assert script(service, **lines).returncode == 0
    wrong = script(service, **lines | {"VOS_TOLERANCE": "J&F=0.01\nbogus=1"})
    assert (wrong.returncode, "bogus" in wrong.stderr) == (2, True), wrong.stderr
    wrong = script(service, **lines | {"VOS_ARGUMENTS": "--device cpu\n--bogus"})
    assert (wrong.returncode, "bogus" in wrong.stderr) == (2, True), wrong.stderr


@pytest.mark.parametrize("service", SCRIPTS)
def test_nothing_of_an_earlier_job_is_taken_for_this_ones(service: str, script: Script) -> None:
    out = Path(f"{service} out")
    assert script(service).returncode == 0
    out.joinpath("run/sequences/old.json").write_text("{}")
    assert script(service).returncode == 0
    assert not out.joinpath("run/sequences/old.json").exists()
    assert script(service, VOS_ARGUMENTS="--bogus").returncode == 2
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("service", SCRIPTS)
def test_thumbnails_are_off_unless_asked_for(service: str, script: Script) -> None:
    for asked, shown in (("false", 0), ("true", 1)):
        assert script(service, "Slip", VOS_THUMBNAILS=asked).returncode == 1
        assert min(Path(f"{service} out/summary.md").read_text().count("data:image"), 1) == shown
    if service == "github":
        assert "Slip" in Path("page.md").read_text()
        assert "data:image" not in Path("page.md").read_text()


@pytest.mark.parametrize("service", SCRIPTS)
def test_a_star_in_arguments_is_no_pattern(service: str, script: Script) -> None:
    Path("a.b=1").touch()
    done = script(service, VOS_ARGUMENTS="--set *.b=1")
    assert "*.b=1" in done.stderr
