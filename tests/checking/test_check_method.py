"""Checks of methods: honest ones pass, and each kind of cheat or fault is caught by its check."""

from pathlib import Path

import numpy as np
import pytest

from vos_bench import registry
from vos_bench.checking.check_method import CHECKS, CheckedMethod, Finding, check_method
from vos_bench.checking.clips import Clips, late_object, leaving_object, moving_squares, one_pixel
from vos_bench.cli import main

BASE = """
import numpy as np
from vos_bench.api import Method, Prediction, Prompt, SequenceMethod

class Still(Method):
    def initialize(self, image, prompt):
        self.labels = np.zeros(image.shape[:2], np.uint16)
        return self.step(image, prompt)

    def step(self, image, new=None):
        for k, mask in (new or Prompt()).masks.items():
            self.labels[mask] = k
        return Prediction(self.labels.copy())
"""

FAULTS = {
    "causal": """
class Mine(SequenceMethod):
    def segment(self, sequence):
        frames = list(sequence.frames)
        last = int(frames[-1].image.mean())
        labels = np.zeros(frames[0].image.shape[:2], np.uint16)
        for frame in frames:
            for k, mask in (frame.new or Prompt()).masks.items():
                labels[mask] = k
            found = labels.copy()
            found[-1, last % labels.shape[1]] = 1
            yield Prediction(found)
""",
    "causal, in groups of three": """
class Mine(SequenceMethod):
    def segment(self, sequence):
        frames = list(sequence.frames)
        labels = np.zeros(frames[0].image.shape[:2], np.uint16)
        for start in (-2, *range(1, len(frames), 3)):
            group = frames[max(0, start) : start + 3]
            last = int(np.mean([frame.image.mean() for frame in group]) * 7)
            for frame in group:
                for k, mask in (frame.new or Prompt()).masks.items():
                    labels[mask] = k
                found = labels.copy()
                found[-1, last % labels.shape[1]] = 1
                yield Prediction(found)
""",
    "causal, on one frame": """
class Mine(SequenceMethod):
    def segment(self, sequence):
        frames = list(sequence.frames)
        labels = np.zeros(frames[0].image.shape[:2], np.uint16)
        for t, frame in enumerate(frames):
            for k, mask in (frame.new or Prompt()).masks.items():
                labels[mask] = k
            found = labels.copy()
            found[-1, int(frames[t + (t == 1)].image.mean() * 7) % labels.shape[1]] = 1
            yield Prediction(found)
""",
    "deterministic": """
class Mine(Still):
    def step(self, image, new=None):
        found = super().step(image, new)
        found.labels[-1] = np.random.default_rng().integers(2, size=image.shape[1])
        return found
""",
    "independent": """
class Mine(Still):
    seen = 0
    def initialize(self, image, prompt):
        self.seen += 1
        return super().initialize(image, prompt)
    def step(self, image, new=None):
        found = super().step(image, new)
        found.labels[-1, : 3 * self.seen] = 1
        return found
""",
    "independent, of one size": """
class Mine(Still):
    first = None
    def initialize(self, image, prompt):
        if self.first is None or self.first.shape != image.shape:
            self.first = image
        return super().initialize(image, prompt)
    def step(self, image, new=None):
        found = super().step(image, new)
        found.labels[-1, int(self.first.mean() * 7) % image.shape[1]] = 1
        return found
""",
    "late object": """
class Mine(Still):
    def step(self, image, new=None):
        return super().step(image, None if new is None or 1 not in new.masks else new)
""",
    "odd sizes": """
class Mine(Still):
    def initialize(self, image, prompt):
        if image.shape[0] % 2:
            raise RuntimeError("only even sizes")
        return super().initialize(image, prompt)
""",
    "one pixel": """
class Mine(Still):
    def initialize(self, image, prompt):
        if any(mask.sum() < 4 for mask in prompt.masks.values()):
            raise RuntimeError("too small")
        return super().initialize(image, prompt)
""",
    "leaving object": """
class Mine(Still):
    def initialize(self, image, prompt):
        self.first = image
        return super().initialize(image, prompt)
    def step(self, image, new=None):
        if len(np.unique(image.reshape(-1, 3), axis=0)) and new is None and not (image.max(axis=2) > 119).any():
            raise RuntimeError("lost the object")
        return super().step(image, new)
""",
    "memory": """
class Mine(Still):
    def initialize(self, image, prompt):
        self.kept = []
        return super().initialize(image, prompt)
    def step(self, image, new=None):
        self.kept.append(image.copy())
        return super().step(image, new)
""",
}


