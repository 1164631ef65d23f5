"""The report `reproduction`: runs against the published figures of their method on their data."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from vos_bench import registry
from vos_bench.api import UNTRAINED
from vos_bench.errors import BadInputError
from vos_bench.names import counted, shorten
from vos_bench.records import MethodEntry, Run, RunRecord
from vos_bench.tables import SPREAD, Column, Table

from .benchmarks import ALL, MOSEV2_TEST
from .measured import Measured, measured, unscored
from .paper import DAVIS_SCORES, Benchmark
from .published import DOUBT, SETTINGS, Published, select

WITHIN_ROUNDING, WITHIN_DOUBT, OFF = "within rounding", "within the doubt", "off by"
"""How verdicts begin."""

NOT_COMPARABLE, NOT_PUBLISHED = "not comparable", "nothing is published"
"""How it begins where there is no difference."""

DAVIS17_TEST_DEV = Benchmark(
    "DAVIS 2017 test-dev",
    "DAVIS 2017",
    "davis17",
    "test-dev",
    DAVIS_SCORES,
    SETTINGS,
    published_split="test-dev",
)
BENCHMARKS = (*ALL, DAVIS17_TEST_DEV, MOSEV2_TEST)

SEQUENCES = {
    ("davis16", "val"): 20,
    ("davis17", "val"): 30,
    ("davis17", "test-dev"): 30,
    ("ytvos18", "valid"): 474,
    ("ytvos19", "valid"): 507,
    ("sav", "val"): 155,
    ("sav", "test"): 150,
    ("mosev1", "valid"): 311,
    ("mosev2", "valid"): 433,
    ("lvos1", "valid"): 50,
    ("lvos2", "valid"): 140,
    ("vost", "val"): 70,
}
"""How many sequences the splits have that published figures are of."""

PROTOCOLS = {
    **dict.fromkeys(("davis16", "davis17"), "davis"),
    **dict.fromkeys(("ytvos18", "ytvos19"), "ytvos"),
    **dict.fromkeys(("lvos1", "lvos2"), "lvos"),
    **{name: name for name in ("sav", "mosev1", "mosev2", "vost")},
}
"""Dataset to the protocol of its own tool or server, by which sources judge that do not name another."""

MODEL_SIZES = {"baseplus": "b+", "large": "l", "small": "s", "tiny": "t"}
"""The words for the size of a model in the names of weights, and how papers write them."""

RESOLUTIONS = ("size", "crop_size", "image_size", "resolution", "short_side", "long_side", "scale", "scales")
"""The settings of methods that say at which resolution they work."""

NEAR = 10.0
"""A figure in a doubt that is farther than so many points from the printed one is about something else."""

ALL_FRAMES = " (all frames)"
"""How the name of a published row ends whose method saw all frames where others saw the annotated ones."""

COLUMNS = (
    Column("published as"),
    Column("training", prose="wrapped"),
    Column("score"),
    Column("run", digits=2, scale=100.0),
    Column("published", digits=2),
    Column("difference", digits=2, unit="points", drop=1),
    Column("verdict", prose="wrapped", drop=0),
    Column("settings", prose="wrapped"),
)
NOTES = (
    f"{WITHIN_ROUNDING}: the run's score, rounded as the source rounds, is the published one. {WITHIN_DOUBT}: it lies "
    "between what several sources print of this system, or what the row's doubt says. "
    f"{OFF}: by so many percent points.",
    "Where a run is off, look at the settings first: all frames or the annotated ones, the resolution, the precision, "
    "the weights. A note says where a method is known to differ from the original.",
)


def make_table(runs: Sequence[Run]) -> Table:
    """Return the table: a group for each run, a line for each published row of its method and each score."""
    known = {(each.dataset, each.split) for each in BENCHMARKS}
    rows = [
        row
        for benchmark in BENCHMARKS
        for ours in measured(runs, wanted=_about(benchmark))
        if not ours.shared
        for row in _rows(ours, benchmark)
    ]
    others = measured(runs, wanted=lambda record: (record.dataset.name, record.dataset.split) not in known)
    rows += [_no_row(ours, f"{NOT_PUBLISHED} on these data") for ours in others if not ours.shared]
    below = (*NOTES, *_frame_effects(runs), *unscored(runs, wanted=lambda _: True))
    title = "Reproduction of published figures"
    return Table(title, COLUMNS, rows, tuple(below), group="group", footnotes="notes", doubts="doubts")


def sentences(run: Run) -> list[str]:
    """Return a sentence for each published figure of a run's headline score."""
    name = "G" if "G" in run.scores else run.headline
    rows = (row for row in make_table([run]).rows if row["score"] == name and "published" in row)
    return [
        f"Published as {row['published as']} ({row['training'].lower()}): {name} {row['published']:g}; this run "
        f"{100 * row['run']:.2f}: {row['verdict']}."
        for row in rows
    ]


def _about(benchmark: Benchmark) -> Callable[[RunRecord], bool]:
    return lambda record: (record.dataset.name, record.dataset.split) == (benchmark.dataset, benchmark.split)


