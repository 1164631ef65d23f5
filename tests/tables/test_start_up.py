"""What is listed does not wait for what only reports need."""

import json

import pytest
from python_processes import run_python

SLOW = ("pandas", "torch", "matplotlib", "cv2", "numba", "jinja2", "joblib", "skimage")
SCRIPT = (
    "import json, sys; from vos_bench.cli import main; code = main(sys.argv[1:]);"
    f"sys.stderr.write(json.dumps([code, [name for name in {SLOW!r} if name in sys.modules]]))"
)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["ablate", "--help"],
        *(
            ["list", kind]
            for kind in ("methods", "datasets", "recipes", "ablations", "reports", "loggers", "weights", "protocols")
        ),
    ],
    ids=" ".join,
)
def test_help_and_lists_import_nothing_slow(arguments: list[str]) -> None:
    assert json.loads(run_python("-c", SCRIPT, *arguments).stderr.splitlines()[-1]) == [0, []]
