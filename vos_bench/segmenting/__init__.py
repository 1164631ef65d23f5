"""Segments the objects of videos and of folders of frames: prompts in, label maps and an overlay video out."""

from vos_bench.segmenting.prompts import GivenBox, GivenMask
from vos_bench.segmenting.record import SegmentedSequence, SegmentRecord
from vos_bench.segmenting.segment import Segmentation, segment

__all__ = ["GivenBox", "GivenMask", "SegmentRecord", "Segmentation", "SegmentedSequence", "segment"]
