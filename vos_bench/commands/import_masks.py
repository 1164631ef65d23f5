"""`vos-bench import-masks`: exports of annotation tools as label maps."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from vos_bench.commands import options
from vos_bench.commands.output import say, shown_bars
from vos_bench.errors import BadInputError
from vos_bench.importing import import_masks as turn_into_label_maps
from vos_bench.names import counted


def import_masks(
    source: Path,
    *,
    from_: Annotated[
        Literal["cvat", "mots", "label-studio", "coco", "youtube-vis", "sav", "davis"], Parameter(name="--from")
    ],
    out: Annotated[Path, Parameter(name="--out")],
    size: str | None = None,
) -> None:
    """Turn the export of an annotation tool into label maps that keep identities, and say what cannot be kept.

    Args:
        source: The export: a file, a folder, or a zip of it.
        from_: Its form: CVAT for video or images (XML), MOTS PNG, Label Studio's brush PNG or NumPy, COCO,
            YouTube-VIS, one black and white PNG an object (SA-V), or label maps (DAVIS).
        out: The folder to write: Annotations/SEQUENCE/FRAME.png. Put the frames into JPEGImages/SEQUENCE beside it.
        size: WIDTHxHEIGHT of the frames, for exports that do not say.
    """
    found = turn_into_label_maps(source, from_, out=out, size=_size(size), progress=shown_bars())
    for sequence, count in found.frames.items():
        say(f"{found.folder / 'Annotations' / sequence}: {counted(count, 'frame')}")
        for k, title in found.objects[sequence].items():
            say(f"  object {k}: {title}")
    for note in found.notes:
        say(f"note: {note}")


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    [(width, height), *others] = options.sizes(text)
    if others:
        raise BadInputError(f"--size {text}: expected one size")
    return height, width
