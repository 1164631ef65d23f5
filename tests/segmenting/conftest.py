"""A video with its first label map, and methods of one file."""

from collections.abc import Callable
from pathlib import Path

import pytest
from films import film, labelled_png

from vos_bench.cli import main

FAST = """
import numpy as np
from vos_bench.api import Method, Prediction, SequenceMethod


class Red(Method):
    '''Finds red objects where a frame is red and others where it is green; takes corrections.'''

    takes_corrections = True

    def initialize(self, image, prompt):
        self.is_red = {}
        return self.step(image, prompt)

    def step(self, image, new=None):
        for k, mask in (new.masks if new else {}).items():
            self.is_red[k] = np.median(image[mask][:, 0]) > 150
        r, g, b = image[..., 0], image[..., 1], image[..., 2]
        red, green = (r > 180) & (g < 80) & (b < 80), (g > 180) & (r < 80) & (b < 100)
        labels = np.zeros(image.shape[:2], np.uint16)
        for k, is_red in self.is_red.items():
            labels[red if is_red else green] = k
        return Prediction(labels)


class Stubborn(Red):
    '''The same, which takes no corrections.'''

    takes_corrections = False


class Whole(SequenceMethod):
    '''Takes the whole sequence and keeps the first mask.'''

    def segment(self, sequence):
        labels = None
        for name, frame in zip(sequence.frame_names, sequence.frames, strict=True):
            if labels is None:
                labels = np.zeros(frame.image.shape[:2], np.uint16)
                for k, mask in frame.new.masks.items():
                    labels[mask] = k
            yield Prediction(labels)
"""


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Call the command line from an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> int:
        return main([str(each) for each in arguments])

    return run


@pytest.fixture
def fast(tmp_path: Path) -> str:
    """A method of one file that takes no time."""
    (tmp_path / "fast.py").write_text(FAST)
    return f"{tmp_path / 'fast.py'}:Red"


@pytest.fixture
def cat(tmp_path: Path) -> Path:
    """A video of 12 frames, and `first.png` beside it."""
    labelled_png(tmp_path / "first.png", 0)
    return film(tmp_path / "cat.mp4")
