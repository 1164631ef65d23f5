"""A suite: looked at as a whole first, run one after the other, resumed, summed up."""

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from vos_bench.cli import main
from vos_bench.errors import BadInputError
from vos_bench.progress import Progress
from vos_bench.records import find_runs
from vos_bench.suites.plan import plan_suite
from vos_bench.suites.run import suite as run_suite
from vos_bench.suites.suite import Suite, read_suite, suite_text

CHECKOUT = Path(__file__).resolve().parents[2]
ONE_FILE = CHECKOUT / "tests" / "fakes" / "one_file.py"
EXAMPLES = re.findall(
    r"^```toml\n(.*?)^```$", (CHECKOUT / "docs/suites.md").read_text("utf-8"), re.MULTILINE | re.DOTALL
)

Write = Callable[..., Path]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two small videos, a file of methods, and an empty folder `here` to work in."""
    for name, grey in (("one", 20), ("two", 200)):
        for frame in range(4):
            labels = np.zeros((40, 60), np.uint8)
            labels[5:20, 5 + frame : 20 + frame], labels[22:36, 30:50] = 1, 2
            image = np.full((40, 60, 3), grey, np.uint8)
            image[labels > 0] += 30
            for folder in ("JPEGImages", "Annotations"):
                (tmp_path / "video" / folder / name).mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(tmp_path / "video/JPEGImages" / name / f"{frame:05d}.jpg"), image)
            Image.fromarray(labels).save(tmp_path / "video/Annotations" / name / f"{frame:05d}.png")
    (tmp_path / "mine.py").write_bytes(ONE_FILE.read_bytes())
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path


@pytest.fixture
def write(place: Path) -> Write:
    def written(text: str, name: str = "mine.toml") -> Path:
        (place / name).write_text(text)
        return place / name

    return written


SMALL = """
page = false
methods = ["mine.py:Stay", "mine.py:Slip"]
datasets = [{name = "folder", root = "video"}]
"""


def test_every_combination_is_run_and_summed_up(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(SMALL + 'seeds = [0, 1]\n[[settings]]\nname = "all"\n[[settings]]\nname = "boxes"\ninit = "box"\n')
    file.write_text(file.read_text().replace("mine.py:Slip", "copy-first"))
    assert main(["suite", str(file)]) == 1  # Stay takes no boxes, and every sequence of it fails with them
    said = capsys.readouterr()
    assert "8 runs: 2 methods, 1 dataset, 2 seeds, 2 sets of settings" in said.out
    assert len(find_runs([Path("suites/mine/runs")]).runs) == 8
    summary = Path("suites/mine/summary.md").read_text()
    for method in ("Stay", "copy-first"):
        for name in ("all", "boxes"):
            assert len(re.findall(rf"^\| folder .*\b{method} +\| {name} ", summary, re.MULTILINE)) == 1
    assert "failed: Stay on folder all, boxes, seed 1: 2 sequences" in said.err


def test_the_page_is_written_with_the_frames_of_the_data(write: Write) -> None:
    result = run_suite(write(SMALL.replace("page = false", "")))
    assert result.notes == []
    assert result.pages == [Path("suites/mine/html/index.html")]
    page = Path("suites/mine/html/index.html").read_text()
    assert "Stay" in page
    assert "no frames are shown" not in page
    assert not result.failed


def test_the_resolved_file_is_the_same_suite_from_anywhere(write: Write, place: Path) -> None:
    file = write(SMALL)
    first = run_suite(file, out=place / "out")
    kept = place / "out/suite.toml"
    again = read_suite(kept)
    assert again == first.plan.suite
    assert suite_text(again) == kept.read_text()
    plans = [plan_suite(read_suite(each), file=each, out=Path("x")) for each in (file, kept)]
    assert [each.run.out for each in plans[0].runs] == [each.run.out for each in plans[1].runs]
    written = tomllib.loads(kept.read_text())
    [data] = written["datasets"]
    assert (data["name"], data["root"], data["split"]) == ("folder", str(place / "video"), "all")
    assert data["protocol"] == first.runs[0][1].record.protocol.name
    assert (written["seeds"], written["settings"][0]["init"]) == ([0], "mask")


def test_what_a_killed_suite_left_of_its_own_files_goes_with_the_next_start(write: Write, place: Path) -> None:
    out = place / "out"
    out.mkdir()
    left = [out / f"{name}.0123456789abcdef.part" for name in ("suite.toml", "summary.md")]
    others = [out / "suite.toml.mine.part", out / "notes.md.0123456789abcdef.part"]
    for path in (*left, *others):
        path.write_text("half")
    run_suite(write(SMALL), out=out)
    assert [path for path in (*left, *others) if path.exists()] == others


def test_a_suite_goes_on_where_it_stopped(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    from vos_bench.suites import run as module

    made, run_method, calls = module.run_method, module.run_method, list[str]()

    def stopped(settings: Any, **options: Any) -> Any:
        calls.append(settings.method.name)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return made(settings, **options)

    file = write(SMALL)
    monkeypatch.setattr(module, "run_method", stopped)
    with pytest.raises(KeyboardInterrupt):
        run_suite(file)
    [first] = find_runs([Path("suites")]).runs
    assert "Stay" in Path("suites/mine/summary.md").read_text()
    monkeypatch.setattr(module, "run_method", run_method)
    result = run_suite(file)
    assert [run.record.status for _, run in result.runs] == ["complete", "complete"]
    before = {name: each.seconds for name, each in first.sequence_records.items()}
    assert {name: each.seconds for name, each in result.runs[0][1].sequence_records.items()} == before
    file.write_text(SMALL.replace('"mine.py:Slip"', '"mine.py:Slip", "copy-first"'))
    assert [run.record.method.name for _, run in run_suite(file).runs] == ["Stay", "Slip", "copy-first"]


def test_all_that_is_wrong_is_said_at_once_and_nothing_runs(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(
        """
