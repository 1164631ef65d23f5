"""Checks of a method: does it look ahead, repeat itself, keep to its sequence, its memory and its device?"""

import ctypes
import gc
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import psutil

from vos_bench.api import LabelMap
from vos_bench.checking.clips import Clip, Clips, late_object, leaving_object, moving_squares, one_pixel
from vos_bench.config import Settings
from vos_bench.errors import VosBenchError
from vos_bench.labelmaps import read_label_map
from vos_bench.plugins import MethodInfo
from vos_bench.progress import Progress
from vos_bench.running.run import run

MOST_GROWTH_MIB = 16.0
"""How much a process may grow over the second half of a long clip: allocators give memory back late."""

LONG = 128
"""Frames of the clip on which memory is watched; twice what a memory of 32 frames, one in two, needs to be full."""

LONG_SIZE = (288, 512)
"""Their size: so large that half of them as they are, the least that a method may keep of each, exceed the limit."""

REPEATS = 4
"""How often answers that differ are asked for again, and have to differ in the same way."""

ODD_SIZES = ((97, 131), (135, 75))

Outcome = Literal["passed", "failed", "not checked"]


class Finding(NamedTuple):
    """What one check found.

    Attributes:
        check: Its name.
        asks: The question, in one sentence.
        outcome: Whether the answer is yes.
        found: What was seen.
    """

    check: str
    asks: str
    outcome: Outcome
    found: str


class FailedClipError(VosBenchError):
    """A clip could not be segmented."""


@dataclass(frozen=True)
class CheckedMethod:
    """A method and how it runs, as `vos_bench.run` takes it."""

    info: MethodInfo
    weights: str | None = None
    settings: Settings = ()
    device: str = "auto"
    seed: int = 0

    def answers(self, *clips: Clip, device: str | None = None, progress: Progress | None = None) -> list[LabelMap]:
        """Return the label map of every frame of the last of some clips.

        Args:
            clips: What to segment, one after the other in the same process.
            device: Another device than that of the method.
            progress: Hears of each frame.

        Raises:
            FailedClipError: The method fails on the last one.
            BadInputError: A setting does not fit, or there are no weights.
            MethodError: The method cannot be built.
        """
        with tempfile.TemporaryDirectory(prefix="vos-bench-check-") as folder:
            done = run(
                self.info,
                Clips(*clips),
                weights=self.weights,
                settings=self.settings,
                device=device or self.device,
                seed=self.seed,
                out=Path(folder) / "run",
                progress=progress,
            )
            name = clips[-1].name
            record = done.sequence_records[name]
            if record.status == "failed":
                raise FailedClipError(record.error)
            return [read_label_map(path) for path in sorted((done.folder / "masks" / name).glob("*.png"))]


def check_method(method: CheckedMethod, hear: Callable[[Finding], None] = lambda _: None) -> list[Finding]:
    """Run all checks. One whose clip makes the method fail counts as failed, and the others go on.

    Args:
        method: What to check.
        hear: Called after each check.

    Raises:
        BadInputError: A setting does not fit, or there are no weights.
        MethodError: The method cannot be built.
    """
    findings: list[Finding] = []
    for name, (asks, look) in CHECKS.items():
        try:
            outcome, found = look(method)
        except FailedClipError as error:
            outcome, found = "failed", f"the method fails: {error}"
        if look is _deterministic and outcome == "passed" and (seen := [x for x in findings if CHANCE in x.found]):
            outcome, found = "failed", f"seen at the check `{seen[0].check}`: {CHANCE}"
        findings.append(Finding(name, asks, outcome, found))
        hear(findings[-1])
    return findings


def _causal(method: CheckedMethod) -> tuple[Outcome, str]:
    clip = moving_squares("clip")
    whole, last = method.answers(clip), len(clip.frames) - 1
    for frame in range(last):  # every one: a method that answers frames in groups is causal where a group ends
        noisy = clip.with_noise_after(frame)
        cut = method.answers(noisy)
        if (first := _first_difference(whole[: frame + 1], cut[: frame + 1])) is not None:
            found = f"noise from frame {frame + 1} on changed the answer to frame {first}"
            return _failed(method, (clip,), whole, (noisy,), cut, found)
    return "passed", f"noise from frame 1, 2, … or {last} on changed no answer before"


def _independent(method: CheckedMethod) -> tuple[Outcome, str]:
    clip, other = moving_squares("clip"), moving_squares("other size", size=(64, 160), objects=3, seed=1)
    after = (other, moving_squares("same size", objects=3, seed=2), clip)  # some keep only what fits the next sequence
    alone, later = method.answers(clip), method.answers(*after)
    if (first := _first_difference(alone, later)) is not None:
        return _failed(method, (clip,), alone, after, later, f"frame {first} differs")
    return "passed", "label maps are equal"


def _deterministic(method: CheckedMethod) -> tuple[Outcome, str]:
    clip = moving_squares("clip", objects=3)
    first = method.answers(clip)
    for _ in range(2):
        if (frame := _first_difference(first, method.answers(clip))) is not None:
            return "failed", f"frame {frame} differs"
    return "passed", "label maps are equal"


