"""COCO's instances: every annotated object of an image is a sequence of one frame, to train box encoders on."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vos_bench.api import Box, Dataset, Image, LabelMap, Problem, Prompt, ProtocolName, Sequence
from vos_bench.errors import BadInputError
from vos_bench.files import read_bytes, sha256
from vos_bench.formats.png import MAX_PIXELS
from vos_bench.names import is_file_name

from .catalogue import COCO
from .frames import read_image
from .problems import BadDataError

MOST_BYTES = 1 << 30
"""The largest file of annotations that is read; those of a train split have half of it."""

_FINER = 4
"""Polygons are drawn at so many times the image's size."""


class Instance(NamedTuple):
    """One annotated object.

    Attributes:
        image: File name inside the split's folder.
        height: Height of the image.
        width: Width of the image.
        segmentation: Polygons, each x, y, x, y, …; or run lengths as COCO writes them uncompressed.
        box: The annotation's own box, half-open; None where it has none, or one without area.
    """

    image: str
    height: int
    width: int
    segmentation: list[list[float]] | Mapping[str, Any]
    box: Box | None


class CocoSequence(Sequence):
    """One object on one image; its id is 1."""

    def __init__(self, name: str, folder: Path, instance: Instance) -> None:
        self.name = name
        self.frame_names = self.prompt_frames = self.truth_names = self.output_names = (Path(instance.image).stem,)
        self.groups: Mapping[int, str] = {}
        self._folder, self._instance = folder, instance

    def read_frame(self, frame_name: str) -> Image:  # noqa: ARG002 (there is but one)
        """Decode the image. Raises BadInputError when it is missing or damaged."""
        return read_image(self._folder / self._instance.image)

    def read_truth(self, frame_name: str) -> LabelMap:  # noqa: ARG002
        """Draw the object: 1 inside, 0 elsewhere. Raises BadInputError where its outline is none."""
        try:
            return _drawn(self._instance, self.name)
        except (ValueError, TypeError, OverflowError, AttributeError) as error:
            path = self._folder / self._instance.image
            raise BadInputError(
                f"{path}: object {self.name} has no outline ({error}); get the annotations again"
            ) from None

    def read_prompt(self, frame_name: str) -> Prompt:
        """Return the object's mask, and its own box where the annotation has one."""
        return Prompt(masks={1: self.read_truth(frame_name) == 1}, boxes=self.read_boxes(frame_name))

    def read_boxes(self, _frame_name: str, /) -> Mapping[int, Box]:
        """Return the annotation's own box. It is not rounded, and is there for objects of a few pixels too."""
        return {1: self._instance.box} if self._instance.box else {}


class Coco(Dataset):
    """The instances of one split; a sequence is named by its annotation's id."""

    name = COCO.name
    protocol: ProtocolName = "all-frames"

    def __init__(self, root: Path, *, split: str = "train2014") -> None:
        """Read the annotations, about half a gigabyte for a train split.

        Args:
            root: Holds `annotations/instances_SPLIT.json` and the folder SPLIT of images.
            split: One of `COCO.splits`.

        Raises:
            BadInputError: The annotations are missing or are not COCO's.
        """
        self.root, self.split = root, split
        self._file = root / "annotations" / f"instances_{split}.json"
        self._instances = _instances(self._file)
        self.sequence_names = tuple(self._instances)

    def sequence(self, name: str) -> Sequence:
        """Open one object. Raises BadInputError when there is no such annotation."""
        if name not in self._instances:
            raise BadInputError(f"coco {self.split}: there is no object {name!r} outside crowds in {self._file.name}")
        return CocoSequence(name, self.root / self.split, self._instances[name])

    def fingerprint(self) -> str:
        """Return the sha256 of the annotations: COCO's images have never changed."""
        return sha256(self._file, most=MOST_BYTES)

    def check(self) -> list[Problem]:
        """Look for the images that the annotations name."""
        folder = self.root / self.split
        present = {path.name for path in folder.glob("*.jpg")}
        missing = sorted({instance.image for instance in self._instances.values()} - present)
        remedy = f"unpack {self.split}.zip of cocodataset.org into {self.root}"
        return [Problem(folder / name, "no such file", "an image that has annotations", remedy) for name in missing]

    def package(self, masks: Path, archive: Path) -> None:
        """Raise BadInputError: no server takes label maps of COCO's objects one by one."""
        raise BadInputError(f"{archive}: not written for {masks}: coco is here for training, no server scores it")


