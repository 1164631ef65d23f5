"""The leaderboard's groups: runs under equal rules together, and apart from them what is published on their data."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from vos_bench.names import counted
from vos_bench.records import RunRecord
from vos_bench.records.identity import hardware, rules
from vos_bench.records.summary import RUN_SCORES
from vos_bench.reports.benchmarks import ALL
from vos_bench.reports.paper import MASK_SETTINGS
from vos_bench.reports.published import SETTINGS, Published, select
from vos_bench.reports.published_sequences import command
from vos_bench.tables import Cell, Column, Table, lay_out, percent

from .scenes import RunPage


@dataclass(frozen=True)
class LeaderboardRow:
    """One line of the board.

    Attributes:
        name: The method's.
        file: The run's page, empty for a published row.
        cells: The printed scores, each with its rank among the comparable rows of the group.
        values: The scores behind them, None where there is none.
        fps: Frames per second, None where there are none.
        latency: Median milliseconds of a frame after the first, None where nothing was timed.
        indicative: Whether the times are but an indication.
        hardware: What the times were taken on.
        about: What the row must say besides: where a number comes from, what is wrong with it, what failed.
        date: Of the run, or empty.
        doubts: For each score what is doubtful in it, empty where nothing is.
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

    @property
    def doubtful(self) -> bool:
        """Whether a number of a published row disagrees with another source or with its own parts."""
        return any(text.startswith("DOUBT") for text in self.about)


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
    members: dict[str, list[RunPage]] = {}
    for entry in sorted(entries, key=_order):
        members.setdefault(rules(entry.run.record), []).append(entry)
    published = {key: _published(key) for key in dict.fromkeys(_benchmark(each[0]) for each in members.values())}
    scores = _scores(entries, (row for rows in published.values() for row in rows))
    abouts = [_about(each[0].run.record) for each in members.values()]
    groups = []
    for each, about in zip(members.values(), abouts, strict=True):
        record = each[0].run.record
        data = f", data {record.dataset.fingerprint[:8]}" if abouts.count(about) > 1 else ""
        rows = published.pop(_benchmark(each[0]), [])
        groups.append(
            LeaderboardGroup(
                title=about[0],
                about=about[1] + data,
                rows=tuple(_measured_rows(each, scores)),
                published=tuple(_published_rows(rows, scores)),
            )
        )
    return Leaderboard(scores, tuple(groups))


def _order(entry: RunPage) -> tuple[str, str, int, str, float]:
    record = entry.run.record
    score = record.scores.get("G", record.scores.get(entry.run.headline, -1.0))
    return record.dataset.name, record.dataset.split, -len(record.dataset.sequences), rules(record), -score


def _about(record: RunRecord) -> tuple[str, str]:
    data, protocol = record.dataset, record.protocol
    parts = (
        counted(len(data.sequences), "sequence"),
        f"started from {protocol.init}" + ("es" if protocol.init == "box" else "s") + protocol.start_note
        if protocol.init
        else "",
        f"{protocol.frames_seen} frames" if protocol.frames_seen else "",
        f"protocol {protocol.name}",
        f"metrics {protocol.metric_version}" if protocol.metric_version else "",
    )
    return data.title, ", ".join(part for part in parts if part)


_Benchmark = tuple[str, str, str]
"""Dataset, split and start."""


def _benchmark(entry: RunPage) -> _Benchmark:
    record = entry.run.record
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


def _measured_rows(entries: Sequence[RunPage], scores: Sequence[str]) -> Iterable[LeaderboardRow]:
    records = [entry.run.record for entry in entries]
    whole = [record.status == "complete" and record.counts.scored == record.counts.selected for record in records]
    ranks = [rules(record) if each else None for record, each in zip(records, whole, strict=True)]
    for entry, cells in zip(entries, _cells([record.scores for record in records], ranks, scores), strict=True):
        record, timing = entry.run.record, entry.run.record.timing
        yield LeaderboardRow(
            name=entry.name,
            file=entry.file,
            cells=cells,
            values=tuple(record.scores.get(name) for name in scores),
            fps=timing.fps if timing else None,
            latency=timing.step_ms.p50 if timing and timing.step_ms else None,
            indicative=bool(timing and timing.indicative),
            hardware=hardware(record),
            about=tuple(_troubles(record)),
            date=record.ended[:10],
        )


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
