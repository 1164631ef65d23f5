"""Two methods, interleaved on the same frames, so that a disturbance of the machine meets both."""

from contextlib import ExitStack, closing
from dataclasses import dataclass, replace

import numpy as np

from vos_bench.api import Method, SequenceMethod
from vos_bench.benching.passes import MOST_REPEATS, Passes
from vos_bench.devices import resolve_device
from vos_bench.errors import BadInputError
from vos_bench.progress import Progress
from vos_bench.running.method import build_method
from vos_bench.running.settings import RunSettings
from vos_bench.running.setup import prepare_run

SMALLEST_COUNT = 2


@dataclass(frozen=True)
class Turns:
    """Seconds of each turn of either side; the `reference` came second in each turn. A turn has `frames` frames."""

    ours: tuple[float, ...]
    reference: tuple[float, ...]
    frames: int

    @property
    def ratios(self) -> tuple[float, ...]:
        """How many times as long the reference took, turn by turn."""
        return tuple(other / own for own, other in zip(self.ours, self.reference, strict=True))

    def __str__(self) -> str:
        """Say it in one line: the median of the ratios, with the smallest and the largest."""
        ours, reference = (1e3 * float(np.median(side)) / self.frames for side in (self.ours, self.reference))
        return (
            f"the reference takes {np.median(self.ratios):.2f} times as long ({min(self.ratios):.2f} to "
            f"{max(self.ratios):.2f} in {len(self.ratios)} turns): {reference:.1f} ms a frame, and {ours:.1f} ms here, "
            "first frames included"
        )


def take_turns(ours: RunSettings, reference: RunSettings, *, count: int, progress: Progress) -> Turns:
    """Run two methods over the same frames, one after the other, again and again.

    Both see frames that lie in memory and are timed alike, from the decoded image to the label map. For a program in
    another process the time includes the transfer through the pipe, unless the program reports its own. For one that
    works from folder to folder it is the time of the whole sequence, with the program's start. Both warm up first.
    Nothing is written to `out`.

    Raises:
        BadInputError: A setting does not fit, or there are too few turns for a spread.
        MethodError: A method cannot be built, or fails on a sequence.
    """
    if count < SMALLEST_COUNT:
        raise BadInputError(f"--turns {count}: expected at least {SMALLEST_COUNT}, for a ratio needs its spread")
    if count > MOST_REPEATS:
        raise BadInputError(f"--turns {count}: expected at most {MOST_REPEATS}")
    with ExitStack() as stack:
        sides = [_passes(settings, stack, progress) for settings in (ours, reference)]
        for passes in sides:
            passes.warm_up()
        times: list[list[list[float]]] = [[], []]
        for turn in range(1, count + 1):
            for side, passes, who in zip(times, sides, ("this method", "the reference"), strict=True):
                side.append(passes.once(f"turn {turn} of {count}: {who}", repeat=turn))
    frames = sum(len(timed.plan.seen) for timed in sides[0].sequences.values())
    own, other = (tuple(sum(each) / 1e3 for each in side) for side in times)
    return Turns(own, other, frames)


def _passes(settings: RunSettings, stack: ExitStack, progress: Progress) -> Passes:
    prepared = prepare_run(replace(settings, timing=True, jobs=1, shard=None, save_probabilities=False, clock="stream"))
    method: Method | SequenceMethod = build_method(prepared.spec, resolve_device(prepared.spec.device))
    stack.enter_context(closing(method))
    return Passes(settings.dataset, prepared.names, task=prepared.task, method=method, progress=progress, keep=False)
