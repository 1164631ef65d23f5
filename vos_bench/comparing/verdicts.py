"""Two runs -> verdicts: what got better, what got worse, and what cannot be compared at all."""

import math
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from itertools import islice

from vos_bench.comparing.comparison import OVERALL, ComparisonRow, Verdict
from vos_bench.errors import BadInputError, NotComparableError
from vos_bench.metrics.measures import measure
from vos_bench.metrics.protocols import scoring_protocol
from vos_bench.names import shorten
from vos_bench.records import Run, RunRecord, SequenceRecord
from vos_bench.records.summary import run_scores, sequence_score

DEFAULT_TOLERANCE = 0.001
"""A tenth of a percent point for a score; for FPS, which is relative, see `DEFAULT_FPS_TOLERANCE`."""

DEFAULT_FPS_TOLERANCE = 0.05
"""FPS may differ by this share of the baseline."""


def with_sequences(run: Run, names: Collection[str]) -> Run:
    """Return a run with these sequences alone; its FPS, which is of all of them, is left out.

    Raises:
        BadInputError: It has none of that name, or scores of tracks, which are of all its sequences together.
    """
    if unknown := [name for name in names if name not in run.sequence_records]:
        raise BadInputError(
            f"--sequences {', '.join(unknown)}: not in {run.folder}; known: {shorten(run.sequence_records) or 'none'}"
        )
    if scoring_protocol(run.record.protocol.name).tracks and set(names) != set(run.sequence_records):
        raise BadInputError(
            f"--sequences {', '.join(names)}: {run.folder} has scores of tracks, which are of all sequences together; "
            "score these alone and compare that, or leave --sequences out"
        )
    return replace(
        run,
        record=run.record.replace(timing=None),
        sequence_records={name: run.sequence_records[name] for name in names},
    )


def judge(
    baseline: Run,
    candidate: Run,
    *,
    tolerances: Mapping[str, float] | None = None,
    by_sequence: Mapping[str, float] | None = None,
    otherwise: float = DEFAULT_TOLERANCE,
    judging: Collection[str] = (),
    sequence_gate: float | None = None,
) -> tuple[ComparisonRow, ...]:
    """Judge `candidate` against `baseline`: the overall scores first, then the sequences in the baseline's order.

    Scores are averaged again over the objects of those sequences that both runs scored, so that a sequence that fails
    in one of them is judged as such and does not move the others. Runs without any scores, as timings on made-up videos
    are, are judged by their FPS alone.

    Args:
        baseline: The run that sets the mark.
        candidate: The run that is judged.
        tolerances: Score name to the difference that still counts as the same; FPS takes a share of the baseline.
            `otherwise` and `DEFAULT_FPS_TOLERANCE` stand for what is not named.
        by_sequence: The same for the protocol's headline score of single sequences; what is not named takes the
            overall one.
        otherwise: The tolerance of scores that `tolerances` does not name.
        judging: Which recall and decay scores are judged too; the others are only shown, since they move in steps of a
            frame.
        sequence_gate: The fall of a single sequence's headline score beyond which the comparison fails; None for none.

    Raises:
        NotComparableError: Data, protocol or metric version differ, or the objects of a sequence; or no sequence is
            scored in both, unless neither run has scores and their FPS can be judged.
        BadInputError: A tolerance names no score of these runs, or is negative.
    """
    require_comparable(baseline.record, candidate.record, also=_other_objects(baseline, candidate))
    common = [name for name in baseline.sequence_records if baseline.has_scores(name) and candidate.has_scores(name)]
    ours, theirs = ({name: run.sequence_records[name] for name in common} for run in (baseline, candidate))
    protocol = scoring_protocol(baseline.record.protocol.name)
    if protocol.tracks:
        before, after = _track_scores(baseline, candidate)
    else:
        before, after = (_means(each.values(), protocol.name) if common else {} for each in (ours, theirs))
    limits = _limits(before, tolerances or {}, otherwise)
    speed = _speed(baseline, candidate, limits["FPS"], asked="FPS" in (tolerances or {}))
    limit = limits.get(protocol.headline, otherwise)
    by_name = tuple(_sequence_rows(baseline, candidate, by_sequence or {}, limit, sequence_gate))
    if not before and not (protocol.tracks and by_name):
        _require_speed_alone(baseline, candidate, speed)
    known = [score for score in before if not (math.isnan(before[score]) or math.isnan(after[score]))]
    rows = [_judge(OVERALL, score, before[score], after[score], limits[score]) for score in known]
    rows = [_informing(row) if _is_statistic(row.score) and row.score not in judging else row for row in rows]
    return (*rows, *speed, *by_name)


def _is_statistic(score: str) -> bool:
    """Say whether a score is recall or decay, which move in steps of one frame or of a quarter of a video."""
    return score.endswith(("_recall", "_decay"))


def _informing(row: ComparisonRow) -> ComparisonRow:
    moved = row.verdict is not Verdict.SAME
    return replace(row, judges=False, note="not judged" if moved else row.note)


