"""Every kind of bad input through the command line: one clear message, the right exit code, nothing lost."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

Call = Callable[..., int]
Capture = pytest.CaptureFixture[str]

FAULTY = """

class WrongShape(Stay):
    def step(self, image, new=None):
        return Prediction(self.labels[1:] if image[0, 0, 0] > 100 else self.labels)


class UnknownId(Stay):
    def step(self, image, new=None):
        return Prediction(self.labels + 9 * (image[0, 0, 0] > 100))


class Unbuildable(Stay):
    def __init__(self, *_, **__):
        raise RuntimeError("no luck today")


class Slow(Stay):
    def step(self, image, new=None):
        import time

        if image[0, 0, 0] > 100:
            open("slow", "w").close()
            time.sleep(60)
        return Prediction(self.labels)


class NoMethod:
    pass
"""


class Data(NamedTuple):
    """A dataset of two sequences, `one` and `two`, of 5 frames each; in `frames` and `labels` lie their folders."""

    dataset: str
    root: Path
    frames: Path
    labels: Path

    @property
    def arguments(self) -> tuple[str, ...]:
        return "--dataset", self.dataset, "--root", str(self.root)


@pytest.fixture
def folder(video: Path) -> Data:
    return Data("folder", video, video / "JPEGImages", video / "Annotations")


@pytest.fixture
def davis(video: Path) -> Data:
    """The same video, laid out as DAVIS 2017."""
    for name in ("JPEGImages", "Annotations"):
        (video / name).rename(video / "480p")
        (video / name).mkdir()
        (video / "480p").rename(video / name / "480p")
    (video / "ImageSets/2017").mkdir(parents=True)
    (video / "ImageSets/2017/val.txt").write_text("one\ntwo\n")
    return Data("davis17", video, video / "JPEGImages/480p", video / "Annotations/480p")


@pytest.fixture(params=["folder", "davis"])
def data(request: pytest.FixtureRequest) -> Data:
    found: Data = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def methods(method_file: Path) -> Path:
    method_file.write_text(method_file.read_text() + FAULTY)
    return method_file


@pytest.fixture
def masks(video: Path, tmp_path: Path) -> Path:
    """Somebody's label maps for the video: the truth itself."""
    return Path(shutil.copytree(video / "Annotations", tmp_path / "results" / "masks"))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def repaint(path: Path, paint: Callable[[np.ndarray], np.ndarray]) -> None:
    Image.fromarray(paint(np.array(Image.open(path)))).save(path)


def halve(path: Path) -> None:
    repaint(path, lambda labels: labels[::2, ::2])


def colour(path: Path) -> None:
    repaint(path, lambda labels: np.dstack([labels * 80] * 3))


def smooth(path: Path) -> None:
    """Draw one disc with a soft edge, as anti-aliasing leaves it: 41 grey levels."""
    rows, columns = np.mgrid[:40, :60]
    disc = np.clip(52 - 4 * np.hypot(rows - 25.3, columns - 40.6), 0, 40).astype(np.uint8)
    assert len(np.unique(disc)) == 41
    Image.fromarray(disc).save(path)


def clear(path: Path) -> None:
    repaint(path, np.zeros_like)


def unpad(path: Path) -> None:
    """Take the zeros off all names in a sequence: 1, 2, 10, 11, 20."""
    for name, old in zip((1, 2, 10, 11, 20), sorted(path.parent.iterdir()), strict=True):
        old.rename(old.with_name(f"{name}{old.suffix}"))


def replace_folder(path: Path) -> None:
    """Put a file in the place of a sequence's folder."""
    shutil.rmtree(path.parent)
    path.parent.touch()


def said_once(capsys: Capture, *texts: str) -> None:
    """Check that exactly one line, on either stream, holds the message, and that nothing looks like a traceback."""
    captured = capsys.readouterr()
    lines = [line for line in (captured.out + captured.err).splitlines() if all(text in line for text in texts)]
    assert len(lines) == 1, captured
    assert "Traceback" not in captured.out + captured.err


def statuses(out: str) -> dict[str, str]:
    return {path.stem: json.loads(path.read_text())["status"] for path in Path(out, "sequences").glob("*.json")}


