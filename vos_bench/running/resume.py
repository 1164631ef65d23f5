"""What is left to do in a run's folder, and whether this run may work there at all."""

import shutil
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from vos_bench.api import Dataset, ProtocolName, Sequence
from vos_bench.environment import Environment
from vos_bench.errors import BadInputError, VosBenchError
from vos_bench.files import part_of, require_no_link
from vos_bench.files.code import changed_files
from vos_bench.files.durability import sync_folder
from vos_bench.formats.mask_folders import mask_files
from vos_bench.labelmaps import require_whole
from vos_bench.names import counted, shorten
from vos_bench.records import (
    SHARED_FILES,
    DatasetEntry,
    RunRecord,
    SequenceRecord,
    config8,
    differences,
    masks_folder,
    probabilities_folder,
    read_record,
    run_file,
    sequence_file,
)
from vos_bench.records.overlaps import remove_overlaps
from vos_bench.records.scores import protocol_label
from vos_bench.records.sequence_record import NO_PROBABILITIES
from vos_bench.running.settings import Overwrite

KNOWN_ENTRIES = frozenset({*SHARED_FILES, "sequences", "masks", "probabilities", "overlaps"})
"""What a run writes into its folder."""


OVERWRITE, REMOVE = "--overwrite always", "remove the folder"
"""What makes a run again: the option of commands that have it; else there is but one way."""


class RemainingWork(NamedTuple):
    """What is to be done, each in the dataset's order.

    Attributes:
        run: Sequences to run; those that failed before come last, since one may be what ended the run.
        score: Sequences whose label maps stand, but whose scores were made under other rules.
        finished: Sequences with nothing to do.
        unsaved: Those of `run` that were finished, but without the probabilities that are asked for now.
    """

    run: tuple[str, ...]
    score: tuple[str, ...]
    finished: tuple[str, ...]
    unsaved: tuple[str, ...] = ()


class OpenedFolder(NamedTuple):
    """A run's folder: the record with what is known from before, and the sequence files that can be read, by name."""

    record: RunRecord
    sequences: dict[str, SequenceRecord]


def open_folder(
    out: Path,
    record: RunRecord,
    *,
    dataset: Dataset,
    factory: str = "",
    fresh: bool = False,
    remedy: str = OVERWRITE,
) -> OpenedFolder:
    """Check that a folder is free or holds this very run, and return what is known from before.

    The record then is about all sequences that this run or an earlier one chose, or that were copied here.

    Args:
        out: The folder.
        record: What is known of the run that is to begin.
        dataset: Its data.
        factory: Of its method; see `vos_bench.plugins.MethodInfo`.
        fresh: Whether this run makes all its sequences again. An earlier run of the same method on the same data, which
            differs in anything else, is then removed, if it has no sequence that this one would not make.
        remedy: What messages advise where it has to be made again.

    Raises:
        BadInputError: It holds another run, a damaged record, or files that are no run's.
    """
    names, whole = set(record.dataset.sequences), ""
    if fresh and run_file(out).exists() and _is_replaced(out, record):
        for name in record.dataset.sequences:
            remove_outputs(out, name)
    elif run_file(out).exists():
        before = _same_run(out, record)
        if not fresh:
            _require_same_frames(out, before.dataset, record.dataset, remedy)
            whole = before.dataset.whole_sha256
        names.update(before.dataset.sequences)
        record = record.replace(
            created=before.created,
            external=before.external,
            environment=before.environment,
            numerics=before.numerics,
        )
    else:
        require_no_foreign_files(out)
    files = sorted((out / "sequences").glob("*.json"))
    present = {path.stem: found for path in files if (found := _readable(path)) is not None}
    for path in files:
        if path.stem in present:
            _require_identity(path, present[path.stem], config8(record))
    if not fresh:
        _require_same_files(out, factory, [each for each in present.values() if each.status == "done"], remedy)
    names.update(path.stem for path in files)
    chosen = record.dataset.replace(
        whole_sha256=record.dataset.whole_sha256 or whole,
        sequences=tuple(name for name in dataset.sequence_names if name in names),
    )
    return OpenedFolder(record.replace(dataset=chosen), present)


