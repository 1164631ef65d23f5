"""Frames have one order, whoever reads them: names of which one is the beginning of another are where rules differ."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from vos_bench import registry
from vos_bench.datasets.frames import list_images
from vos_bench.labelmaps import write_label_map
from vos_bench.running.run import RunSettings, run_method
from vos_bench.scoring.record import score
from vos_bench.scoring.truth import label_map_names

NAMES = [
    ("a", "a-1", "a-2", "a-3", "a-4"),
    ("f", "f(1)", "f(2)", "f(3)"),
    ("f", "f 1", "f 2", "f 3"),
    ("f", "f#1", "f#2", "f#3"),
    ("0", "1", "2", "3"),
]


def made(root: Path, names: tuple[str, ...]) -> tuple[Path, Path]:
    """A folder dataset of one sequence, and label maps that get worse from frame to frame."""
    for i, name in enumerate(names):
        labels = np.zeros((30, 40), np.uint16)
        labels[5:20, 5 + i : 20 + i] = 1
        (root / "data" / "JPEGImages" / "s").mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(root / "data" / "JPEGImages" / "s" / f"{name}.jpg"), np.full((30, 40, 3), 40 * i, np.uint8))
        write_label_map(root / "data" / "Annotations" / "s" / f"{name}.png", labels)
        labels[: 6 + 2 * i] = 0
        write_label_map(root / "masks" / "s" / f"{name}.png", labels)
    return root / "data", root / "masks"


@pytest.mark.parametrize("names", NAMES)
def test_every_reader_lists_frames_in_the_order_of_their_file_names(tmp_path: Path, names: tuple[str, ...]) -> None:
    data, _ = made(tmp_path, names)
    by_file = tuple(Path(name).stem for name in sorted(f"{name}.png" for name in names))
    assert tuple(list_images(data / "JPEGImages" / "s")) == by_file
    assert label_map_names(data / "Annotations" / "s") == by_file
    sequence = registry.open_dataset("folder", root=data).sequence("s")
    assert (sequence.frame_names, sequence.truth_names, sequence.output_names) == (by_file, by_file, by_file)


@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize("protocol", ["davis", "all-frames"])
def test_a_folder_of_truth_and_a_dataset_give_the_same_scores(
    tmp_path: Path, names: tuple[str, ...], protocol: str
) -> None:
    data, masks = made(tmp_path, names)
    by_truth = score(masks, truth=data / "Annotations", protocol=protocol, out=tmp_path / "one")
    by_dataset = score(masks, dataset="folder", root=data, protocol=protocol, out=tmp_path / "two")
    assert by_truth.scores == by_dataset.scores


def test_a_run_scores_as_a_scoring_of_its_label_maps_does(tmp_path: Path) -> None:
    data, _ = made(tmp_path, NAMES[0])
    dataset = registry.open_dataset("folder", root=data)
    run = run_method(RunSettings(registry.method("copy-first"), dataset, out=tmp_path / "out", protocol="davis"))
    again = score(run.folder / "masks", truth=data / "Annotations", protocol="davis", out=tmp_path / "again")
    assert run.scores == again.scores


@pytest.mark.parametrize("names", NAMES)
def test_check_names_what_can_be_ordered_in_two_ways(tmp_path: Path, names: tuple[str, ...]) -> None:
    data, _ = made(tmp_path, names)
    found = [problem.found for problem in registry.open_dataset("folder", root=data).check()]
    assert any("that tools sort in two ways" in each for each in found) == (names[0] != "0")
