"""Writes the site: a leaderboard, a page for each run, a viewer for each sequence."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import jinja2

from vos_bench.api import ReportOptions
from vos_bench.api import Sequence as Video
from vos_bench.errors import BadInputError, one_line
from vos_bench.files.folders import replacing_folder
from vos_bench.metrics.measures import measure
from vos_bench.names import counted
from vos_bench.records import Run
from vos_bench.records.data import RunData
from vos_bench.records.identity import hardware
from vos_bench.reports.published_sequences import source
from vos_bench.reports.reproduction import sentences
from vos_bench.reports.style import require

from .charts import latency_histogram, sparkline
from .comparisons import run_rows, scene_rows, scene_summary
from .failures import ShownFailure, longest, place_of_group, scene_groups, shown_failures
from .headline import headline_groups
from .leaderboard import leaderboard
from .media import ERROR_COLOURS, THUMBNAIL, SceneMedia, write_scene
from .opening import opening
from .scenes import (
    LateStart,
    RunPage,
    SequencePage,
    css_colour,
    entries_of,
    frame_axis,
    frame_scores,
    late_starts,
    scene_objects,
    scenes_of,
    sequence_scores,
)
from .settings import grouped_settings

MARKER = ".vos-bench-page"
"""In the folder of every site: a folder without it is never written over."""

STATIC = ("style.css", "leaderboard.js", "viewer.js")


def write_page(runs: Sequence[Run], options: ReportOptions) -> list[Path]:
    """Write the site to `options.out`, whole or not at all; an older site there is replaced.

    Raises:
        BadInputError: There is no run, or something else than a site lies at `options.out`.
    """
    require(runs, "html", "a record")
    out = options.out
    if out.exists() and not ((out / MARKER).is_file() or (out.is_dir() and not any(out.iterdir()))):
        raise BadInputError(f"--out {out}: holds something else than a page of vos-bench; name a new folder")
    with replacing_folder(out) as part:
        _write(part, entries_of(runs), options)
    return [out / "index.html"]


def _write(folder: Path, entries: Sequence[RunPage], options: ReportOptions) -> None:
    scenes = scenes_of(entries, options.sequences)
    videos, views, problems = _open_videos(scenes, RunData(options.root, roots=options.roots))
    media = _write_media(folder, scenes, views, options)
    problems += [problem for each in media.values() for problem in each.problems]
    late = _late_starts(scenes, videos, problems)
    failing = _failures(scenes, videos, problems)
    templates = _templates()
    common = {"entries": entries, "scenes": scenes, "problems": [*dict.fromkeys(problems)]}
    board = {
        "board": leaderboard(entries),
        "charts": headline_groups(entries),
        **_attribute_filter(scenes, videos),
        "ranges": {scene.number: _range(scene) for scene in scenes},
        "thumbnails": {scene.number for scene in scenes if (folder / scene.media / THUMBNAIL).is_file()},
    }
    _render(templates, "index.html", folder / "index.html", {**common, **board})
    for entry in entries:
        _render(templates, "run.html", folder / entry.file, {**common, **_run_page(entry, scenes)})
    for scene in scenes:
        found = _Found(videos[scene.number], media[scene.number], late.get(scene.number, []), failing[scene.number])
        _render(
            templates, "sequence.html", folder / scene.file, {**common, **_scene_page(folder, scene, scenes, found)}
        )
    for name in STATIC:
        source = files("vos_bench.reports.page").joinpath("static", name)
        (folder / name).write_bytes(source.read_bytes())
    (folder / MARKER).write_text("written by vos-bench report html\n", encoding="utf-8")


def _templates() -> jinja2.Environment:
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("vos_bench.reports.page"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["measure"] = measure
    templates.filters["counted"] = counted
    return templates


def _render(templates: jinja2.Environment, template: str, path: Path, values: Mapping[str, Any]) -> None:
    path.write_text(templates.get_template(template).render(values), encoding="utf-8")


Videos = Mapping[int, Video | None]
"""A scene's number to its frames and truth; None where the data are not here."""

Views = Mapping[int, Mapping[str, Video]]
"""A scene's number to the frames as its runs saw them, by their corruption; empty where the data are not here."""


