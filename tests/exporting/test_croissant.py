"""Croissant metadata of a folder of videos: what it says, and that the reader of its authors finds every record."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vos_bench.cli import main
from vos_bench.errors import BadInputError
from vos_bench.exporting import export_croissant

ABOUT = {
    "license": "https://creativecommons.org/licenses/by/4.0/",
    "url": "https://example.org",
    "creator": "Somebody",
    "date": "2026-11-29",
}


@pytest.fixture(params=["", "480p/"], ids=["flat", "level"])
def videos(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Two videos of 3 and 2 frames; the second has label maps on its first frame alone."""
    root = tmp_path / "my-videos"
    for name, frames, labelled in (("cat", 3, 3), ("dog 2", 2, 1)):
        for number in range(frames):
            image = np.full((12, 16, 3), 40 * number, np.uint8)
            labels = np.zeros((12, 16), np.uint8)
            labels[2:6, 2:6], labels[8:10, 8:12] = 1, 2
            picture = root / "JPEGImages" / f"{request.param}{name}" / f"{number:05d}.jpg"
            truth = root / "Annotations" / f"{request.param}{name}" / f"{number:05d}.png"
            picture.parent.mkdir(parents=True, exist_ok=True)
            truth.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(picture)
            if number < labelled:
                Image.fromarray(labels).save(truth)
    return root


def test_it_says_what_the_specification_requires_and_counts_what_is_there(videos: Path, tmp_path: Path) -> None:
    (path,) = export_croissant(videos, out=tmp_path / "out", about={**ABOUT, "version": "1.0.0"})
    said = json.loads(path.read_text())
    assert (path.name, said["name"], said["version"]) == ("croissant.json", "my-videos", "1.0.0")
    assert said["conformsTo"] == "http://mlcommons.org/croissant/1.0"
    for name in ("@context", "@type", "description", "license", "url", "creator", "datePublished", "distribution"):
        assert said[name], name
    assert said["description"].startswith("2 videos for video object segmentation, 5 frames together")
    rows = said["recordSet"][2]["data"]
    assert [tuple(row.values()) for row in rows] == [("cat", 3, 3, 2), ("dog 2", 2, 1, 2)]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of rdflib, by mlcroissant itself
def test_mlcroissant_finds_no_fault_and_loads_every_record(videos: Path) -> None:
    croissant = pytest.importorskip("mlcroissant", reason="needs mlcroissant, which is no dependency")
    (path,) = export_croissant(videos, out=videos, about={**ABOUT, "version": "1.0.0"})
    dataset = croissant.Dataset(str(path))
    assert not dataset.metadata.issues.errors
    sequences = _records(dataset, "sequences")
    assert {each["sequences/name"]: each["sequences/frames"] for each in sequences} == {"cat": 3, "dog 2": 2}
    frames = _records(dataset, "frames")
    found = sorted((each["frames/sequence"], each["frames/frame"]) for each in frames)
    assert found == [("cat", f"{k:05d}") for k in range(3)] + [("dog 2", f"{k:05d}") for k in range(2)]
    labels = {each["label_maps/frame"]: each["label_maps/labels"] for each in _records(dataset, "label_maps")}
    assert np.unique(np.asarray(labels["00000"])).tolist() == [0, 1, 2]


def _records(dataset: Any, name: str) -> list[dict[str, Any]]:
    """Return all records; texts that come from files are bytes there."""
    records: Iterator[dict[str, Any]] = dataset.records(name)
    return [{key: _text(value) for key, value in each.items()} for each in records]


def _text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


def test_all_that_is_missing_is_one_message(videos: Path, tmp_path: Path) -> None:
    with pytest.raises(
        BadInputError, match=r"add --about license=.* --about url=.* --about creator=NAME --about date=2"
    ):
        export_croissant(videos, out=tmp_path / "out")
    with pytest.raises(BadInputError, match="JPEGImages"):
        export_croissant(tmp_path, out=tmp_path / "out", about=ABOUT)
    assert not (tmp_path / "out").exists()


def test_the_command_needs_a_folder_to_write_to(
    videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = [word for name, value in ABOUT.items() for word in ("--about", f"{name}={value}")]
    command = ["export", str(videos), "--format", "croissant", *said]
    assert main(command) == 2
    assert "--format croissant: found no --out, expected --out FOLDER" in capsys.readouterr().err
    assert main([*command, "--out", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "out" / "croissant.json")
