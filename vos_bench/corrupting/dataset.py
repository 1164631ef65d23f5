"""A dataset whose frames are corrupted when they are read; prompts and truth are as they were."""

from vos_bench.api import Dataset, Image, Sequence
from vos_bench.corrupting.corruption import Corruption, FramePlace
from vos_bench.video.compression import FrameCompressor
from vos_bench.views import DatasetView, SequenceView

GROUP = 12
"""How many frames H.264 compresses by themselves: a reader of the last one needs no frame before them."""


class CorruptedDataset(DatasetView):
    """Another dataset with corrupted frames; its files, and so its fingerprint, are the same."""

    def __init__(self, dataset: Dataset, corruption: Corruption) -> None:
        """Take the dataset and what befalls its frames."""
        super().__init__(dataset)
        self._corruption = corruption
        self.corruption = str(corruption)

    def sequence(self, name: str) -> Sequence:
        """Open one sequence. Raises BadInputError as the dataset does."""
        return CorruptedSequence(super().sequence(name), self._corruption)


class CorruptedSequence(SequenceView):
    """A sequence with corrupted frames."""

    def __init__(self, sequence: Sequence, corruption: Corruption) -> None:
        """Take the sequence and what befalls its frames."""
        super().__init__(sequence)
        self.clean = sequence
        """The sequence as it is, by which its objects are described: their likeness is not the corruption's."""
        self._corruption = corruption
        self._positions = {name: position for position, name in enumerate(sequence.frame_names)}
        self._group: _CompressedGroup | None = None

    def read_frame(self, frame_name: str) -> Image:
        """Decode one frame and corrupt it; what that gives depends on no other call."""
        position = self._positions[frame_name]
        if (effect := self._corruption.kind.effect) is not None:
            image = self._sequence.read_frame(frame_name)
            return effect(image, self._value(position), FramePlace(self.name, frame_name))
        if self._corruption.name == "dropped":
            return self._sequence.read_frame(self.frame_names[self._last_shown(position)])
        return self._compressed(position)

    def _value(self, position: int) -> float:
        return self._corruption.value(position, len(self.frame_names))

    def _last_shown(self, position: int) -> int:
        """Return the last frame up to this one that was not lost; those on which objects start never are."""
        while position and self.frame_names[position] not in self.prompt_frames and self._is_lost(position):
            position -= 1
        return position

    def _is_lost(self, position: int) -> bool:
        place = FramePlace(self.name, self.frame_names[position])
        return place.random("dropped").random() < self._value(position)

    def _compressed(self, position: int) -> Image:
        start = position - position % GROUP
        group = self._group
        if group is None or group.start != start or group.latest > position:
            group = self._group = _CompressedGroup(self._sequence, start, self._value(start))
        return group.frame(position)


class _CompressedGroup:
    """The frames of a sequence that are compressed together, one after the other up to the one that is asked for."""

    def __init__(self, sequence: Sequence, start: int, crf: float) -> None:
        self._sequence, self.start, self.latest = sequence, start, start - 1
        self._compressor = FrameCompressor(crf)
        self._image: Image | None = None

    def frame(self, position: int) -> Image:
        """Return a frame of this group, none of those before the latest one."""
        while self.latest < position or self._image is None:
            self.latest += 1
            clean = self._sequence.read_frame(self._sequence.frame_names[self.latest])
            self._image = self._compressor.compress(clean)
        return self._image.copy()  # methods may write into a frame
