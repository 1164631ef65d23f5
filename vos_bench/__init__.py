"""vos-bench: a benchmark and evaluation harness for semi-supervised video object segmentation.

    import vos_bench

    run = vos_bench.run("lwl-lite", "demo")
    run.scores["J&F"]

docs/python.md shows every name. Each is imported when it is first used, so that `import vos_bench` is quick.
"""

import os
import sys

__version__ = "0.1.0"

TYPE_CHECKING = False  # type checkers take it for that of `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    from vos_bench.benching.session import bench as bench
    from vos_bench.comparing.compare import compare as compare
    from vos_bench.metrics.measures import F as F
    from vos_bench.metrics.measures import J as J
    from vos_bench.progress import Progress as Progress
    from vos_bench.prompts import Prompt as Prompt
    from vos_bench.records.run import Run as Run
    from vos_bench.records.run import load_run as load_run
    from vos_bench.running.method import load_method as load_method
    from vos_bench.running.run import run as run
    from vos_bench.scoring.record import score as score
    from vos_bench.segmenting.segment import segment as segment
    from vos_bench.suites.run import suite as suite
    from vos_bench.training.session import train as train

_HOMES = {
    "F": "vos_bench.metrics.measures",
    "J": "vos_bench.metrics.measures",
    "Progress": "vos_bench.progress",
    "Prompt": "vos_bench.prompts",
    "Run": "vos_bench.records.run",
    "bench": "vos_bench.benching.session",
    "compare": "vos_bench.comparing.compare",
    "load_method": "vos_bench.running.method",
    "load_run": "vos_bench.records.run",
    "run": "vos_bench.running.run",
    "score": "vos_bench.scoring.record",
    "segment": "vos_bench.segmenting.segment",
    "suite": "vos_bench.suites.run",
    "train": "vos_bench.training.session",
}
"""Name to the module that defines it."""

__all__ = [
    "F",
    "J",
    "Progress",
    "Prompt",
    "Run",
    "bench",
    "compare",
    "load_method",
    "load_run",
    "run",
    "score",
    "segment",
    "suite",
    "train",
]


if not TYPE_CHECKING:  # type checkers are to find a name that is not there

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module 'vos_bench' has no attribute {name!r}")
        __import__(_HOMES[name])
        found = globals()[name] = getattr(sys.modules[_HOMES[name]], name)  # found at once from now on
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _checkout() -> str | None:
    """Return the root of the checkout this package is imported from, or None when it is installed."""
    root = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))  # noqa: PTH120 - pathlib loads slowly
    try:
        with open(os.path.join(root, "pyproject.toml"), encoding="utf-8") as file:  # noqa: PTH118, PTH123
            return root if 'name = "vos-bench"' in map(str.strip, file) else None
    except (OSError, ValueError):
        return None


# The wheel carries the plugin folders as vos_bench.methods, vos_bench.datasets and vos_bench.reports; in a
# checkout they lie one level up, so that level becomes part of this package's search path.
if (_root := _checkout()) is not None:
    __path__.append(_root)
