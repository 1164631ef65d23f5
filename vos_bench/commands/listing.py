"""`vos-bench list`: what is installed, a line an entry, or a page about one."""

from collections.abc import Callable, Iterator
from typing import Literal, TypeVar

from vos_bench import registry
from vos_bench.commands.entry_page import say_entry
from vos_bench.commands.output import show, warn
from vos_bench.errors import BadInputError
from vos_bench.plugins import KnownSystem, MethodInfo, WeightsInfo
from vos_bench.tables import Column, Format, Table

ROWS = ("native", "adapter", "results-only, verified", "results-only", "published only")
NOTES = (
    "native: code of this package or of a plugin. adapter: the system as released, in an environment of its own "
    "(docs/external.md). results-only: label maps that its authors published can be scored (vos-bench import); "
    "verified: those have the published scores, frame by frame. published only: nothing but printed numbers.",
)
MORE = "vos-bench list {kind} {what} is a page about one; --format markdown, csv or json has all columns."
BRIEF: dict[str, tuple[str, ...]] = {
    "methods": ("name", "kind", "starts from", "parameters"),
    "datasets": ("name", "splits", "summary"),
    "recipes": ("method", "recipe", "summary"),
    "ablations": ("method", "scale", "table", "values", "trains"),
    "reports": ("name", "makes", "summary"),
    "loggers": ("name", "about", "summary"),
    "weights": ("method", "weights", "where", "licence"),
    "protocols": ("name", "headline", "official tool"),
}
"""The columns of text, a line an entry; the other formats have all."""
PROSE = ("splits", "summary", "licence", "values", "official tool")
DROPPED = {"starts from": 4, "parameters": 3, "where": 3, "trains": 3}
Listed = Literal["methods", "datasets", "recipes", "ablations", "reports", "loggers", "weights", "protocols"]
Info = TypeVar("Info")


def listing(kind: Listed, name: str | None = None, *, format: Format = "text") -> None:
    """List methods, datasets, recipes, ablations, reports, loggers, weights or protocols, or describe one of them.

    Args:
        kind: What to list.
        name: Print a page about this one instead: of recipes, ablations and weights, about those of this method.
        format: How to print the table.
    """
    if name is not None:
        if format != "text":
            raise BadInputError(f"--format {format}: a page about one entry is text; leave --format or {name} out")
        say_entry(kind, name)
        return
    rows = {
        "methods": _methods,
        "datasets": _datasets,
        "recipes": _recipes,
        "ablations": _ablations,
        "reports": _reports,
        "loggers": _loggers,
        "weights": _weights,
        "protocols": _protocols,
    }[kind]()
    if kind == "protocols" and format == "text":  # the name of the tool fits a line; its file and commit do not
        rows = [{**row, "official tool": row["official tool"].partition(",")[0]} for row in rows]
    shown = BRIEF[kind] if format == "text" else [name for name in rows[0] if name != "parameters"] if rows else ()
    columns = tuple(Column(name, prose="cut" if name in PROSE else "", drop=DROPPED.get(name)) for name in shown)
    notes = (
        *(NOTES if kind == "methods" else ()),
        *((MORE.format(kind=kind, what="METHOD" if "method" in BRIEF[kind] else "NAME"),) if format == "text" else ()),
    )
    show(Table(kind.capitalize(), columns, rows, notes), format)


def _loaded(family: registry.Family, load: Callable[[str], Info]) -> Iterator[Info]:
    """Yield the description of every plugin that loads, and name the others: one broken plugin hides no other."""
    for name in registry.names(family):
        try:
            yield load(name)
        except BadInputError as error:
            warn(str(error))


def _methods() -> list[dict[str, str]]:
    rows = [_method(info) for info in _loaded("methods", registry.method)]
    rows += [_system(system) for system in registry.known_systems(warn).values()]
    return sorted(rows, key=lambda row: (ROWS.index(row["kind"]), row["name"]))


def _method(info: MethodInfo) -> dict[str, str]:
    names: dict[str, list[str]] = {}
    for weights in info.weights:
        names.setdefault(_whereabouts(weights), []).append(weights.name)
    found = [f"{where}: {', '.join(those)}" for where, those in names.items()]
    licences = dict.fromkeys(weights.licence for weights in info.weights)
    return {
        "name": info.name,
        "kind": info.row,
        "starts from": ", ".join(sorted(info.prompts, reverse=True)),
        "weights": "; ".join(found) or "none needed",
        "parameters": ", ".join(dict.fromkeys(map(_short_whereabouts, info.weights))) or "none needed",
        "licence": info.licence,
        "licence of the weights": "; ".join(licences),
        "deviates from the original": "; ".join(info.deviations),
        "summary": info.summary,
    }


def _whereabouts(weights: WeightsInfo) -> str:
    if not weights.location:
        return "to be trained by a recipe"
    return "official, to download" if "://" in weights.location else "shipped"


def _short_whereabouts(weights: WeightsInfo) -> str:
    return {"shipped": "shipped", "official, to download": "to download"}.get(_whereabouts(weights), "to train")


def _system(system: KnownSystem) -> dict[str, str]:
    return {
        "name": system.name,
        "kind": system.row,
        "starts from": "",
        "weights": system.weights,
        "parameters": "",
        "licence": system.licence,
        "licence of the weights": system.weights_licence,
        "deviates from the original": system.note,
        "summary": system.summary,
    }


def _datasets() -> list[dict[str, str]]:
    return [
        {
            "name": info.name,
            "splits": ", ".join(info.splits),
            "licence": info.licence,
            "summary": info.summary,
            "source": info.source,
            "to cite": info.citation,
        }
        for info in _loaded("datasets", registry.dataset)
    ]


def _reports() -> list[dict[str, str]]:
    return [
        {"name": info.name, "makes": info.kind, "summary": info.summary} for info in _loaded("reports", registry.report)
    ]


def _loggers() -> list[dict[str, str]]:
    return [
        {"name": info.name, "about": ", ".join(info.about), "summary": info.summary}
        for info in _loaded("loggers", registry.logger)
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
        {
            "method": info.name,
            "weights": weights.name,
            "where": _short_whereabouts(weights),
            "licence": weights.licence,
            "location": weights.location,
            "sha256": weights.sha256 or "",
            "note": weights.note,
        }
        for info in _loaded("methods", registry.method)
        for weights in info.weights
    ]


def _protocols() -> list[dict[str, str]]:
    from vos_bench.metrics.protocols import PROTOCOLS  # here: other lists need no scoring

    pages = [dict(protocol.page) for protocol in PROTOCOLS.values()]
    columns = dict.fromkeys(name for page in pages for name in page)
    return [{name: page.get(name, "") for name in columns} for page in pages]
