"""SA-V, MOSE, LVOS, VOST and BURST from end to end, on made-up trees of exactly their layouts."""

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

import numpy as np
import pytest
from PIL import Image

from vos_bench import registry
from vos_bench.cli import main
from vos_bench.labelmaps import read_label_map
from vos_bench.records import load_run
from vos_bench.scoring.notes import PASSED_OVER_NOTE

Call = Callable[..., int]
MARK = "VOS_BENCH_TEST_MARK"

WAITS = f'''
import os
import shutil
import time
from pathlib import Path

from vos_bench.api import Method, Prediction


class Waits(Method):
    """Every object stays where it was given; from the second sequence on it waits until a file is there."""

    sequences = 0

    def initialize(self, image, prompt):
        Waits.sequences += 1
        while Waits.sequences > 1 and not Path(os.environ["{MARK}"]).exists():
            time.sleep(0.01)
        self.labels = image[..., 0] * 0
        return self.step(image, prompt)

    def step(self, image, new=None):
        for number, mask in (new.masks if new else {{}}).items():
            self.labels[mask] = number
        return Prediction(self.labels.astype("uint16"))
'''

FIRST_FILES = {
    "sav": "sav_000001/000/00000.png",
    "mosev1": "0a1b2c3d/00000.png",
    "mosev2": "0a1b2c3d/00000.png",
    "lvos1": "longAAAA/00000001.png",
    "lvos2": "longAAAA/00000001.png",
    "vost": "555_tear_foil/frame00012.png",
    "burst": "YFCC100M__v_-x2/frame0000.png",
}
FILES = {"sav": 36, "mosev1": 18, "mosev2": 18, "lvos1": 18, "lvos2": 18, "vost": 18, "burst": 18}


def record(folder: str | Path) -> dict:
    return json.loads((Path(folder) / "run.json").read_text())


@pytest.fixture(params=FIRST_FILES)
def data(request, benchmark_trees, tmp_path: Path) -> tuple[str, Path]:
    return request.param, benchmark_trees.BUILDERS[request.param](tmp_path / "data")


def test_a_run_writes_what_is_asked_for_scores_it_and_is_not_run_again(call: Call, data, capsys) -> None:
    name, root = data
    command = ("run", "copy-first", "--dataset", name, "--root", root, "--out", "out")
    assert call(*command) == 0
    written = sorted(Path("out/masks").rglob("*.png"))
    assert written[0] == Path("out/masks") / FIRST_FILES[name]
    assert len(written) == FILES[name]
    assert bool(record("out")["scores"]) == (not name.startswith("mose"))

    times = {path: path.stat().st_mtime_ns for path in Path("out/sequences").glob("*.json")}
    assert call(*command) == 0
    assert {path: path.stat().st_mtime_ns for path in times} == times
    written[0].unlink()
    assert call(*command) == 0
    assert written[0].is_file()
    assert sum(path.stat().st_mtime_ns != before for path, before in times.items()) == 1
    capsys.readouterr()


def test_the_masks_of_a_run_score_as_the_run_did(call: Call, data) -> None:
    name, root = data
    if name.startswith("mose"):
        pytest.skip("valid has no public truth")
    truth = {"sav": root / "sav_val/Annotations_6fps", "vost": root, "burst": root / "val"}.get(name, root / "val")
    assert call("run", "copy-first", "--dataset", name, "--root", root, "--out", "out") == 0
    assert call("score", "out/masks", "--dataset", name, "--truth", truth, "--out", "scored") == 0
    assert record("scored")["scores"] == record("out")["scores"]
    assert 0 < record("scored")["scores"]["HOTA_all" if name == "burst" else "J"] < 1