def require_comparable(baseline: RunRecord, candidate: RunRecord, *, also: Iterable[str] = ()) -> None:
    """Raise NotComparableError, with every difference, where two records' data, protocol or metric version differ.

    Args:
        baseline: The record that sets the mark.
        candidate: The one that is judged.
        also: Further differences, which are named only where there is no other, since they may follow from one.
    """
    reasons = [
        f"baseline has {what} {_short(ours)!r}, this run has {_short(theirs)!r} ({source})"
        for source, what, ours, theirs in _conditions(baseline, candidate)
        if ours != theirs
    ]
    reasons = reasons or list(also)
    if reasons:
        raise NotComparableError("\n  ".join(reasons))


def _short(value: object) -> object:
    """Return a hash by its first digits, anything else as it is."""
    return value[:12] if isinstance(value, str) and re.fullmatch(r"[0-9a-f]{40,64}", value) else value


def _other_objects(baseline: Run, candidate: Run) -> Iterable[str]:
    """Yield a difference for the first sequences of which the runs have scores of other objects."""
    common = (name for name in baseline.sequence_records if baseline.has_scores(name) and candidate.has_scores(name))
    found = ((name, _objects(baseline, name), _objects(candidate, name)) for name in common)
    for name, ours, theirs in islice((each for each in found if each[1] != each[2]), 3):
        yield f"baseline has scores of the objects {shorten(ours, 20)} of {name}, this run of {shorten(theirs, 20)}"


def _objects(run: Run, name: str) -> list[str]:
    return [str(number) for number in sorted(each.object for each in run.sequence_records[name].scores)]


def _conditions(baseline: RunRecord, candidate: RunRecord) -> Iterable[tuple[str, str, object, object]]:
    """Yield the option that decides a condition, or the record's field; what it is; and both values."""
    for source, field, what in (
        ("--dataset", "name", "dataset"),
        ("--split", "split", "split"),
        ("dataset.fingerprint", "fingerprint", "data fingerprint"),
    ):
        yield source, what, getattr(baseline.dataset, field), getattr(candidate.dataset, field)
    for source, field, what in (
        ("--protocol", "name", "protocol"),
        ("protocol.frames_scored", "frames_scored", "scored frames"),
        ("protocol.averaging", "averaging", "averaging"),
        ("protocol.metric_version", "metric_version", "metric version"),
    ):
        yield source, what, getattr(baseline.protocol, field), getattr(candidate.protocol, field)
    for source, field, what in (("--init", "init", "start from"), ("--frames", "frames_seen", "frames seen")):
        ours, theirs = getattr(baseline.protocol, field), getattr(candidate.protocol, field)
        if ours is not None and theirs is not None:  # foreign label maps do not say what their method saw
            yield source, what, ours, theirs
    if baseline.protocol.init is not None and candidate.protocol.init is not None:
        ours, theirs = (each.protocol.corruption or "none" for each in (baseline, candidate))
        yield "--corrupt", "corruption of the frames", ours, theirs
        ours, theirs = (str(each.protocol.real_time or "frames that wait") for each in (baseline, candidate))
        yield "--real-time", "real time", ours, theirs


def _means(sequences: Iterable[SequenceRecord], protocol: str) -> dict[str, float]:
    return run_scores((found for sequence in sequences for found in sequence.scores), protocol)


def _track_scores(baseline: Run, candidate: Run) -> tuple[dict[str, float], dict[str, float]]:
    """Return both runs' scores of whole tracks; nothing where they are of other sequences, or there are none.

    Such scores are of all sequences together: no part of them is that of a sequence.

    Raises:
        NotComparableError: Only one run has some.
    """
    if _finished(baseline) != _finished(candidate):
        return {}, {}
    before, after = baseline.record.scores, candidate.record.scores
    if bool(before) != bool(after):
        raise NotComparableError(f"{(candidate if before else baseline).folder} has no scores of tracks")
    return dict(before), dict(after)


def _finished(run: Run) -> set[str]:
    """Return the sequences that did not fail."""
    return {name for name, sequence in run.sequence_records.items() if sequence.status == "done"}


def _limits(scores: Mapping[str, float], tolerances: Mapping[str, float], otherwise: float) -> dict[str, float]:
    limits = {**dict.fromkeys(scores, otherwise), "FPS": DEFAULT_FPS_TOLERANCE}
    for score, tolerance in tolerances.items():
        if score not in limits:
            raise BadInputError(f"--tolerance {score}: these runs have no such score; known: {', '.join(limits)}")
        if not 0 <= tolerance < math.inf:
            raise BadInputError(f"--tolerance {score}={tolerance}: expected a number of at least 0")
    return {**limits, **tolerances}


def _judge(subject: str, score: str, before: float, after: float, tolerance: float) -> ComparisonRow:
    gain = after - before if measure(score).higher_is_better else before - after
    changed = Verdict.BETTER if gain > 0 else Verdict.WORSE
    verdict = Verdict.SAME if abs(gain) <= tolerance else changed
    return ComparisonRow(subject, score, before, after, verdict, judges=True)


