"""`vos-bench segment`: the objects of a video, from a mask or a box to label maps and a video that shows them."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from vos_bench.api import Precision
from vos_bench.commands import options
from vos_bench.commands.groups import FLAG, MANY
from vos_bench.commands.output import say, write_json
from vos_bench.commands.progress import TerminalProgress, duration
from vos_bench.errors import BadInputError
from vos_bench.exporting import EXPORTS, export
from vos_bench.names import counted, did_you_mean
from vos_bench.parts.box_start import BoxFill
from vos_bench.segmenting import GivenBox, GivenMask, SegmentedSequence
from vos_bench.segmenting import segment as segment_videos
from vos_bench.segmenting.record import SegmentedObject
from vos_bench.segmenting.sequence import overlay_file

MOST_TOLD = 6
"""How many frames or stretches of frames a line names."""

Several = Parameter(negative=(), consume_multiple=False, show_default=False)


def segment(
    *inputs: Path,
    mask: Annotated[tuple[str, ...], Several] = (),
    box: Annotated[tuple[str, ...], Several] = (),
    at: str | None = None,
    method: str | None = None,
    out: Annotated[Path, Parameter(name="--out")],
    weights: str | None = None,
    both_ways: Annotated[bool, FLAG] = False,
    box_start: BoxFill | None = None,
    export_: Annotated[str | None, Parameter(name="--export")] = None,
    overlay: bool = True,
    fps: float | None = None,
    device: str = "auto",
    amp: Precision = "off",
    seed: int = 0,
    set_: Annotated[tuple[str, ...], MANY, Parameter(name="--set")] = (),
    overwrite: Annotated[bool, FLAG] = False,
    json: Annotated[Path | None, Parameter(name="--json", validator=options.names_file)] = None,
) -> None:
    """Segment objects through a video: from a mask or a box on one frame to label maps and a video that shows them.

    Args:
        inputs: Video files (MP4, MOV, MKV, WebM) or folders of frames.
        mask: [ID=]FILE[@FRAME], a PNG of a frame's size: a label map, or black and white for one object. Several
            masks of one frame are objects 1, 2, 3. A folder holds label maps named by frames.
        box: [ID=]x0,y0,x1,y1[@FRAME], in pixels; may be given several times.
        at: The frame of masks and boxes that name none: its number from 0, or its file's name without the ending. By
            default, the first.
        method: The method's name, or FILE.py:CLASS; without it, lwl-lite.
        out: The folder to write: masks/NAME/FRAME.png, overlay/NAME.mp4 and segment.json.
        weights: A file of parameters, or the name of one that `vos-bench list weights` shows; untrained: random ones.
        both_ways: Segment the frames before an object's first mask or box too, backwards.
        box_start: How a mask is made of a box; without it, the method does that, or GrabCut for one that takes masks.
        export_: Other forms of the result, with commas between; as `vos-bench export --format` has them.
        overlay: Write the video that shows the objects.
        fps: Frames a second of a folder of frames; 25 unless said otherwise.
        device: auto, cpu, cuda or cuda:1.
        amp: Precision of the network on a GPU.
        seed: Of what the method draws at random.
        set_: KEY=VALUE of the method's configuration; may be given several times.
        overwrite: Replace what an earlier call wrote into the folder.
        json: A file for the summary.
    """
    formats = _formats(export_)
    with TerminalProgress() as progress:
        done = segment_videos(
            inputs,
            masks=[GivenMask.parse(text) for text in mask],
            boxes=[GivenBox.parse(text) for text in box],
            at=at,
            method=method,
            out=out,
            weights=weights,
            settings=set_,
            device=device,
            amp=amp,
            seed=seed,
            box_start=box_start,
            both_ways=both_ways,
            overlay=overlay,
            fps=fps,
            overwrite=overwrite,
            command=shlex.join(sys.argv[1:]),
            progress=progress,
        )
        exported = [path for name in formats for path in export(out, name, progress=progress)]
    for sequence in done.sequences.values():
        _tell(sequence)
        if overlay:
            say(f"  {overlay_file(out, sequence.name)}")
    for path in exported:
        say(f"  {path}")
    for note in done.record.notes:
        say(f"note: {note}")
    write_json(json, done.record.to_data())


def _formats(text: str | None) -> tuple[str, ...]:
    names = tuple(text.split(",")) if text else ()
    for name in names:
        if name not in EXPORTS:
            raise BadInputError(f"--export {name}: {did_you_mean(name, EXPORTS)}")
    return tuple(dict.fromkeys(names))


def _tell(sequence: SegmentedSequence) -> None:
    rate = sequence.frames / max(sequence.seconds, 1e-9)
    say(f"{sequence.name}: {counted(sequence.frames, 'frame')} in {duration(sequence.seconds)} ({rate:.1f} a second)")
    for each in sequence.objects:
        say(f"  object {each.object_id}: {_presence(each)}")
    for note in sequence.notes:
        say(f"  note: {note}")


def _presence(found: SegmentedObject) -> str:
    given = f"given on {_some(found.prompts, 'frames')}; on {counted(found.frames, 'frame')}"
    if not found.lost:
        return f"{given}, never lost"
    stretches = [first if first == last else f"{first} to {last}" for first, last in found.lost]
    return f"{given}, lost on {_some(stretches, 'times')}"


def _some(texts: Sequence[str], what: str) -> str:
    more = f" and {len(texts) - MOST_TOLD} more {what}" if len(texts) > MOST_TOLD else ""
    return f"{', '.join(texts[:MOST_TOLD])}{more}"
