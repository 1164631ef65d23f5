"""Sends runs to a tracking server by an installed logger."""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from vos_bench import registry
from vos_bench.errors import BadInputError
from vos_bench.foreign_code import foreign_code
from vos_bench.plugins import LoggerInfo
from vos_bench.records import Run, find_runs
from vos_bench.records.logger import Logger


class LoggedRun(NamedTuple):
    """What became of one run.

    Attributes:
        folder: The run's folder.
        said: Where it lies now, or why it was left out; one line.
        left_out: Whether it was.
    """

    folder: Path
    said: str
    left_out: bool


def log_runs(paths: Iterable[Path], info: LoggerInfo, about: Mapping[str, str]) -> Iterator[LoggedRun]:
    """Send every complete and scored run at or below `paths`, one after the other.

    Args:
        paths: Folders that hold runs.
        info: The logger.
        about: What it is told besides.

    Yields:
        Each run as soon as it is sent or left out.

    Raises:
        BadInputError: A record is damaged, no run can be logged, or the logger fails. Runs that were yielded are sent.
    """
    found = find_runs(paths)
    if found.problems:
        raise BadInputError("\n".join(found.problems))
    left_out = [LoggedRun(run.folder, reason, True) for run in found.runs if (reason := _reason(run))]
    if len(left_out) == len(found.runs):
        said = [f"{each.folder}: {each.said}; found no run to log" for each in left_out]
        raise BadInputError("\n".join(said))
    yield from left_out
    logger = _logger(info, about)
    for run in found.runs:
        if not _reason(run):
            yield LoggedRun(run.folder, _sent(logger, info, run), False)


def _reason(run: Run) -> str:
    """Return why a run is not logged; empty where it is."""
    record = run.record
    if record.status != "complete":
        return f"{'is incomplete' if record.status == 'started' else 'has failed sequences'}, and was not logged"
    return "" if run.scores else "has no scores, and was not logged"


def _logger(info: LoggerInfo, about: Mapping[str, str]) -> Logger:
    factory = registry.resolve(info.factory)
    with foreign_code(partial(_fault, info)):
        made: object = factory(about)
    if not isinstance(made, Logger):
        raise BadInputError(f"logger {info.name}: {info.factory} made {type(made).__name__}, expected a Logger")
    return made


def _sent(logger: Logger, info: LoggerInfo, run: Run) -> str:
    with foreign_code(lambda said: _fault(info, f"{run.folder}: {said}")):
        place: object = logger.log(run)
    if not isinstance(place, str):
        raise BadInputError(f"logger {info.name}: {info.factory} returned {type(place).__name__}, expected a text")
    return " ".join(place.split())


def _fault(info: LoggerInfo, said: str) -> BadInputError:
    return BadInputError(f"logger {info.name}: its plugin {info.factory} fails: {said}")
