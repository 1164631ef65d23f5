"""Copies a run's records without its masks, to be committed as the baseline of later runs."""

import shutil
from pathlib import Path

from vos_bench.errors import BadInputError
from vos_bench.files.folders import replacing_folder
from vos_bench.records import Run, RunRecord, SequenceRecord, read_record, run_file


def write_baseline(run: Run, out: Path) -> None:
    """Copy a run's records into a folder of their own; records that lie there are replaced, whole or not at all.

    Args:
        run: A finished run.
        out: The folder: run.json and sequences/NAME.json.

    Raises:
        BadInputError: The run is not finished, the folder is the run's own or holds anything but records, or it cannot
            be written.
    """
    if run.record.status == "started":
        raise BadInputError(f"{run.folder}: is not finished; a baseline is made of a finished run")
    if out.resolve() == run.folder.resolve():
        raise BadInputError(f"{out}: is the run itself; expected another folder")
    if other := _other_file(out):
        raise BadInputError(f"{out}: found {other}; expected a new folder, or one that holds records alone")
    with replacing_folder(out) as part:
        shutil.copyfile(run_file(run.folder), part / "run.json")
        (part / "sequences").mkdir()
        for path in sorted((run.folder / "sequences").glob("*.json")):
            shutil.copyfile(path, part / "sequences" / path.name)


def _other_file(out: Path) -> str:
    """Return the name of a file in a folder that is no record, so that nobody's own is removed; empty without one."""
    if not out.is_dir():
        return "a file" if out.exists() or out.is_symlink() else ""
    for path in sorted([*out.iterdir(), *(out / "sequences").glob("*")]):
        name = path.relative_to(out).as_posix()
        if name == "sequences" and path.is_dir():
            continue
        try:
            if name == "run.json":
                read_record(RunRecord, path)
            elif path.parent.name == "sequences" and path.suffix == ".json":
                read_record(SequenceRecord, path)
            else:
                return name
        except BadInputError:
            return f"{name}, which is no record"
    return ""