class _Found(NamedTuple):
    """What a scene's page shows besides its runs.

    Attributes:
        video: The data, where they are here.
        media: Its images.
        late: Its later objects.
        failures: A run's number to its failures, where the truth is here.
    """

    video: Video | None
    media: SceneMedia
    late: Sequence[LateStart]
    failures: Mapping[int, Sequence[ShownFailure]]


def _open_videos(scenes: Sequence[SequencePage], data: RunData) -> tuple[Videos, Views, list[str]]:
    """Open the data of each scene; also return a sentence for each dataset whose frames cannot be shown."""
    videos: dict[int, Video | None] = {}
    views: dict[int, Mapping[str, Video]] = {}
    problems: list[str] = []
    for scene in scenes:
        videos[scene.number], views[scene.number] = None, {}
        try:
            dataset = data.shown(scene.entries[0].run)
            if scene.name in dataset.sequence_names:
                views[scene.number] = _views(scene, data)
                videos[scene.number] = dataset.sequence(scene.name)
        except BadInputError as error:  # its label maps are shown alone
            problems.append(f"{scene.dataset}: no frames are shown: {one_line(str(error))}")
    return videos, views, problems


def _views(scene: SequencePage, data: RunData) -> dict[str, Video]:
    """Return the frames as the runs of a scene saw them, by their corruption."""
    runs = {entry.run.record.protocol.corruption: entry.run for entry in scene.entries}
    return {corruption: data.seen(runs[corruption]).sequence(scene.name) for corruption in scene.corruptions}


def _write_media(
    folder: Path, scenes: Sequence[SequencePage], views: Views, options: ReportOptions
) -> dict[int, SceneMedia]:
    """Write the images of all scenes; return by a scene's number what they have shown."""
    # Decoding and encoding let go of the interpreter's lock, so that threads use all cores.
    total = sum(len(scene.frames) for scene in scenes)
    with options.progress.counting("frames", total) as step, ThreadPoolExecutor() as pool:
        found = pool.map(lambda scene: write_scene(folder, scene, views[scene.number], step=step), scenes)
        return {scene.number: each for scene, each in zip(scenes, found, strict=True)}


def _late_starts(scenes: Sequence[SequencePage], videos: Videos, problems: list[str]) -> dict[int, list[LateStart]]:
    """Return the later objects of each scene by its number; note where a mask cannot be read."""
    found: dict[int, list[LateStart]] = {}
    for scene in scenes:
        try:
            found[scene.number] = late_starts(scene, video) if (video := videos[scene.number]) else []
        except BadInputError as error:
            problems.append(one_line(str(error)))
    return found


def _failures(
    scenes: Sequence[SequencePage], videos: Videos, problems: list[str]
) -> dict[int, dict[int, list[ShownFailure]]]:
    """Return by a scene's number the failures of each of its runs; note where a label map cannot be read."""
    found: dict[int, dict[int, list[ShownFailure]]] = {}
    for scene in scenes:
        video, found[scene.number] = videos[scene.number], {}
        for entry in scene.entries:
            try:
                found[scene.number][entry.number] = shown_failures(entry, scene, video)
            except BadInputError as error:
                problems.append(one_line(str(error)))
    return found


def _attribute_filter(scenes: Sequence[SequencePage], videos: Videos) -> dict[str, Any]:
    """Return by which groups of objects sequences are chosen, and which of them each scene has."""
    groups = {scene.number: scene_groups(scene, videos[scene.number]) for scene in scenes}
    every = dict.fromkeys(group for found in groups.values() for group in found)
    # A group that all sequences have, or none, chooses nothing.
    telling = [group for group in every if not all(group in found for found in groups.values())]
    return {"attributes": sorted(telling, key=place_of_group), "groups": groups}


def _range(scene: SequencePage) -> str:
    """Return the score of the worst and the best run of a scene, in percent; of its first run's protocol alone."""
    score = scene.entries[0].run.object_score
    scores = [sequence_scores(entry.run, scene.name) for entry in scene.entries]
    found = [each[score] for each in scores if score in each]
    ends = dict.fromkeys(f"{100 * each:.0f}" for each in (min(found), max(found))) if found else ()
    return f"{score} {'–'.join(ends)}" if ends else ""