def findings(text: str, folder: Path) -> dict[str, Finding]:
    file = folder / "mine.py"
    file.write_text(BASE + text, encoding="utf-8")
    found = check_method(CheckedMethod(registry.method(f"{file}:Mine"), device="cpu"))
    return {each.check: each for each in found}


def test_an_honest_method_passes(tmp_path: Path) -> None:
    found = findings("class Mine(Still):\n    pass\n", tmp_path)
    assert list(found) == list(CHECKS)
    assert {each.outcome for each in found.values()} <= {"passed", "not checked"}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_caught_by_its_check(fault: str, tmp_path: Path) -> None:
    found = findings(FAULTS[fault], tmp_path)
    check = fault.partition(",")[0]
    assert found[check].outcome == "failed", found[check]
    assert not {name for name, each in found.items() if each.outcome == "failed"} - {check}


def test_memory_that_was_freed_before_hides_no_growth(tmp_path: Path) -> None:
    freed = [np.ones(450_000, np.uint8) for _ in range(400)]
    last = freed.pop()
    freed.clear()
    assert findings(FAULTS["memory"], tmp_path)["memory"].outcome == "failed"
    assert last.all()


def test_what_chance_may_have_done_is_called_so(tmp_path: Path) -> None:
    found = findings(FAULTS["deterministic"], tmp_path)
    for check in ("causal", "independent"):
        assert found[check].outcome == "not checked"
        assert "the very same clip is answered differently each time" in found[check].found


ONE_OF_TWO_ANSWERS = """
class Mine(Still):
    def initialize(self, image, prompt):
        self.column = next(COLUMNS)
        return super().initialize(image, prompt)
    def step(self, image, new=None):
        found = super().step(image, new)
        found.labels[-1, self.column] = 1
        return found
"""


@pytest.mark.parametrize("columns", [[0] * 7 + [1], [0, 1, 0, 1, 0]], ids=["seldom", "each time"])
def test_a_method_with_several_answers_fails_as_not_deterministic_alone(columns: list[int], tmp_path: Path) -> None:
    state = tmp_path / "count"
    counting = f"""
from pathlib import Path
def columns():
    while True:
        count = len(Path({str(state)!r}).read_bytes()) if Path({str(state)!r}).exists() else 0
        Path({str(state)!r}).write_bytes(b"x" * (count + 1))
        yield {columns}[count % {len(columns)}]
COLUMNS = columns()
"""
    found = findings(counting + ONE_OF_TWO_ANSWERS, tmp_path)
    assert {name for name, each in found.items() if each.outcome == "failed"} == {"deterministic"}


def test_the_command_says_each_finding_and_writes_a_card(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["check-method", "copy-first", "--device", "cpu", "--out", "card.md"]) == 0
    said = capsys.readouterr().out
    card = Path("card.md").read_text(encoding="utf-8")
    assert all(name in said and f"| {name} |" in card for name in CHECKS)
    assert "nothing failed" in said


def test_the_command_exits_with_1_when_a_check_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.py"
    file.write_text(BASE + FAULTS["odd sizes"], encoding="utf-8")
    assert main(["check-method", f"{file}:Mine", "--device", "cpu"]) == 1
    said = capsys.readouterr().out
    assert "failed      odd sizes" in said
    assert "only even sizes" in said


@pytest.mark.parametrize(
    "clip",
    [moving_squares("a"), late_object("b", 4), leaving_object("c", range(3, 6)), one_pixel("d")],
    ids=lambda clip: clip.name,
)
def test_a_clip_gives_each_object_where_it_is(clip: object) -> None:
    (sequence,) = Clips(clip)  # type: ignore[arg-type]
    for name in sequence.prompt_frames:
        for k, mask in sequence.read_prompt(name).masks.items():
            assert mask.any()
            assert (sequence.clip.labels[int(name)] == k)[mask].all()  # type: ignore[attr-defined]
