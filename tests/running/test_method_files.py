"""Files that a method reads besides its own code: a run that goes on notices where one has changed."""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from python_processes import run_python

from vos_bench.cli import main
from vos_bench.files import code

METHOD = """
import importlib, importlib.util, os, runpy, sys
from pathlib import Path
import numpy as np
from vos_bench.methods.copy_first import CopyFirst

HERE = Path(__file__).parent


class Mine(CopyFirst):
    def __init__(self, *a, **k):
        super().__init__(*a, **k)
        {build}

    def initialize(self, image, prompt):
        {start}
        return super().initialize(image, prompt)
"""

SPEC = """spec = importlib.util.spec_from_file_location("elsewhere", HERE / "lib/helper.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)"""

WAYS = {
    "importlib": ("sys.path.append(str(HERE / 'lib')); importlib.import_module('helper')", ""),
    "a file as a module": (SPEC, ""),
    "exec": ("exec((HERE / 'lib/helper.py').read_text())", ""),
    "runpy": ("runpy.run_path(str(HERE / 'lib/helper.py'))", ""),
    "late": ("", "sys.path.append(str(HERE / 'lib')); __import__('helper')"),
    "text": ("", "self.gain = float((HERE / 'lib/gain.txt').read_text())"),
    "array": ("self.table = np.load(HERE / 'lib/table.npy')", ""),
    "relative path": ("os.chdir(HERE); self.gain = Path('lib/gain.txt').read_text()", ""),
    "by descriptor": ("os.read(os.open(HERE / 'lib/gain.txt', os.O_RDONLY), 9)", ""),
    "OpenCV": ("import cv2; assert cv2.imread(str(HERE / 'lib/image.png')) is not None", ""),
    "in a helper": ("sys.path.append(str(HERE / 'lib')); import reader; reader.read()", ""),
    "in a thread": (
        "from threading import Thread; t = Thread(target=lambda: (HERE / 'lib/gain.txt').read_text())\n"
        "        t.start(); t.join()",
        "",
    ),
}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/helper.py").write_text("GAIN = 1\n")
    (tmp_path / "lib/reader.py").write_text(
        f"from pathlib import Path\ndef read():\n    return Path({str(tmp_path / 'lib/gain.txt')!r}).read_text()\n"
    )
    (tmp_path / "lib/gain.txt").write_text("1")
    cv2.imwrite(str(tmp_path / "lib/image.png"), np.zeros((2, 2, 3), np.uint8))
    np.save(tmp_path / "lib/table.npy", np.zeros(3))

    def call(*options: str) -> int:
        command = ("run", f"{tmp_path / 'mine.py'}:Mine", "--dataset", "demo", "--sequences", "tiny")
        try:
            return main([*command, *(() if "--out" in options else ("--out", "out")), *options])
        finally:
            os.chdir(tmp_path)
            sys.path[:] = [path for path in sys.path if path != str(tmp_path / "lib")]
            for module in ("helper", "reader"):
                sys.modules.pop(module, None)

    return call


def write_method(folder: Path, build: str, start: str = "") -> None:
    (folder / "mine.py").write_text(METHOD.format(build=build or "pass", start=start or "pass"))


def read(out: Path) -> dict[str, str]:
    return json.loads((out / "sequences/tiny.json").read_text())["method_files"]


@pytest.mark.parametrize(("way", "jobs"), [*((way, "1") for way in WAYS), ("importlib", "2"), ("text", "2")])
def test_a_changed_file_is_noticed(run: Callable[..., int], tmp_path: Path, way: str, jobs: str, capsys) -> None:
    write_method(tmp_path, *WAYS[way])
    assert run("--jobs", jobs) == 0
    (name,) = set(read(tmp_path / "out")) - {"lib/reader.py"}
    assert run("--jobs", jobs) == 0  # nothing changed
    assert "taken over as they are" in capsys.readouterr().err
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes() + b" ")
    assert run("--jobs", jobs) == 2
    assert f"was made when {name} beside the method held something else" in capsys.readouterr().err