def _instances(path: Path) -> dict[str, Instance]:
    remedy = "unpack annotations_trainval2014.zip (or 2017) of cocodataset.org into the root"
    try:
        content = json.loads(read_bytes(path, most=MOST_BYTES))
        images = {image["id"]: image for image in content["images"]}
        annotations = [each for each in content["annotations"] if not each.get("iscrowd")]
        instances = {_file_name(str(each["id"])): _instance(images[each["image_id"]], each) for each in annotations}
        if len(instances) < len(annotations):
            raise ValueError("an id comes twice")
        return instances
    except OSError as error:
        found, expected = error.strerror or str(error), "COCO's instance annotations"
        raise BadDataError(Problem(path, found, expected, remedy)) from None
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        found, expected = f"something else ({error!r})", "COCO's instance annotations"
        raise BadDataError(Problem(path, found, expected, remedy)) from None


def _instance(image: Mapping[str, Any], annotation: Mapping[str, Any]) -> Instance:
    return Instance(
        _file_name(image["file_name"]),
        int(image["height"]),
        int(image["width"]),
        annotation["segmentation"],
        _box(annotation.get("bbox")),
    )


def _box(given: Any) -> Box | None:
    """Read x, y, width, height; a box without area, or one that is missing, is none."""
    if given is None:
        return None
    x, y, width, height = (float(number) for number in given)
    if not all(math.isfinite(number) for number in (x, y, width, height)):
        raise ValueError(f"the box {given!r:.100}")
    return (x, y, x + width, y + height) if width > 0 and height > 0 else None


def _file_name(name: str) -> str:
    if not (isinstance(name, str) and is_file_name(name)):
        raise ValueError(f"the name {name!r:.100}")
    return name


def _drawn(instance: Instance, name: str) -> LabelMap:
    if not 0 < instance.height * instance.width <= MAX_PIXELS // _FINER**2:
        raise ValueError(f"its image is said to have {instance.height} x {instance.width} pixels")
    if isinstance(instance.segmentation, list):
        return _polygons(instance.segmentation, instance.height, instance.width)
    counts = instance.segmentation.get("counts")
    if not isinstance(counts, list):
        raise BadInputError(
            f"coco: object {name}: found a compressed mask, expected polygons or run lengths as numbers"
        )
    if any(count < 0 for count in counts) or sum(counts) != instance.height * instance.width:
        raise ValueError("its run lengths do not add up to the image")
    values = np.arange(len(counts)) % 2
    return np.repeat(values, counts).reshape(instance.width, instance.height).T.astype(np.uint16)


def _polygons(polygons: list[list[float]], height: int, width: int) -> LabelMap:
    """Fill polygons; each is filled on its own, so that overlapping parts do not cancel out.

    OpenCV paints the outline too: drawn at four times the size, a pixel counts when its centre is inside.
    """
    import cv2  # here because it takes 0.1 s, which listing the datasets should not

    canvas = np.zeros((_FINER * height, _FINER * width), np.uint8)
    for polygon in polygons:
        corners = np.round(np.array(polygon).reshape(-1, 2) * _FINER).astype(np.int32)
        if len(corners):
            cv2.fillPoly(canvas, [corners], 1)
    return canvas[_FINER // 2 :: _FINER, _FINER // 2 :: _FINER].astype(np.uint16)
