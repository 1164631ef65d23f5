"""What `vos-bench report` does once its options are read: tables, figures and pages from records."""

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from vos_bench import registry
from vos_bench.api import ReportOptions
from vos_bench.commands.options import method_names, run_labels, sequence_names
from vos_bench.commands.output import say, show, shown_bars, warn, write_page
from vos_bench.errors import BadInputError
from vos_bench.plugins import ReportInfo, wrong_field
from vos_bench.records import Run, find_runs
from vos_bench.records.selection import of_methods, over_sequences, with_labels
from vos_bench.tables import Format, Orientation, Table, render

OUT = {"figure": "--out FILE.svg (or .png, .pdf, .webp)", "page": "--out FOLDER"}


def make_reports(
    table: str,
    runs: tuple[Path, ...] = (),
    *,
    format: Format | None = None,
    orientation: Orientation | None = None,
    out: Path | None = None,
    root: Path | None = None,
    methods: str | None = None,
    sequences: str | None = None,
    label: tuple[str, ...] = (),
    published: str | None = None,
    notes: bool = True,
) -> int:
    """Make what is asked for and return the exit code; see `vos_bench.commands.report` for the options."""
    infos = [registry.report(name) for name in table.split(",")]
    paths = runs or (Path("runs"),)
    found = _selected(infos, paths, bool(runs), methods, label)
    if len(infos) > 1:
        _require_printed(infos, out, format)
    any_published = any(info.published for info in infos)
    made = [
        _made_table(
            info,
            found[info.reads],
            paths,
            _taken("--root", root, info, infos),
            sequences,
            published if info.published or not any_published else None,
        )
        for info in infos
        if info.kind == "table"
    ]
    for place, each in enumerate(made):
        if place:
            say("")
        _write_table(each, format or "text", orientation, out, notes=notes)
    if made:
        return 0
    gc.enable()  # figures and pages make cycles, and many of them
    [info] = infos
    _refuse(info, **{"--no-notes": (not notes) or None})
    _refuse(info, **{"--format": format, "--orientation": orientation, "--published": published})
    if out is None:
        raise BadInputError(f"report {info.name}: found no --out, expected {OUT[info.kind]}")
    options = _options(info, found[info.reads], out, paths, root, sequences)
    for path in _files(info, registry.resolve(info.factory)(found[info.reads], options)):
        say(str(path))
    return 0


def _selected(
    infos: Sequence[ReportInfo], paths: Sequence[Path], named: bool, methods: str | None, label: tuple[str, ...]
) -> dict[str, Sequence[Run]]:
    """Return what reports read to the runs, each read once; `named` as `_find` has it."""
    selected: dict[str, Sequence[Run]] = {}
    for info in infos:
        if info.reads == "folders":
            _refuse(info, **{"--methods": methods, "--label": label or None})
        if info.reads not in selected:
            found = _find(info, paths, named=named)
            found = with_labels(found, run_labels(label)) if label else found
            selected[info.reads] = of_methods(found, method_names(methods)) if methods is not None else found
    return selected


def _taken(name: str, value: Path | None, info: ReportInfo, infos: Sequence[ReportInfo]) -> Path | None:
    """Return what an option says to one of several reports: nothing where it does not heed it and another one does."""
    return value if name in info.takes or not any(name in each.takes for each in infos) else None


def _require_printed(infos: Sequence[ReportInfo], out: Path | None, format: Format | None) -> None:
    """Refuse what can be done with one report alone. Raises BadInputError."""
    names = ",".join(info.name for info in infos)
    for info in infos:
        if info.kind != "table":
            raise BadInputError(f"report {names}: {info.name} is a {info.kind}; expected one report, or tables alone")
    if out is not None:
        raise BadInputError(f"report {names}: found --out {out}; several tables are printed, expected one to write")
    if format in ("csv", "json", "html"):
        raise BadInputError(f"report {names}: found --format {format}, which holds one table; expected one report")


