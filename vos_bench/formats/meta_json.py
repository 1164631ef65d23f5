"""`meta.json` of YouTube-VOS and its relatives: the objects of each video, their categories and their frames."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from vos_bench.config import ForeignModel, explain
from vos_bench.errors import BadInputError
from vos_bench.files import read_bytes
from vos_bench.names import frame_order, is_file_name
from vos_bench.prompts import LARGEST_ID

META_NAME = "meta.json"

UNSEEN_MARK = "_unseen"
"""A category that ends like this is an unseen one; then all others are seen."""


MOST_BYTES = 1 << 26
"""The largest list that is read; that of YouTube-VOS 2019 train has a tenth of it."""


class ListedObject(ForeignModel):
    """One object: its category, empty where the release keeps it back, and the annotated frames that list it."""

    category: str = ""
    frames: tuple[str, ...] = ()


class ListedVideo(ForeignModel):
    """One video: its objects by id."""

    objects: dict[int, ListedObject]

    @property
    def first_frames(self) -> dict[int, str]:
        """Object id, ascending, to the first frame it is listed on; an object that is listed on none is left out."""
        return {k: min(listed.frames, key=frame_order) for k, listed in sorted(self.objects.items()) if listed.frames}

    @property
    def frames(self) -> tuple[str, ...]:
        """The annotated frames: all on which some object is listed, sorted as text."""
        return tuple(sorted({name for listed in self.objects.values() for name in listed.frames}, key=frame_order))


class Meta(ForeignModel):
    """The whole file: its videos by name."""

    videos: dict[str, ListedVideo]

    @property
    def categories(self) -> frozenset[str]:
        """All categories that it names."""
        return frozenset(listed.category for listed in self._objects() if listed.category)

    def groups(self, seen: Iterable[str] = ()) -> Mapping[str, Mapping[int, str]]:
        """Return for each video the group of each of its objects, `seen` or `unseen`.

        Args:
            seen: The categories of the training set; empty where they are not known.

        Returns:
            Nothing at all when the groups are not to be known: when some object has no category, or when neither
            `seen` nor the mark `_unseen` tells them apart.
        """
        known = frozenset(seen)
        marked = any(category.endswith(UNSEEN_MARK) for category in self.categories)
        if not (marked or known) or not all(listed.category for listed in self._objects()):
            return {}

        def group(category: str) -> str:
            unseen = category.endswith(UNSEEN_MARK) if marked else category not in known
            return "unseen" if unseen else "seen"

        return {
            name: {k: group(listed.category) for k, listed in sorted(video.objects.items())}
            for name, video in self.videos.items()
        }

    def _objects(self) -> Iterable[ListedObject]:
        return (listed for video in self.videos.values() for listed in video.objects.values())


def read_meta(path: Path) -> Meta:
    """Read a `meta.json`.

    Raises:
        BadInputError: It is absent, damaged or of another form, lists no video, or an id is none.
    """
    remedy = "unpack the archive again"
    try:
        data = read_bytes(path, most=MOST_BYTES)
        meta = Meta.model_validate_json(data)
        content = json.loads(data, object_pairs_hook=each_key_once)
    except OSError as error:
        found = f"a file that cannot be read ({error.strerror or error})"
        raise BadInputError(f"{path}: found {found}; expected the list of objects; {remedy}") from None
    except ValidationError as error:
        reason = explain(error).partition("; ")[0] if data else "an empty file"
        expected = '{"videos": {VIDEO: {"objects": {ID: {"frames": [NAME, …]}}}}}'
        raise BadInputError(f"{path}: found no list of objects ({reason}); expected {expected}; {remedy}") from None
    except ValueError as error:
        raise BadInputError(f"{path}: found no clear list of objects ({error}); {remedy}") from None
    if not meta.videos:
        raise BadInputError(f"{path}: found no video, expected at least one; {remedy}")
    for name, video in meta.videos.items():
        if wrong := [k for k in content["videos"][name]["objects"] if k not in _IDS]:
            raise BadInputError(f"{path}: found object id {wrong[0]:.40} in {name}, expected 1 to {LARGEST_ID}")
        if unusable := [each for each in (name, *video.frames) if not is_file_name(each)]:
            raise BadInputError(f"{path}: found {unusable[0]!r:.80}, expected names that a file can have; {remedy}")
    return meta


_IDS = frozenset(map(str, range(1, LARGEST_ID + 1)))
"""The ids as they are written: `01` and `+1` are none, lest two keys mean one object."""


def each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make a mapping of what a JSON object holds. Raises ValueError where a key comes twice; the last would win."""
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"it says {next(key for key in keys if keys.count(key) > 1)!r:.80} twice")
    return content


def meta_beside(folder: Path) -> Path | None:
    """Return the `meta.json` in a folder of label maps, or in the one above it; None where there is none."""
    absolute = folder.absolute()
    return next((path for path in (absolute / META_NAME, absolute.parent / META_NAME) if path.is_file()), None)


def training_categories(meta_file: Path) -> frozenset[str]:
    """Return the categories of the training set whose `meta.json` lies near that of another split; empty if none does.

    Args:
        meta_file: `ROOT/SPLIT/meta.json`; the training set's is `ROOT/train/meta.json`.

    Raises:
        BadInputError: It is there and damaged.
    """
    path = meta_file.parent.parent / "train" / META_NAME
    return read_meta(path).categories if path.is_file() else frozenset()
