"""YouTube-VOS from end to end, on made-up trees of exactly its layout."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from vos_bench.cli import main

Call = Callable[..., int]
GROUP_SCORES = {"G", "J_seen", "J_unseen", "F_seen", "F_unseen"}
MARK = "VOS_BENCH_TEST_MARK"

WAITS = f'''
import os
import time
from pathlib import Path

from vos_bench.api import Method, Prediction


class Keep(Method):
    """Every object stays where it was given."""

    def initialize(self, image, prompt):
        self.labels = image[..., 0] * 0
        return self.step(image, prompt)

    def step(self, image, new=None):
        for number, mask in (new.masks if new else {{}}).items():
            self.labels[mask] = number
        return Prediction(self.labels.astype("uint16"))


class Waits(Keep):
    """From the second sequence on it waits until a file is there."""

    sequences = 0

    def initialize(self, image, prompt):
        Waits.sequences += 1
        while Waits.sequences > 1 and not Path(os.environ["{MARK}"]).exists():
            time.sleep(0.01)
        return super().initialize(image, prompt)
'''


@pytest.fixture
def keep(tmp_path: Path) -> str:
    (tmp_path / "keep.py").write_text(WAITS)
    return f"{tmp_path / 'keep.py'}:Keep"


@pytest.fixture
def root(ytvos_tree, tmp_path: Path) -> Path:
    ytvos_tree.build(tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def truth(root: Path) -> Path:
    return root.parent / "truth"


def record(folder: str | Path) -> dict:
    return json.loads((Path(folder) / "run.json").read_text())


@pytest.fixture
def run(call: Call, keep: str, root: Path) -> Callable[..., int]:
    return lambda *options: call("run", keep, "--dataset", "ytvos18", "--root", root, *options)


def test_a_killed_run_goes_on_and_is_packed_judged_and_reported(
    call: Call, keep: str, root: Path, truth: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = root.parent / "mark"
    command = ("run", keep.replace("Keep", "Waits"), "--dataset", "ytvos18", "--root", str(root), "--out", "out")
    environment = os.environ | {MARK: str(mark)}
    start = [sys.executable, "-c", "import sys; from vos_bench.cli import main; sys.exit(main())", *command]
    process = subprocess.Popen(start, env=environment, stderr=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 900
    while not list(Path("out/sequences").glob("*.json")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    (finished,) = Path("out/sequences").glob("*.json")
    written = finished.stat().st_mtime_ns
    assert record("out")["status"] == "started"

    mark.touch()
    monkeypatch.setenv(MARK, str(mark))
    assert call(*command) == 0
    assert finished.stat().st_mtime_ns == written
    said = capsys.readouterr().out
    assert "ytvos18 valid has no public truth: masks written, not scored" in said
    assert "vos-bench package out --out" in said
    assert (record("out")["status"], record("out")["scores"]) == ("complete", {})

    assert call("package", "out", "--root", root, "--out", "out.zip") == 0
    with zipfile.ZipFile("out.zip") as packed:
        assert packed.namelist() == [
            *(f"Annotations/1a2b3c/{number:05d}.png" for number in (0, 5, 10, 15)),
            *(f"Annotations/4d5e6f/{number:05d}.png" for number in (5, 10, 15)),
        ]
    data = ("--dataset", "ytvos18", "--root", root)
    assert call("score", "out/masks", *data, "--truth", truth, "--out", "scored") == 0
    assert record("scored")["scores"].keys() >= {"J&F", "J", "F", *GROUP_SCORES}
    assert record("scored")["protocol"]["name"] == "ytvos"
    assert len(record("scored")["protocol"]["assumed"]) == 3
    capsys.readouterr()
    assert call("report", "runs", "out", "scored", "--format", "csv") == 0
    table = capsys.readouterr().out
    assert "G,J_seen,J_unseen,F_seen,F_unseen,J&F" in table
    assert table.count("not scored") == 1


def test_truth_of_ones_own_gives_the_same_scores_in_a_run_and_afterwards(
    call: Call, run: Call, root: Path, truth: Path
) -> None:
    assert run("--truth", truth, "--out", "ran") == 0
    data = ("--dataset", "ytvos18", "--root", root)
    assert call("score", "ran/masks", *data, "--truth", truth, "--out", "by-dataset") == 0
    shutil.copy(root / "valid/meta.json", truth.parent)
    assert call("score", "ran/masks", "--truth", truth, "--protocol", "ytvos", "--out", "by-truth") == 0
    scores = [record(folder)["scores"] for folder in ("ran", "by-dataset", "by-truth")]
    assert scores[0] == scores[1] == scores[2]
    assert scores[0].keys() >= GROUP_SCORES


def test_only_the_frames_after_an_objects_first_one_count(run: Call, truth: Path) -> None:
    for protocol, last in (("ytvos", ["00015"]), ("ytvos-without-last", [])):
        assert run("--truth", truth, "--protocol", protocol, "--out", protocol) == 0
        late = json.loads(Path(protocol, "sequences/1a2b3c.json").read_text())["scores"]
        frames = {each["object"]: each["per_frame"]["frame"] for each in late}
        assert frames == {1: ["00005", "00010", *last], **({3: last} if last else {})}


def test_without_categories_there_are_j_and_f_and_the_reason_why_there_is_no_g(
    run: Call, root: Path, truth: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (root / "valid/meta.json").read_text()
    (root / "valid/meta.json").write_text(text.replace("_unseen", ""))
    assert run("--truth", truth, "--out", "out") == 0
    assert record("out")["scores"].keys() == {"J&F", "J", "J_recall", "J_decay", "F", "F_recall", "F_decay"}
    assert "nothing says which categories are seen" in capsys.readouterr().out


def test_the_holdout_is_scored_without_g(
    call: Call, keep: str, ytvos_tree, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "data19"
    ytvos_tree.build(root, subset="train", videos={"aa": {1: ("person", 0)}, "bb": {4: ("dog", 1)}})
    (root / "youtubevos_jjvalid.txt").write_text("bb\n")
    assert call("run", keep, "--dataset", "ytvos19-holdout", "--root", root, "--out", "out") == 0
    assert record("out")["dataset"]["sequences"] == ["bb"]
    assert "J&F" in record("out")["scores"]
    assert "G" not in record("out")["scores"]
    assert "all objects are of seen categories, so that there is no G" in capsys.readouterr().out


def test_absent_all_frames_are_an_error_and_annotated_ones_a_choice_that_is_never_compared(
    run: Call, call: Call, root: Path, truth: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--truth", truth, "--out", "all") == 0
    assert run("--truth", truth, "--frames", "annotated", "--out", "annotated") == 0
    assert record("annotated")["protocol"]["frames_seen"] == "annotated"
    assert record("annotated")["dataset"]["frames"] == 7
    assert call("compare", "all", "annotated") == 2
    assert "baseline has frames seen 'all'" in capsys.readouterr().err

    shutil.rmtree(root / "valid_all_frames")
    assert run("--out", "none") == 2
    said = capsys.readouterr().err
    assert "81.1 G with all frames and 77.4" in said
    assert "--frames annotated" in said
    assert not Path("none").exists()
    assert run("--frames", "annotated", "--out", "sparse") == 0


def test_first_masks_given_as_truth_are_refused(run: Call, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--truth", root / "valid/Annotations", "--out", "out") == 1
    assert "hold only the first mask of each object" in capsys.readouterr().out


def test_a_servers_scores_are_typed_in_and_marked(run: Call, call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--out", "out") == 0
    typed = ("record", "out", "--external", "G=0.815", "J_seen=0.804", "--server", "CodaLab 7685")
    assert call(*typed, "--date", "2025-11-30") == 0
    assert call("record", "out", "--external", "G=0.5", "--server", "CodaLab 7685", "--date", "2025-11-30") == 0
    assert call(*typed, "--date", "2025-12-01") == 0
    assert record("out")["external"] == [
        {"server": "CodaLab 7685", "date": "2025-11-30", "scores": {"G": 0.5}},
        {"server": "CodaLab 7685", "date": "2025-12-01", "scores": {"G": 0.815, "J_seen": 0.804}},
    ]
    assert record("out")["scores"] == {}
    rounded = ("record", "out", "--external", "J&F=0.816", "J=0.791", "F=0.842", "--server", "rounds")
    assert call(*rounded, "--date", "2025-01-01") == 0
    capsys.readouterr()
    assert call("report", "runs", "out") == 0
    said = capsys.readouterr().out
    assert "external: CodaLab 7685, 2025-12-01" in " ".join(said.split())
    assert "81.5" in said
    assert run("--out", "out") == 0
    assert len(record("out")["external"]) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--external", "G=81.5", "--server", "s", "--date", "2025-11-30"), "81.5 percent is 0.815"),
        (("--external", "overall=0.8", "--server", "s", "--date", "2025-11-30"), "no score of this name; known: G"),
        (("--external", "G=0.8", "G=0.7", "--server", "s", "--date", "2025-11-30"), "named twice"),
        (("--external", "G", "--server", "s", "--date", "2025-11-30"), "NAME=NUMBER"),
        (("--external", "G=0.8", "--server", "s", "--date", "30.11.2025"), "YYYY-MM-DD"),
        (("--external", "G=0.8", "--server", " ", "--date", "2025-11-30"), "server's name"),
        (("--external", "G=0.8", "--server", "a\nb", "--date", "2025-11-30"), "one line of at most 200 characters"),
        (("--external", "G=0.8", "--server", "s" * 201, "--date", "2025-11-30"), "one line of at most 200 characters"),
        (("--external", "J&F=0.9", "J=0.5", "F=0.6", "--server", "s", "--date", "2025-11-30"), "which is 0.5500"),
        (("--external", "G=0.8", "--date", "2025-11-30"), "server"),
    ],
)
def test_scores_that_cannot_be_are_refused(
    call: Call, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], message: str
) -> None:
    Path("out").mkdir()
    Path("out/run.json").write_text("{}")
    assert call("record", "out", *options) == 2
    assert message in capsys.readouterr().err
    assert Path("out/run.json").read_text() == "{}"


def test_the_time_left_is_said_after_the_first_sequence(run: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--out", "out") == 0
    assert capsys.readouterr().err.count(" left for 1 sequence") == 1
    assert run("--out", "out") == 0
    assert " left for " not in capsys.readouterr().err


def test_a_root_is_found_by_flag_environment_or_config_and_else_all_three_are_named(
    call: Call, keep: str, root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("run", keep, "--dataset", "ytvos18", "--out", "out")
    assert call(*command) == 2
    said = capsys.readouterr().err
    for way in ("--root", "VOS_BENCH_DATA", '[data] ytvos18 = "DIR"', "YouTubeVOS18"):
        assert way in said
    config = root.parent / "config.toml"
    config.write_text(f'[data]\nytvos18 = "{root}"\n')
    monkeypatch.setenv("VOS_BENCH_CONFIG", str(config))
    assert call(*command) == 0
    config.unlink()
    root.rename(root.parent / "YouTube-VOS-2018")
    monkeypatch.setenv("VOS_BENCH_DATA", str(root.parent))
    assert call(*command) == 0


def test_a_real_sequence_with_sparse_truth_and_a_late_object_is_scored(
    call: Call, keep: str, shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = shared / "data" / "PUMaVOS"
    options = ("--dataset", "folder", "--root", root, "--sequences", "caps", "--protocol", "ytvos", "--out", "out")
    assert call("run", keep, *options) == 0, capsys.readouterr()
    sequence = json.loads(Path("out/sequences/caps.json").read_text())
    starts = {each["object"]: each["per_frame"]["frame"][0] for each in sequence["scores"]}
    assert len(set(starts.values())) > 1
    assert 0 < record("out")["scores"]["J&F"] < 1


@pytest.mark.parametrize(("protocol", "variant"), [("ytvos", "to_last"), ("ytvos-without-last", "without_last")])
def test_recorded_cases_give_the_official_numbers(shared: Path, tmp_path: Path, protocol: str, variant: str) -> None:
    cases = sorted((shared / "conformance").glob("y*"))
    assert cases
    expected = json.loads((shared / "conformance" / "expected.json").read_text())["cases"]
    for case in cases:
        numbers = expected[case.name]["official_metric_functions"][variant]
        out = tmp_path / case.name
        options = ("--truth", str(case / "gt"), "--protocol", protocol, "--out", str(out))
        assert main(["score", str(case / "pred"), *options]) == 0
        assert {name: record(out)["scores"][name] for name in numbers["global"]} == pytest.approx(
            numbers["global"], rel=0, abs=1e-12
        )
        found = {
            f"{path.stem}_{each['object']}": each
            for path in (out / "sequences").glob("*.json")
            for each in json.loads(path.read_text())["scores"]
        }
        assert found.keys() == numbers["per_object"].keys()
        for name, ours in found.items():
            theirs = numbers["per_object"][name]
            assert ours["per_frame"]["frame"] == theirs["frames"]
            assert ours["per_frame"]["J"] == pytest.approx(theirs["J"], rel=0, abs=1e-12)
            assert ours["per_frame"]["F"] == pytest.approx(theirs["F"], rel=0, abs=1e-12)
