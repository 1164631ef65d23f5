"""The lists of MOSEv2 and LVOS: which objects a video has, and on which frames."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field, ValidationError

from vos_bench.api import Problem
from vos_bench.config import ForeignModel, explain
from vos_bench.files import MOST_LIST_BYTES, read_bytes
from vos_bench.formats.meta_json import each_key_once
from vos_bench.names import is_file_name
from vos_bench.prompts import LARGEST_ID

from .problems import BadDataError

AGAIN = "get the list of this release again"


_HIGHEST_FRAME = 5_000_000
"""Two days of video; a list that says more is damaged, and its frames would fill the memory."""


def _as_written(value: Any) -> Any:
    """Refuse ids such as `01` and `+1`, lest two keys mean one object."""
    if isinstance(value, str) and value != str(int(value) if value.isdecimal() else -1):
        raise ValueError(f"found the id {value:.40}, expected a whole number without zeros before it")
    return value


ObjectId = Annotated[int, BeforeValidator(_as_written), Field(ge=1, le=LARGEST_ID)]


def _keys(value: Any) -> Any:
    """Take the objects' ids from a mapping too: the official tool only goes through them."""
    return tuple(value) if isinstance(value, Mapping) else value


class MoseVideo(ForeignModel):
    """One video of MOSEv2: its objects and how many frames it has; height and width may be missing."""

    objects: Annotated[tuple[ObjectId, ...], BeforeValidator(_keys)]
    length: int = Field(ge=0)
    height: int | None = None
    width: int | None = None


class MoseMeta(ForeignModel):
    """`meta_valid.json` of MOSEv2."""

    videos: dict[str, MoseVideo]


class LvosRange(ForeignModel):
    """Numbers of an object's first and (excluded) last frame, and how many annotated frames it has."""

    start: int = Field(ge=0, le=_HIGHEST_FRAME)
    end: int = Field(ge=0, le=_HIGHEST_FRAME)
    frame_nums: int = Field(ge=0)


class LvosObject(ForeignModel):
    """One object of LVOS."""

    frame_range: LvosRange


class LvosVideo(ForeignModel):
    """One video of LVOS: its objects by id."""

    objects: dict[ObjectId, LvosObject]


class LvosMeta(ForeignModel):
    """`valid_meta.json` of LVOS."""

    videos: dict[str, LvosVideo]


List = TypeVar("List", MoseMeta, LvosMeta)


def read_list(path: Path, model: type[List], *, expected: str) -> List:
    """Read such a file.

    Args:
        path: The file.
        model: What it holds.
        expected: Its form, for the message.

    Raises:
        BadInputError: It is absent, damaged or of another form, lists no video, or names something that is no id or
            no file's name.
    """
    try:
        data = read_bytes(path, most=MOST_LIST_BYTES)
        found = model.model_validate_json(data)
        json.loads(data, object_pairs_hook=each_key_once)
    except OSError as error:
        reason = f"a file that cannot be read ({error.strerror or error})"
        raise BadDataError(Problem(path, reason, expected, AGAIN)) from None
    except ValidationError as error:
        reason = explain(error).partition("; ")[0] if data else "an empty file"
        raise BadDataError(Problem(path, f"another list ({reason})", expected, AGAIN)) from None
    except ValueError as error:
        raise BadDataError(Problem(path, f"no clear list ({error})", expected, AGAIN)) from None
    if not found.videos:
        raise BadDataError(Problem(path, "no video", expected, AGAIN))
    _require_names(path, found.videos)
    return found


def _require_names(path: Path, names: Iterable[str]) -> None:
    if bad := next((name for name in names if not is_file_name(name)), None):
        raise BadDataError(Problem(path, f"the video {bad!r:.80}", "names that a folder can have", AGAIN))