def _run_page(entry: RunPage, scenes: Sequence[SequencePage]) -> dict[str, Any]:
    run = entry.run
    pages = {scene.name: scene for scene in scenes if entry in scene.entries}
    rows = []
    for name, sequence in run.sequence_records.items():
        scene = pages.get(name)
        frames = scene.frames if scene else ()
        rows.append(
            {
                "name": name,
                "sequence": sequence,
                "scene": scene,
                "scores": sequence_scores(run, name),
                "sparks": _sparks(run, name, frames),
            }
        )
    histogram = latency_histogram(run)
    return {
        "entry": entry,
        "record": run.record,
        "dataset": run.record.dataset.title,
        "hardware": hardware(run.record),
        "sequence_rows": rows,
        "shown": [*dict.fromkeys((run.object_score, "J", "F"))],
        "settings": grouped_settings(run),
        "histogram": histogram,
        "reproduction": sentences(run),
        "published": run_rows(run),
        "published_source": source(),
    }


def _sparks(run: Run, name: str, frames: Sequence[str]) -> list[str]:
    found = frame_scores(run, name, frames)
    return [sparkline(found[measure], f"{measure} over the frames") if frames else "" for measure in ("J", "F")]


def _scene_page(folder: Path, scene: SequencePage, scenes: Sequence[SequencePage], found: _Found) -> dict[str, Any]:
    have = {path.name for path in (folder / scene.media).iterdir()}
    i = scenes.index(scene)
    opened = opening(scene, found.media.differing)
    data = {
        "media": scene.media,
        "frames": scene.frames,
        "hasTruth": [f"truth-{k:05d}.png" in have for k in range(len(scene.frames))],
        "runs": [_viewer_run(entry, scene, have, found.failures) for entry in scene.entries],
        "late": [{"name": each.name, "place": each.place} for each in found.late],
        "opening": opened.place,
    }
    return {
        "scene": scene,
        "data": data,
        "late": found.late,
        "failures": {number: (len(each), longest(each)) for number, each in found.failures.items()},
        "opening": opened,
        "axis": frame_axis(scene.frames),
        "objects": scene_objects(scene, found.video, found.media.objects),
        "has_folders": found.video is not None and bool(found.video.object_names),
        "across": _across(len(scene.entries)),
        "previous": scenes[i - 1] if i else None,
        "next": scenes[i + 1] if i + 1 < len(scenes) else None,
        "error_colours": [css_colour(colour) for colour in ERROR_COLOURS],
        "means": {entry.number: _mean(entry.run, scene.name) for entry in scene.entries},
        "published": (rows := scene_rows(scene)),
        "published_best": scene_summary(rows),
        "published_source": source(),
    }


def _mean(run: Run, name: str) -> str:
    """Say the score of a sequence in percent; which one, unless it is J&F."""
    scores = sequence_scores(run, name)
    if not scores:
        return "not scored"
    label = "mean" if run.object_score == "J&F" else f"mean {run.object_score}"
    return f"{label} {100 * scores[run.object_score]:.1f}"


def _across(count: int) -> int:
    """Return how many methods stand in a row where there is room, so that the last row is as full as can be."""
    return count if count <= 4 else max((4, 3), key=lambda n: ((count - 1) % n, n))


def _viewer_run(
    entry: RunPage, scene: SequencePage, have: set[str], failures: Mapping[int, Sequence[ShownFailure]]
) -> dict[str, Any]:
    number = f"{entry.number:03d}"
    photo = scene.photo(entry.run.record.protocol.corruption)
    positions = range(len(scene.frames))
    return {
        "number": number,
        "name": entry.name,
        "colour": entry.colour,
        "dash": entry.dash,
        "failures": [{"text": each.text, "place": each.place} for each in failures.get(entry.number, ())],
        "photo": photo,
        "hasFrame": [f"{photo}-{k:05d}.webp" in have for k in positions],
        "hasObjects": [f"objects-{number}-{k:05d}.png" in have for k in positions],
        "hasErrors": [f"errors-{number}-{k:05d}.png" in have for k in positions],
        **frame_scores(entry.run, scene.name, scene.frames),
    }
