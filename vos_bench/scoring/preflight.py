"""Looks for what would make scores wrong before any of them is computed."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from vos_bench.api import ProtocolName
from vos_bench.errors import BadInputError, indented
from vos_bench.files import AnyPath
from vos_bench.labelmaps import label_map_path, read_size
from vos_bench.metrics.frame_rules import Frames, TruthSequence
from vos_bench.metrics.protocols import scoring_protocol
from vos_bench.metrics.scoring_rules import OfficialTool, ScoringProtocol
from vos_bench.names import counted, is_leftover, renaming, shorten
from vos_bench.scoring.truth import folder_advice, label_map_names, list_folder

MOST_PROBLEMS = 10
"""How many problems one message lists."""


def preflight(sequences: Sequence[TruthSequence], masks: Path, *, protocol: ProtocolName) -> int:
    """Check that label maps are there for every scored frame and that their size is that of the truth.

    Every sequence's folder is listed, and the header of its first label map is compared with its truth; the size of
    all others is checked when they are read.

    Args:
        sequences: What is to be scored.
        masks: Folder of label maps, `masks/SEQUENCE/FRAME.png`.
        protocol: Which frames count.

    Returns:
        How many pixels are to be scored, about.

    Raises:
        BadInputError: Something is missing or of another size; one message lists all of it.
    """
    rule = scoring_protocol(protocol)
    if not sequences:
        raise BadInputError("there is no sequence to score; expected at least one")
    _check_layout(sequences, masks, tracks=bool(rule.tracks))
    pixels, problems = 0, []
    for sequence in sequences:
        try:
            pixels += _check_sequence(sequence, masks / sequence.name, rule)
        except BadInputError as error:
            problems.append(str(error))
    if problems:
        raise BadInputError(_listed(problems))
    return pixels


def _check_layout(sequences: Sequence[TruthSequence], masks: Path, *, tracks: bool) -> None:
    """Recognise a folder that is one level too deep or too high, or holds tracks: none of the sequences is in it."""
    names = tuple(sequence.name for sequence in sequences)
    if not any((masks / name).exists() for name in names):
        expected = shorten(names)
        folders = [path.name for path in list_folder(masks) if path.is_dir()]
        advice = (tracks and _track_files(masks)) or renaming(folders, names)
        advice = advice or folder_advice(masks, names, truth=sequences)
        raise BadInputError(f"{masks}: expected one folder of label maps for each sequence ({expected}); {advice}")


def _track_files(masks: Path) -> str:
    """Return which JSON file of a folder without label maps to give; nothing where there is none."""
    files = sorted(path for path in masks.rglob("*.json") if not is_leftover(path.name))
    if not files or next(masks.rglob("*.png"), None) is not None:
        return ""
    if len(files) == 1:
        return f"found a JSON file: if it holds the tracks, give it in place of the folder: {files[0]}"
    found = shorten(str(path.relative_to(masks)) for path in files)
    return f"found JSON files ({found}): give the one that holds the tracks in place of the folder"


def _check_sequence(sequence: TruthSequence, folder: Path, rule: ScoringProtocol) -> int:
    """Return how many pixels the scored frames of one sequence have."""
    selected = rule.select_frames(sequence)
    frames, tool = selected.names, rule.official
    if not folder.exists():
        others = [path.name for path in list_folder(folder.parent) if path.is_dir()]
        advice = renaming(others, [sequence.name]) if len(others) == 1 else _similar(sequence.name, others)
        raise BadInputError(
            f"{folder}: there is no such folder; expected {counted(len(frames), 'label map')} of {sequence.name}"
            + (f"; {advice}" if advice else "")
            + _official(tool, tool.missing_sequence)
        )
    if sequence.object_names:
        return _check_objects(sequence, folder, selected)
    present = label_map_names(folder)
    there = frozenset(present)
    if shift := _shift(sequence, present):
        raise BadInputError(f"{folder}: {shift}")
    if not present:
        raise BadInputError(_missing(folder, [*frames], frames, present) + _official(tool, tool.missing_frame))
    if problem := rule.files.apply(sequence.truth_names, present):
        raise BadInputError(f"{folder}: {problem}")
    if missing := [name for name in frames if name not in there]:
        raise BadInputError(_missing(folder, missing, frames, present) + _official(tool, tool.missing_frame))
    path = label_map_path(folder, frames[0])
    found = read_size(path)
    check_size(path, found, sequence.read_truth(frames[0]).shape)
    return found[0] * found[1] * len(frames)


def _official(tool: OfficialTool, text: str) -> str:
    """Return what the tool would do, to end a message with."""
    return f" ({tool.name} would {text})" if text else ""


def unwrapped(sequences: Sequence[TruthSequence], masks: Path, *, protocol: ProtocolName) -> Path:
    """Return the folder of label maps: the one that lies alone in `masks`, as a zip leaves it, if the rules say so."""
    if not scoring_protocol(protocol).wrapped or not masks.is_dir():
        return masks
    inside = list_folder(masks)
    if len(inside) == 1 and inside[0].is_dir() and inside[0].name not in {each.name for each in sequences}:
        return inside[0]
    return masks


def _check_objects(sequence: TruthSequence, folder: Path, frames: Frames) -> int:
    """Return how many pixels the scored masks have, where each object has a folder of them."""
    pixels = 0
    for object_id, name in sequence.object_names.items():
        wanted = frames.own.get(object_id, frames.names)
        if not (folder / name).is_dir():
            remedy = ""
            if label_map_names(folder):
                source = shlex.quote(str(folder.parent))
                remedy = f"; vos-bench export {source} --format per-object --out FOLDER makes them of label maps"
            held = _contents(folder)
            raise BadInputError(
                f"{folder / name}: there is no such folder ({held}); expected the masks of this object{remedy}"
            )
        present = label_map_names(folder / name)
        there = frozenset(present)
        if missing := [frame for frame in wanted if frame not in there]:
            raise BadInputError(_missing(folder / name, missing, wanted, present))
        for frame in wanted[:1]:
            height, width = read_size(folder / name / f"{frame}.png")
            pixels += height * width * len(wanted)
    return pixels


def _contents(folder: Path) -> str:
    """Return what lies in a sequence's folder, in words."""
    return f"{folder.name} holds {shorten(path.name for path in list_folder(folder)) or 'nothing'}"


