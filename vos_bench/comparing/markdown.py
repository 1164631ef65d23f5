"""A comparison as a page of Markdown: what got better or worse, overall and by sequence."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from vos_bench.comparing.comparison import OVERALL, Comparison, ComparisonRow, FailOn, Verdict
from vos_bench.errors import VosBenchError, one_line
from vos_bench.names import counted, printable
from vos_bench.tables import Column, Table, plain_markdown, render

if TYPE_CHECKING:
    from vos_bench.comparing.thumbnails import Picture

_COLUMNS = (
    Column("of"),
    Column("score"),
    Column("baseline", digits=4, drop=12),
    Column("run", digits=4),
    Column("change", digits=4, drop=1),
    Column("verdict", prose="wrapped", drop=0, narrowest=14),
    Column("note", prose="wrapped", drop=0),
)


def comparison_table(rows: Iterable[ComparisonRow], title: str, *, notes_below: bool = False) -> Table:
    """Return rows of a comparison as a table, with their notes in a column, or numbered below it."""
    cells = [
        {
            "of": row.subject,
            "score": row.score,
            "baseline": row.baseline,
            "run": row.candidate,
            "change": _gain(row),
            "verdict": row.verdict.value,
            "note": row.note,
            "notes": (row.note,) if row.note else (),
        }
        for row in rows
    ]
    if notes_below:
        return Table(title, _COLUMNS[:-1], cells, footnotes="notes")
    columns = _COLUMNS if any(cell["note"] for cell in cells) else _COLUMNS[:-1]
    return Table(title, columns, cells)


def _gain(row: ComparisonRow) -> float | None:
    return None if row.baseline is None or row.candidate is None else row.candidate - row.baseline


def worst_first(comparison: Comparison) -> list[ComparisonRow]:
    """Return the sequences that are not the same, what fails first and then what fell most."""
    rows = [row for row in comparison.rows if row.subject != OVERALL and row.verdict is not Verdict.SAME]
    return sorted(rows, key=lambda row: (row.verdict is not Verdict.NEWLY_FAILING, _gain(row) or 0.0))


def refusal_markdown(error: VosBenchError) -> str:
    """Return the page of a comparison that could not be made."""
    return printable(f"## Comparison: not made\n\n{plain_markdown(one_line(str(error)))}\n")


def comparison_markdown(
    comparison: Comparison,
    *,
    fail_on: FailOn = "worse",
    pictures: Mapping[str, Sequence["Picture"]] | None = None,
    licence: str = "",
) -> str:
    """Return the page; `pictures` shows sequences' worst frames, and `licence` is that of these frames."""
    failing = comparison.failing(fail_on)
    overall = [row for row in comparison.rows if row.subject == OVERALL]
    moved = worst_first(comparison)
    counts = {
        verdict: sum(row.verdict is verdict and row.subject != OVERALL for row in comparison.rows)
        for verdict in Verdict
    }
    verdict = f"failed, {counted(len(failing), 'finding')}" if failing else "passed"
    sequences = ", ".join(f"{count} {each.value}" for each, count in counts.items() if count)
    parts = [
        f"## {plain_markdown(comparison.heading)}: {verdict}",
        render(comparison_table(overall, "Overall"), "markdown"),
        f"Sequences: {sequences or 'none'}.",
    ]
    if moved:
        parts.append(render(comparison_table(moved, "Sequences that moved"), "markdown"))
    parts += [_gallery(name, each) for name, each in (pictures or {}).items() if each]
    if pictures and any(pictures.values()):
        parts.append(
            f"Frames: {plain_markdown(comparison.candidate.record.dataset.name)}, licence: {licence or 'not stated'}."
        )
    if comparison.change is not None:
        parts.append(f"{plain_markdown(str(comparison.change))}.")
    return printable("\n\n".join(part.strip("\n") for part in parts) + "\n")


def _gallery(name: str, found: Sequence["Picture"]) -> str:
    return f"### {plain_markdown(name)}\n\n" + "\n".join(
        f"{picture.markdown} {picture.title.rpartition(': ')[2]}" for picture in found
    )
