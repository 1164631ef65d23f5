"""What takes the place of something older is killed at every change of a file: the old one or the new one is there."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from vos_bench.cli import main
from vos_bench.files.folders import replacing_folder
from vos_bench.records import load_run

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")


def killed_at_every_change(breaking: ModuleType, command: tuple[str, ...], out: Path, *, step: int) -> Iterator[int]:
    """Give a command again and again, each time killed at a later change below `out`; end where it ends by itself."""
    number = 1
    while True:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join((str(breaking.FAKES / "killing"), os.environ.get("PYTHONPATH", ""))),
            "FAKE_KILL_AT": str(number),
            "FAKE_KILL_BELOW": str(out),
        }
        done = subprocess.run([*breaking.VOS_BENCH, *command], env=environment, check=False, capture_output=True)
        if done.returncode != -signal.SIGKILL:
            assert done.returncode == 0, done.stderr
            return
        yield number
        number += step


def test_a_scoring_that_is_killed_while_it_writes_is_never_complete_without_its_sequences(
    breaking: ModuleType, works: ModuleType, tmp_path: Path
) -> None:
    truth, masks = works.make_label_maps(tmp_path, sequences=2)
    out = tmp_path / "out"
    command = ("score", str(masks), "--truth", str(truth), "--out", str(out))
    assert main(list(command)) == 0
    whole = load_run(out).record.scores
    statuses = set()
    for number in killed_at_every_change(breaking, command, out, step=1):
        record = json.loads((out / "run.json").read_text())
        statuses.add(record["status"])
        if record["status"] == "complete":
            assert sorted(path.stem for path in out.glob("sequences/*.json")) == ["s0", "s1"], number
            assert record["scores"] == whole
    assert statuses == {"started", "complete"}
    assert load_run(out).record.scores == whole
    assert not list(out.rglob("*.part"))


def test_an_old_page_stands_until_the_new_one_does(breaking: ModuleType, works: ModuleType, tmp_path: Path) -> None:
    truth, masks = works.make_label_maps(tmp_path, sequences=1)
    assert main(["score", str(masks), "--truth", str(truth), "--out", str(tmp_path / "run")]) == 0
    pages = tmp_path / "pages"
    command = ("report", "html", str(tmp_path / "run"), "--out", str(pages / "site"))
    assert main(list(command)) == 0
    old = (pages / "site" / "index.html").read_bytes()
    tried = 0
    for _ in killed_at_every_change(breaking, command, pages, step=4):
        tried += 1
        assert (pages / "site" / "index.html").read_bytes() == old
        assert (pages / "site" / "style.css").is_file()
    assert tried > 2
    assert [path.name for path in pages.iterdir()] == ["site"]


def test_what_a_killed_import_left_goes_with_the_next_one(breaking: ModuleType, tmp_path: Path) -> None:
    frames = [
        {"id": k, "file_name": name, "height": 2, "width": 3} for k, name in enumerate(("cat/0.png", "dog/0.png"))
    ]
    mask = {"size": [2, 3], "counts": [0, 6]}
    objects = [{"image_id": k, "category_id": 1, "track_id": 1, "segmentation": mask} for k in range(2)]
    export, out = tmp_path / "export.json", tmp_path / "out"
    data = {"images": frames, "annotations": objects, "categories": [{"id": 1, "name": "animal"}]}
    export.write_text(json.dumps(data))
    command = ("import-masks", str(export), "--from", "coco", "--out", str(out))
    left, codes, moved = 0, set(), set()
    for _ in killed_at_every_change(breaking, command, out, step=1):
        left += bool(list(out.rglob("*.part")))
        out.mkdir(exist_ok=True)
        (out / "Annotations.mine.part").mkdir()
        moved.add(len(list(out.glob("Annotations/*"))))
        codes.add(main(list(command)))
        assert [path.name for path in out.rglob("*.part")] == ["Annotations.mine.part"]
        assert len(list(out.glob("Annotations/*/*.png"))) == 2
        shutil.rmtree(out)
    assert left > 5
    assert moved == {0, 1, 2}, "killed before, between and after the moves"
    assert codes == {0}


def test_folders_change_places_where_the_system_cannot_do_it_in_one_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ctypes

    def no_library(*_: object, **__: object) -> None:
        raise OSError("no such library")

    monkeypatch.setattr(ctypes, "CDLL", no_library)
    site = tmp_path / "site"
    for text in ("old", "new"):
        with replacing_folder(site) as part:
            (part / "index.html").write_text(text)
    assert (site / "index.html").read_text() == "new"

    def half() -> None:
        with replacing_folder(site) as part:
            (part / "index.html").write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    assert (site / "index.html").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["site"]
