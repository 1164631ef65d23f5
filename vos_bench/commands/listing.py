"""`vos-bench list`: what is installed."""

from collections.abc import Callable, Iterator
from typing import Literal, TypeVar

from vos_bench import registry
from vos_bench.commands.output import show, warn
from vos_bench.errors import BadInputError
from vos_bench.tables import Column, Format, Table

Kind = Literal["methods", "datasets", "recipes", "ablations", "reports", "weights"]
Info = TypeVar("Info")


def listing(kind: Kind, *, format: Format = "text") -> None:
    """List methods, datasets, recipes, ablations, reports or weights.

    Args:
        kind: What to list.
        format: How to print the table.
    """
    rows = {
        "methods": _methods,
        "datasets": _datasets,
        "recipes": _recipes,
        "ablations": _ablations,
        "reports": _reports,
        "weights": _weights,
    }[kind]()
    columns = tuple(Column(str(name)) for name in rows[0]) if rows else ()
    show(Table(kind.capitalize(), columns, rows), format)


def _loaded(kind: registry.Kind, load: Callable[[str], Info]) -> Iterator[Info]:
    """Yield the description of every plugin that loads, and name the others: one broken plugin hides no other."""
    for name in registry.names(kind):
        try:
            yield load(name)
        except BadInputError as error:
            warn(str(error))


def _methods() -> list[dict[str, str]]:
    return [
        {
            "name": info.name,
            "starts from": ", ".join(sorted(info.prompts, reverse=True)),
            "weights": ", ".join(weights.name for weights in info.weights) or "none needed",
            "licence": info.licence,
            "summary": info.summary,
        }
        for info in _loaded("methods", registry.method)
    ]


def _datasets() -> list[dict[str, str]]:
    return [
        {"name": info.name, "splits": ", ".join(info.splits), "licence": info.licence, "summary": info.summary}
        for info in _loaded("datasets", registry.dataset)
    ]


def _reports() -> list[dict[str, str]]:
    return [
        {"name": info.name, "makes": info.kind, "summary": info.summary} for info in _loaded("reports", registry.report)
    ]


def _recipes() -> list[dict[str, str]]:
    return [
        {"method": info.name, "recipe": recipe.name, "summary": recipe.summary}
        for info in _loaded("methods", registry.method)
        for recipe in info.recipes
    ]


def _ablations() -> list[dict[str, str]]:
    plans = []
    for info in _loaded("methods", registry.method):
        for each in info.ablations:
            try:
                plans.append((info.name, each.scale, registry.resolve(each.factory)))
            except BadInputError as error:
                warn(str(error))
    return [
        {
            "method": method,
            "scale": scale,
            "table": axis.name,
            "values": ", ".join(variant.value for variant in axis.variants),
            "trains": "yes" if any(variant.training for variant in axis.variants) else "no",
            "summary": axis.summary,
        }
        for method, scale, plan in plans
        for axis in plan.axes
    ]


def _weights() -> list[dict[str, str]]:
    return [
        {"method": info.name, "weights": weights.name, "licence": weights.licence, "note": weights.note}
        for info in _loaded("methods", registry.method)
        for weights in info.weights
    ]