def _require_speed_alone(baseline: Run, candidate: Run, speed: list[ComparisonRow]) -> None:
    """Raise NotComparableError unless neither run has scores and their FPS can be judged."""
    have_scores = any(run.has_scores(name) for run in (baseline, candidate) for name in run.sequence_records)
    if have_scores or not speed or speed[0].verdict is Verdict.NOT_COMPARABLE:
        raise NotComparableError(
            f"no sequence has scores both in {baseline.folder} and in {candidate.folder}"
            + "".join(f"; nor can FPS be judged: {row.note}" for row in speed if row.note)
        )


def _speed(baseline: Run, candidate: Run, tolerance: float, *, asked: bool) -> list[ComparisonRow]:
    """Return the row of FPS; none where neither run was made to have one and nobody asks for it."""
    records = (baseline.record, candidate.record)
    if not asked and not any(each.timing and (each.bench or each.timing.fps is not None) for each in records):
        return []
    before, after = (each.timing.fps if each.timing else None for each in records)
    reason = _speed_differs(baseline, candidate)
    if reason or before is None or after is None:
        return [ComparisonRow(OVERALL, "FPS", before, after, Verdict.NOT_COMPARABLE, reason)]
    return [_judge(OVERALL, "FPS", before, after, tolerance * before)]


def _speed_differs(baseline: Run, candidate: Run) -> str:
    """Return why two runs' FPS cannot be compared, empty when they can."""
    ours, theirs = _finished(baseline), _finished(candidate)
    if ours != theirs:
        return f"times are of other sequences ({len(ours)}, then {len(theirs)})"
    different = [
        f"{name} ({_or_nothing(ours)}, then {_or_nothing(theirs)})"
        for name, ours, theirs in _speed_conditions(baseline.record, candidate.record)
        if ours != theirs
    ]
    reasons = ["different " + ", ".join(different)] if different else []
    for who, run in (("the baseline", baseline), ("this run", candidate)):
        reasons += [f"{who} has {lack}" for lack in _instead_of_fps(run.record)]
    return "; ".join(reasons)


def _instead_of_fps(record: RunRecord) -> Iterable[str]:
    """Say what a run has in place of an FPS that may be judged."""
    if record.timing is None:
        yield "no times"
    elif record.timing.indicative:
        yield f"only indicative times ({', '.join(record.timing.reasons) or 'no reason recorded'})"
    elif record.timing.fps is None:
        yield "no FPS"


def _speed_conditions(baseline: RunRecord, candidate: RunRecord) -> Iterable[tuple[str, object, object]]:
    """Yield what must be the same for two FPS to mean the same, as name and the two values."""
    before, after = baseline.environment, candidate.environment
    for field, name in (
        ("cpu", "processor"),
        ("cores", "cores"),
        ("gpus", "GPU"),
        ("driver", "driver"),
        ("threads", "threads"),
        ("waiting", "waiting of threads"),
    ):
        yield name, getattr(before, field), getattr(after, field)
    yield "torch", before.packages.get("torch"), after.packages.get("torch")
    for field in ("device", "amp", "compile", "tf32", "deterministic", "cudnn_benchmark"):
        yield field, getattr(baseline.numerics, field, None), getattr(candidate.numerics, field, None)
    if baseline.timing and candidate.timing:
        yield "bracket of the times", baseline.timing.definition, candidate.timing.definition


def _or_nothing(value: object) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{name}={count}" for name, count in value.items()) or "none"
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "none"
    return str(value) if value not in (None, "") else "none"


def _sequence_rows(
    baseline: Run, candidate: Run, tolerances: Mapping[str, float], otherwise: float, gate: float | None
) -> Iterable[ComparisonRow]:
    names = dict.fromkeys((*baseline.sequence_records, *candidate.sequence_records))
    score = baseline.headline
    for name in names:
        before, after = (_headline_score(run, name) for run in (baseline, candidate))
        if before is not None and after is not None and not math.isnan(before):
            limit = tolerances.get(name, otherwise)
            row = _judge(name, score, before, after, limit if gate is None else min(limit, gate))
            yield replace(row, judges=gate is not None and abs(after - before) > gate)
        elif before is not None and after is None:
            yield ComparisonRow(name, score, _number(before), None, Verdict.NEWLY_FAILING, _why(candidate, name))
        elif after is not None and before is None:
            verdict = Verdict.FIXED if name in baseline.sequence_records else Verdict.NOT_COMPARABLE
            yield ComparisonRow(name, score, None, _number(after), verdict, _why(baseline, name))


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _headline_score(run: Run, name: str) -> float | None:
    """Return a sequence's score; None where it has none, NaN where its run is judged by tracks of all sequences."""
    if scoring_protocol(run.record.protocol.name).tracks:
        return math.nan if name in _finished(run) else None
    return sequence_score(run.sequence_records[name], run.headline) if run.has_scores(name) else None


def _why(run: Run, name: str) -> str:
    return run.sequence_records[name].error if name in run.sequence_records else f"not in {run.folder}"
