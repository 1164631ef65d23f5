"""A run's records without its masks, ready to be committed as the mark for later runs."""

import shutil
from pathlib import Path

from vos_bench.errors import BadInputError
from vos_bench.files import replacing_folder
from vos_bench.records import Run, run_file


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
    others = [path.name for path in out.iterdir() if path.name not in {"run.json", "sequences"}] if out.is_dir() else []
    if others or (out.exists() and not out.is_dir()):
        what = ", ".join(sorted(others)[:3]) or "a file"
        raise BadInputError(f"{out}: found {what}; expected a new folder, or one that holds records alone")
    with replacing_folder(out) as part:
        shutil.copyfile(run_file(run.folder), part / "run.json")
        (part / "sequences").mkdir()
        for path in sorted((run.folder / "sequences").glob("*.json")):
            shutil.copyfile(path, part / "sequences" / path.name)
