"""`vos-bench list`: what is installed."""

from typing import Literal

import pandas as pd

from vos_bench import registry
from vos_bench.commands.output import show
from vos_bench.tables import Column, Format, Table

Kind = Literal["methods", "datasets", "reports", "weights"]


def listing(kind: Kind, *, format: Format = "text") -> None:
    """List methods, datasets, reports or weights.

    Args:
        kind: What to list.
        format: How to print the table.
    """
    rows = {"methods": _methods, "datasets": _datasets, "reports": _reports, "weights": _weights}[kind]()
    columns = tuple(Column(str(name)) for name in rows[0]) if rows else ()
    show(Table(kind.capitalize(), columns, pd.DataFrame(rows)), format)


def _methods() -> list[dict[str, str]]:
    return [
        {
            "name": name,
            "starts from": ", ".join(sorted(info.prompts, reverse=True)),
            "weights": ", ".join(weights.name for weights in info.weights) or "none needed",
            "licence": info.licence,
            "summary": info.summary,
        }
        for name in registry.names("methods")
        if (info := registry.method(name))
    ]


def _datasets() -> list[dict[str, str]]:
    return [
        {"name": name, "splits": ", ".join(info.splits), "licence": info.licence, "summary": info.summary}
        for name in registry.names("datasets")
        if (info := registry.dataset(name))
    ]


def _reports() -> list[dict[str, str]]:
    return [
        {"name": name, "summary": info.summary} for name in registry.names("reports") if (info := registry.report(name))
    ]


def _weights() -> list[dict[str, str]]:
    return [
        {"method": name, "weights": weights.name, "licence": weights.licence, "note": weights.note}
        for name in registry.names("methods")
        for weights in registry.method(name).weights
    ]
