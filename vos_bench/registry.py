"""Finds methods, datasets, reports and loggers by name through entry points, without importing what it does not use.

To list what is installed must be quick: what opens a dataset or runs a user's file is imported where that is done.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache, partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

from vos_bench.errors import BadInputError
from vos_bench.foreign_code import FILE_MODULE, foreign_code
from vos_bench.names import TITLE_RULE, did_you_mean, is_file_name, is_title
from vos_bench.plugins import DatasetInfo, KnownSystem, LoggerInfo, MethodInfo, ReportInfo, wrong_field

if TYPE_CHECKING:
    from vos_bench.api import Dataset, Sequence

Family = Literal["methods", "datasets", "reports", "loggers"]
EntryPointGroup = Literal[Family, "systems"]
Info = TypeVar("Info", MethodInfo, DatasetInfo, ReportInfo, LoggerInfo)


def names(family: Family) -> tuple[str, ...]:
    """Return the registered names of one family of plugins, sorted; nothing is imported."""
    return tuple(sorted(_entry_points(family)))


def method(name: str) -> MethodInfo:
    """Return a method's description; `name` may also be `FILE.py:CLASS`, a class that is not installed.

    Raises:
        BadInputError: There is no such method, or its plugin cannot be loaded.
    """
    path, separator, class_name = name.rpartition(":")
    if separator and path.endswith(".py"):
        return _method_from_file(Path(path), class_name)
    return _load("methods", name, MethodInfo)


def command_method() -> MethodInfo:
    """Return the method that runs a program which the user names. Raises BadInputError where none is installed."""
    return _first_method(lambda info: info.runs_command, "that runs a command of yours")


def default_method() -> MethodInfo:
    """Return the method to take where the user names none. Raises BadInputError where none is installed."""
    return _first_method(lambda info: info.default, "to take by default")


def _first_method(wanted: Callable[[MethodInfo], bool], which: str) -> MethodInfo:
    for name in names("methods"):
        with suppress(BadInputError):  # a broken plugin of another name
            if wanted(info := method(name)):
                return info
    raise BadInputError(f"found no method {which}; install vos-bench again")


def require_title(option: str, text: str, own: str) -> None:
    """Check what tables are to call a method, whose own name is `own`.

    Raises:
        BadInputError: It is no single short line, or the name of another method.
    """
    if not is_title(text):
        raise BadInputError(f"{option} {text!r:.200}: {TITLE_RULE}")
    taken = {name.casefold(): name for name in names("methods")}
    if (other := taken.get(text.casefold())) is not None and other != own:
        raise BadInputError(
            f"{option} {text}: is the name of another method, and this is a run of {own}; expected a name of its own"
        )


def dataset(name: str) -> DatasetInfo:
    """Return a dataset's description. Raises BadInputError as `method` does."""
    return _load("datasets", name, DatasetInfo)


def open_frames(folder: Path) -> Sequence:
    """Open a folder of frames that belongs to no dataset.

    Raises:
        BadInputError: It holds no frames, or some that are unclear; or nothing is installed that opens such a folder.
    """
    for name in names("datasets"):
        with suppress(BadInputError):  # a broken plugin of another name
            if factory := dataset(name).frames_folder:
                break
    else:
        raise BadInputError("found no dataset that opens a folder of frames; install vos-bench again")
    open_folder = resolve(factory)
    with foreign_code(lambda said: BadInputError(f"{folder}: the plugin {factory} fails: {said}")):
        opened: Sequence = open_folder(folder)
    return opened


def open_own_videos(root: Path) -> Dataset:
    """Open a folder of one's own videos and label maps: by the dataset that also opens folders of frames alone.

    Raises:
        BadInputError: As `open_dataset`; or no such dataset is installed.
    """
    for name in names("datasets"):
        with suppress(BadInputError):  # a broken plugin of another name
            if dataset(name).frames_folder:
                break
    else:
        raise BadInputError("found no dataset that opens a folder of videos; install vos-bench again")
    return open_dataset(name, root=root)


def dataset_has_server(name: str) -> bool:
    """Say whether a server takes label maps of a dataset; so it may be of one that is not installed any more."""
    return dataset(name).has_server if name in names("datasets") else True


def open_dataset(name: str, *, root: Path | None = None, split: str | None = None) -> Dataset:
    """Open one split of a dataset; where `root` is None it is found as `vos_bench.config.find_data_root` says.

    Raises:
        BadInputError: There is no such dataset, split or root, or the root does not hold what it should.
    """
    from vos_bench.files.places import cache_folder

    info = dataset(name)
    _require_split(info, split)
    if root is not None and not info.needs_root and not root.resolve().is_relative_to(cache_folder().resolve()):
        raise BadInputError(
            f"--root {root}: {name} has no folder of its own data\n"
            "  the package makes it in its cache (VOS_BENCH_CACHE names another)\n"
            "  leave --root out, or choose the dataset that lies there, such as folder"
        )
    base = _data_root(info, name, root)
    if base != Path():
        base = base.absolute()  # a method may go to another folder
    factory = resolve(info.factory)
    with foreign_code(lambda said: BadInputError(f"dataset {name}: its plugin {info.factory} fails: {said}")):
        return _sound_dataset(factory(base, split=split or info.splits[0]))