def kept(out: str) -> bool:
    """Say whether the sequence that is all well was finished: record, masks and scores."""
    scored = {line.split(",")[0] for line in Path(out, "objects.csv").read_text().splitlines()[1:]}
    return statuses(out)["one"] == "done" and len(list(Path(out, "masks/one").iterdir())) == 5 and scored == {"one"}


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        pytest.param(lambda d: (d.frames / "two/00002.jpg").unlink(), "without a frame: 00002", id="missing frame"),
        pytest.param(
            lambda d: cut(d.frames / "two/00002.jpg"), "two/00002.jpg: found a JPEG that is cut off", id="cut"
        ),
        pytest.param(lambda d: cut(d.labels / "two/00002.png"), "two/00002.png: ", id="truncated PNG"),
        pytest.param(lambda d: halve(d.labels / "two/00000.png"), "00000.png: found 20 x 30 pixels; expected 40 x 60"),
        pytest.param(lambda d: colour(d.labels / "two/00000.png"), "mode RGB with 3 colours", id="RGB mask"),
        pytest.param(lambda d: smooth(d.labels / "two/00000.png"), "00000.png: found 41 grey levels", id="smoothed"),
        pytest.param(lambda d: smooth(d.labels / "two/00003.png"), "two/00003.png: found ", id="smoothed truth"),
        pytest.param(lambda d: unpad(d.frames / "two/00000.jpg"), "order is unclear", id="unsorted names"),
    ],
)
def test_bad_data_fails_its_sequence_and_check_names_it(
    call: Call, data: Data, methods: Path, capsys: Capture, damage: Callable[[Data], None], message: str
) -> None:
    damage(data)
    assert call("check", data.dataset, "--root", data.root) == 2
    said_once(capsys, message.removesuffix("found "))
    assert call("run", f"{methods}:Stay", *data.arguments, "--out", "out") == 1
    said_once(capsys, "failed: two: ", message)
    assert kept("out")
    assert statuses("out")["two"] == "failed"


def test_an_empty_first_mask_fails_a_davis_sequence(call: Call, davis: Data, methods: Path, capsys: Capture) -> None:
    clear(davis.labels / "two/00000.png")
    assert call("run", f"{methods}:Stay", *davis.arguments, "--out", "out") == 1
    said_once(capsys, "failed: two: ", "two/00000.png: found an empty label map; expected the objects that start")
    assert kept("out")


def test_an_empty_first_mask_lets_a_folders_objects_start_later(call: Call, folder: Data, methods: Path) -> None:
    clear(folder.labels / "two/00000.png")
    assert call("run", f"{methods}:Stay", *folder.arguments, "--out", "out") == 0
    assert statuses("out") == {"one": "done", "two": "done"}


def test_a_sequence_without_any_object_fails(call: Call, folder: Data, methods: Path, capsys: Capture) -> None:
    for path in (folder.labels / "two").iterdir():
        clear(path)
    assert call("run", f"{methods}:Stay", *folder.arguments, "--out", "out") == 1
    said_once(capsys, "failed: two: ", "found 5 label maps, all empty; expected at least one object")
    assert kept("out")


@pytest.mark.parametrize(
    ("ids", "kind"),
    [((1000, 2000), "16 bits"), ((200, 400), "above 255"), ((3, 250), "gaps")],
    ids=["16-bit ids", "ids above 255", "gaps"],
)
def test_unusual_ids_are_taken_and_given_back(
    call: Call, data: Data, methods: Path, ids: tuple[int, int], kind: str
) -> None:
    for path in data.labels.rglob("*.png"):
        lookup = np.array([0, *ids], np.uint8 if kind == "gaps" else np.uint16)
        repaint(path, lambda labels, lookup=lookup: lookup[labels])
    assert call("run", f"{methods}:Stay", *data.arguments, "--out", "out") == 0
    for path in Path("out/masks").rglob("*.png"):
        assert np.unique(np.array(Image.open(path))).tolist() == [0, *ids]
    assert call("score", data.labels, *data.arguments, "--out", "scored") == 0
    assert json.loads(Path("scored/run.json").read_text())["scores"]["J&F"] == 1


