"""A page of text about one method, system, dataset, report, logger or protocol: all that is said of it."""

import shutil
import textwrap
from collections.abc import Iterable, Iterator

from vos_bench import registry
from vos_bench.commands.output import PIPE, say
from vos_bench.errors import BadInputError
from vos_bench.names import did_you_mean
from vos_bench.plugins import KnownSystem, MethodInfo, WeightsInfo

Fact = tuple[str, str | tuple[str, ...]]
"""What a line is about, and what it says; several sayings are a list."""


def say_entry(kind: str, name: str) -> None:
    """Print the page about one entry of `vos-bench list`; of recipes, ablations and weights, those of one method.

    Raises:
        BadInputError: There is none of that name, or its plugin cannot be loaded.
    """
    pages = {
        "datasets": _dataset_facts,
        "reports": _report_facts,
        "loggers": _logger_facts,
        "protocols": _protocol_facts,
    }
    facts = pages.get(kind, _method_facts)(name)
    wanted = kind if kind in {"recipes", "ablations", "weights"} else ""
    for about, said in facts:
        if wanted and about not in {"name", wanted}:
            continue
        for line in _set(about, said):
            say(line)


def _method_facts(name: str) -> Iterator[Fact]:
    systems = registry.known_systems()
    if name in systems and name not in registry.names("methods"):
        return _about_system(systems[name])
    _require(name, (*registry.names("methods"), *systems), "method")
    return _about_method(registry.method(name))


def _protocol_facts(name: str) -> Iterator[Fact]:
    from vos_bench.metrics.protocols import PROTOCOLS  # here: other pages need no scoring

    _require(name, tuple(PROTOCOLS), "protocol")
    yield from PROTOCOLS[name].page.items()
    yield "assumed", PROTOCOLS[name].assumed
    yield "to score by it", f"vos-bench score MASKS --dataset DATASET --root DIR --protocol {name}"


def _require(name: str, known: tuple[str, ...], what: str) -> None:
    if name not in known and ".py:" not in name:
        meant = did_you_mean(name, known, otherwise=f"vos-bench list {what}s has all")
        raise BadInputError(f"there is no {what} {name!r}; {meant}")


def _about_method(info: MethodInfo) -> Iterator[Fact]:
    yield "name", info.name
    yield "", info.summary
    yield "kind", info.row
    yield "starts from", ", ".join(sorted(info.prompts, reverse=True))
    yield "follows", info.reference
    yield "licence", info.licence
    yield "deviates from the original", info.deviations
    yield "to install", info.install
    yield "weights", tuple(_weights(info.weights))
    yield "recipes", tuple(f"{each.name}: {each.summary}" for each in info.recipes)
    yield "ablations", tuple(f"{each.scale}: {each.summary}" for each in info.ablations)
    yield "to run", _run_command(info)


def _weights(all_weights: Iterable[WeightsInfo]) -> Iterator[str]:
    for each in all_weights:
        yield "\n".join(
            text
            for text in (
                each.name,
                each.location or "to be trained by a recipe",
                f"sha256 {each.sha256}" if each.sha256 else "",
                f"licence: {each.licence}" if each.licence else "",
                each.note,
            )
            if text
        )


def _run_command(info: MethodInfo) -> str:
    shipped = not info.weights or (info.weights[0].location and "://" not in info.weights[0].location)
    command = f"vos-bench run {info.name} --dataset demo"
    command += ' --set command="…"' if info.runs_command else ""
    return command if shipped else f"{command} --weights FILE"


def _about_system(system: KnownSystem) -> Iterator[Fact]:
    yield "name", system.name
    yield "", system.summary
    yield "kind", system.row
    yield "follows", system.reference
    yield "licence", system.licence
    yield "weights", f"{system.weights}; licence: {system.weights_licence}"
    yield "released label maps", system.masks
    yield "verified on", system.verified
    yield "note", system.note
    if system.masks:
        yield "to score them", f"vos-bench import MASKS --method {system.name} --dataset DATASET --root DIR"


def _dataset_facts(name: str) -> Iterator[Fact]:
    _require(name, registry.names("datasets"), "dataset")
    info = registry.dataset(name)
    yield "name", info.name
    yield "", info.summary
    yield "splits", ", ".join(info.splits)
    yield "licence", info.licence
    yield "offered at", info.source
    yield "to cite", info.citation
    yield "server", "vos-bench package writes the zip that it takes" if info.has_server else ""
    yield "to fetch", f"vos-bench fetch {info.name} --root DIR" if info.download else ""
    if info.truth_alone:
        yield "to score label maps", f"vos-bench score MASKS --dataset {info.name} --truth DIR"
        return
    root = " --root DIR" if info.needs_root else ""
    yield "to look for mistakes", f"vos-bench check {info.name}{root}"
    yield "to run on it", f"vos-bench run {registry.default_method().name} --dataset {info.name}{root}"


def _report_facts(name: str) -> Iterator[Fact]:
    _require(name, registry.names("reports"), "report")
    info = registry.report(name)
    yield "name", info.name
    yield "", info.summary
    yield "makes", f"a {info.kind}"
    out = "" if info.kind == "table" else " --out FOLDER" if info.kind == "page" else " --out FILE.svg"
    yield "to make it", f"vos-bench report {info.name} RUN…{out}"


def _logger_facts(name: str) -> Iterator[Fact]:
    _require(name, registry.names("loggers"), "logger")
    info = registry.logger(name)
    yield "name", info.name
    yield "", info.summary
    yield "--about takes", ", ".join(info.about)
    yield "to log runs", f"vos-bench log RUN… --to {info.name}"


def _set(about: str, said: str | tuple[str, ...]) -> Iterator[str]:
    """Yield the lines of one fact: names, addresses and checksums are never broken."""
    width = shutil.get_terminal_size(PIPE).columns
    if about == "name" or not said:
        yield from [str(said)] if said else []
        return
    yield ""
    if about:
        yield f"{about}:"
    if about.startswith("to ") and isinstance(said, str):
        yield f"  {said}"  # a command, to be copied
        return
    for entry in (said,) if isinstance(said, str) else said:
        first = "  " if isinstance(said, str) else "  - "
        for line in entry.splitlines():
            yield from textwrap.wrap(
                line,
                width,
                initial_indent=first,
                subsequent_indent=" " * len(first),
                break_long_words=False,
                break_on_hyphens=False,
            )
            first = " " * len(first)