def _same_run(out: Path, record: RunRecord) -> RunRecord:
    before = read_record(RunRecord, run_file(out))
    if before.kind != record.kind:
        raise BadInputError(f"{out}: holds a record of the kind {before.kind}, not {record.kind}; give another --out")
    if found := differences(before, record):
        different = "\n  ".join(found)
        raise BadInputError(
            f"{out}: holds another run. Different (there and here):\n  {different}\n"
            "  Give another --out, or none: then every configuration gets a folder of its own; or remove the folder"
        )
    return before


def _require_same_frames(out: Path, before: DatasetEntry, now: DatasetEntry, remedy: str) -> None:
    """Check that no frame changed inside, which the fingerprint, made of ends and sizes, does not see."""
    for ours, theirs in ((now.whole_sha256, before.whole_sha256), (now.sampled_sha256, before.sampled_sha256)):
        if ours and theirs and ours != theirs:
            raise BadInputError(
                f"{out}: was made from other frames of {now.title}: names, sizes and ends are equal, and the content "
                f"differs\n  bring the data back, or give another --out, or {remedy}"
            )


def _require_same_files(out: Path, factory: str, finished: Collection[SequenceRecord], remedy: str) -> None:
    """Check that no file changed that the method read when it made the finished sequences."""
    read = {(name, value) for each in finished for name, value in each.method_files.items()}
    changed = sorted({name for name, value in read if changed_files(factory, {name: value})})
    if changed:
        raise BadInputError(
            f"{out}: was made when {shorten(changed)} beside the method held something else; bring that back, or give "
            f"another --out, or {remedy}"
        )


def _is_replaced(out: Path, record: RunRecord) -> bool:
    """Return whether a folder holds another run that this one may take the place of: nothing is lost but older scores.

    What a server said of it was typed in by hand, and could not be made again.
    """
    before = read_record(RunRecord, run_file(out))
    alike = all(
        ours == theirs
        for ours, theirs in (
            (before.kind, record.kind),
            (before.method.name, record.method.name),
            (before.dataset.name, record.dataset.name),
            (before.dataset.split, record.dataset.split),
        )
    )
    present = {path.stem for path in (out / "sequences").glob("*.json")}
    covered = present.union(before.dataset.sequences) <= {*record.dataset.sequences}
    return alike and covered and not before.external and bool(differences(before, record))


def resume_notice(
    out: Path,
    found: Collection[SequenceRecord],
    software: str,
    before: Environment,
    now: Environment,
    remedy: str = OVERWRITE,
) -> str:
    """Return one line on finished sequences that stay as they are: how many, and what made them where that differs.

    Args:
        out: The run's folder.
        found: The records of these sequences.
        software: What this run would write into its sequence files.
        before: The environment of the folder's record.
        now: That of this process.
        remedy: What makes them again.
    """
    if not found:
        return ""
    made_by = sorted({each.software for each in found} - {software})
    other = [f"{each or 'unknown software'}, now {software}" for each in made_by]
    ours, theirs = ({"python": each.python, **each.packages} for each in (before, now))
    other += [
        f"{name} {ours.get(name, 'absent')}, now {theirs.get(name, 'absent')}"
        for name in sorted({*ours, *theirs})
        if ours.get(name) != theirs.get(name)
    ]
    were = "was finished before and is" if len(found) == 1 else "were finished before and are"
    text = f"{out}: {len(found)} of the sequences {were} taken over as they are"
    if other:
        text += f"; WARNING: other software made them ({'; '.join(other[:5])}{'; …' if len(other) > 5 else ''})"
    return f"{text}; {remedy} {'runs' if remedy == OVERWRITE else 'to run'} them again"


def remove_empty_record(out: Path, record: RunRecord) -> bool:
    """Remove the record of a run that wrote nothing, such as one whose method cannot be built; return whether it did.

    What a server said of it was typed in by hand and stays. Label maps of a sequence that was not finished need the
    record too: without one, nobody could tell whose they are.
    """
    if record.external or any(True for kind in ("sequences", "masks", "probabilities") for _ in (out / kind).glob("*")):
        return False
    with suppress(OSError):
        run_file(out).unlink(missing_ok=True)
    return True


