"""Counts the overlaps of a sequence while it is scored, from the label maps that scoring reads."""

from contextlib import suppress
from pathlib import Path

from vos_bench.errors import BadInputError
from vos_bench.formats.png import decode_png
from vos_bench.labelmaps import NarrowLabels, read_narrow
from vos_bench.metrics.frame_rules import TruthSequence
from vos_bench.records.overlaps import MasksHash, OverlapsRecord
from vos_bench.scoring.notes import TruthReading
from vos_bench.scoring.overlaps import SequenceCounter


class _MaskReader:
    """Reads label maps and hashes them on the way.

    It is no part of the listener, so that listener and counter do not hold each other, and the last label maps go with
    their sequence, however that ends.

    Attributes:
        hash: Of what was read.
        damaged: Whether a file could not be hashed.
    """

    def __init__(self, folder: Path) -> None:
        self.hash, self.damaged = MasksHash(folder), False

    def read(self, path: str) -> NarrowLabels:
        """Read a label map. Raises BadInputError as `read_narrow`."""
        try:
            content = self.hash.read(path)
        except BadInputError:  # of this file, or of one before it, which may not be scored
            self.damaged = True
            return read_narrow(path)
        return decode_png(content, path)


class OverlapsListener:
    """Hears which frames of a sequence are scored, and counts its overlaps; what is damaged fails no scoring."""

    def __init__(self, sequence: TruthSequence, folder: Path, pixels: int, data: str) -> None:
        """Take the sequence.

        Args:
            sequence: Its truth.
            folder: Its label maps.
            pixels: How many are scored with those of other sequences, about.
            data: The fingerprint of the data.
        """
        self._sequence, self._folder, self._pixels, self._data = sequence, folder, pixels, data
        self._counter: SequenceCounter | None = None
        self._shared, self._reader = False, _MaskReader(folder)
        self.read = self._reader.read

    def begin(self, reading: TruthReading) -> None:
        """Hear how the truth is read."""
        # Where white is taken as it is, and where objects have masks of their own, nothing is shared.
        self._shared = not reading.raw and not self._sequence.object_names
        known = reading if self._shared else None
        with suppress(BadInputError):
            self._counter = SequenceCounter(
                self._sequence, self._folder, pixels=self._pixels, reading=known, read_masks=self.read
            )

    def see(self, name: str, truth: NarrowLabels, masks: NarrowLabels, *, low: bool) -> None:
        """Hear of a scored frame; see `SequenceCounter.see`."""
        if self._reader.damaged:
            self._counter = None
        if self._counter is not None and self._shared:
            try:
                self._counter.see(name, truth, masks, low=low)
            except BadInputError:
                self._counter = None

    def record(self) -> OverlapsRecord | None:
        """Return what was counted, once; None where a file is damaged that is not scored."""
        counter, self._counter = self._counter, None
        with suppress(BadInputError):
            if counter is not None and not self._reader.damaged:
                if not self._shared:
                    self._reader.hash.sha256()  # before they are read again: what changes meanwhile has another one
                counted = counter.record(data=self._data, likeness=True)
                return counted.replace(masks=self._reader.hash.sha256())
        return None
