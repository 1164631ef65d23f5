"""How long a whole split takes, from the time of one frame: the bounds of docs/cluster.md.

    python benchmarks/costing.py                                       # the table of the page
    python benchmarks/costing.py --fps 20 --slots 1,4,16               # with a figure of your own

Work W is frames x objects x the time of a frame with one object. On G slots nothing can end before W / G, nor before
the longest sequence does; and whoever gives each free slot the next sequence ends before W / G plus the longest
(R. L. Graham, Bounds for certain multiprocessing anomalies, 1966). Start-up, decoding and writing come on top.
"""

import argparse
from typing import NamedTuple

SEQUENCES, OBJECTS = 474, 894
"""Of YouTube-VOS 2018 valid, as youtube-vos.org gives them."""
FRAMES = (90, 180)
"""Of a sequence: 3 to 6 seconds at 30 frames a second, as the dataset's paper has it (arXiv 1809.03327)."""
MOST_OBJECTS = 5
"""Of the longest sequence, assumed: nobody states it."""
SPEEDS = {
    "`lwl`, GPU: 14 FPS (published, LWL paper, GPU not stated)": 14.0,
    "`lwl`, 2 CPU cores: 0.99 s a frame (measured, performance.md)": 1 / 0.99,
    "`lwl-lite`, 2 CPU cores: 18.1 FPS (measured, performance.md)": 18.1,
    "`flow-warp`, 2 CPU cores: 29.8 FPS (measured, performance.md)": 29.8,
}


class Bounds(NamedTuple):
    """Seconds: not sooner than, and not later than."""

    least: float
    most: float


def bounds(fps: float, slots: int, *, frames: tuple[int, int] = FRAMES) -> Bounds:
    """Return the bounds of a whole split; the first for the shortest sequences, the second for the longest."""
    least, most = (OBJECTS * count / fps / slots for count in frames)
    shortest, longest = (MOST_OBJECTS * count / fps for count in frames)
    return Bounds(max(least, shortest), most + longest * (1 - 1 / slots))


def duration(seconds: float) -> str:
    """Return hours or minutes with two digits that count."""
    if seconds >= 3600 * 48:
        return f"{seconds / 86400:.2g} d"
    return f"{seconds / 3600:.2g} h" if seconds >= 3600 else f"{seconds / 60:.2g} min"


def table(speeds: dict[str, float], slots: list[int]) -> str:
    """Return a Markdown table of least and most."""
    heads = [f"{count} slot{'s' if count > 1 else ''}" for count in slots]
    lines = [f"| method | {' | '.join(heads)} |", f"| --- |{' ---: |' * len(slots)}"]
    for name, fps in speeds.items():
        cells = [" to ".join(map(duration, bounds(fps, count))) for count in slots]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fps", type=float, help="frames a second with one object, on one slot")
    parser.add_argument("--slots", "--places", default="1,8,64", help="how many sequences run at once")
    given = parser.parse_args()
    speeds = {f"{given.fps:g} FPS": given.fps} if given.fps else SPEEDS
    print(table(speeds, [int(count) for count in given.slots.split(",")]))


if __name__ == "__main__":
    main()