def require_no_foreign_files(out: Path) -> None:
    """Check that a folder without a record holds nothing but what a run writes. Raises BadInputError."""
    foreign = sorted(
        path.name
        for path in out.iterdir()
        if not path.name.startswith(".") and (part_of(path) or path.name) not in KNOWN_ENTRIES
    )
    if foreign:
        raise BadInputError(
            f"{out}: found {foreign[0]} and no run.json; expected an empty folder or one that a run made; give another"
            " --out"
        )
    for folder in sorted(path for kind in ("masks", "probabilities") for path in (out / kind).glob("*")):
        if not sequence_file(out, folder.name).exists():
            raise BadInputError(
                f"{folder}: found it without a record of how it was made, neither run.json nor sequences/"
                f"{folder.name}.json\n  expected an empty folder or one that a run made; give another --out"
            )


def remaining_work(
    out: Path,
    names: Collection[str],
    present: Mapping[str, SequenceRecord],
    *,
    protocol: ProtocolName,
    dataset: Dataset,
    overwrite: Overwrite,
    probabilities: bool = False,
) -> RemainingWork:
    """Sort the sequences of this run by what there is to do.

    A sequence is finished when its record says so and each of its label maps is there and whole, and where
    `probabilities` are asked for also these, of a method that gives some. One that failed is run again.

    Raises:
        BadInputError: `overwrite` is `never` and something is there.
    """
    there = [name for name in names if sequence_file(out, name).exists()]
    if overwrite == "never" and there:
        raise BadInputError(
            f"{out}: {len(there)} of {counted(len(names), 'sequence')} found there already, such as {there[0]}, and "
            "--overwrite never forbids to touch them\n  give another --out or --overwrite only-missing"
        )
    label = protocol_label(protocol)
    run, again, score, finished, unsaved = [], [], [], [], list[str]()
    for name in names:
        found = present.get(name)
        if found is not None and found.status == "failed":
            again.append(name)
        elif found is None or overwrite == "always" or not _label_maps_whole(out, name, dataset):
            run.append(name)
        elif probabilities and not _probabilities_present(out, found, dataset):
            run.append(name)
            unsaved.append(name)
        elif found.protocol and found.protocol != label:
            score.append(name)
        else:
            finished.append(name)
    return RemainingWork((*run, *again), tuple(score), tuple(finished), tuple(unsaved))


def _require_identity(path: Path, record: SequenceRecord, identity: str) -> None:
    """Check that a sequence is this run's: shards are merged by copying, and may be mixed up."""
    if record.identity != identity:
        raise BadInputError(
            f"{path}: was made by the run {record.identity or 'of another kind'}, and this is {identity}\n"
            "  method, configuration, weights, data or seed differ\n"
            "  take it out of this folder, or give another --out"
        )


def _readable(path: Path) -> SequenceRecord | None:
    """Return a sequence's record, None when there is none or a damaged one: then the sequence is run again."""
    try:
        return read_record(SequenceRecord, path)
    except BadInputError:
        return None


def _label_maps_whole(out: Path, name: str, dataset: Dataset) -> bool:
    """Return whether every label map of a sequence is there and whole: a copy, or a disk, may have lost some."""
    try:
        sequence: Sequence = dataset.sequence(name)
        for file in mask_files(sequence):
            require_whole(masks_folder(out, name) / file)
    except VosBenchError:
        return False
    return True


def _probabilities_present(out: Path, record: SequenceRecord, dataset: Dataset) -> bool:
    """Say whether a finished sequence has its probabilities, up to its last frame, or a method that gives none."""
    if NO_PROBABILITIES in record.notes:
        return True
    last = dataset.sequence(record.name).output_names[-1]
    return (probabilities_folder(out, record.name) / f"{last}.npz").is_file()


def remove_outputs(out: Path, name: str) -> None:
    """Remove what an earlier try left of a sequence, its record first.

    Raises:
        BadInputError: It cannot be removed, or is a link to elsewhere; then nothing is.
    """
    record = sequence_file(out, name)
    folders = masks_folder(out, name), probabilities_folder(out, name)
    for folder in folders:
        require_no_link(folder)
    try:
        with suppress(FileNotFoundError):
            record.unlink()
            sync_folder(record.parent)  # before the label maps go that it vouches for
        for folder in folders:
            if folder.exists():
                shutil.rmtree(folder)
    except OSError as error:
        raise BadInputError(f"{error.filename or record}: cannot be removed: {error.strerror}") from error
    remove_overlaps(out, [name])  # which were counted of the label maps that are gone
