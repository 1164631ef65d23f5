"""Small charts as inline SVG, drawn in the text's own colour."""

from collections.abc import Sequence
from xml.sax.saxutils import quoteattr

import numpy as np
from markupsafe import Markup

from vos_bench.names import counted
from vos_bench.records import Run


def sparkline(values: Sequence[float | None], title: str) -> Markup:
    """Return a curve of fractions without axes, 100 x 24; gaps where there is no value."""
    step = 98 / max(len(values) - 1, 1)
    pieces: list[list[str]] = [[]]
    for i, value in enumerate(values):
        if value is None:
            pieces.append([])
        else:
            pieces[-1].append(f"{1 + i * step:.1f},{23 - 22 * value:.1f}")
    lines = "".join(f'<polyline points="{" ".join(points)}"/>' for points in pieces if len(points) > 1)
    return Markup(f'<svg class="spark" viewBox="0 0 100 24" role="img" aria-label={quoteattr(title)}>{lines}</svg>')


def latency_histogram(run: Run) -> Markup | None:
    """Return a histogram of the milliseconds per frame after the first, None where nothing was timed."""
    times = np.array([value for sequence in run.sequence_records.values() for value in _steps(run, sequence.timings)])
    if times.size < 2:
        return None
    highest = float(np.quantile(times, 0.99)) or 1.0
    counts, edges = np.histogram(times.clip(max=highest), bins=min(30, max(5, times.size // 4)), range=(0, highest))
    width = 400 / len(counts)
    bars = "".join(
        f'<rect x="{i * width:.1f}" y="{110 - 100 * count / counts.max():.1f}" width="{width - 1:.1f}" '
        f'height="{100 * count / counts.max():.1f}">'
        f"<title>{edges[i]:.1f} to {edges[i + 1]:.1f} ms: {count}</title></rect>"
        for i, count in enumerate(counts)
    )
    labels = f'<text x="0" y="126">0 ms</text><text x="400" y="126" text-anchor="end">{highest:.1f} ms (99 %)</text>'
    title = f"Milliseconds per frame, {counted(times.size, 'frame')}"
    return Markup(f'<svg class="histogram" viewBox="0 0 400 130" role="img" aria-label="{title}">{bars}{labels}</svg>')


def _steps(run: Run, timings: object) -> list[float]:
    clock = run.record.timing.clock if run.record.timing else "stream"
    values = getattr(timings, f"{clock}_ms")
    phases = getattr(timings, "phase")  # noqa: B009
    return [value for value, phase in zip(values, phases, strict=True) if phase == "step" and value is not None]
