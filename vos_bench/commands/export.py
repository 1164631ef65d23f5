"""`vos-bench export`: label maps, scores and data in the forms of other programs."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from vos_bench.commands.groups import MANY
from vos_bench.commands.options import sequence_names
from vos_bench.commands.output import say, shown_bars
from vos_bench.errors import BadInputError
from vos_bench.exporting import CROISSANT_ABOUT, EXPORTS, RECORD_ABOUT, export_croissant, export_records, parse_about
from vos_bench.exporting import export as write_export

CROISSANT = "croissant"


def export(
    run: Path,
    *,
    format: Literal[
        "overlay",
        "coco",
        "youtube-vis",
        "mot",
        "per-object",
        "davis",
        "eval-results",
        "model-card",
        "runs-csv",
        "croissant",
    ],
    out: Annotated[Path | None, Parameter(name="--out")] = None,
    root: Path | None = None,
    sequences: str | None = None,
    about: Annotated[tuple[str, ...], MANY] = (),
) -> None:
    """Write label maps, scores or metadata of a dataset in the form of another program.

    Args:
        run: The folder of a run or of `vos-bench segment`, or of label maps, SEQUENCE/FRAME.png. For scores, a folder
            that holds one or several runs. For croissant, the folder of a dataset of your own.
        format: Of label maps: a video that shows the objects, COCO with run lengths, YouTube-VIS, MOTS PNG, a black and
            white PNG an object, or a zip of indexed PNG files. Of scores: the Hugging Face hub's .eval_results YAML or
            model card, or a CSV for MLflow and W&B. Of a dataset: Croissant metadata.
        out: The folder to write; without it, export/FORMAT in the folder of the run. A folder of
            label maps alone and croissant need it, for nothing is written among data.
        root: The folder of the data, for the video.
        sequences: A,B or @FILE, of label maps; without it, all.
        about: NAME=VALUE that the form asks for and no file contains, such as license=MIT; may be given several times.
    """
    if format in EXPORTS:
        _export_label_maps(run, format, out, root, sequences, about)
        return
    for option, value in (("--root", root), ("--sequences", sequences)):
        if value is not None:
            raise BadInputError(
                f"{option} {value} has no effect: --format {format} is of whole runs or data; leave it out"
            )
    if format == CROISSANT:
        if out is None:
            raise BadInputError(
                "--format croissant: found no --out, expected --out FOLDER; nothing is written among data"
            )
        said = parse_about(about, f"--format {format}", CROISSANT_ABOUT)
        written = export_croissant(run, out=out, about=said, progress=shown_bars())
    else:
        said = parse_about(about, f"--format {format}", RECORD_ABOUT[format])
        written = export_records(run, format, out=out, about=said)
    for path in written:
        say(str(path))


def _export_label_maps(
    run: Path, form: str, out: Path | None, root: Path | None, sequences: str | None, about: tuple[str, ...]
) -> None:
    parse_about(about, f"--format {form}", ())
    chosen = sequence_names(sequences)
    notes: list[str] = []
    written = write_export(run, form, out=out, root=root, sequences=chosen, progress=shown_bars(), notes=notes)
    for path in written:
        say(str(path))
    for note in notes:
        say(f"note: {note}")
