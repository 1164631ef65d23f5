"""How many inputs of each kind are tried, and how a test is bound to try that many."""

import os
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

INPUTS = {
    "label maps": 130,
    "frames": 60,
    "meta.json": 50,
    "lists of objects": 60,
    "lists": 30,
    "annotations": 15,
    "settings": 45,
    "records": 50,
    "downloads": 15,
    "archives": 45,
    "checkpoints": 60,
    "names": 25,
}
"""By kind; `tests/fuzz/test_plan.py` holds their sum at 500 or more."""

NIGHTLY = 20
"""The nightly form tries so many times more."""

FACTOR = {"": 1, "nightly": NIGHTLY}.get(wanted := os.environ.get("VOS_BENCH_FUZZ", "")) or int(wanted)
"""`VOS_BENCH_FUZZ` is `nightly`, or says how many times more inputs are tried; then they are others each time."""

Test = Callable[..., None]


def fuzz(kind: str, *strategies: st.SearchStrategy[Any], share: float = 1.0) -> Callable[[Test], Test]:
    """Try a test on this kind's share of inputs, and fail where hypothesis tried fewer.

    The inputs of the short form are the same each time. The test gets an `arena` besides, a folder of its own.
    """
    wanted = round(INPUTS[kind] * share) * FACTOR
    chosen = settings(
        max_examples=wanted,
        derandomize=FACTOR == 1,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )

    def decorate(test: Test) -> Test:
        def bound(arena: Any, tally: dict[str, int]) -> None:
            tried = 0

            @chosen
            @given(st.tuples(*strategies))
            def each(values: tuple[Any, ...]) -> None:
                nonlocal tried
                tried += 1
                with arena.input():
                    test(arena, *values)

            each()
            tally[kind] = tally.get(kind, 0) + tried
            assert tried >= wanted, f"{tried} of {wanted} inputs of the kind {kind!r} were tried"

        bound.__name__, bound.__doc__, bound.__module__ = test.__name__, test.__doc__, test.__module__
        return bound

    return decorate
