"""The masks of SA-V's train split, as published: one JSON file a video with COCO's compressed run lengths."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError

from vos_bench.api import Mask, Problem
from vos_bench.config import ForeignModel, explain
from vos_bench.files import read_bytes
from vos_bench.formats.mask_folders import FIRST_ID
from vos_bench.formats.tracks_json import decode_mask
from vos_bench.names import counted

from .mask_sequence import MaskSequence
from .problems import BadDataError
from .split_tree import AGAIN

STEP = 4
"""Every fourth frame is annotated: masks at 6 of 24 frames a second."""

MOST_BYTES = 1 << 28
"""The largest file that is read; those of SA-V have a few million bytes."""


class Masklet(ForeignModel):
    """The mask of one object on one frame."""

    size: tuple[int, int]
    counts: str


class MaskletFile(ForeignModel):
    """`VIDEO_manual.json`: for each annotated frame the mask of each object, null where there is none."""

    masklet: tuple[tuple[Masklet | None, ...], ...]


@lru_cache(maxsize=4)
def read_masklets(path: Path) -> MaskletFile:
    """Read such a file; the last few are kept, since one is asked for frame by frame.

    Raises:
        BadInputError: It is absent or damaged, or has no frame.
    """
    expected = '{"masklet": [[{"size", "counts"}, …], …]}, one list a frame'
    try:
        data = read_bytes(path, most=MOST_BYTES)
        found = MaskletFile.model_validate_json(data)
    except OSError as error:
        reason = f"a file that cannot be read ({error.strerror or error})"
        raise BadDataError(Problem(path, reason, expected, AGAIN)) from None
    except ValidationError as error:
        reason = explain(error).partition("; ")[0] if data else "an empty file"
        raise BadDataError(Problem(path, f"no masklets ({reason})", expected, AGAIN)) from None
    if not found.masklet:
        raise BadDataError(Problem(path, "no frame", expected, AGAIN))
    return found


class MaskletSequence(MaskSequence):
    """Manual masklets of one video; the first has the id 1, as its folder would be 000."""

    def __init__(self, name: str, *, frames: Mapping[str, Path], file: Path) -> None:
        """Read which frames each object has a mask on.

        Args:
            name: The sequence's name.
            frames: Frame name to image, in order.
            file: The JSON file.

        Raises:
            BadInputError: It is damaged, or an annotated frame has no image.
        """
        masklets = read_masklets(file).masklet
        self._file = file
        self._places = {f"{STEP * place:05d}": place for place in range(len(masklets))}
        if lost := [frame for frame in self._places if frame not in frames]:
            found = f"{counted(len(frames), 'frame')}, without {lost[0]}"
            remedy = "extract all frames of the video, named 00000.jpg and so on"
            raise BadDataError(Problem(next(iter(frames.values())).parent, found, "each annotated frame", remedy))
        objects = range(max(map(len, masklets)))
        self.object_names = {k + FIRST_ID: f"{k:03d}" for k in objects}
        super().__init__(
            name,
            frames=frames,
            annotated=tuple(self._places),
            object_frames={
                k + FIRST_ID: tuple(
                    frame
                    for frame, place in self._places.items()
                    if k < len(masklets[place]) and masklets[place][k] is not None
                )
                for k in objects
            },
            source=file,
        )

    def _place(self, _frame_name: str, _object_id: int) -> Path:
        return self._file

    def _read_mask(self, frame_name: str, object_id: int) -> Mask:
        found = read_masklets(self._file).masklet[self._places[frame_name]][object_id - FIRST_ID]
        assert found is not None  # `object_frames` names the frames that have one
        try:
            return decode_mask(found.counts, *found.size)
        except ValueError as error:
            said = f"a damaged mask of object {object_id} on frame {frame_name} ({error})"
            raise BadDataError(Problem(self._file, said, "COCO's compressed run lengths", AGAIN)) from None
