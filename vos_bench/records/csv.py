"""The tables of a run, rebuilt from its sequence files: for spreadsheets and scripts, never read back by vos-bench."""

import csv
import gzip
import io
from collections.abc import Iterable, Iterator, Mapping
from itertools import zip_longest
from operator import itemgetter
from pathlib import Path

from vos_bench.files import write_bytes
from vos_bench.metrics.averages import ABSENCE_SCORES
from vos_bench.metrics.statistics import STATISTICS
from vos_bench.names import escape_formula
from vos_bench.records.sequence_record import SequenceRecord

TABLES = ("sequences.csv", "objects.csv", "frames.csv.gz", "timing.csv.gz")
"""The names of the tables in a run's folder."""

_LEVEL = 1
"""Of compression: a tenth larger than by level 9, and made in a twentieth of its time."""

RecordRow = Mapping[str, str | int | float | None]

SEQUENCE_COLUMNS = ("sequence", "frames", "objects", "seconds", "peak_mib", "status", "error")
OBJECT_COLUMNS = ("sequence", "object", "group", *STATISTICS)
FRAME_COLUMNS = ("sequence", "object", "frame", "J", "F")
TIMING_COLUMNS = ("sequence", "frame", "objects", "phase", "repeat", "decode_ms", "stream_ms", "model_ms", "write_ms")


def write_tables(folder: Path, records: Iterable[SequenceRecord]) -> None:
    """Write `sequences.csv`, `objects.csv`, `frames.csv.gz` and `timing.csv.gz` of a run, in the order of `records`.

    Numbers are written so that reading them gives the very same float64. Equal content gives equal bytes. Raises
    BadInputError where the folder cannot be written.
    """
    records = list(records)
    contents = (
        (SEQUENCE_COLUMNS, sequence_rows(records)),
        (object_columns(records), object_rows(records)),
        (frame_columns(records), frame_rows(records)),
        (TIMING_COLUMNS, _timing_rows(records)),
    )
    for name, (columns, rows) in zip(TABLES, contents, strict=True):
        data = _csv_text(columns, rows).encode("utf-8")
        # mtime=0: the hour of writing must not change the bytes
        write_bytes(folder / name, gzip.compress(data, _LEVEL, mtime=0) if name.endswith(".gz") else data)


def _csv_text(columns: tuple[str, ...], rows: Iterable[RecordRow]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    values_of = itemgetter(*columns)
    # A spreadsheet computes a text that begins like a formula.
    writer.writerows(
        [escape_formula(value) if isinstance(value, str) else value for value in values_of(row)] for row in rows
    )
    return text.getvalue()


def sequence_rows(records: Iterable[SequenceRecord]) -> Iterator[RecordRow]:
    """Yield one row a sequence, with `SEQUENCE_COLUMNS`."""
    for record in records:
        yield {"sequence": record.name, **{column: getattr(record, column) for column in SEQUENCE_COLUMNS[1:]}}


def object_columns(records: Iterable[SequenceRecord]) -> tuple[str, ...]:
    """Return the columns of `object_rows`: `OBJECT_COLUMNS`, and what the protocol has besides."""
    extra = dict.fromkeys(name for record in records for scores in record.scores for name in scores.extra)
    absences = dict.fromkeys(ABSENCE_SCORES) if "F_dot" in extra else {}  # columns also where no object has one
    return (*OBJECT_COLUMNS, *(extra | absences))


def object_rows(records: Iterable[SequenceRecord]) -> Iterator[RecordRow]:
    """Yield one row an object that has scores, with `object_columns`."""
    records = list(records)
    empty: dict[str, None] = dict.fromkeys(object_columns(records))
    for record in records:
        for scores in record.scores:
            named = {"sequence": record.name, "object": scores.shown_name, "group": scores.group}
            yield {**empty, **named, **scores.statistics()}


def frame_columns(records: Iterable[SequenceRecord]) -> tuple[str, ...]:
    """Return the columns of `frame_rows`: `FRAME_COLUMNS`, and F_dot where the protocol has it."""
    dotted = any(scores.per_frame.F_dot for record in records for scores in record.scores)
    return (*FRAME_COLUMNS, "F_dot") if dotted else FRAME_COLUMNS


def frame_rows(records: Iterable[SequenceRecord]) -> Iterator[RecordRow]:
    """Yield one row an object and scored frame, with `frame_columns`."""
    records = list(records)
    for record in records:
        for scores in record.scores:
            each = scores.per_frame
            for frame, J, F, F_dot in zip_longest(each.frame, each.J, each.F, each.F_dot):
                yield {
                    "sequence": record.name,
                    "object": scores.shown_name,
                    "frame": frame,
                    "J": J,
                    "F": F,
                    "F_dot": F_dot,
                }


def _timing_rows(records: Iterable[SequenceRecord]) -> Iterator[RecordRow]:
    for record in records:
        times = record.timings
        repeat = times.repeat or (1,) * len(times.frame)  # a plain run leaves it out
        milliseconds = (times.decode_ms, times.stream_ms, times.model_ms, times.write_ms)
        for values in zip(times.frame, times.objects, times.phase, repeat, *milliseconds, strict=True):
            yield dict(zip(TIMING_COLUMNS, (record.name, *values), strict=True))
