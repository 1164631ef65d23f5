"""`vos-bench record`: scores that a server gave."""

import datetime
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from vos_bench.commands.options import named_number
from vos_bench.commands.output import say
from vos_bench.errors import BadInputError
from vos_bench.files.locks import FolderLock
from vos_bench.metrics.averages import GROUP_SCORES
from vos_bench.metrics.measures import MEASURES
from vos_bench.names import is_unicode
from vos_bench.records import ExternalScores, RunRecord, read_record, run_file, write_record
from vos_bench.records.summary import RUN_SCORES

MEANS = {"J&F": ("J", "F"), "G": GROUP_SCORES}
"""Scores that are means of others."""

ROUNDING = 0.001 + 1e-9
"""By how much the mean of scores with three digits, itself of three digits, may be off."""

MOST_SERVER = 200
"""The most characters of a server's name."""


def record(
    run: Path,
    *,
    external: Annotated[tuple[str, ...], Parameter(negative=(), consume_multiple=True)],
    server: str,
    date: str,
) -> None:
    """Add scores that a server gave to a run's record, marked as external; those of the same server and day go.

    Args:
        run: The run's folder.
        external: NAME=FRACTION for each score, as in G=0.815 J_seen=0.804; a server that prints 81.5 means 0.815.
        server: The server's name or address.
        date: The day of the submission, YYYY-MM-DD.
    """
    if not run_file(run).is_file():
        raise BadInputError(f"{run_file(run)}: there is no such file; expected the folder of a run")
    entry = ExternalScores(server=_server(server), date=_day(date), scores=_scores(external))
    with FolderLock(run, shard=None).held():
        before = read_record(RunRecord, run_file(run))
        others = tuple(each for each in before.external if (each.server, each.date) != (entry.server, entry.date))
        write_record(before.replace(external=(*others, entry)), run_file(run))
    scores = ", ".join(f"{name} {value:z.4f}" for name, value in entry.scores.items())
    say(f"{run}: {scores} (external: {entry.server}, {entry.date})")


def _server(text: str) -> str:
    if not text.strip():
        raise BadInputError("--server: found nothing, expected the server's name or address")
    if len(text.strip()) > MOST_SERVER or len(text.strip().splitlines()) > 1 or not is_unicode(text):
        raise BadInputError(f"--server {text!r:.100}: expected one line of at most {MOST_SERVER} characters")
    return text.strip()


def _day(text: str) -> str:
    try:
        return datetime.date.fromisoformat(text).isoformat()
    except ValueError:
        raise BadInputError(f"--date {text}: expected a day as YYYY-MM-DD, as in 2025-11-30") from None


def _scores(texts: tuple[str, ...]) -> dict[str, float]:
    scores: dict[str, float] = {}
    for name, value in (named_number("--external", text) for text in texts):
        if name not in RUN_SCORES:
            raise BadInputError(f"--external {name}: there is no score of this name; known: {', '.join(RUN_SCORES)}")
        if name in scores:
            raise BadInputError(f"--external {name}: named twice, expected each score once")
        if not MEASURES[name].lowest <= value <= MEASURES[name].highest:
            raise BadInputError(f"--external {name}={value:g}: expected a fraction from 0 to 1; 81.5 percent is 0.815")
        scores[name] = value
    for name, parts in MEANS.items():
        if name in scores and all(part in scores for part in parts):
            mean = sum(scores[part] for part in parts) / len(parts)
            if abs(scores[name] - mean) > ROUNDING:
                raise BadInputError(
                    f"--external {name}={scores[name]:g}: is not the mean of {', '.join(parts)}, which is {mean:.4f}; "
                    "look whether a score was typed in wrongly"
                )
    if not scores:
        raise BadInputError("--external: found no score, expected NAME=FRACTION, as in G=0.815")
    return scores