def test_running_again_is_allowed_and_a_file_that_is_gone_is_noticed(run: Callable[..., int], tmp_path: Path) -> None:
    write_method(tmp_path, *WAYS["text"])
    assert run() == 0
    (tmp_path / "lib/gain.txt").write_text("2")
    assert run("--overwrite", "always") == 0
    assert run() == 0
    (tmp_path / "lib/gain.txt").unlink()
    assert run() == 2


def test_a_comparison_names_the_files_that_differ(run: Callable[..., int], tmp_path: Path, capsys) -> None:
    write_method(tmp_path, *WAYS["text"])
    assert run("--out", "first") == 0
    assert main(["compare", "first", "first"]) == 0
    assert "read other files" not in capsys.readouterr().out
    (tmp_path / "lib/gain.txt").write_text("2")
    assert run("--out", "second") == 0
    assert main(["compare", "first", "second"]) == 0
    assert "Beside the method, the runs read other files: lib/gain.txt." in capsys.readouterr().out


@pytest.mark.parametrize(
    "build",
    [
        "(HERE / 'cache.txt').write_text('x'); (HERE / 'cache.txt').read_text()",
        "(HERE / 'a').write_text('x'); os.rename(HERE / 'a', HERE / 'cache.txt'); (HERE / 'cache.txt').read_text()",
        "json = __import__('json.tool'); from vos_bench.methods import flow_warp",
        "Path('/proc/self/status').read_text()",
    ],
)
def test_what_it_wrote_itself_and_what_lies_elsewhere_does_not_count(
    run: Callable[..., int], tmp_path: Path, build: str
) -> None:
    write_method(tmp_path, build)
    assert run() == 0
    assert read(tmp_path / "out") == {}
    assert run() == 0


def test_data_weights_and_results_do_not_count(run: Callable[..., int], tmp_path: Path) -> None:
    from vos_bench.files.places import cache_folder

    write_method(tmp_path, "self.weights and self.weights.read_bytes()")
    (tmp_path / "mine.pth").write_bytes(b"x")
    assert run("--weights", str(tmp_path / "mine.pth")) == 0
    assert read(tmp_path / "out") == {}
    assert cache_folder()


def test_a_module_that_changed_is_imported_anew_in_the_same_process(tmp_path: Path, monkeypatch) -> None:
    from vos_bench import run as run_method

    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "gain_of_mine.py").write_text("GAIN = 1\n")
    write_method(tmp_path, "import gain_of_mine; print('gain', gain_of_mine.GAIN)")
    run_method(f"{tmp_path / 'mine.py'}:Mine", "demo", sequences=["tiny"], out="out")
    (tmp_path / "gain_of_mine.py").write_text("GAIN = 23\n")
    made = run_method(f"{tmp_path / 'mine.py'}:Mine", "demo", sequences=["tiny"], out="out2")
    assert sys.modules["gain_of_mine"].GAIN == 23
    assert "gain_of_mine.py" in made.sequence_records["tiny"].method_files
    del sys.modules["gain_of_mine"]


def test_nothing_is_watched_without_a_method_of_a_file() -> None:
    code = """
import sys
from vos_bench.cli import main
heard = []
real = sys.addaudithook
sys.addaudithook = heard.append
main(["run", "copy-first", "--dataset", "demo", "--sequences", "tiny", "--out", sys.argv[1]])
assert not heard, heard
"""
    import tempfile

    with tempfile.TemporaryDirectory() as out:
        run_python("-c", code, f"{out}/out")


def test_what_it_costs(tmp_path: Path) -> None:
    """A thousand frames, each of which opens a file beside the method, cost little."""
    path = tmp_path / "mine.py"
    path.write_text("")
    (tmp_path / "gain.txt").write_text("1")

    def seconds() -> float:
        started = time.thread_time()
        for _ in range(1000):
            (tmp_path / "gain.txt").read_text()
        return time.thread_time() - started

    before = min(seconds() for _ in range(5))
    code.watch(path)
    after = min(seconds() for _ in range(5))
    assert after - before < 0.2
    assert code.method_files(f"{path}:Mine") == {}  # nobody's code of that folder opened it
