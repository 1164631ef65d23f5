"""An option that would have no effect is refused or mentioned, and nothing is written into anybody's data."""

import inspect
import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest
from films import film, labelled_png

from vos_bench.commands.catalogue import COMMANDS

Call = Callable[..., int]
Capture = pytest.CaptureFixture[str]

MASK = ("--mask", "{video}/first.png@0", "--method", "copy-first", "--out", "out")
XML = """<annotations><meta><task><original_size><width>8</width><height>6</height></original_size></task></meta>
<track id="0" label="cat"><polygon frame="0" outside="0" points="1,1;5,1;5,5"/></track></annotations>"""

IDLE = [  # the last option is the one without effect
    (("run", "copy-first", "--dataset", "demo", "--root", "{video}"), "--root"),
    (("check", "demo", "--root", "{video}"), "--root"),
    (("score", "{video}/Annotations", "--dataset", "demo", "--root", "{video}"), "--root"),
    (("bench", "copy-first", "--dataset", "demo", "--root", "{video}"), "--root"),
    (("import", "{video}", "--method", "m", "--source", "s", "--dataset", "demo", "--root", "{video}"), "--root"),
    (("run", "copy-first", "--dataset", "folder", "--root", "{video}", "--weights", "{video}/x.pth"), "--weights"),
    (("score", "{video}/Annotations", "--truth", "{video}/Annotations", "--root", "{video}"), "--root"),
    (("score", "{video}/Annotations", "--truth", "{video}/Annotations", "--split", "val"), "--split"),
    (("bench", "copy-first", "--turns", "3"), "--turns"),
    (("fetch", "lwl", "--root", "{video}"), "--root"),
    (("fetch", "lwl", "--split", "val"), "--split"),
    (("compare", "a", "b", "--root", "{video}"), "--root"),
    (("compare", "a", "b", "--history", "--junit", "x.xml"), "--junit"),
    (("compare", "a", "b", "--history", "--sequences", "x"), "--sequences"),
    (("compare", "a", "b", "--history", "--tolerance", "J=1"), "--tolerance"),
    (("compare", "a", "b", "--history", "--sequence-tolerance", "0.1"), "--sequence-tolerance"),
    (("compare", "a", "b", "--history", "--update"), "--update"),
    (("ablate", "lwl", "--scale", "lite", "--root", "ytvos18={video}"), "--root"),
    (("suite", "{video}/mine.toml", "--check", "--overwrite", "always"), "--overwrite always"),
    (("train", "lwl-lite", "--recipe", "demo", "--weights", "nonsense={video}/x.pth"), "--weights nonsense"),
    (("train", "lwl-lite", "--recipe", "demo", "--root", "{video}"), "--root"),
    (("run", "copy-first", "--dataset", "folder", "--root", "{video}", "--box-start", "ellipse"), "--box-start"),
    (("run", "copy-first", "--dataset", "folder", "--root", "{video}", "--split", "val"), "split 'val'"),
    (("run", "copy-first", "--dataset", "folder", "--root", "{video}", "--command", "x"), "command"),
    (("run", "copy-first", "--dataset", "folder", "--root", "{video}", "--timeout", "3"), "timeout"),
    (("run", "copy-first", "--dataset", "folder", "--root", "{video}", "--jobs", "2", "--timing"), "--timing"),
    (("run", "copy-first", "--dataset", "folder", "--root", "{video}", "--set", "nonsense=1"), "--set nonsense"),
    (("run", "copy-first", "--dataset", "folder", "--root", "{video}", "--grace", "3"), "--grace 3"),
    (("bench", "copy-first", "--split", "val"), "--split"),
    (("bench", "copy-first", "--frames", "2", "--size", "64x48", "--box-start", "ellipse"), "--box-start"),
    (("bench", "copy-first", "--weights", "{video}/x.pth"), "--weights"),
    (("bench", "copy-first", "--dataset", "folder", "--root", "{video}", "--size", "64x48"), "--size"),
    (("bench", "copy-first", "--dataset", "folder", "--root", "{video}", "--objects", "2"), "--objects"),
    (("bench", "copy-first", "--dataset", "folder", "--root", "{video}", "--frames", "2"), "--frames"),
    (
        ("score", "{video}/Annotations", "--dataset", "sav", "--truth", "{video}/Annotations", "--root", "{video}"),
        "--root",
    ),
    (("check", "folder", "--root", "{video}", "--split", "val"), "split 'val'"),
    (("compare", "a", "b", "--history", "--fail-on", "changed"), "--fail-on"),
    (("compare", "a", "b", "--history", "--summary", "x.md"), "--summary"),
    (("compare", "a", "b", "--history", "--thumbnails"), "--thumbnails"),
    (("compare", "a", "b", "--thumbnails"), "--thumbnails"),
    (("ablate", "lwl", "--scale", "lite", "--table", "nonsense"), "nonsense"),
    (("report", "runs", "--root", "{video}"), "--root"),
    (("report", "latency", "--sequences", "x"), "--sequences"),
    (("report", "training", "--out", "x.svg", "--methods", "x"), "--methods"),
    (("report", "training", "--out", "x.svg", "--label", "runs=x"), "--label"),
    (("report", "runs", "--published", "LWL"), "--published"),
    (("report", "strips", "--out", "x.png", "--format", "csv"), "--format"),
    (("report", "strips", "--out", "x.png", "--orientation", "rows"), "--orientation"),
    (("report", "strips", "--out", "x.png", "--no-notes"), "--no-notes"),
    (("report", "runs", "--format", "csv", "--orientation", "columns"), "orientation"),
    (("segment", "{video}/cat.mp4", *MASK, "--at", "3"), "--at 3 has no effect"),
    (("segment", "{video}/cat.mp4", *MASK, "--both-ways"), "--both-ways has no effect"),
    (("segment", "{video}/cat.mp4", *MASK, "--box-start", "ellipse"), "--box-start ellipse has no effect"),
    (("segment", "{video}/cat.mp4", *MASK, "--fps", "30"), "--fps"),
    (("segment", "{video}/cat.mp4", *MASK, "--weights", "{video}/x.pth"), "--weights"),
    (("segment", "{video}/cat.mp4", *MASK, "--set", "nonsense=1"), "--set nonsense"),
    (("segment", "{video}/cat.mp4", *MASK, "--export", "nonsense"), "--export nonsense"),
    (("export", "{video}/Annotations", "--format", "coco", "--root", "{video}"), "--root"),
    (("export", "{video}/Annotations", "--format", "coco", "--sequences", "nobody"), "--sequences nobody"),
    (("export", "{video}/Annotations", "--format", "coco", "--about", "name=x"), "--about name"),
    (("export", "{video}", "--format", "croissant", "--out", "out", "--root", "{video}"), "--root"),
    (("log", "{video}", "--to", "mlflow", "--about", "nonsense=x"), "--about nonsense"),
    (("check-method", "copy-first", "--weights", "{video}/x.pth"), "--weights"),
    (("check-method", "copy-first", "--command", "x"), "command"),
    (("check-method", "copy-first", "--timeout", "3"), "timeout"),
    (("check-method", "copy-first", "--set", "nonsense=1"), "--set nonsense"),
    (("import-masks", "{video}/one.xml", "--from", "cvat", "--out", "out", "--size", "9x9"), "--size 9x9"),
]


