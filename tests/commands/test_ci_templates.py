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


@pytest.mark.parametrize("service", SCRIPTS)
def test_the_script_passes_an_equal_run_and_fails_a_worse_one(
    service: str, call: Call, video: Path, method_file: Path
) -> None:
    assert call("run", f"{method_file}:Stay", "--dataset", "folder", "--root", video, "--out", "baseline") == 0

    def run(name: str) -> int:
        variables = {
            **{key: str(value) for key, value in TEMPLATE["variables"].items()},
            "VOS_METHOD": f"{method_file}:{name}",
            "VOS_DATASET": "folder",
            "VOS_ROOT": str(video),
            "VOS_SEQUENCES": "one",
            "VOS_BASELINE": "baseline",
            "VOS_TOLERANCE": "J&F=0.01 F=0.01",
            "VOS_ARGUMENTS": "--device cpu --seeds 0",
            "VOS_OUT": f"{service} {name}",
            "GITHUB_STEP_SUMMARY": "page.md",
        }
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        command = [SHELLS[service], "-c", SCRIPTS[service]]
        done = subprocess.run(
            command, env={**os.environ, **variables, "PATH": path}, capture_output=True, text=True, check=False
        )
        assert Path(f"{service} {name}", "junit.xml").is_file(), done.stderr
        return done.returncode

    assert run("Stay") == 0
    assert run("Slip") == 1
    code = method_file.read_text()
    method_file.write_text(code.replace("class Stay(Method):", "class Stay(Method):  # changed"))
    assert run("Stay") == 0, "a second check in the same folder does not begin anew"
    assert Path("page.md").exists() == (service == "github")
