"""`vos-bench export`: label maps in the forms of other programs."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from vos_bench.commands.options import sequence_names
from vos_bench.commands.output import say
from vos_bench.commands.progress import TerminalProgress
from vos_bench.exporting import export as write_export


def export(
    run: Path,
    *,
    format: Literal["overlay", "coco", "youtube-vis", "mot", "per-object", "davis"],
    out: Annotated[Path | None, Parameter(name="--out")] = None,
    root: Path | None = None,
    sequences: str | None = None,
) -> None:
    """Write the label maps of a run, or of videos that were segmented, in another form.

    Args:
        run: The folder of a run or of `vos-bench segment`, or of label maps, SEQUENCE/FRAME.png.
        format: A video that shows the objects, COCO with run lengths, YouTube-VIS, MOTS PNG, a black and white PNG
            an object, or a zip of indexed PNG files.
        out: The folder to write; without it, export/FORMAT in the folder of the run.
        root: The folder of the data, for the video.
        sequences: A,B or @FILE; without it, all.
    """
    chosen = sequence_names(sequences)
    notes: list[str] = []
    written = write_export(run, format, out=out, root=root, sequences=chosen, progress=TerminalProgress(), notes=notes)
    for path in written:
        say(str(path))
    for note in notes:
        say(f"note: {note}")