@pytest.mark.parametrize(("arguments", "option"), IDLE, ids=[f"{words[0]} {option}" for words, option in IDLE])
def test_an_option_without_effect_is_refused(
    call: Call, video: Path, capsys: Capture, arguments: tuple[str, ...], option: str
) -> None:
    (video / "x.pth").write_bytes(b"anything")
    (video / "one.xml").write_text(XML)
    if arguments[0] == "segment":
        film(video / "cat.mp4", 3)
        labelled_png(video / "first.png", 0)
    assert call(*(each.format(video=video) for each in arguments)) == 2
    assert option in capsys.readouterr().err


ALWAYS = {
    "what the work is": (
        "run.dataset run.corrupt run.real_time run.init run.seeds run.frames run.protocol run.sequences run.truth "
        "bench.dataset bench.init "
        "bench.sequences segment.mask segment.box segment.method segment.seed score.dataset score.truth score.protocol "
        "score.sequences import.method import.dataset import.source import.split import.truth import.protocol "
        "import.sequences import.licence train.recipe train.set ablate.scale ablate.seeds ablate.sequences "
        "ablate.set ablate.run_set record.external record.server record.date export.format log.to import-masks.from "
        "suite.check bench.set bench.repeats bench.quick bench.reference_command"
    ),
    "where it is done and how far, said in the record, in a note or by the error of a device that is not there": (
        "run.device run.amp run.compile run.jobs run.engine run.stall run.shard run.overwrite run.verify "
        "run.save_probabilities bench.device bench.amp bench.compile segment.device segment.amp segment.overwrite "
        "check-method.device check-method.seed "
        "score.jobs score.engine import.jobs train.device train.resume ablate.device ablate.status ablate.start "
        "ablate.weights"
    ),
    "what is written": (
        "run.name run.failures bench.name score.name score.failures suite.out suite.json "
        "run.out run.json bench.out bench.json segment.out segment.json segment.overlay score.out score.json "
        "import.out import.json report.out report.notes compare.json compare.history train.out ablate.out ablate.json "
        "convert.out "
        "baseline.out export.out import-masks.out package.out list.format check-method.out new-method.out "
        "new-method.torch"
    ),
    "where data lie, which only datasets without a folder refuse": "package.root",
}
"""Options that have an effect whatever else is given, or whose effect is told; `COMMAND.parameter`."""