def _made_table(
    info: ReportInfo,
    found: Sequence[Run],
    paths: tuple[Path, ...],
    root: Path | None,
    sequences: str | None,
    published: str | None,
) -> Table:
    options = _options(info, found, Path(), paths, root, sequences) if info.options else None
    if options is None:
        _refuse(info, **{"--root": root, "--sequences": None if "--sequences" in info.takes else sequences})
    if not info.published:
        _refuse(info, **{"--published": published})
    names = tuple(published.split(",")) if published else ()
    return _made(info, found, names, options) if options else _table_over(info, found, sequences, names)


def _options(
    info: ReportInfo, runs: Sequence[Run], out: Path, paths: tuple[Path, ...], root: Path | None, sequences: str | None
) -> ReportOptions:
    """Return what a report is told besides its runs, and say which options it does not heed."""
    for name, value in {"--root": root, "--sequences": sequences}.items():
        if value is not None and name not in info.takes:
            warn(f"note: {name} has no effect: the report {info.name} shows none of that")
    if root is not None and "--root" in info.takes and runs and not any(map(_has_folder, runs)):
        raise BadInputError(f"--root {root}: the package makes the data of these runs itself; leave --root out")
    chosen = sequence_names(sequences)
    return ReportOptions(out=out, paths=paths, root=root, sequences=chosen, progress=shown_bars())


def _table_over(info: ReportInfo, runs: Sequence[Run], wanted: str | None, published: Sequence[str]) -> Table:
    """Make a table, over chosen sequences where there are some; a note says so, and which runs have none of them."""
    sequences = sequence_names(wanted)
    if sequences is None:
        return _made(info, runs, published)
    chosen = over_sequences(runs, sequences)
    made = _made(info, chosen, published)
    kept = {run.folder for run in chosen}
    left_out = [f"Left out, without scores of these: {run.folder}." for run in runs if run.folder not in kept]
    return replace(made, notes=(f"Averaged over the sequences {', '.join(sequences)} alone.", *left_out, *made.notes))


def _find(info: ReportInfo, paths: Sequence[Path], *, named: bool) -> Sequence[Run]:
    """Read the runs; where the user `named` folders, one at least must be a run, for some tables need none."""
    if info.reads == "folders":
        return ()
    found = find_runs(paths)
    if named and not found.runs:
        raise BadInputError("\n".join(found.problems))
    for problem in found.problems:
        warn(problem)
    return found.runs


def _has_folder(run: Run) -> bool:
    """Say whether a run's data lie in a folder; so may those of a dataset that is not installed any more."""
    name = run.record.dataset.name
    return name not in registry.names("datasets") or registry.dataset(name).needs_root


def _refuse(info: ReportInfo, **options: object) -> None:
    for name, value in options.items():
        if value is not None:
            raise BadInputError(f"report {info.name} is a {info.kind} and takes no {name}")


def _made(
    info: ReportInfo, runs: Sequence[Run], published: Sequence[str], options: ReportOptions | None = None
) -> Table:
    build: Callable[..., object] = registry.resolve(info.factory)
    more = (options,) if options is not None else ()
    made = build(runs, *more, published=published) if info.published else build(runs, *more)
    if not isinstance(made, Table):
        raise BadInputError(f"report {info.name}: {info.factory} returned {type(made).__name__}, expected a Table")
    if not info.factory.startswith("vos_bench.") and (wrong := wrong_field(made)):
        raise BadInputError(f"report {info.name}: {info.factory} returned a Table whose {wrong}")
    return made


def _files(info: ReportInfo, made: object) -> Iterator[str | Path]:
    """Yield what a report says that it wrote. Raises BadInputError where that is no path."""
    for path in made if isinstance(made, Iterable) else (made,):
        if not isinstance(path, str | Path):
            raise BadInputError(f"report {info.name}: {info.factory} gave {type(path).__name__}, expected paths")
        yield path


def _write_table(
    made: Table, format: Format, orientation: Orientation | None, out: Path | None, *, notes: bool
) -> None:
    made = made if notes else made.without_notes()
    if out is None:
        show(made, format, orientation=orientation)
    else:
        write_page(out, render(made, format, orientation=orientation))
        say(str(out))
