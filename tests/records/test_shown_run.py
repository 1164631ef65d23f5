"""What a run shows of itself: data frames, one line, and a fragment of HTML for notebooks."""

import base64
import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image as PillowImage
from python_processes import run_python

from vos_bench import registry
from vos_bench.labelmaps import write_label_map
from vos_bench.records import DatasetEntry, MethodEntry, Run, masks_folder
from vos_bench.records.csv import write_tables
from vos_bench.records.notebook import HEIGHT, PANELS


@pytest.fixture
def run(make_run: Callable[..., Run], tmp_path: Path) -> Run:
    return replace(make_run({"a": (0.5, 1.0), "b": None, "c": (0.25, 0.75)}), folder=tmp_path)


def write_masks(run: Run, *, sequences: tuple[str, ...] = ("a",), frames: int = 3) -> None:
    labels = np.zeros((60, 90), np.uint16)
    labels[:, :45] = 1
    for name in sequences:
        for i in range(frames):
            write_label_map(masks_folder(run.folder, name) / f"{i:05d}.png", labels)


def strip(html: str) -> PillowImage.Image:
    [data] = re.findall(r'src="data:image/png;base64,([^"]*)"', html)
    return PillowImage.open(io.BytesIO(base64.b64decode(data)))


def test_data_frames_hold_what_the_run_s_tables_hold(run: Run):
    write_tables(run.folder, run.sequence_records.values())
    for name, found in (("objects.csv", run.objects), ("frames.csv.gz", run.frames)):
        written = pd.read_csv(run.folder / name, dtype={"frame": str}, keep_default_na=False)
        pd.testing.assert_frame_equal(found, written, check_dtype=False)
    written = pd.read_csv(run.folder / "sequences.csv", keep_default_na=False, na_values={"peak_mib": [""]})
    pd.testing.assert_frame_equal(run.sequences[[*written.columns]], written, check_dtype=False)


def test_the_sequences_have_the_means_of_their_objects(run: Run):
    found = run.sequences.set_index("sequence")
    assert found.loc["a", ["J&F", "J", "F"]].tolist() == [0.75, 0.5, 1.0]
    assert found.loc["b", ["J&F", "J", "F"]].isna().all()


def test_a_run_without_scores_has_empty_tables_with_their_columns(make_run: Callable[..., Run]):
    run = make_run({"a": None})
    assert (len(run.objects), len(run.frames), len(run.sequences)) == (0, 0, 1)
    assert "J_decay" in run.objects
    assert list(run.frames) == ["sequence", "object", "frame", "J", "F"]


def test_the_scores_are_those_of_the_record(run: Run):
    assert run.scores == run.record.scores


def test_one_line_says_what_was_run_and_how_well(run: Run):
    assert repr(run) == f"<Run mine on demo val, J&F 62.5 %, 2 of 3 sequences done, {str(run.folder)!r}>"


def test_a_run_without_label_maps_shows_its_scores_alone(run: Run):
    html = run._repr_html_()
    assert "<td>62.5</td>" in html
    assert "<img" not in html


def test_label_maps_are_shown_without_frames_where_the_data_are_not_here(run: Run, monkeypatch: pytest.MonkeyPatch):
    write_masks(run)

    def nowhere(name: str, **_: object) -> None:
        raise RuntimeError(name)

    monkeypatch.setattr(registry, "open_dataset", nowhere)
    image = strip(run._repr_html_())
    assert image.size == (3 * 180, HEIGHT)
    assert image.getpixel((10, 10)) == (64, 0, 0)
    assert image.getpixel((170, 10)) == (0, 0, 0)


def test_frames_lie_under_the_label_maps(run: Run, monkeypatch: pytest.MonkeyPatch):
    write_masks(run, sequences=("a", "c"), frames=9)

    class Grey:
        def sequence(self, name: str) -> "Grey":
            assert name in {"a", "c"}
            return self

        def read_frame(self, frame: str) -> np.ndarray:
            return np.full((60, 90, 3) if frame != "00001" else (30, 90, 3), 100, np.uint8)

    monkeypatch.setattr(registry, "open_dataset", lambda *_, **__: Grey())
    html = run._repr_html_()
    image = strip(html)
    assert re.findall(r'alt="([^"]*)"', html) == ["a 00001, a 00004, a 00007, c 00001, c 00004, c 00007"]
    assert image.getpixel((180 + 10, 10)) == (50 + 64, 50, 50)
    assert image.getpixel((180 + 170, 10)) == (100, 100, 100)
    assert image.getpixel((170, 10)) == (0, 0, 0)  # a frame of another size than its label map
    said = "Frames of demo val as they are here now, not compared with those that the run saw"
    assert html.endswith(f"<p>{said}</p></div>")


def test_a_strip_without_frames_says_so(run: Run, monkeypatch: pytest.MonkeyPatch):
    write_masks(run)
    monkeypatch.setattr(registry, "open_dataset", lambda *_, **__: None)
    assert run._repr_html_().endswith("<p>Label maps alone: no frames of demo val were found here</p></div>")


def test_the_strip_is_short_however_many_sequences_there_are(make_run: Callable[..., Run], tmp_path: Path):
    names = tuple(f"s{i:02d}" for i in range(20))
    run = replace(make_run(dict.fromkeys(names, (0.5, 0.5))), folder=tmp_path)
    write_masks(run, sequences=names, frames=1)
    assert strip(run._repr_html_()).width == PANELS * 180


def test_a_damaged_label_map_is_left_out(run: Run):
    write_masks(run, frames=2)
    (masks_folder(run.folder, "a") / "00000.png").write_bytes(b"no PNG")
    assert strip(run._repr_html_()).width == 180


def test_no_text_of_a_run_is_markup(make_run: Callable[..., Run], tmp_path: Path):
    name = "<i>&'\"x"
    made = make_run({name: (0.5, 0.5)})
    data = DatasetEntry(name="<script>", split="<b>", fingerprint="f", sequences=(name,))
    record = made.record.replace(method=MethodEntry(name="<u>"), dataset=data)
    run = replace(made, folder=tmp_path / "<p onclick=x>", record=record)
    write_masks(run, sequences=(name,))
    html = run._repr_html_()
    tags = set(re.findall(r"<\s*/?\s*([a-zA-Z]+)", html))
    assert tags == {"div", "p", "b", "table", "thead", "tbody", "tr", "th", "td", "img"}
    assert "&lt;script&gt;" in html
    assert re.findall(r'alt="([^"]*)"', html)[0].startswith("&lt;i&gt;&amp;&#x27;&quot;x 00000")


def test_reading_a_run_does_not_draw():
    code = "import sys, vos_bench.records; print({'cv2', 'PIL'} & {*sys.modules})"
    assert run_python("-c", code).stdout == "set()\n"