def _similar(name: str, others: Sequence[str]) -> str:
    """Return which folder differs from a sequence's name in capitals alone, and what to do; nothing where none does."""
    return next((renaming([other], [name]) for other in others if other.casefold() == name.casefold()), "")


def _shift(sequence: TruthSequence, present: Sequence[str]) -> str:
    """Return by how much label maps are numbered wrongly: none for an end of the video, some beyond the other."""
    frames = tuple(getattr(sequence, "frame_names", ())) or _without_gaps(sequence.truth_names)
    found = [name for name in present if name.isdecimal()]
    if not found or not frames or not all(map(str.isdecimal, frames)):
        return ""
    by, at_the_end = int(found[0]) - int(frames[0]), int(found[-1]) - int(frames[-1])
    if not by or by != at_the_end:
        return ""
    return (
        f"found {found[0]}.png to {found[-1]}.png, but the frames are {frames[0]} to {frames[-1]}: the label maps are "
        f"numbered {abs(by)} too {'high' if by > 0 else 'low'}\n"
        f"  rename them as the frames: {found[0]} to {frames[0]} and so on"
    )


def _without_gaps(names: Sequence[str]) -> tuple[str, ...]:
    """Return names that are numbers without a gap, which are then those of all frames; otherwise nothing."""
    if all(map(str.isdecimal, names)) and int(names[-1]) - int(names[0]) == len(names) - 1:
        return tuple(names)
    return ()


def check_size(path: AnyPath, found: tuple[int, ...], expected: tuple[int, ...]) -> None:
    """Check that a label map has the height and width of its truth. Raises BadInputError."""
    if found != expected:
        sizes = " x ".join(map(str, found)), " x ".join(map(str, expected))
        raise BadInputError(
            f"{path}: found {sizes[0]} pixels (height x width), expected {sizes[1]} as in the truth\n"
            "  write label maps at the size of the annotations, resized with nearest neighbour"
        )


def _missing(folder: Path, missing: list[str], frames: tuple[str, ...], present: tuple[str, ...]) -> str:
    names = shorten(f"{name}.png" for name in missing)
    message = f"{folder}: {len(missing)} of {counted(len(frames), 'label map')} {_are(missing)} missing: {names}"
    if advice := renaming([name for name in present if name not in frames], missing):
        return f"{message}; found {present[0]}.png and the like: {advice}"
    if present and len(missing) == len(frames):
        return f"{message}; found {present[0]}.png and the like: name label maps as the frames of the truth"
    if not present and (others := list_folder(folder)):
        return f"{message}; found {others[0].name} and the like: save label maps as FRAME.png"
    return f"{message}; every scored frame needs one, an empty one where no object is seen"


def _are(found: list[str]) -> str:
    return "is" if len(found) == 1 else "are"


def _listed(problems: list[str]) -> str:
    if len(problems) == 1:
        return problems[0]
    rest = len(problems) - MOST_PROBLEMS
    lines = [*map(indented, problems[:MOST_PROBLEMS]), *([f"and {rest} more"] if rest > 0 else [])]
    return f"{len(problems)} sequences cannot be scored:\n  " + "\n  ".join(lines)