def test_a_run_takes_the_truth_that_a_scoring_takes(call: Call, data) -> None:
    name, root = data
    if name.startswith("mose"):
        pytest.skip("valid has no public truth")
    truth = {"sav": root / "sav_val/Annotations_6fps", "vost": root, "burst": root / "val"}.get(name, root / "val")
    assert call("run", "copy-first", "--dataset", name, "--root", root, "--out", "out") == 0
    assert call("run", "copy-first", "--dataset", name, "--root", root, "--truth", truth, "--out", "given") == 0
    assert record("given")["scores"] == record("out")["scores"]
    assert record("given")["dataset"]["fingerprint"] != record("out")["dataset"]["fingerprint"]


def test_a_killed_run_goes_on_where_it_stopped(call: Call, data, tmp_path, monkeypatch) -> None:
    name, root = data
    (tmp_path / "waits.py").write_text(WAITS)
    mark = tmp_path / "mark"
    command = ("run", f"{tmp_path / 'waits.py'}:Waits", "--dataset", name, "--root", str(root), "--out", "out")
    start = [sys.executable, "-c", "import sys; from vos_bench.cli import main; sys.exit(main())", *command]
    environment = os.environ | {MARK: str(mark)}
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

    mark.touch()
    monkeypatch.setenv(MARK, str(mark))
    assert call(*command) == 0
    assert finished.stat().st_mtime_ns == written
    assert record("out")["status"] == "complete"
    assert len(list(Path("out/masks").rglob("*.png"))) == FILES[name]


def test_one_folder_an_object_holds_each_mask_of_the_label_map_on_its_own(
    call: Call, benchmark_trees, tmp_path
) -> None:
    root = benchmark_trees.sav(tmp_path / "data")
    assert call("run", "copy-first", "--dataset", "sav", "--root", root, "--out", "out") == 0
    truth = registry.open_dataset("sav", root=root).sequence("sav_000001")
    folder = Path("out/masks/sav_000001")
    assert sorted(path.name for path in folder.iterdir()) == ["000", "001"]
    first, late = (read_label_map(folder / name / "00000.png") for name in ("000", "001"))
    np.testing.assert_array_equal(first == 1, truth.read_truth_mask("00000", 1))
    assert not late.any()  # an empty mask, since the official tool stops where a file is missing
    np.testing.assert_array_equal(read_label_map(folder / "001/00008.png") == 1, truth.read_truth_mask("00008", 2))


def test_pages_strips_and_pictures_show_one_folder_an_object(
    call: Call, benchmark_trees, tmp_path, monkeypatch
) -> None:
    root = benchmark_trees.sav(tmp_path / "sav")
    monkeypatch.setenv("VOS_BENCH_DATA", str(tmp_path))
    assert call("run", "copy-first", "--dataset", "sav", "--root", root, "--out", "out") == 0
    assert call("report", "html", "out", "--out", "page") == 0
    assert len(list(Path("page").rglob("objects-*.png"))) == 18
    assert call("report", "strips", "out", "--out", "strip.png") == 0
    assert "<img" in load_run(Path("out"))._repr_html_()


def test_a_run_on_every_layout_is_reported(call: Call, data, tmp_path, monkeypatch, capsys) -> None:
    name, root = data
    places = {"sav": "sav", "mosev1": "MOSE", "mosev2": "MOSEv2", "lvos1": "LVOS", "lvos2": "LVOS_V2"}
    (tmp_path / "all").mkdir()
    (tmp_path / "all" / places.get(name, name.upper())).symlink_to(root)
    monkeypatch.setenv("VOS_BENCH_DATA", str(tmp_path / "all"))
    assert call("run", "copy-first", "--dataset", name, "--out", "out") == 0
    scored = not name.startswith("mose")
    shows = {"runs": True, "attributes": scored, "summary": scored and name != "burst"}
    for table, expected in (shows if name == "burst" else {**shows, name: scored}).items():
        assert call("report", table, "out", "--format", "csv", "--out", "table.csv") == 0
        assert not expected or "copy-first" in Path("table.csv").read_text()
    assert call("report", "html", "out", "--out", "page") == 0
    assert len(list(Path("page").rglob("objects-*.png"))) == 18
    assert "could not be shown" not in Path("page/index.html").read_text()
    capsys.readouterr()