@pytest.mark.parametrize("frames", [1, 2])
def test_a_short_sequence_runs_but_leaves_davis_nothing_to_score(
    call: Call, data: Data, methods: Path, capsys: Capture, frames: int
) -> None:
    for path in [*data.frames.glob("two/*"), *data.labels.glob("two/*")]:
        if int(path.stem) >= frames:
            path.unlink()
    fails = data.dataset == "davis17"
    assert call("run", f"{methods}:Stay", *data.arguments, "--out", "out") == fails
    assert len(list(Path("out/masks/two").iterdir())) == frames
    if fails:
        said_once(capsys, "failed: two: ", f"found a truth for {frames} of its frames, expected at least 3")
        assert kept("out")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        pytest.param(lambda d: d.root / "JPEGImages", "did you mean --root {root} ?", id="one level too deep"),
        pytest.param(lambda d: d.root.parent, "did you mean --root {root} ?", id="one level too high"),
        pytest.param(lambda d: d.frames / "two/00000.jpg", "00000.jpg: found a file; expected", id="a file"),
        pytest.param(lambda d: d.root / "absent", "absent: found no such folder; expected the root", id="absent"),
    ],
)
@pytest.mark.parametrize("command", ["check", "run"])
def test_a_wrong_root_is_refused_with_the_right_one(
    call: Call, data: Data, capsys: Capture, command: str, wrong: Callable[[Data], Path], message: str
) -> None:
    arguments = {"check": ("check", data.dataset), "run": ("run", "copy-first", "--dataset", data.dataset)}[command]
    wanted = message.format(root=data.root)
    if wrong(data) == data.root / "absent":
        wanted = f"did you mean --root {data.root} ?"
    assert call(*arguments, "--root", wrong(data)) == 2
    said_once(capsys, "vos-bench: ", wanted)
    assert not Path("runs").exists()


@pytest.mark.parametrize("part", ["frames", "labels"])
def test_a_file_in_the_place_of_a_sequence_is_named(
    call: Call, data: Data, methods: Path, capsys: Capture, part: str
) -> None:
    replace_folder(next((getattr(data, part) / "two").iterdir()))
    refused = data.dataset == "folder"  # which sequences there are is known from nothing but the folders
    assert call("run", f"{methods}:Stay", *data.arguments, "--out", "out") == (2 if refused else 1)
    if refused:
        said_once(
            capsys, "vos-bench: ", {"frames": "no folder of frames for two", "labels": "no label maps for two"}[part]
        )
    else:
        said_once(capsys, "failed: two: ", "480p/two: found a file; expected a folder of images")
        assert kept("out")


def as_whole_folder(masks: Path, change: Callable[[Path], None]) -> None:
    """Move label maps away and let `change` put something else in their place."""
    away = masks.with_name("away")
    masks.rename(away)
    change(away)


@pytest.mark.parametrize(
    ("damage", "code", "message"),
    [
        pytest.param(lambda m: (m / "two/00002.png").unlink(), 2, "1 of 5 label maps are missing: 00002.png"),
        pytest.param(lambda m: cut(m / "two/00002.png"), 1, "00002.png: the PNG is damaged: the file is cut off"),
        pytest.param(lambda m: halve(m / "two/00002.png"), 1, "00002.png: found 20 x 30 pixels (height x width)"),
        pytest.param(lambda m: colour(m / "two/00002.png"), 1, "00002.png: found an image of mode RGB"),
        pytest.param(lambda m: smooth(m / "two/00000.png"), 1, "00000.png: has 41 colours but its sequence has 2"),
        pytest.param(lambda m: repaint(m / "two/00002.png", lambda x: x.astype("u2") * 1000), 1, "ids 1000, 2000"),
        pytest.param(lambda m: repaint(m / "two/00002.png", lambda x: x.astype("u2") * 200), 1, "ids 200, 400"),
        pytest.param(lambda m: repaint(m / "two/00002.png", lambda x: x * 3), 1, "ids 3, 6, expected only 1, 2"),
        pytest.param(lambda m: unpad(m / "two/00000.png"), 2, "name label maps as the frames of the truth"),
        pytest.param(lambda m: replace_folder(m / "two/00000.png"), 2, "masks/two: cannot be listed: Not a directory"),
        pytest.param(lambda m: (m / "two").rename(m.with_name("two")), 2, "masks/two: there is no such folder"),
        pytest.param(lambda m: as_whole_folder(m, lambda _: m.touch()), 2, "masks: cannot be listed: Not a directory"),
        pytest.param(lambda m: as_whole_folder(m, lambda _: None), 2, "masks: cannot be listed: No such file"),
        pytest.param(
            lambda m: as_whole_folder(m, lambda away: (away / "two").rename(m)), 2, "one level too deep; did you mean"
        ),
        pytest.param(
            lambda m: as_whole_folder(m, lambda away: (m.mkdir(), away.rename(m / "deep"))),
            2,
            "did you mean {masks}/deep?",
        ),
    ],
)
@pytest.mark.parametrize("truth", ["dataset", "folder of truth"])
def test_bad_label_maps_are_named_when_they_are_scored(
    call: Call,
    folder: Data,
    masks: Path,
    capsys: Capture,
    truth: str,
    damage: Callable[[Path], None],
    code: int,
    message: str,
) -> None:
    against = folder.arguments if truth == "dataset" else ("--truth", folder.labels, "--protocol", "all-frames")
    damage(masks)
    assert call("score", masks, *against, "--out", "out") == code
    said_once(capsys, "failed: two: " if code == 1 else "vos-bench: ", message.format(masks=masks))
    assert Path("out").exists() == (code == 1)
    if code == 1:
        assert statuses("out") == {"one": "done", "two": "failed"}