def _rows(ours: Measured, benchmark: Benchmark) -> Iterable[dict[str, Any]]:
    record = ours.runs[0].record
    published = select(benchmark.published, split=benchmark.published_split)
    rows = [row for row in published if (row.setting == "box-init") == (record.protocol.init == "box")]
    found = counterparts(record.method, rows)
    if not found and record.protocol.init is None:  # others' label maps: nobody says what they started from
        rows = [*published]
        found = counterparts(record.method, rows)
    if not found:
        yield _no_row(ours, f"{NOT_PUBLISHED} {_nothing(record.method, rows, published)}")
    for row in found:
        reason = _not_comparable(ours, benchmark, row) or _other_frames(record, row, found)
        for score in benchmark.scores:
            if score in row.percent and score in ours.scores:
                yield {**_row(ours, row, score), **_judged(ours, row, score, rows, reason)}


def _nothing(method: MethodEntry, rows: Iterable[Published], published: Iterable[Published]) -> str:
    """Say of what nothing is published, and what is near to it."""
    if method.weights is not None and method.weights.name == UNTRAINED:
        return "of random parameters"
    if counterparts(method, published):
        return "under this name for this start; masks and boxes are not compared"
    names = tuple(_names(method))
    near = dict.fromkeys(row.method for row in rows if _folded(re.split(r"[ (+]", row.method)[0]) in names)
    return "under this name" + (f"; near to it: {shorten(near)}" if near else "")


def counterparts(method: MethodEntry, rows: Iterable[Published]) -> list[Published]:
    """Return the published rows of a method: those of its name or of its weights', and of the same system elsewhere.

    `lwl-lite` is not `LWL`, and nothing is published of random parameters.
    """
    if method.weights is not None and method.weights.name == UNTRAINED:
        return []
    rows, names = list(rows), _names(method)
    systems = {row.system for row in rows if _folded(row.method) in names}
    return [row for row in rows if row.system in systems or _folded(row.method.removesuffix(ALL_FRAMES)) in names]


def _names(method: MethodEntry) -> set[str]:
    """Return the names under which a method may be published, folded."""
    found = {_folded(method.name)}
    with suppress(BadInputError):  # a plugin that is broken, or not installed any more
        if method.name in (systems := registry.known_systems()):
            found.add(_folded(systems[method.name].published))
    if method.weights is None:
        return found
    weights = _folded(re.sub(r"\.(safetensors|pth?|ckpt|tar)$", "", method.weights.name or method.weights.file))
    with suppress(BadInputError):
        official = {_folded(each.name) for each in registry.method(method.name).weights}
        # A file of a model's other size is not among the names, and begins as the method does.
        if weights in official or weights.startswith(_folded(method.name.removesuffix("-hf"))):
            found.add(weights)
    return found


def _folded(name: str) -> str:
    """Return a name in small letters and digits alone, with the size of a model as papers write it."""
    plain = re.sub(r"[^a-z0-9+]", "", name.casefold()).replace("hiera", "")
    for word, short in MODEL_SIZES.items():
        if plain.endswith(word):
            return plain.removesuffix(word) + short
    return plain


def _not_comparable(ours: Measured, benchmark: Benchmark, row: Published) -> str:
    """Return why a run cannot be held against a row, empty where it can."""
    record = ours.runs[0].record
    wanted = row.protocol or PROTOCOLS[benchmark.dataset]
    if not ours.origin.startswith("server") and record.protocol.name != wanted:
        return f"the run is judged by the protocol {record.protocol.name}, the row by {wanted}"
    scored, whole = record.counts.scored, SEQUENCES.get((benchmark.dataset, benchmark.split))
    if whole is not None and not ours.origin.startswith("server") and scored != whole:
        return f"the run has scores of {counted(scored, 'sequence')}, the split {whole}"
    return ""


def _other_frames(record: RunRecord, row: Published, rows: Iterable[Published]) -> str:
    """Return how a row's frames are not the run's, where its source prints figures of both; else nothing."""
    full = row.method.endswith(ALL_FRAMES)
    both = full or any(other.method == row.method + ALL_FRAMES for other in rows)
    row_saw = "all" if full else "annotated"
    if not both or record.protocol.frames_seen in (None, row_saw):
        return ""
    return f"the run saw {record.protocol.frames_seen} frames, the row {row_saw} frames"


def _judged(ours: Measured, row: Published, score: str, rows: Iterable[Published], reason: str) -> dict[str, Any]:
    if reason:
        return {"verdict": f"{NOT_COMPARABLE}: {reason}", "difference": None}
    return {"verdict": verdict(100 * ours.scores[score], row, score, rows), **_difference(ours, row, score)}


def _difference(ours: Measured, row: Published, score: str) -> dict[str, float]:
    return {"difference": 100 * ours.scores[score] - row.percent[score]}