def test_a_page_marks_each_later_object_on_its_own_first_frame(
    call: Call, benchmark_trees, tmp_path, monkeypatch
) -> None:
    root = benchmark_trees.sav(tmp_path / "sav")
    monkeypatch.setenv("VOS_BENCH_DATA", str(tmp_path))
    assert call("run", "copy-first", "--dataset", "sav", "--root", root, "--out", "out") == 0
    assert call("report", "html", "out", "--out", "page") == 0
    late, other = (Path(f"page/sequence-00{number}.html").read_text() for number in (1, 2))
    assert '"late": [{"name": "001", "place": 2}]' in late  # its first mask is on the third annotated frame
    assert ">001 on 00008</button>" in late
    assert '"late": []' in other
    assert "Each object has masks of its own, which may overlap" in late


def test_overlapping_objects_are_scored_as_masks(call: Call, benchmark_trees, tmp_path) -> None:
    root = benchmark_trees.sav(tmp_path / "data")
    masks = root / "sav_val/Annotations_6fps"
    assert call("score", masks, "--dataset", "sav", "--root", root, "--out", "out") == 0
    assert record("out")["scores"]["J"] == record("out")["scores"]["F"] == 1


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda masks: shutil.rmtree(masks / "sav_000001/001"), "001: there is no such folder"),
        (lambda masks: (masks / "sav_000001/001/00008.png").unlink(), "missing: 00008.png"),
        (lambda masks: shutil.rmtree(masks / "sav_000002"), "sav_000002: there is no such folder"),
    ],
)
def test_a_mask_that_is_missing_is_named(call: Call, benchmark_trees, tmp_path, capsys, damage, words) -> None:
    root = benchmark_trees.sav(tmp_path / "data")
    assert call("run", "copy-first", "--dataset", "sav", "--root", root, "--out", "out") == 0
    damage(Path("out/masks"))
    assert call("score", "out/masks", "--dataset", "sav", "--root", root, "--out", "scored") == 2
    assert words in capsys.readouterr().err


def test_predictions_at_24_frames_a_second_score_as_those_at_6(call: Call, benchmark_trees, tmp_path) -> None:
    root = benchmark_trees.sav(tmp_path / "data")
    assert call("run", "copy-first", "--dataset", "sav", "--root", root, "--out", "out") == 0
    for path in sorted(Path("out/masks").rglob("*.png")):
        for more in (1, 2, 3):
            path.with_name(f"{int(path.stem) + more:05d}.png").write_bytes(path.read_bytes())
    assert call("score", "out/masks", "--dataset", "sav", "--root", root, "--out", "scored") == 0
    assert record("scored")["scores"] == record("out")["scores"]
    notes = [note for note in record("scored")["notes"] if "passed over" in note]
    assert notes == [f"{PASSED_OVER_NOTE}: sav_000001 (27 of 36), sav_000002 (27 of 36)"]  # said once
    assert not any("passed over" in note for note in record("out")["notes"])


def test_a_sequence_without_an_object_that_counts_is_named(call: Call, benchmark_trees, tmp_path) -> None:
    root = benchmark_trees.vost(tmp_path / "data")
    first, *_ = sorted((root / "Annotations/555_tear_foil").iterdir())
    labels = np.zeros_like(read_label_map(first))
    masks = shutil.copytree(root / "Annotations", tmp_path / "masks")
    Image.fromarray(labels.astype(np.uint8)).save(first)
    assert call("score", masks, "--dataset", "vost", "--truth", root, "--out", "out") == 0
    notes = record("out")["notes"]
    assert "their truth shows no object that counts, so that no mean has them: 555_tear_foil" in notes
    assert not any("without public truth" in note for note in notes)


