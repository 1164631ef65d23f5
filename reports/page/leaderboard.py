"""The leaderboard's groups: runs under equal rules together, and apart from them what is published on their data."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median

from vos_bench.names import counted
from vos_bench.records import Run, RunRecord
from vos_bench.records.identity import hardware, rules
from vos_bench.records.seeds import mean_scores, seed_groups, seed_key
from vos_bench.records.selection import MARK, shared_averages
from vos_bench.records.summary import RUN_SCORES
from vos_bench.reports.benchmarks import ALL
from vos_bench.reports.paper import MASK_SETTINGS
from vos_bench.reports.published import DOUBT, SETTINGS, Published, select
from vos_bench.reports.published_sequences import command
from vos_bench.tables import SPREAD, Cell, Column, Table, lay_out, percent

from .scenes import RunPage


@dataclass(frozen=True)
class LeaderboardRow:
    """One line of the board.

    Attributes:
        name: The method's.
        file: The run's page, empty for a published row.
        cells: The printed scores, with their spread over several seeds, and their rank among the comparable rows.
        values: The scores behind them, None where there is none.
        fps: Frames per second, None where there are none.
        latency: Median milliseconds of a frame after the first, None where nothing was timed.
        indicative: Whether the times are but an indication.
        hardware: What the times were taken on.
        about: What the row must say besides: where a number comes from, what is wrong with it, what failed.
        date: Of the run, or empty.
        doubts: For each score what is doubtful in it, empty where nothing is.
        seeds: The pages of all runs that the row is the mean of, each with its seed; empty for a single run.
    """

    name: str
    file: str
    cells: tuple[Cell, ...]
    values: tuple[float | None, ...]
    fps: float | None
    latency: float | None
    indicative: bool
    hardware: str
    about: tuple[str, ...]
    date: str
    doubts: tuple[str, ...] = ()
    seeds: tuple[tuple[str, str], ...] = ()

    @property
    def doubtful(self) -> bool:
        """Whether a number of a published row disagrees with another source or with its own parts."""
        return any(text.startswith(DOUBT) for text in self.about)


@dataclass(frozen=True)
class LeaderboardGroup:
    """Runs that may be ranked with each other, and what is published on the same benchmark, ranked apart.

    Attributes:
        title: The dataset and split.
        about: The rules.
        rows: The runs, best first.
        published: By training setting.
    """

    title: str
    about: str
    rows: tuple[LeaderboardRow, ...]
    published: tuple[tuple[str, tuple[LeaderboardRow, ...]], ...]

    @property
    def published_count(self) -> int:
        """How many rows are published."""
        return sum(len(rows) for _, rows in self.published)


@dataclass(frozen=True)
class Leaderboard:
    """The leaderboard: the names of its scores, and its groups."""

    scores: tuple[str, ...]
    groups: tuple[LeaderboardGroup, ...]


def leaderboard(entries: Sequence[RunPage]) -> Leaderboard:
    """Put runs under equal rules together: by dataset, those of the most sequences first; then by score.

    What is published on a dataset stands below the first group of runs that start as it does.
    """
    members: dict[tuple[str, str], list[_Line]] = {}
    for line in sorted(_lines(entries), key=_order):
        members.setdefault((rules(line.record), line.shared), []).append(line)
    published = {key: _published(key) for key in dict.fromkeys(_benchmark(each[0]) for each in members.values())}
    scores = _scores(entries, (row for rows in published.values() for row in rows))
    abouts = [_about(each[0]) for each in members.values()]
    groups = []
    for each, about in zip(members.values(), abouts, strict=True):
        record = each[0].record
        data = f", data {record.dataset.fingerprint[:8]}" if abouts.count(about) > 1 else ""
        rows = [] if record.protocol.conditions else published.pop(_benchmark(each[0]), [])
        groups.append(
            LeaderboardGroup(
                title=about[0],
                about=about[1] + data,
                rows=tuple(_measured_rows(each, scores)),
                published=tuple(_published_rows(rows, scores)),
            )
        )
    return Leaderboard(scores, tuple(groups))


@dataclass(frozen=True)
class _Line:
    """What one row is made of.

    Attributes:
        name: The row's.
        pages: All runs that differ in nothing but the seed.
        runs: One of them a seed, as they are averaged.
        shared: Over which sequences, where that is not their own; empty else.
    """

    name: str
    pages: tuple[RunPage, ...]
    runs: tuple[Run, ...]
    shared: str = ""

    @property
    def record(self) -> RunRecord:
        """That of the first run: data and rules are those of all."""
        return self.runs[0].record


def _lines(entries: Sequence[RunPage]) -> list[_Line]:
    """Return a line for each run, seeds together; then, of runs over different sequences, one over the shared ones."""
    found = _lines_of(entries, [entry.run for entry in entries])
    pages = {id(entry.run): entry for entry in entries}
    for shared in shared_averages(entry.run for entry in entries):
        lines = _lines_of([pages[id(run)] for run in shared.whole], shared.runs)
        found += [replace(line, name=f"{line.name} {MARK}", shared=shared.text) for line in lines]
    return found


def _lines_of(entries: Sequence[RunPage], runs: Sequence[Run]) -> list[_Line]:
    pages: dict[str, list[RunPage]] = {}
    for entry, run in zip(entries, runs, strict=True):
        pages.setdefault(seed_key(run), []).append(entry)
    return [_line(pages[seed_key(group[0])], group, runs) for group in seed_groups(runs)]


def _line(pages: Sequence[RunPage], runs: tuple[Run, ...], all_runs: Iterable[Run]) -> _Line:
    ordered = tuple(sorted(pages, key=lambda page: (page.run.record.seed, page.number)))
    if len(ordered) == 1:
        return _Line(ordered[0].name, ordered, runs)
    title, same_rules = runs[0].record.method.title, rules(runs[0].record)
    alike = [run for run in all_runs if run.record.method.title == title and rules(run.record) == same_rules]
    folder = ordered[0].run.folder
    # A run's own folder is METHOD/CONFIGURATION; elsewhere, seeds lie beside each other in a folder that names them.
    place = folder if folder.parent.name == runs[0].record.method.name else folder.parent
    return _Line(title if len({*map(seed_key, alike)}) == 1 else f"{title}, {place.name}", ordered, runs)


def _order(line: _Line) -> tuple[str, str, bool, bool, int, str, float]:
    record, (means, _) = line.record, mean_scores(line.runs)
    score = means.get("G", means.get(line.runs[0].headline, -1.0))
    data = record.dataset
    return (
        data.name,
        data.split,
        bool(line.shared),
        bool(record.protocol.conditions),
        -len(data.sequences),
        rules(record),
        -score,
    )


def _about(line: _Line) -> tuple[str, str]:
    record = line.record
    data, protocol = record.dataset, record.protocol
    parts = (
        counted(len(data.sequences), "sequence"),
        f"started from {protocol.init}" + ("es" if protocol.init == "box" else "s") + protocol.start_note
        if protocol.init
        else "",
        f"{protocol.frames_seen} frames" if protocol.frames_seen else "",
        *protocol.conditions,
        f"protocol {protocol.name}",
        f"metrics {protocol.metric_version}" if protocol.metric_version else "",
        line.shared,
    )
    return data.title, ", ".join(part for part in parts if part)


_Benchmark = tuple[str, str, str]
"""Dataset, split and start."""


def _benchmark(line: _Line) -> _Benchmark:
    record = line.record
    return record.dataset.name, record.dataset.split, record.protocol.init or "mask"


def _published(key: _Benchmark) -> list[Published]:
    dataset, split, init = key
    settings = ("box-init",) if init == "box" else MASK_SETTINGS
    found = [each for each in ALL if (each.dataset, each.split) == (dataset, split)]
    return [
        _told(row, dataset, split)
        for each in found
        for row in select(each.published, split=each.published_split, settings=settings)
    ]


def _told(row: Published, dataset: str, split: str) -> Published:
    """Add to a row how to see the figures of sequences behind it, where they are known."""
    said = command(row, dataset, split)
    return replace(row, notes=(*row.notes, said)) if said else row


def _scores(entries: Iterable[RunPage], published: Iterable[Published]) -> tuple[str, ...]:
    found = {name for entry in entries for name in entry.run.record.scores} | {
        name for row in published for name in row.scores
    }
    return tuple(name for name in RUN_SCORES if name in found)


def _measured_rows(lines: Sequence[_Line], scores: Sequence[str]) -> Iterable[LeaderboardRow]:
    ranks = [rules(line.record) if all(map(_is_whole, line.runs)) else None for line in lines]
    found = [mean_scores(line.runs) for line in lines]
    printed = [{**means, **{name + SPREAD: value for name, value in spread.items()}} for means, spread in found]
    for line, (means, _), cells in zip(lines, found, _cells(printed, ranks, scores), strict=True):
        timings = [timing for run in line.runs if (timing := run.record.timing)]
        rates = [timing.fps for timing in timings if timing.fps is not None]
        steps = [timing.step_ms.p50 for timing in timings if timing.step_ms]
        yield LeaderboardRow(
            name=line.name,
            file=line.pages[0].file,
            cells=cells,
            values=tuple(means.get(name) for name in scores),
            fps=median(rates) if rates else None,
            latency=median(steps) if steps else None,
            indicative=any(timing.indicative for timing in timings),
            hardware=" and ".join(dict.fromkeys(hardware(run.record) for run in line.runs)),
            about=tuple(dict.fromkeys(text for run in line.runs for text in _troubles(run.record))),
            date=max(run.record.ended[:10] for run in line.runs),
            seeds=tuple((str(page.run.record.seed), page.file) for page in line.pages) if len(line.pages) > 1 else (),
        )


def _is_whole(run: Run) -> bool:
    return run.record.status == "complete" and run.record.counts.scored == run.record.counts.selected


def _troubles(record: RunRecord) -> Iterable[str]:
    counts = record.counts
    if record.status != "complete":
        yield {"started": "not finished", "failed": f"{counted(counts.failed, 'sequence')} failed"}[record.status]
    if counts.scored < counts.selected:
        yield f"scored {counts.scored} of {counted(counts.selected, 'sequence')}"


def _published_rows(
    found: Sequence[Published], scores: Sequence[str]
) -> Iterable[tuple[str, tuple[LeaderboardRow, ...]]]:
    for setting in dict.fromkeys(row.setting for row in found):
        rows = [row for row in found if row.setting == setting]
        cells = _cells([row.scores for row in rows], [setting] * len(rows), scores)
        yield SETTINGS[setting], tuple(_published_row(*each, scores) for each in zip(rows, cells, strict=True))


def _published_row(row: Published, cells: tuple[Cell, ...], scores: Sequence[str]) -> LeaderboardRow:
    return LeaderboardRow(
        name=row.method,
        file="",
        cells=cells,
        values=tuple(row.scores.get(name) for name in scores),
        fps=row.fps,
        latency=None,
        indicative=False,
        hardware=f"by its authors' definition, on {row.hardware or 'hardware that is not stated'}",
        about=row.notes,
        date="",
        doubts=tuple(" ".join(row.doubts.get(name, ())) for name in scores),
    )


def _cells(
    rows: Sequence[dict[str, float]], ranks: Sequence[str | None], scores: Sequence[str]
) -> list[tuple[Cell, ...]]:
    """Return what a table of these rows prints, and how it ranks it."""
    columns: tuple[Column, ...] = tuple(map(percent, scores))
    data = [{**row, "rank": rank} for row, rank in zip(rows, ranks, strict=True)]
    return [line.cells for line in lay_out(Table("", columns, data, rank="rank")).lines]