def verdict(points: float, row: Published, score: str, rows: Iterable[Published] = ()) -> str:
    """Judge a score against a published one.

    Args:
        points: The score, in percent.
        row: The published row.
        score: Which of its scores.
        rows: All rows of the benchmark, among which other sources of the same system are looked for.
    """
    difference, rounding = points - row.percent[score], row.rounding(score) + 1e-9
    if abs(difference) <= rounding:
        return WITHIN_ROUNDING
    figures = doubtful_figures(row, score, rows)
    low, high = min(figures), max(figures)
    if low < high and low - rounding <= points <= high + rounding:
        return f"{WITHIN_DOUBT} ({low:g} to {high:g})"
    return f"{OFF} {difference:+z.2f}" + (", and the figure is doubtful" if score in row.doubts else "")


def doubtful_figures(row: Published, score: str, rows: Iterable[Published] = ()) -> set[float]:
    """Return the figures that a doubtful one may be: its own, those that the doubt names, and other sources'."""
    found = {row.percent[score]}
    if score not in row.doubts:
        return found
    for other in rows:
        if (other.system, other.setting) == (row.system, row.setting) and score in other.percent:
            found.add(other.percent[score])
    for note in row.doubts[score]:
        found |= {value for value in _figures(note) if abs(value - row.percent[score]) <= NEAR}
    return found


def _figures(doubt: str) -> set[float]:
    """Return the figures that a doubt names; not those in brackets, of J or F alone, or in pairs."""
    plain = re.sub(r"\([^)]*\)|\b[JF] \d+\.\d+|\d+(\.\d+)?/\d+(\.\d+)?", "", doubt.removeprefix(DOUBT))
    return {float(number) for number in re.findall(r"(?<![\w.])\d{1,2}\.\d+(?![\w.]*\d)", plain)}


def _row(ours: Measured, row: Published, score: str) -> dict[str, Any]:
    doubts = row.doubts.get(score, ())
    return {
        **_shared(ours),
        "published as": row.method,
        "training": SETTINGS[row.setting],
        "score": score,
        "run": ours.scores[score],
        f"run{SPREAD}": ours.spread.get(score),
        "published": row.percent[score],
        "notes": (*(note for note in row.notes if not note.startswith(DOUBT)), *_deviations(ours), *ours.notes),
        "doubts": {"published": doubts} if doubts else {},
    }


def _no_row(ours: Measured, why: str) -> dict[str, Any]:
    run = ours.runs[0]
    found = {"score": run.headline, "run": ours.scores.get(run.headline)}
    return {**_shared(ours), **found, "verdict": why, "notes": ours.notes}


def _shared(ours: Measured) -> dict[str, Any]:
    record = ours.runs[0].record
    server = f", {ours.origin}" if ours.origin.startswith("server") else ""
    return {"group": f"{ours.name} on {record.dataset.title}{server}", "settings": "; ".join(settings(record))}


def settings(record: RunRecord) -> Iterable[str]:
    """Yield those settings of a run that are known to matter: frames seen, resolution, precision, weights."""
    protocol, numerics, method = record.protocol, record.numerics, record.method
    yield f"{protocol.frames_seen} frames seen" if protocol.frames_seen else "frames seen unknown"
    if record.kind == "run":
        found = {name: method.config[name] for name in RESOLUTIONS if name in method.config}
        yield ", ".join(f"{name} {_plain(value)}" for name, value in found.items()) or "the method's own resolution"
    if numerics is not None:
        precision = "float32" if numerics.amp == "off" else numerics.amp
        rounded = " with tf32" if numerics.tf32 and numerics.amp == "off" and numerics.device != "cpu" else ""
        yield f"{precision}{rounded} on {numerics.device}" + (", compiled" if numerics.compile else "")
    if method.weights is not None:
        yield method.weights.described
    if method.config_as_passed:
        yield f"run with {' '.join(method.config_as_passed)}"


def _plain(value: object) -> str:
    return " x ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _deviations(ours: Measured) -> Iterable[str]:
    """Say where the method is known to differ from the original."""
    with suppress(BadInputError):  # it is not installed any more, or was a file
        for text in registry.method(ours.runs[0].record.method.name).deviations:
            yield f"known to differ from the original: {text}"


def _frame_effects(runs: Iterable[Run]) -> Iterable[str]:
    """Say of the runs' data what all frames made of published systems that saw the annotated ones otherwise."""
    places = {(run.record.dataset.name, run.record.dataset.split) for run in runs}
    for benchmark in BENCHMARKS:
        pairs = frame_pairs(benchmark) if (benchmark.dataset, benchmark.split) in places else {}
        if pairs:
            shown = ", ".join(f"{name} {change:+z.1f}" for name, change in pairs.items())
            yield f"All frames in place of the annotated ones, published on {benchmark.published}: {shown} points."


def frame_pairs(benchmark: Benchmark) -> Mapping[str, float]:
    """Return method to what all frames changed of its published headline, in points."""
    score = benchmark.scores[0]
    rows = select(benchmark.published, split=benchmark.published_split)
    found = {(row.method, row.setting): row.percent[score] for row in rows if score in row.percent}
    return {
        name: value - found[name, setting]
        for (full, setting), value in found.items()
        if (name := full.removesuffix(ALL_FRAMES)) != full and (name, setting) in found
    }
