"""Hostile records: refused by one message, or reported and compared without a fault."""

import gzip
import json
from pathlib import Path
from typing import Any

from hostile.command import call
from hostile.outcome import Refused, outcome
from hostile.plan import fuzz
from hostile.records import SEQUENCES, run_record, sequence_record
from hostile.texts import json_bytes
from hypothesis import strategies as st

from vos_bench import registry
from vos_bench.records import load_run
from vos_bench.tables.writers import FORMATS

TABLES = tuple(name for name in registry.names("reports") if registry.report(name).kind == "table")
DEFAULT = json.dumps(run_record()).encode(), json.dumps(sequence_record()).encode()


def write_run(folder: Path, run: bytes, first: bytes) -> Path:
    """Write a run of two sequences."""
    (folder / "sequences").mkdir(parents=True)
    (folder / "run.json").write_bytes(run)
    (folder / "sequences" / "one.json").write_bytes(first)
    (folder / "sequences" / "two.json").write_bytes(json.dumps(sequence_record("two", SEQUENCES["two"])).encode())
    return folder


@st.composite
def reports(draw: Any) -> tuple[Any, ...]:
    """What is done with a record: a table in some format, a page, or a comparison."""
    table = ("report", draw(st.sampled_from(TABLES)), "{run}", "--format", draw(st.sampled_from(FORMATS)))
    return draw(
        st.sampled_from(
            (
                table,
                table,
                table,
                ("report", "html", "{run}", "--out", "{out}/page"),
                ("compare", "{good}", "{run}", "--junit", "{out}/junit.xml", "--summary", "{out}/summary.md"),
                ("compare", "{run}", "{good}", "--json", "{out}/rows.json", "--tolerance", "J&F=0.001"),
                ("compare", "{good}", "{run}", "--tolerance", "spread"),
                ("compare", "--history", "{good}", "{run}"),
                ("record", "{run}", "--external", "G=0.8", "--server", "any", "--date", "2026-01-01"),
                ("package", "{run}", "--out", "{out}/server.zip"),
            )
        )
    )


@fuzz(
    "records",
    st.one_of(
        st.tuples(json_bytes(run_record()), st.just(DEFAULT[1])),
        st.tuples(st.just(DEFAULT[0]), json_bytes(sequence_record())),
    ),
    reports(),
)
def test_a_hostile_record_is_refused_or_reported(arena, files: tuple[bytes, bytes], command: tuple[str, ...]) -> None:
    folder = write_run(arena.inside / "run", *files)
    (folder / "frames.csv.gz").write_bytes(gzip.compress(bytes(1 << 20)))  # nobody reads it
    places = {"run": folder, "good": write_run(arena.inside / "good", *DEFAULT), "out": arena.inside}
    found = outcome(lambda: load_run(folder), folder)
    said = call(*(part.format(**places) for part in command))
    if isinstance(found, Refused) and command[0] in {"report", "compare"}:
        assert said.code == 2, said
    if files == DEFAULT and command[0] == "report":
        assert said.code == 0, said
