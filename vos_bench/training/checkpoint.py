"""Checkpoints of a training: whole or not at all, and loadable without unpickling code."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from vos_bench.errors import BadInputError
from vos_bench.files import replacing
from vos_bench.files.durability import sync_file
from vos_bench.training.curves import CURVES

FORMAT = 1
CHECKPOINT = "checkpoint.pt"


def save_checkpoint(folder: Path, state: Mapping[str, Any]) -> Path:
    """Write `state`, tensors, numbers, texts and plain containers of them, as the folder's one checkpoint.

    The one before stays until the new one is whole. Raises BadInputError where it cannot be written.
    """
    path = folder / CHECKPOINT
    if (curves := folder / CURVES).exists():
        sync_file(curves)  # before the checkpoint after which its lines are not made again
    with replacing(path) as part, part.open("wb") as file:
        try:
            torch.save({"format": FORMAT, **state}, file)
        except RuntimeError as error:  # torch has a complaint of its own about what it could not write, and no reason
            raise error.__context__ if isinstance(error.__context__, OSError) else error from None
    return path


def load_checkpoint(folder: Path) -> dict[str, Any]:
    """Read the folder's checkpoint onto the CPU.

    Raises:
        BadInputError: There is none, or it is not a checkpoint of this program.
    """
    path = folder / CHECKPOINT
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise BadInputError(f"{path}: there is no checkpoint to resume from; leave out --resume to start") from None
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, ValueError) as error:
        raise BadInputError(f"{path}: cannot be read as a checkpoint: {error}; delete it to start over") from error
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise BadInputError(f"{path}: found no checkpoint of format {FORMAT}; delete it to start over")
    return state
