"""The layout mistakes people make: each is found and named."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vos_bench import registry
from vos_bench.cli import main
from vos_bench.datasets import youtube_vos
from vos_bench.errors import BadInputError

LATE = "1a2b3c"


@pytest.fixture
def root(ytvos_tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sound tree of a release that has two sequences in valid (2018) or three (2019)."""
    releases = {"2018": youtube_vos.Release(1, 2, 1), "2019": youtube_vos.Release(1, 3, 1)}
    monkeypatch.setattr(youtube_vos, "RELEASES", releases)
    ytvos_tree.build(tmp_path / "data")
    return tmp_path / "data"


def check(root: Path, capsys: pytest.CaptureFixture[str], name: str = "ytvos18") -> tuple[int, str]:
    code = main(["check", name, "--root", str(root)])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return code, captured.out + captured.err


def test_a_sound_tree_has_no_problem(root, capsys):
    code, text = check(root, capsys)
    assert code == 0
    assert "2 sequences, 32 frames, all well" in text


def no_all_frames(root: Path) -> None:
    shutil.rmtree(root / "valid_all_frames")


def nested_all_frames(root: Path) -> None:
    (root / "valid_all_frames").rename(root / "x")
    (root / "valid_all_frames").mkdir()
    (root / "x").rename(root / "valid_all_frames/valid_all_frames")


def nested_split(root: Path) -> None:
    (root / "valid").rename(root / "x")
    (root / "valid").mkdir()
    (root / "x").rename(root / "valid/valid")


def empty_frame(root: Path) -> None:
    (root / "valid_all_frames/JPEGImages" / LATE / "00003.jpg").write_bytes(b"")


def cut_label_map(root: Path) -> None:
    path = root / "valid/Annotations" / LATE / "00000.png"
    path.write_bytes(path.read_bytes()[:60])


def empty_sequence(root: Path) -> None:
    for path in (root / "valid_all_frames/JPEGImages" / LATE).iterdir():
        path.unlink()


def lost_sequence(root: Path) -> None:
    shutil.rmtree(root / "valid_all_frames/JPEGImages" / LATE)


def lost_labels(root: Path) -> None:
    shutil.rmtree(root / "valid/Annotations" / LATE)


def leftovers_of_macos(root: Path) -> None:
    (root / "valid" / "__MACOSX").mkdir()


def empty_meta(root: Path) -> None:
    (root / "valid/meta.json").write_bytes(b"")


def no_meta(root: Path) -> None:
    (root / "valid/meta.json").unlink()


def foreign_meta(root: Path) -> None:
    (root / "valid/meta.json").write_text('{"annotations": []}')


def mixed_releases(root: Path) -> None:
    for folder in ("valid_all_frames/JPEGImages", "valid/Annotations"):
        shutil.copytree(root / folder / LATE, root / folder / "99zz")


def unlisted_object(root: Path) -> None:
    path = root / "valid/meta.json"
    meta = json.loads(path.read_text())
    del meta["videos"][LATE]["objects"]["1"]
    path.write_text(json.dumps(meta))
    labels = np.array(Image.open(root / "valid/Annotations" / LATE / "00010.png"))
    labels[0, :3] = 9
    Image.fromarray(labels).save(root / "valid/Annotations" / LATE / "00010.png")


def lost_first_mask(root: Path) -> None:
    (root / "valid/Annotations" / LATE / "00010.png").unlink()


def lost_listed_frame(root: Path) -> None:
    (root / "valid_all_frames/JPEGImages" / LATE / "00015.jpg").unlink()


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (no_all_frames, "81.1 G with all frames and 77.4"),
        (nested_all_frames, "JPEGImages one level too deep"),
        (nested_split, "meta.json one level too deep"),
        (empty_frame, "00003.jpg: found an empty file"),
        (cut_label_map, "the PNG is damaged"),
        (empty_sequence, f"{LATE}: found no image"),
        (lost_sequence, f"1 of 2 sequences; missing: {LATE}"),
        (lost_labels, f"1 of 2 sequences; missing: {LATE}"),
        (leftovers_of_macos, "what an archive from macOS leaves behind"),
        (empty_meta, "meta.json: found no list of objects (an empty file)"),
        (no_meta, "meta.json: found no such file"),
        (foreign_meta, "meta.json: found no list of objects"),
        (mixed_releases, "found also 99zz"),
        (unlisted_object, "found object 9, which meta.json does not list"),
        (lost_first_mask, "found no label map of object 3"),
        (lost_listed_frame, "none named 00015"),
    ],
)
def test_each_mistake_is_named_with_exit_code_2(
    root: Path, capsys: pytest.CaptureFixture[str], mistake: Callable[[Path], None], message: str
) -> None:
    mistake(root)
    code, text = check(root, capsys)
    assert code == 2
    assert message in text


def test_the_tree_of_2019_given_as_2018_is_known_by_its_count(root, ytvos_tree, capsys):
    ytvos_tree.build(root, videos={**ytvos_tree.VIDEOS, "7a8b9c": {1: ("dog", 0)}})
    code, text = check(root, capsys)
    assert code == 2
    assert "found 3 sequences, as 2019 has; expected 2 as YouTube-VOS 2018 valid has; use ytvos19" in text
    assert check(root, capsys, "ytvos19")[0] == 0


def test_the_counts_are_those_that_the_authors_publish():
    assert {year: release.valid for year, release in youtube_vos.RELEASES.items()} == {"2018": 474, "2019": 507}


def test_a_part_of_a_release_is_named(root, ytvos_tree, capsys):
    shutil.rmtree(root)
    ytvos_tree.build(root, videos={LATE: ytvos_tree.VIDEOS[LATE]})
    code, text = check(root, capsys)
    assert code == 2
    assert "1 sequence; expected 2" in text


@pytest.mark.parametrize("given", ["..", "valid", "valid/Annotations"])
def test_the_right_root_is_named_when_another_is_given(root, capsys, given):
    code, text = check((root / given).resolve(), capsys)
    assert code == 2
    assert f"did you mean --root {root} ?" in text


def test_an_absent_split_is_no_traceback(root):
    with pytest.raises(BadInputError, match="test: found no such folder"):
        registry.open_dataset("ytvos18", root=root, split="test")