def test_a_smoothed_truth_is_never_scored_against(call: Call, davis: Data, tmp_path: Path, capsys: Capture) -> None:
    masks = shutil.copytree(davis.labels, tmp_path / "masks")
    smooth(davis.labels / "two/00002.png")
    assert call("score", masks, *davis.arguments, "--protocol", "all-frames", "--out", "out") == 1
    said_once(capsys, "failed: two: ", "two/00002.png: found 41 grey levels: its edges are smoothed")


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("FailsOnTwo", "raised ValueError on frame 00001: cannot take bright frames"),
        ("WrongShape", "frame 00001: returned labels of shape (39, 60); expected the frame's (40, 60)"),
        ("UnknownId", "frame 00001: returned the unknown object 11; expected 0 (background) to 2"),
    ],
)
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_methods_fault_fails_one_sequence_and_the_other_is_finished(
    call: Call, folder: Data, methods: Path, capsys: Capture, method: str, message: str, jobs: int
) -> None:
    assert call("run", f"{methods}:{method}", *folder.arguments, "--out", "out", "--jobs", jobs) == 1
    said_once(capsys, "failed: two: ", message)
    assert kept("out")


@pytest.mark.parametrize(
    ("method", "text", "message"),
    [
        ("Unbuildable", None, "Unbuildable: cannot be built: RuntimeError: no luck today"),
        ("NoMethod", None, "NoMethod is no subclass of vos_bench.api.Method"),
        ("Absent", None, "there is no 'Absent' in it"),
        ("Stay", "import nothing_of_this_name", "mine.py: cannot be imported: ModuleNotFoundError"),
        ("Stay", "def (", "mine.py: cannot be imported: SyntaxError"),
        ("Stay", "1 / 0", "mine.py: cannot be imported: ZeroDivisionError"),
    ],
)
def test_a_method_that_cannot_be_built_is_refused(
    call: Call, folder: Data, methods: Path, capsys: Capture, method: str, text: str | None, message: str
) -> None:
    if text is not None:
        methods.write_text(text)
    assert call("run", f"{methods}:{method}", *folder.arguments, "--out", "out") == 2
    said_once(capsys, "vos-bench: ", message)


@pytest.mark.parametrize("command", ["run", "score"])
def test_a_file_in_the_place_of_the_runs_folder_is_left_alone(
    call: Call, folder: Data, methods: Path, capsys: Capture, command: str
) -> None:
    Path("out").write_text("mine")
    what = ("run", f"{methods}:Stay") if command == "run" else ("score", folder.labels)
    assert call(*what, *folder.arguments, "--out", "out") == 2
    said_once(capsys, "vos-bench: out: cannot be the run's folder: Not a directory")
    assert Path("out").read_text() == "mine"