def test_every_option_of_every_command_is_tried_or_cannot_be_idle() -> None:
    options = set()
    for command, about in COMMANDS.items():
        function = getattr(import_module(f"vos_bench.commands.{about.module}"), about.module)
        parameters = inspect.signature(function).parameters.values()
        options |= {f"{command}.{each.name.rstrip('_')}" for each in parameters if each.kind is each.KEYWORD_ONLY}
    last = [[word for word in arguments if word.startswith("--")][-1] for arguments, _ in IDLE]
    names = [option.removeprefix("--").removeprefix("no-").replace("-", "_") for option in last]
    tried = {f"{arguments[0]}.{name}" for (arguments, _), name in zip(IDLE, names, strict=True)}
    always = {name for names in ALWAYS.values() for name in names.split()}
    assert options - always - tried == set()
    assert always - options == set()


def test_a_figure_that_shows_no_frames_says_that_a_root_has_no_effect(call: Call, video: Path, capsys: Capture) -> None:
    assert call("run", "copy-first", "--dataset", "folder", "--root", video, "--out", "out") == 0
    for given in (("--root", video), ("--sequences", "one")):
        assert call("report", "distribution", "out", "--out", "x.svg", *given) == 0
        assert f"note: {given[0]} has no effect" in capsys.readouterr().err


def test_what_a_processor_cannot_do_is_said(call: Call, video: Path) -> None:
    arguments = ("--dataset", "folder", "--root", video, "--out", "out", "--amp", "tf32", "--compile")
    assert call("run", "copy-first", *arguments) == 0
    notes = json.loads(Path("out/run.json").read_text())["notes"]
    assert "--amp tf32, --compile had no effect: copy-first computes on the processor alone" in notes


def state(folder: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in sorted(folder.rglob("*"))}


def test_no_command_writes_into_a_data_root(call: Call, davis: object, video: Path) -> None:
    del davis  # the video lies in the layout of DAVIS now
    before = state(video)
    data, masks = ("--dataset", "davis17", "--root", video), video / "Annotations/480p"
    for arguments in (
        ("check", "davis17", "--root", video),
        ("run", "copy-first", *data, "--out", "out"),
        ("score", "out/masks", *data, "--out", "scored"),
        ("score", masks, "--truth", masks, "--out", "itself"),
        ("bench", "copy-first", *data, "--quick", "--repeats", "1", "--out", "timed"),
        ("import", masks, *data, "--method", "m", "--source", "s", "--out", "imported"),
        ("package", "out", "--out", "x.zip", "--root", video),
        ("report", "strips", "out", "--out", "x.png", "--root", video),
        ("compare", "out", "scored", "--thumbnails", "--summary", "x.md", "--root", video),
        ("run", "copy-first", "--dataset", "demo", "--root", video, "--out", "demo"),
        ("check", "demo", "--root", video),
        ("train", "lwl-lite", "--recipe", "demo", "--root", video),
    ):
        assert call(*arguments) in (0, 1, 2)
        assert state(video) == before, arguments


@pytest.mark.parametrize("inside", ["", "JPEGImages", "Annotations/one"])
def test_no_run_goes_among_the_data(call: Call, video: Path, capsys: Capture, inside: str) -> None:
    before, out = state(video), video / inside
    for command in (("run", "copy-first"), ("bench", "copy-first"), ("score", video / "Annotations")):
        assert call(*command, "--dataset", "folder", "--root", video, "--out", out) == 2
        assert "give another folder with --out" in capsys.readouterr().err
    assert state(video) == before