def _late_object(method: CheckedMethod) -> tuple[Outcome, str]:
    start = 4
    found = [2 in labels for labels in method.answers(late_object("late", frame=start))]
    if any(found[:start]):
        return "failed", f"found on frame {found.index(True)}, before it was given"
    return _passed(sum(found[start:]) > 1), f"found on {sum(found[start:])} of {len(found) - start} frames"


def _leaving_object(method: CheckedMethod) -> tuple[Outcome, str]:
    found = [bool(labels.any()) for labels in method.answers(leaving_object("leaving", range(3, 6)))]
    return (
        "passed",
        f"reported on {sum(found[3:6])} of 3 frames without it, then on {sum(found[6:])} of {len(found) - 6}",
    )


def _odd_sizes(method: CheckedMethod) -> tuple[Outcome, str]:
    for size in ODD_SIZES:
        method.answers(moving_squares("odd", size=size, frames=3))  # the runner refuses a label map of another size
    return "passed", " and ".join(f"{height} x {width}" for height, width in ODD_SIZES)


def _one_pixel(method: CheckedMethod) -> tuple[Outcome, str]:
    found = [2 in labels for labels in method.answers(one_pixel("pixel"))]
    return "passed", f"found on {sum(found)} of {len(found)} frames"


def _memory(method: CheckedMethod) -> tuple[Outcome, str]:
    memory = _Memory()
    height, width = LONG_SIZE
    method.answers(moving_squares("long", size=LONG_SIZE, frames=LONG), progress=memory)
    half = len(memory.mib) // 2
    growth = max(memory.mib[half:]) - max(memory.mib[:half])
    found = f"{growth:+z.0f} MiB over the second half of {LONG} frames of {height} x {width}"
    return _passed(growth <= MOST_GROWTH_MIB), found


def _device(method: CheckedMethod) -> tuple[Outcome, str]:
    import torch  # here, for a method may do without

    if not torch.cuda.is_available():
        return "not checked", "there is no GPU here"
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    method.answers(moving_squares("clip", frames=3), device="cpu")
    taken = torch.cuda.max_memory_allocated() - before
    return _passed(taken == 0), f"{taken} bytes of the GPU taken with --device cpu"


CHECKS: dict[str, tuple[str, Callable[[CheckedMethod], tuple[Outcome, str]]]] = {
    "causal": ("Do answers stay the same when all later frames are replaced by noise?", _causal),
    "independent": ("Are the label maps of a sequence the same after other sequences as alone?", _independent),
    "deterministic": ("Are the label maps of runs with one seed equal?", _deterministic),
    "late object": ("Is an object followed that starts on a later frame?", _late_object),
    "leaving object": ("Does a sequence go on while its object is out of sight?", _leaving_object),
    "odd sizes": ("Are frames of odd sizes taken?", _odd_sizes),
    "one pixel": ("Is an object of one pixel taken beside a larger one?", _one_pixel),
    "memory": ("Does memory stop growing with the length of the video?", _memory),
    "device": ("Is the device used that --device names?", _device),
}
"""Name to the question and to what looks for the answer, in the order in which they run."""


def _passed(good: bool) -> Outcome:
    return "passed" if good else "failed"


CHANCE = "the very same clip is answered differently each time"


def _failed(
    method: CheckedMethod,
    clips: tuple[Clip, ...],
    first: list[LabelMap],
    others: tuple[Clip, ...],
    second: list[LabelMap],
    found: str,
) -> tuple[Outcome, str]:
    """Return that a check failed, unless chance is a reason: one of both is answered differently when asked again."""
    for _ in range(REPEATS):
        for asked, answer in ((clips, first), (others, second)):
            if _first_difference(answer, method.answers(*asked)) is not None:
                return "not checked", f"{CHANCE}; {found}, perhaps by chance"
    return "failed", found


def _first_difference(a: list[LabelMap], b: list[LabelMap]) -> int | None:
    """Return the first frame whose label maps differ, None where none does."""
    return next((t for t, (x, y) in enumerate(zip(a, b, strict=True)) if not np.array_equal(x, y)), None)


class _Memory(Progress):
    """Notes after each frame, in MiB, how large this process and those it started are, and what torch has of GPUs."""

    def __init__(self) -> None:
        self.mib: list[float] = []
        self._process = psutil.Process()
        self._others = {*self._process.children(recursive=True)}  # those that had started before may end meanwhile
        gc.collect()

    def frame_done(self, name: str) -> None:
        """Note the size."""
        del name
        _give_back_free_memory()
        total = self._process.memory_info().rss
        for child in {*self._process.children(recursive=True)} - self._others:
            with suppress(psutil.NoSuchProcess):
                total += child.memory_info().rss
        torch = sys.modules.get("torch")  # a method that has not loaded it has nothing on a GPU
        if torch is not None and torch.cuda.is_initialized():
            total += sum(map(torch.cuda.memory_allocated, range(torch.cuda.device_count())))
        self.mib.append(total / 2**20)


def _give_back_free_memory() -> None:
    """Return to the system what was freed, where the C library can: what a method keeps in it would not be seen."""
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
