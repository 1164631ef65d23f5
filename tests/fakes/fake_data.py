"""A made-up dataset whose sequences may have faults, importable in worker processes too."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from vos_bench.api import Dataset, Image, LabelMap, Problem, Prompt, Sequence
from vos_bench.errors import BadInputError

SICK = 255
"""The first pixel of every frame of a sequence in which `fault` is "sick": faulty methods show their fault there."""


@dataclass(frozen=True)
class Spec:
    """What a made-up sequence is like.

    Attributes:
        length: Number of frames.
        starts: Object id to the position of the frame on which it starts.
        empty: Objects whose first mask is empty.
        truth: Whether there is a truth.
        size: H, W.
        fault: "sick" for methods, "unreadable" for a frame in the middle that cannot be read.
        names: The frames' names; None for 00000, 00001 and so on.
        outputs: Positions of the frames that are asked for; None for all.
        boxes: Whether objects start from boxes.
    """

    length: int = 4
    starts: dict[int, int] = field(default_factory=lambda: {1: 0})
    empty: tuple[int, ...] = ()
    truth: bool = True
    size: tuple[int, int] = (12, 16)
    fault: str = ""
    names: tuple[str, ...] | None = None
    outputs: tuple[int, ...] | None = None
    boxes: bool = False


class FakeSequence(Sequence):
    def __init__(self, name: str, spec: Spec) -> None:
        self.name = name
        self.spec = spec
        self.frame_names = spec.names or tuple(f"{i:05d}" for i in range(spec.length))
        self.prompt_frames = tuple(self.frame_names[i] for i in sorted(set(spec.starts.values())))
        self.truth_names = self.frame_names if spec.truth else ()
        chosen = range(spec.length) if spec.outputs is None else spec.outputs
        self.output_names = tuple(self.frame_names[i] for i in chosen)
        self.groups = {}

    def _position(self, frame_name: str) -> int:
        return self.frame_names.index(frame_name)

    def read_frame(self, frame_name: str) -> Image:
        position = self._position(frame_name)
        if self.spec.fault == "unreadable" and position == self.spec.length // 2:
            raise OSError(f"{frame_name}.jpg is cut off")
        digest = hashlib.sha256(f"{self.name}/{frame_name}".encode()).digest()
        image = np.random.default_rng(list(digest)).integers(0, 200, (*self.spec.size, 3), dtype=np.uint8)
        image[0, 0] = SICK if self.spec.fault == "sick" else position % 200
        return image

    def region(self, object_id: int, position: int) -> tuple[slice, slice]:
        row = sorted(self.spec.starts).index(object_id) * 3
        left = position % (self.spec.size[1] - 5)
        return slice(row, row + 3), slice(left, left + 5)

    def read_prompt(self, frame_name: str) -> Prompt:
        position = self._position(frame_name)
        masks = {}
        for object_id, start in self.spec.starts.items():
            if start == position:
                masks[object_id] = np.zeros(self.spec.size, dtype=np.bool_)
                if object_id not in self.spec.empty:
                    masks[object_id][self.region(object_id, position)] = True
        prompt = Prompt(masks=masks)
        return prompt.as_boxes() if self.spec.boxes else prompt

    def read_truth(self, frame_name: str) -> LabelMap:
        position = self._position(frame_name)
        labels = np.zeros(self.spec.size, dtype=np.uint16)
        for object_id, start in self.spec.starts.items():
            if start <= position:
                labels[self.region(object_id, position)] = object_id
        return labels


class FakeDataset(Dataset):
    protocol = "all-frames"

    def __init__(self, specs: dict[str, Spec], *, fingerprint: str = "0" * 64, name: str = "fake") -> None:
        self.name = name
        self.split = "val"
        self.root = Path()
        self.specs = specs
        self.sequence_names = tuple(specs)
        self._fingerprint = fingerprint

    def sequence(self, name: str) -> FakeSequence:
        if self.specs[name].fault == "absent":
            raise BadInputError(f"JPEGImages/{name}: there is no such folder")
        return FakeSequence(name, self.specs[name])

    def fingerprint(self) -> str:
        return self._fingerprint

    def check(self) -> list[Problem]:
        return []

    def package(self, masks: Path, archive: Path) -> None:
        raise BadInputError(f"{masks}: {archive}: no server")