def test_a_truth_that_lacks_videos_of_its_list_is_scored_and_says_so(call: Call, benchmark_trees, tmp_path) -> None:
    truth = benchmark_trees.mosev2(tmp_path / "data", "train") / "train"
    masks = shutil.copytree(truth / "Annotations", tmp_path / "masks")
    first, *others = sorted((truth / "Annotations").iterdir())
    shutil.rmtree(first)
    assert call("score", masks, "--dataset", "mosev2", "--split", "train", "--truth", truth, "--out", "out") == 0
    said = f"the truth holds {len(others)} of the {len(others) + 1} videos of its list"
    assert any(note.startswith(said) for note in record("out")["notes"])


def test_a_run_on_burst_has_the_official_scores_of_its_tracks(call: Call, benchmark_trees, tmp_path, capsys) -> None:
    root = benchmark_trees.burst(tmp_path / "data")
    command = ("run", "copy-first", "--dataset", "burst", "--root", root, "--out", "out")
    assert call(*command) == 0
    assert call("package", "out", "--root", root, "--out", "out.json") == 0
    assert call("score", "out.json", "--dataset", "burst", "--root", root, "--out", "tracks") == 0
    assert record("out")["protocol"]["name"] == "burst-exemplar"
    assert record("out")["scores"] == record("tracks")["scores"]
    assert record("out")["classes"] == record("tracks")["classes"]
    assert 0 < record("out")["scores"]["HOTA_all"] < 1
    assert sorted(record("out")["classes"]) == ["1", "805"]
    objects = Path("out/objects.csv").read_text().splitlines()
    assert len(objects) == 1 + 4  # J and F of each object stand beside the scores of tracks
    assert call("compare", "tracks", "out") == 0
    assert "HOTA_all" in capsys.readouterr().out

    Path("out/masks/YFCC100M__video_1/frame0000.png").unlink()
    assert call(*command) == 0  # the sequence is run again, and all tracks are judged again
    assert record("out")["scores"] == record("tracks")["scores"]


def test_a_run_on_burst_without_both_sets_of_classes_says_why_it_has_no_scores(
    call: Call, benchmark_trees, tmp_path, capsys
) -> None:
    root = benchmark_trees.burst(tmp_path / "data")
    listing = root / "val/all_classes.json"
    content = json.loads(listing.read_text())
    for sequence in content["sequences"]:
        sequence["track_category_ids"] = {"3": 805, "7": 805}
    listing.write_text(json.dumps(content))
    assert call("run", "copy-first", "--dataset", "burst", "--root", root, "--out", "out") == 0
    assert record("out")["scores"] == {}
    assert "tracks are not scored" in " ".join(record("out")["notes"])
    assert "no track of uncommon classes" in " ".join(record("out")["notes"])
    assert call("score", "out/masks", "--dataset", "burst", "--root", root, "--out", "scored") == 2
    assert "no track of uncommon classes" in capsys.readouterr().err
    assert (
        call("run", "copy-first", "--dataset", "burst", "--root", root, "--protocol", "all-frames", "--out", "o") == 0
    )
    assert 0 < record("o")["scores"]["J&F"] < 1


def test_tracks_are_asked_for_where_there_are_none(call: Call, benchmark_trees, tmp_path, capsys) -> None:
    root = benchmark_trees.vost(tmp_path / "data")
    command = ("run", "copy-first", "--dataset", "vost", "--root", root, "--protocol", "burst-exemplar", "--out", "out")
    assert call(*command) == 2
    assert "judges tracks; expected a dataset that has some" in capsys.readouterr().err