def _data_root(info: DatasetInfo, name: str, root: Path | None) -> Path:
    if root is None and info.needs_root:
        from vos_bench.config import find_data_root  # here, since it loads pydantic

        return find_data_root(name, None, info.folders)
    from vos_bench.files.places import expanded

    return expanded(root or Path())


def open_truth(name: str, truth: Path, *, split: str | None = None) -> Dataset | None:
    """Open a tree of truth in a dataset's own layout, without frames; None where the dataset has no such layout.

    Raises:
        BadInputError: There is no such dataset or split, or the tree does not hold what it should.
    """
    info = dataset(name)
    if not info.own_truth:
        return None
    _require_split(info, split)
    factory = resolve(info.factory)
    with foreign_code(lambda said: BadInputError(f"dataset {name}: its plugin {info.factory} fails: {said}")):
        return _sound_dataset(factory(truth.absolute(), split=split or info.splits[0], truth_alone=True))


def _sound_dataset(opened: object) -> Dataset:
    """Return what a plugin opened, after a look at what all that run it rely on.

    Raises:
        BadInputError: It is no dataset, or its sequences have no names, or one of them twice.
    """
    from vos_bench.api import Dataset

    if not isinstance(opened, Dataset):
        raise BadInputError(f"found {type(opened).__name__}, expected a vos_bench.api.Dataset")
    names: object = opened.sequence_names
    if not isinstance(names, tuple) or not all(isinstance(name, str) for name in names):
        raise BadInputError(f"its sequence_names are {names!r:.100}, expected a tuple of names")
    if len(names) > len({*names}):
        twice = next(name for name in names if names.count(name) > 1)
        raise BadInputError(f"its sequence_names have {twice!r:.100} twice, expected each once")
    if wrong := [name for name in names if not is_file_name(name)]:
        raise BadInputError(f"its sequence_names have {wrong[0]!r:.100}, which cannot be the name of a folder")
    return opened


def _require_split(info: DatasetInfo, split: str | None) -> None:
    if split is not None and split not in info.splits:
        meant = did_you_mean(split, info.splits, otherwise="choose one of these")
        raise BadInputError(f"{info.name}: there is no split {split!r}; known: {', '.join(info.splits)}; {meant}")


def report(name: str) -> ReportInfo:
    """Return a report's description. Raises BadInputError as `method` does."""
    return _load("reports", name, ReportInfo)


def logger(name: str) -> LoggerInfo:
    """Return a logger's description. Raises BadInputError as `method` does."""
    return _load("loggers", name, LoggerInfo)


def known_systems(passed_over: Callable[[str], None] | None = None) -> dict[str, KnownSystem]:
    """Return the systems of the field that do not run here, by name, sorted.

    Args:
        passed_over: Hears of a plugin that cannot be loaded or lists no systems; None to raise.

    Raises:
        BadInputError: A plugin that lists some cannot be loaded.
    """
    found: list[KnownSystem] = []
    for name, point in _entry_points("systems").items():
        try:
            found += _listed_systems(name, point)
        except BadInputError as error:
            if passed_over is None:
                raise
            passed_over(str(error))
    return {system.name: system for system in sorted(found, key=lambda system: system.name)}


def _listed_systems(name: str, point: EntryPoint) -> list[KnownSystem]:
    listed = _loaded("system", name, point)
    with foreign_code(partial(_unlisted, point.value)):
        return [*_systems(listed(), point.value)]


def _systems(listed: Iterable[object], place: str) -> Iterator[KnownSystem]:
    for each in listed:
        if not isinstance(each, KnownSystem):
            raise BadInputError(f"{place}: lists {type(each).__name__}, expected a KnownSystem")
        _require_fields(each, place)
        yield each


def _unlisted(value: str, said: str) -> BadInputError:
    return BadInputError(f"{value}: fails to list systems: {said}")


def resolve(reference: str) -> Any:
    """Import what `module:attribute` or `FILE.py:CLASS` names. Raises BadInputError where it cannot be had."""
    module_name, _, attribute = reference.rpartition(":")
    module = _module_from_file(Path(module_name)) if module_name.endswith(".py") else _import(module_name)
    with foreign_code(lambda said: BadInputError(f"{module_name}: {attribute} cannot be had: {said}")):
        try:
            return getattr(module, attribute)
        except AttributeError:
            raise BadInputError(f"{module_name}: there is no {attribute!r} in it") from None


def foreign_packages() -> Mapping[str, str]:
    """Return the top packages of all plugins but those of vos-bench itself, each with its distribution's name."""
    groups: tuple[EntryPointGroup, ...] = get_args(EntryPointGroup)
    points = (point for group in groups for several in _found(tuple(sys.path))[group].values() for point in several)
    found = {_top(point.value): _distribution(point) for point in points} | _factories
    return {package: name for package, name in found.items() if package != "vos_bench"}