seeds = [0, 0]
methods = [
    "nobody", "mine.py:Nobody", "gone.py:Mine", {name = "copy-first", weights = "w.pth"},
    {name = "flow-warp", set = {nonsense = 1}}, "copy-first",
]
datasets = [
    "nowhere", {name = "folder", root = "gone"}, {name = "folder", root = "video", sequences = ["three"]},
    {name = "folder", root = "video"},
]
[[settings]]
name = "fog"
corrupt = "fog:3"
[[settings]]
name = "both"
jobs = 2
timing = true
[[settings]]
name = "plain"
[[settings]]
name = "plain"
corrupt = "noise:1"
"""
    )
    assert main(["suite", str(file)]) == 2
    said = capsys.readouterr().err
    for text in (
        "mine.toml: found ",
        "and nothing was run:",
        "seeds: found 0 twice",
        "settings: found the name 'plain' 2 times",
        "there is no method 'nobody'",
        "there is no 'Nobody' in it",
        "gone.py: there is no such file",
        "--weights",
        "there is no dataset 'nowhere'",
        "gone",
        "folder: there is no sequence 'three' in all",
        "flow-warp on folder, plain: --set nonsense=1",
        "--corrupt fog:3: there is no corruption 'fog'",
        "copy-first on folder, both: --timing with several --jobs",
    ):
        assert text in said, text
    assert said.count("fog:3") == 1
    assert said.count("copy-first on folder, both") == 1
    assert not list(Path().iterdir())


def test_a_sequence_without_a_start_is_found_before_anything_runs(write: Write, place: Path) -> None:
    for frame in (place / "video/Annotations/two").iterdir():
        Image.fromarray(np.zeros((40, 60), np.uint8)).save(frame)
    with pytest.raises(
        BadInputError, match=r"found 1 problem, and nothing was run:\n  folder: .*two: found 4 label maps, all empty"
    ):
        run_suite(write(SMALL))
    assert not list(Path().iterdir())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("methods = [", "cannot be read as TOML"),
        ("", "methods: is missing; datasets: is missing; "),
        ('methods = []\ndatasets = ["demo"]', r"methods: expected at least 1, found \[\]"),
        ('methods = "a"\ndatasets = ["demo"]', "methods: expected a list, found 'a'"),
        ('methods = ["a"]\ndatasets = ["demo"]\nseed = 1', "seed: there is no such key, found 1"),
        ('methods = ["a"]\ndatasets = ["demo"]\nseeds = []', "seeds: .*at least 1"),
        ('methods = ["a"]\ndatasets = ["demo"]\nseeds = [true]', r"seeds\.0: .*found True"),
        ('methods = ["a"]\ndatasets = ["demo"]\n[[settings]]\ninit = "masks"\namp = "x"', "init: .*amp: "),
        ('methods = [{weights = "a"}]\ndatasets = [3]', r"methods\.0\.name: is missing; datasets\.0"),
    ],
)
def test_a_file_that_is_no_suite_is_one_message(write: Write, text: str, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        read_suite(write(text))


def test_a_file_that_is_not_there_is_one_message(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["suite", str(place / "gone.toml")]) == 2
    assert "gone.toml: cannot be read: No such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [
        SMALL.replace("mine.py:Slip", "mine.py:Stay"),
        SMALL + '[[settings]]\nname = "a"\n[[settings]]\nname = "b"\ndevice = "cpu"\n',
    ],
)
def test_two_entries_that_are_the_same_run_are_refused(write: Write, text: str) -> None:
    with pytest.raises(BadInputError, match="found the same run twice"):
        run_suite(write(text))


def test_nothing_goes_among_the_data(write: Write, place: Path) -> None:
    with pytest.raises(BadInputError, match=r"found 1 problem.*\n.*give another folder with --out"):
        run_suite(write(SMALL), out=place / "video/JPEGImages/out")


def test_one_method_with_two_configurations_has_two_lines(write: Write) -> None:
    methods = '[[methods]]\nname = "flow-warp"\n[[methods]]\nname = "flow-warp"\nlabel = "torn"\nset = {mend = false}\n'
    result = run_suite(write('page = false\ndatasets = [{name = "folder", root = "video"}]\n' + methods))
    assert sorted(row["method"] for row in result.table.rows) == ["flow-warp", "flow-warp, torn"]


def test_a_run_that_cannot_be_made_does_not_stop_the_others(
    write: Write, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = "\n\nclass Broken(Stay):\n    def __init__(self, *a, **b):\n        raise RuntimeError('no network')\n"
    (place / "mine.py").write_text((place / "mine.py").read_text() + broken)
    file = write(SMALL.replace('"mine.py:Stay"', '"mine.py:Broken"'))
    assert main(["suite", str(file)]) == 1
    assert "failed: Broken on folder all, seed 0: Broken: cannot be built" in capsys.readouterr().err
    summary = Path("suites/mine/summary.md").read_text()
    assert "no network" in summary
    assert "Slip" in summary


def test_a_run_at_which_another_process_is_at_work_is_passed_over(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    from vos_bench.files.locks import FolderLock

    file = write(SMALL)
    busy = plan_suite(read_suite(file), file=file, out=Path("suites/mine")).runs[0].run.out
    assert busy is not None
    with FolderLock(busy, shard=None).held():
        assert main(["suite", str(file)]) == 0
    assert "1 run is at work in another process" in capsys.readouterr().out


def test_a_suite_takes_the_option_that_its_notices_name(
    write: Write, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["suite", str(write(SMALL))]
    assert main(command) == 0
    capsys.readouterr()
    assert main(command) == 0
    assert "--overwrite always runs them again" in capsys.readouterr().err
    made: list[str] = []
    monkeypatch.setattr(Progress, "sequence_finished", lambda _, record: made.append(record.name))
    assert not run_suite(Path(command[1])).failed
    assert made == []
    assert not run_suite(Path(command[1]), overwrite="always").failed
    assert len(made) == 4
    capsys.readouterr()
    assert main([*command, "--overwrite", "always"]) == 0
    assert "taken over" not in capsys.readouterr().err
    assert main([*command, "--overwrite", "never"]) == 1
    assert "--overwrite never forbids to touch them" in capsys.readouterr().err


def test_a_word_that_overwrite_does_not_know_is_refused_before_anything_is_written(write: Write) -> None:
    with pytest.raises(BadInputError, match="overwrite='allways': expected one of 'only-missing', 'always', 'never'"):
        run_suite(write(SMALL), overwrite="allways")  # type: ignore[arg-type]
    assert not Path("suites").exists()


def test_failures_are_counted_while_the_runs_are_scored(write: Write) -> None:
    result = run_suite(write(SMALL + '[[settings]]\nname = "counted"\nfailures = true\n'))
    assert [sorted(path.name for path in (run.folder / "overlaps").iterdir()) for _, run in result.runs] == [
        ["one.json", "two.json"]
    ] * 2
    plain = run_suite(write(SMALL, "plain.toml"))
    assert not any((run.folder / "overlaps").exists() for _, run in plain.runs)


def test_looking_alone_writes_nothing(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["suite", str(write(SMALL)), "--check"]) == 0
    said = capsys.readouterr().out
    assert "Stay on folder all, seed 0: suites/mine/runs/folder/Stay/" in said
    assert not list(Path().iterdir())


def test_the_first_example_of_the_page_runs_and_is_what_it_says(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["suite", str(write(EXAMPLES[0], "comparison.toml"))]) == 0
    assert "8 runs: 2 methods, 1 dataset, 2 seeds, 2 sets of settings" in capsys.readouterr().out
    assert Path("suites/comparison/html/index.html").is_file()
    assert main(["report", "robustness", "suites/comparison"]) == 0
    assert re.search(r"copy-first +noise", capsys.readouterr().out)


def test_the_other_examples_of_the_page_are_suites(write: Write) -> None:
    assert len(EXAMPLES) == 2
    found = read_suite(write(EXAMPLES[1]))
    assert (len(found.methods), found.settings[0].real_time) == (3, 30)


def test_the_page_names_every_key() -> None:
    page = (CHECKOUT / "docs/suites.md").read_text("utf-8")
    for name, about in Suite.model_json_schema()["$defs"].items():
        for key in about.get("properties", {}):
            assert f"`{key}`" in page, (name, key)


def test_an_unknown_key_is_all_that_is_said(write: Write) -> None:
    with pytest.raises(BadInputError) as caught:
        run_suite(write(SMALL.replace('root = "video"', 'root = "video", rooot = 1')))
    assert "datasets.0.rooot: there is no such key" in str(caught.value)
    assert "at least 1" not in str(caught.value)
