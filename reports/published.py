"""What papers and systems' own pages print: `published.csv`, each row with its source and what is doubtful in it."""

import importlib.resources
import io
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache

import pandas as pd

PAPER = "LWL paper (ECCV 2020)"
"""How the rows of the LWL paper's own tables begin their source."""

DOUBT = "doubtful "
"""How a note begins that says what is wrong with a number."""

ALSO_IN = "also in "
"""How a note begins that names a further source."""

_MARKERS = {"DOUBT ": DOUBT, "ALSO ": ALSO_IN, "NOTE ": ""}
"""How the file marks what stands behind a source, and how a note of it begins."""

SCORES = {
    "J&F_dot": "J_and_F_dot",
    "J&F": "J_and_F",
    **{name: name for name in ("G", "J", "F", "J_seen", "J_unseen", "F_seen", "F_unseen", "F_dot", "J_last")},
    "J&F_dot_disappear": "J_and_F_dot_disappear",
    "J&F_dot_reappear": "J_and_F_dot_reappear",
}
"""Our name of a score to the column of the file."""

SETTINGS = {
    "extra-data": "Additional training data",
    "only-ytvos": "Only YouTube-VOS training",
    "only-davis": "Only DAVIS training",
    "online-ft": "Fine-tuned on the first frame of each sequence",
    "box-init": "Started from boxes",
}
"""The file's word for a training setting to the heading of its rows."""


@dataclass(frozen=True)
class Published:
    """One row of the file.

    Attributes:
        method: As the source spells it.
        system: The name that rows of the same system and weights share, however their sources spell it.
        year: When it was published; 0 where nobody says.
        dataset: Such as `DAVIS 2017`.
        split: Such as `val`.
        setting: A key of `SETTINGS`.
        protocol: By whose rules the source scored it, as protocols are named here; empty where it does not say, which
            mostly means those of the dataset's own tool.
        scores: Fractions by our names of the scores; what the source leaves out is left out.
        fps: Frames per second by its authors' definition, None where none is printed.
        hardware: What the figure was measured on, in the source's words.
        notes: The source, then remarks; one that begins with `doubtful` says what is wrong with a number.
        percent: The scores as they are printed.
        also: Further sources of the same figures.
        decimals: How many decimals of each score are printed; 1 where this does not say.
    """

    method: str
    system: str
    year: int
    dataset: str
    split: str
    setting: str
    protocol: str
    scores: dict[str, float]
    fps: float | None
    hardware: str
    notes: tuple[str, ...]
    percent: dict[str, float]
    also: tuple[str, ...] = ()
    decimals: Mapping[str, int] = field(default_factory=dict)

    def rounding(self, score: str) -> float:
        """Return how far a printed figure may be from the one behind it, in percent points.

        A J&F that somebody averaged of a printed J and F is known to no more digits than these.
        """
        decimals = self.decimals.get(score, 1)
        if score == "J&F" and {"J", "F"} <= self.percent.keys():
            mean = (self.percent["J"] + self.percent["F"]) / 2
            parts = max(self.decimals.get(name, 1) for name in ("J", "F"))
            decimals = min(decimals, parts) if abs(mean - self.percent[score]) < 1e-9 else decimals
        return float(0.5 / 10**decimals)

    def remarks(self, source: str) -> tuple[str, ...]:
        """Return the remarks on what one of its sources says, and all doubts."""
        current, found = self.notes[0], list[str]()
        for note in self.notes[1:]:
            if note.startswith(ALSO_IN):
                current = note.removeprefix(ALSO_IN)
            elif current == source or note.startswith(DOUBT):
                found.append(note)
        return tuple(found)

    @property
    def doubts(self) -> dict[str, tuple[str, ...]]:
        """Score to what is doubtful in it: the one that a note names, or else the first one of the row."""
        found: dict[str, tuple[str, ...]] = {}
        for note in self.notes:
            if note.startswith(DOUBT):
                named = note.removeprefix(DOUBT).partition(": ")[0]
                score = named if named in self.percent else next(iter(self.percent))
                found[score] = (*found.get(score, ()), note)
        return found


@cache
def load() -> tuple[Published, ...]:
    """Return all rows, in the order of the file."""
    text = (importlib.resources.files("vos_bench.reports") / "published.csv").read_text(encoding="utf-8")
    frame = pd.read_csv(io.StringIO(text), keep_default_na=False, dtype=str)
    return tuple(_row({str(k): str(v) for k, v in row.items()}) for row in frame.to_dict(orient="records"))


def _row(row: dict[str, str]) -> Published:
    percent = {name: float(row[column]) for name, column in SCORES.items() if row[column]}
    notes = tuple(_notes(row["source"]))
    return Published(
        method=row["method"],
        system=row["system"] or row["method"],
        year=int(row["year"] or 0),
        dataset=row["dataset"],
        split=row["split"],
        setting=row["setting"],
        protocol=row["protocol"],
        scores={name: value / 100 for name, value in percent.items()},
        fps=float(row["fps"]) if row["fps"] else None,
        hardware=row["hardware"],
        notes=notes,
        percent=percent,
        also=tuple(note.removeprefix(ALSO_IN) for note in notes if note.startswith(ALSO_IN)),
        decimals={name: len(row[column].partition(".")[2]) for name, column in SCORES.items() if row[column]},
    )


def _notes(source: str) -> Iterable[str]:
    """Part a source from what is behind it, remarks and further sources, without the file's marks."""
    citation, _, remarks = source.partition("; ")
    yield citation.strip()
    for remark in filter(None, map(str.strip, re.split(rf"; (?={'|'.join(_MARKERS)})", remarks))):
        marker = next((each for each in _MARKERS if remark.startswith(each)), "")
        yield _MARKERS.get(marker, "") + remark.removeprefix(marker)


def select(
    dataset: str, *, split: str = "val", settings: Collection[str] = tuple(SETTINGS), source: str = ""
) -> list[Published]:
    """Return the rows of one dataset and split whose source begins with `source`, by the order of `settings`."""
    order = list(settings)
    found = [row for row in load() if (row.dataset, row.split) == (dataset, split) and row.setting in order]
    return sorted(
        (row for row in found if row.notes[0].startswith(source)),
        key=lambda row: order.index(row.setting),
    )


def named(method: str, rows: Iterable[Published]) -> list[Published]:
    """Return the rows of the method that is called so, whatever the case; `lwl-lite` is not `LWL`."""
    return [row for row in rows if row.method.casefold() == method.casefold()]