_factories: dict[str, str] = {}
"""The top packages of what plugins that were loaded name as their code, which may be others than the plugins' own."""


def _top(reference: str) -> str:
    """Return the top package of a `module:attribute` reference."""
    return reference.partition(":")[0].partition(".")[0]


def _entry_points(family: EntryPointGroup) -> Mapping[str, EntryPoint]:
    """Return the plugins of a family by name; of those that share a name the first, which `_load` refuses."""
    return {name: several[0] for name, several in _found(tuple(sys.path))[family].items()}


@cache
def _found(path: tuple[str, ...]) -> Mapping[EntryPointGroup, Mapping[str, tuple[EntryPoint, ...]]]:
    """Read what is installed, once for each search path: every look opens a file of every package there is."""
    del path
    installed = entry_points()
    groups: tuple[EntryPointGroup, ...] = get_args(EntryPointGroup)
    found: dict[EntryPointGroup, dict[str, tuple[EntryPoint, ...]]] = {family: {} for family in groups}
    for family, by_name in found.items():
        for each in installed.select(group=f"vos_bench.{family}"):
            by_name[each.name] = (*by_name.get(each.name, ()), each)
    return found


def _load(family: Family, name: str, wanted: type[Info]) -> Info:
    several = _found(tuple(sys.path))[family]
    if name in several and not is_file_name(name):
        raise BadInputError(f"{name!r:.100}: cannot be the name of a plugin, for it becomes that of a folder")
    if name not in several:
        raise BadInputError(_unknown(family, name, tuple(several)))
    point, what = several[name][0], family.removesuffix("s")
    if len(several[name]) > 1:
        both = " and ".join(f"{_distribution(each)} ({each.value})" for each in several[name])
        raise BadInputError(f"{what} {name}: found it in {both}, expected one of this name; uninstall or rename one")
    info = _loaded(what, name, point)
    if not isinstance(info, wanted):
        raise BadInputError(f"{point.value}: found {type(info).__name__}, expected a {wanted.__name__}")
    if info.name != name:  # which also keeps what a plugin calls itself out of paths
        raise BadInputError(f"{point.value}: says that its name is {info.name!r:.100}, expected {name} as it is listed")
    _require_fields(info, point.value)
    if isinstance(info, MethodInfo | DatasetInfo | ReportInfo | LoggerInfo):
        _factories.setdefault(_top(info.factory), _distribution(point))
    return info


def _require_fields(described: object, place: str) -> None:
    """Check that what a plugin of others says of itself has the types that all readers of it expect."""
    if _top(place) == "vos_bench":
        return
    with foreign_code(partial(_undescribed, place)):
        if wrong := wrong_field(described):
            raise _undescribed(place, wrong)


def _undescribed(place: str, said: str) -> BadInputError:
    return BadInputError(f"{place}: describes itself wrongly: {said}; mend it or remove it")


def _distribution(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else "an unknown distribution"


def _loaded(what: str, name: str, point: EntryPoint) -> Any:
    with foreign_code(lambda said: BadInputError(f"{what} {name}: its plugin {point.value} fails to load: {said}")):
        return point.load()


def _unknown(family: Family, name: str, known: tuple[str, ...]) -> str:
    hint = did_you_mean(name, sorted(known))
    return f"there is no {family.removesuffix('s')} {name!r}; {hint} (vos-bench list {family})"


def _import(module_name: str) -> Any:
    with foreign_code(lambda said: BadInputError(f"{module_name}: cannot be imported: {said}")):
        return importlib.import_module(module_name)


def _module_from_file(path: Path) -> Any:
    from vos_bench.files.code import watch

    if not path.is_file():
        raise BadInputError(f"{path}: there is no such file; expected FILE.py:CLASS")
    spec = importlib.util.spec_from_file_location(f"{FILE_MODULE}{path.stem}", path)
    if spec is None or spec.loader is None:
        raise BadInputError(f"{path}: found no Python module; expected FILE.py:CLASS")
    module = importlib.util.module_from_spec(spec)
    watch(path)
    sys.modules[spec.name] = module  # where dataclasses and pydantic look up what an annotation means
    with foreign_code(lambda said: BadInputError(f"{path}: cannot be imported: {said}; mend it (--debug shows where)")):
        spec.loader.exec_module(module)
    return module


def _method_from_file(path: Path, class_name: str) -> MethodInfo:
    from vos_bench.api import Method, SequenceMethod

    factory = f"{path.resolve()}:{class_name}"
    found = resolve(factory)
    if not (inspect.isclass(found) and issubclass(found, (Method, SequenceMethod))):
        raise BadInputError(f"{path}: {class_name} is no subclass of vos_bench.api.Method or SequenceMethod")
    return MethodInfo(
        name=class_name,
        summary=(inspect.getdoc(found) or "").partition("\n")[0],
        factory=factory,
        licence="unknown",
        prompts=frozenset({"mask", "box"}),
    )
