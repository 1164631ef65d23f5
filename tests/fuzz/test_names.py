"""Hostile names of sequences, frames and methods, from the folder on the disk to the page in the browser."""

import csv
import json
import os
import xml.etree.ElementTree as Xml
from pathlib import Path

import numpy as np
from hostile.command import call, unescaped
from hostile.frames import encoded, image
from hostile.outcome import Refused, is_harmless, outcome
from hostile.plan import fuzz
from hostile.records import run_record, sequence_record
from hostile.texts import NAMES, names
from hypothesis import strategies as st
from PIL import Image

from vos_bench.labelmaps import read_label_map
from vos_bench.names import is_file_name
from vos_bench.records import read_sequence_records, sequence_file

LABELS = np.kron(np.array([[0, 1], [2, 0]], np.uint8), np.ones((6, 6), np.uint8))


def can_exist(name: str) -> bool:
    """Say whether this system's folders can hold a file of this name."""
    try:
        return name not in {"", ".", ".."} and "/" not in name and "\0" not in name and len(os.fsencode(name)) < 250
    except UnicodeEncodeError:
        return False


def write_video(root: Path, sequence: str, frame: str) -> None:
    """Write a video of three frames, the last with a hostile name."""
    for folder, data, suffix in (
        ("JPEGImages", encoded(image(0, 12, 12), "JPEG"), "jpg"),
        ("Annotations", encoded(Image.fromarray(LABELS), "PNG"), "png"),
    ):
        for each in (sequence, "tame"):
            place = root / folder / each
            place.mkdir(parents=True)
            for stem in ("00000", "00001", frame if each == sequence else "00002"):
                (place / f"{stem}.{suffix}").write_bytes(data)


@fuzz("names", names.filter(can_exist), st.just("00002") | names.filter(can_exist), share=0.4)
def test_a_video_with_hostile_names_is_refused_or_run_and_scored(arena, sequence: str, frame: str) -> None:
    root, out = arena.inside / "video", arena.inside / "out"
    try:
        write_video(root, sequence, frame)
    except OSError:
        return  # not on this disk
    arguments = ("--dataset", "folder", "--root", root)
    checked = call("check", "folder", "--root", root)
    ran = call("run", "copy-first", *arguments, "--out", out)
    scored = call("score", root / "Annotations", "--truth", root / "Annotations", "--out", arena.inside / "scored")
    assert {path.name for path in arena.inside.iterdir()} <= {"video", "out", "scored"}
    if ran.code == 0:
        assert checked.code == 0, checked
        records = read_sequence_records(out)
        assert {record.name for record in records.values()} == {sequence, "tame"} - (
            {sequence} if sequence.startswith(".") else set()
        )
        assert np.array_equal(read_label_map(out / "masks" / "tame" / "00001.png"), LABELS)
        for format in ("text", "markdown", "latex", "csv", "html"):
            call("report", "runs", out, "--format", format)
    if scored.code == 0:
        assert json.loads((arena.inside / "scored" / "run.json").read_text())["scores"]["J&F"] == 1


@fuzz("names", names, names, st.sampled_from(("text", "markdown", "latex", "csv", "html")), share=0.4)
def test_hostile_names_in_a_record_are_shown_and_never_obeyed(arena, name: str, note: str, format: str) -> None:
    run, out = arena.inside / "run", arena.inside
    (run / "sequences").mkdir(parents=True)
    content = run_record(method=name, sequences=(name, "two"), note=note)
    first = {**sequence_record(name), "error": note}
    (run / "run.json").write_text(json.dumps(content))
    (run / "sequences" / "a.json").write_text(json.dumps(first))
    (run / "sequences" / "two.json").write_text(json.dumps(sequence_record("two", 0.75)))
    for table in ("runs", "davis17"):
        call("report", table, run, "--format", format)
        file = out / f"{table}.{format}"
        if call("report", table, run, "--format", format, "--out", file).code == 0:
            text = file.read_text(encoding="utf-8")
            assert is_harmless(text)
            if format == "html":
                assert unescaped(text, NAMES) == []
            if format == "csv":
                cells = [cell for row in csv.reader(text.splitlines()) for cell in row]
                assert not [cell for cell in cells if cell[:1] in {"=", "@", "+", "-", "\t"} and not is_number(cell)]
    if call("report", "html", run, "--out", out / "page").code == 0:
        for page in (out / "page").glob("*.html"):
            assert unescaped(page.read_text(encoding="utf-8"), NAMES) == []
    compared = call("compare", run, run, "--junit", out / "junit.xml", "--summary", out / "summary.md")
    if compared.code != 2:
        Xml.parse(out / "junit.xml")
        summary = (out / "summary.md").read_text(encoding="utf-8")
        assert is_harmless(summary)
        assert "<script" not in summary
        assert "<img" not in summary
    assert not (out / "x").exists()


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@fuzz("names", names, share=0.2)
def test_only_a_name_that_stays_in_its_folder_becomes_a_file(arena, name: str) -> None:
    folder = arena.inside / "run"
    found = outcome(lambda: sequence_file(folder, name))
    assert isinstance(found, Refused) == (not is_file_name(name))
    if not isinstance(found, Refused):
        assert found.parent == folder / "sequences"
        assert found.resolve().parent == (folder / "sequences").resolve()
        found.parent.mkdir(parents=True)
        found.with_name(f"{found.name}.123456.part").write_text("")