def test_tracks_are_scored_for_the_chosen_sequences_alone(call: Call, benchmark_trees, tmp_path, capsys) -> None:
    root = benchmark_trees.burst(tmp_path / "data")
    assert call("run", "copy-first", "--dataset", "burst", "--root", root, "--out", "out") == 0
    assert call("package", "out", "--root", root, "--out", "out.json") == 0
    tracks = json.loads(Path("out.json").read_text())
    tracks["sequences"] = [each for each in tracks["sequences"] if each["seq_name"] == "video_1"]
    Path("out.json").write_text(json.dumps(tracks))
    command = ("score", "out.json", "--dataset", "burst", "--root", root, "--protocol", "burst-exemplar")
    assert call(*command, "--out", "both") == 0
    assert call(*command, "--out", "one", "--sequences", "YFCC100M__video_1") == 0
    assert record("one")["scores"]["HOTA_all"] > record("both")["scores"]["HOTA_all"]
    assert any("v_-x2" in note for note in record("both")["notes"])
    assert not any("v_-x2" in note for note in record("one")["notes"])
    assert call(*command, "--out", root / "val" / "scored") == 2
    assert "into which nothing is written" in capsys.readouterr().err


def test_a_run_does_not_take_label_maps_for_the_truth_of_object_folders(
    call: Call, benchmark_trees, tmp_path, capsys
) -> None:
    root, truth = benchmark_trees.sav(tmp_path / "data"), tmp_path / "truth"
    (truth / "sav_000001").mkdir(parents=True)
    (truth / "sav_000001" / "00000.png").write_bytes(next(root.rglob("*.png")).read_bytes())
    command = ("run", "copy-first", "--dataset", "sav", "--root", root, "--truth", truth, "--sequences", "sav_000001")
    assert call(*command, "--out", "out") != 0
    output = capsys.readouterr()
    assert "sav has masks in one folder an object" in output.out + output.err


def test_a_run_packs_what_the_server_or_the_tool_takes(call: Call, data, capsys) -> None:
    name, root = data
    split = "test" if name.startswith("lvos") else registry.dataset(name).splits[0]
    if name.startswith("lvos"):
        (root / "val").rename(root / "test")
        (root / "test/valid_meta.json").rename(root / "test/test_meta.json")
    out = "out.json" if name == "burst" else "out.zip"
    assert call("run", "copy-first", "--dataset", name, "--root", root, "--split", split, "--out", "out") == 0
    code = call("package", "out", "--root", root, "--out", out)
    if name in ("sav", "vost"):
        assert code == 2
        assert "there is no server" in capsys.readouterr().err
    elif name == "burst":
        assert json.loads(Path(out).read_text())["split"] == "val"
    else:
        with zipfile.ZipFile(out) as packed:
            top = "Annotations/" if name.startswith("lvos") else ""
            assert packed.namelist()[0] == f"{top}{FIRST_FILES[name]}"


def test_check_says_all_well_where_the_release_has_as_many_sequences(call: Call, data, monkeypatch, capsys) -> None:
    name, root = data
    dataset = registry.open_dataset(name, root=root)
    if name != "burst":
        monkeypatch.setattr(type(dataset), "releases", {name: {dataset.split: 2}})
    assert call("check", name, "--root", root) == 0
    assert f"{name} {dataset.split}: 2 sequences" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "frames"), [("sav", 33), ("vost", 18)])
def test_a_method_sees_all_frames_or_the_annotated_ones(
    call: Call, benchmark_trees, tmp_path, name: str, frames: int
) -> None:
    root = benchmark_trees.BUILDERS[name](tmp_path / "data")
    for seen, count in (("all", frames), ("annotated", 9)):
        command = ("run", "copy-first", "--dataset", name, "--root", root, "--frames", seen, "--out", seen)
        assert call(*command) == 0
        sequence = json.loads(sorted(Path(seen, "sequences").glob("*.json"))[1].read_text())
        assert sequence["frames"] == count
        assert record(seen)["protocol"]["frames_seen"] == seen


def test_lwl_lite_runs_on_one_folder_an_object(benchmark_trees, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    root = benchmark_trees.sav(tmp_path / "data")
    command = ("run", "lwl-lite", "--dataset", "sav", "--root", root, "--sequences", "sav_000001", "--out", "out")
    assert main([str(each) for each in (*command, "--device", "cpu", "--frames", "annotated")]) == 0
    assert 0 < record("out")["scores"]["J"] <= 1
    assert len(list(Path("out/masks").rglob("*.png"))) == 18
