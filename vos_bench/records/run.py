"""A run as Python code, reports and notebooks have it: its folder, its record, its scores, and tables of them."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from vos_bench.errors import BadInputError
from vos_bench.metrics.protocols import scoring_protocol
from vos_bench.names import counted
from vos_bench.records.csv import (
    SEQUENCE_COLUMNS,
    frame_columns,
    frame_rows,
    object_columns,
    object_rows,
    sequence_rows,
)
from vos_bench.records.files import read_record, read_sequence_records, run_file
from vos_bench.records.run_record import RunRecord
from vos_bench.records.sequence_record import SequenceRecord

if TYPE_CHECKING:
    import pandas as pd

SHOWN_SCORES = ("J&F", "J", "F")
"""The scores of a sequence that `Run.sequences` has."""


@dataclass(frozen=True, repr=False)
class Run:
    """One run, read or just made.

    Attributes:
        folder: The run's folder.
        record: Its `run.json`.
        sequence_records: Its sequence files by name, in the order of `record.dataset.sequences`, others after them.
    """

    folder: Path
    record: RunRecord
    sequence_records: Mapping[str, SequenceRecord]

    @property
    def scores(self) -> Mapping[str, float]:
        """The run's scores by name, fractions; empty where nothing was scored."""
        return self.record.scores

    @property
    def sequences(self) -> "pd.DataFrame":
        """One row a sequence: its frames, objects, seconds, peak memory, status, error, J&F, J and F."""
        import pandas as pd  # here, since it loads slowly and commands do without

        rows = [
            {**row, **_sequence_scores(record)}
            for row, record in zip(sequence_rows(self._records), self._records, strict=True)
        ]
        table = pd.DataFrame(rows, columns=[*SEQUENCE_COLUMNS, *SHOWN_SCORES])
        return table.astype(dict.fromkeys(("peak_mib", *SHOWN_SCORES), float))  # what is not known is NaN, not None

    @property
    def objects(self) -> "pd.DataFrame":
        """One row an object: its sequence, id, group, and the mean, recall and decay of J and of F."""
        import pandas as pd

        return pd.DataFrame([*object_rows(self._records)], columns=[*object_columns(self._records)])

    @property
    def frames(self) -> "pd.DataFrame":
        """One row an object and scored frame: its sequence, object id, frame name, J and F."""
        import pandas as pd

        return pd.DataFrame([*frame_rows(self._records)], columns=[*frame_columns(self._records)])

    @property
    def _records(self) -> list[SequenceRecord]:
        return [*self.sequence_records.values()]

    @property
    def title(self) -> str:
        """Method, weights where they are not its own, data, and what was made harder than these are."""
        return ", ".join(
            (f"{self.record.method.title} on {self.record.dataset.title}", *self.record.protocol.conditions)
        )

    @property
    def headline(self) -> str:
        """The score by which its protocol judges, such as J&F."""
        return scoring_protocol(self.record.protocol.name).headline

    @property
    def object_score(self) -> str:
        """The score of its objects and sequences; the headline, unless that is of whole tracks."""
        return scoring_protocol(self.record.protocol.name).object_score

    def has_scores(self, sequence: str) -> bool:
        """Return whether this run has scores of a sequence."""
        record = self.sequence_records.get(sequence)
        return record is not None and record.status == "done" and bool(record.scores)

    def __repr__(self) -> str:
        """Return one line: what was run, the main score, how many sequences ended well, and the folder."""
        counts = self.record.counts
        names = ("G", self.headline)
        scores = [f"{name} {100 * self.scores[name]:.1f} %" for name in names if name in self.scores][:1]
        done = f"{counts.done} of {counted(counts.selected, 'sequence')} done"
        return f"<Run {', '.join((self.title, *scores, done))}, {str(self.folder)!r}>"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the scores, and frames with the label maps over them."""
        from vos_bench.records.notebook import run_html  # here, for few need what draws

        return run_html(self.title, self.folder, self.record, self.sequence_records)


def _sequence_scores(record: SequenceRecord) -> dict[str, float | None]:
    """Return the means over a sequence's objects, fractions; None where it has no scores."""
    if not record.scores:
        return dict.fromkeys(SHOWN_SCORES)
    from statistics import fmean  # here, with pandas, for commands do without both

    J, F = fmean(each.J for each in record.scores), [each.F for each in record.scores if each.F is not None]
    if not F:
        return {"J&F": None, "J": J, "F": None}
    return {"J&F": (J + fmean(F)) / 2, "J": J, "F": fmean(F)}


class FoundRuns(NamedTuple):
    """What `find_runs` met: the runs that load, and one message for each that does not."""

    runs: tuple[Run, ...]
    problems: tuple[str, ...]


def load_run(path: str | Path) -> Run:
    """Read a run: its folder or its `run.json`.

    Raises:
        BadInputError: The record or one of its sequence files is absent or damaged; the message names the file.
    """
    path = Path(path)
    folder = path.parent if path.is_file() else path
    record = read_record(RunRecord, path if path.is_file() else run_file(folder))
    found = read_sequence_records(folder)
    order = [name for name in record.dataset.sequences if name in found]
    others = [name for name in found if name not in set(order)]
    return Run(folder, record, {name: found[name] for name in (*order, *others)})


def find_runs(paths: Iterable[Path]) -> FoundRuns:
    """Load every run at or below `paths`, each once, in sorted order; what fails to load becomes a problem's text."""
    runs: dict[Path, Run] = {}
    problems: list[str] = []
    for path in paths:
        files = sorted(_run_files(path))
        if not files:
            problems.append(f"{path}: holds no run.json, nor does any folder in it")
        for file in files:
            if file.resolve() in runs:
                continue
            try:
                runs[file.resolve()] = load_run(file)
            except BadInputError as error:
                problems.append(str(error))
    return FoundRuns(tuple(runs.values()), tuple(problems))


def _run_files(path: Path) -> Iterable[Path]:
    if path.is_file():
        yield path
        return
    for folder, subfolders, files in os.walk(path):
        if "run.json" in files:
            yield Path(folder) / "run.json"
            subfolders.clear()