@pytest.mark.parametrize(
    ("command", "name"),
    [("run", "masks/two/mine.png"), ("run", "probabilities/one/mine.npz"), ("score", "sequences/mine.txt")],
)
def test_what_no_run_made_is_never_removed(
    call: Call, folder: Data, methods: Path, capsys: Capture, command: str, name: str
) -> None:
    mine = Path("out", name)
    mine.parent.mkdir(parents=True)
    mine.touch()
    what = ("run", f"{methods}:Stay") if command == "run" else ("score", folder.labels)
    assert call(*what, *folder.arguments, "--out", "out") == 2
    said_once(capsys, "vos-bench: out", "give another --out")
    assert mine.exists()


@pytest.mark.parametrize("command", ["run", "score"])
def test_a_full_disk_gives_one_message_and_the_same_command_goes_on(
    call: Call, folder: Data, methods: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    what = ("run", f"{methods}:Stay") if command == "run" else ("score", folder.labels)
    arguments = (*what, *folder.arguments, "--out", "out")
    full_at, original = {"run": "masks/two/00002.png", "score": "sequences/two.json"}[command], Path.replace

    def replace(self: Path, target: Path) -> Path:
        if str(target).endswith(full_at):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return original(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace)
        assert call(*arguments) == 2
    said_once(capsys, "vos-bench: ", full_at, "No space left on device")
    assert statuses("out") == {"one": "done"}
    assert not list(Path("out").rglob("*.part"))
    assert call(*arguments) == 0
    assert statuses("out") == {"one": "done", "two": "done"}


def outside(*arguments: object) -> list[str]:
    """Return the command line of a process of its own, which may not read what its rights forbid, not even as root."""
    line = [sys.executable, "-c", "import sys; from vos_bench.cli import main; sys.exit(main())", *map(str, arguments)]
    if os.geteuid() != 0:
        return line
    if not shutil.which("setpriv"):
        pytest.skip("root may read everything, and there is no setpriv to give that right up")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all", *line]


@pytest.mark.skipif(os.name == "nt", reason="needs the rights of a POSIX file system")
def test_an_unreadable_directory_is_named(masks: Path, davis: Data, methods: Path) -> None:
    """One process for each command, since what counts are real rights."""
    for path in (davis.frames / "two", masks / "two"):
        path.chmod(0)
    try:
        ran, scored = (
            subprocess.run(outside(*arguments), cwd=methods.parent, capture_output=True, text=True, check=False)
            for arguments in (
                ("run", f"{methods}:Stay", *davis.arguments, "--out", "out"),
                ("score", masks, "--truth", davis.labels, "--out", "scored"),
            )
        )
    finally:
        for path in (davis.frames / "two", masks / "two"):
            path.chmod(0o755)
    assert (ran.returncode, scored.returncode) == (1, 2), (ran, scored)
    assert "two: found a folder that cannot be read (Permission denied)" in ran.stdout
    assert "masks/two: cannot be listed: Permission denied" in scored.stderr
    assert "Traceback" not in ran.stdout + ran.stderr + scored.stdout + scored.stderr
    assert kept(str(methods.parent / "out"))


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_an_interrupt_gives_exit_code_130_and_keeps_what_is_finished(folder: Data, methods: Path) -> None:
    arguments = ("run", f"{methods}:Slow", *folder.arguments, "--out", "out")
    command = [sys.executable, "-c", "import sys; from vos_bench.cli import main; sys.exit(main())", *arguments]
    here = methods.parent
    process = subprocess.Popen(command, cwd=here, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        until = time.monotonic() + 180
        while not (here / "slow").exists() and process.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=180)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "vos-bench: interrupted; finished sequences are kept" in said
    assert "Traceback" not in said
    assert statuses(str(here / "out")) == {"one": "done"}
    assert kept(str(here / "out"))


@pytest.mark.parametrize("option", ["--out", "--set", "--sequences"])
def test_an_option_that_is_not_utf8_is_refused(
    call: Call, folder: Data, methods: Path, capsys: Capture, option: str
) -> None:
    assert call("run", f"{methods}:Stay", *folder.arguments, option, "a=\udcff") == 2
    said_once(capsys, "a=\\udcff", "UTF-8")
    assert not Path("a=\udcff").exists()
