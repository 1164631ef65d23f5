"""What the corruptions do to frames: by severity, repeatably, and independently of the order of reading."""

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

from vos_bench.api import Dataset, Image
from vos_bench.corrupting import corrupted
from vos_bench.corrupting.corruption import KINDS, Corruption, motion_kernel
from vos_bench.corrupting.dataset import GROUP, CorruptedDataset
from vos_bench.errors import BadInputError

LENGTH = 2 * GROUP + 3


@pytest.fixture
def dataset(fake_vos: ModuleType) -> Dataset:
    """Two sequences of soft shapes that move, of odd height and width."""

    class Soft(fake_vos.FakeSequence):  # type: ignore[misc, name-defined]
        def read_frame(self, frame_name: str) -> Image:
            position = self.frame_names.index(frame_name)
            rows, columns = np.mgrid[:241, :323]
            waves = np.sin(rows / 5 + position / 3)[..., None] * np.cos(columns[..., None] / np.array([4, 6, 9]))
            return (128 + 100 * waves).astype(np.uint8)

    class Data(fake_vos.FakeDataset):  # type: ignore[misc, name-defined]
        def sequence(self, name: str) -> Soft:
            return Soft(name, self.specs[name])

    spec = fake_vos.Spec(length=LENGTH, size=(241, 323), starts={1: 0, 2: 7})
    found: Dataset = Data({"a": spec, "b": spec})
    return found


def frames(dataset: Dataset, text: str, sequence: str = "a") -> list[Image]:
    opened = CorruptedDataset(dataset, Corruption.of(text)).sequence(sequence)
    return [opened.read_frame(name) for name in opened.frame_names]


def distance(ours: list[Image], theirs: list[Image]) -> float:
    return float(np.mean([np.abs(a.astype(int) - b).mean() for a, b in zip(ours, theirs, strict=True)]))


@pytest.fixture
def clean(dataset: Dataset) -> list[Image]:
    opened = dataset.sequence("a")
    return [opened.read_frame(name) for name in opened.frame_names]


@pytest.mark.parametrize("name", KINDS)
def test_a_higher_severity_changes_the_frames_more(name: str, dataset: Dataset, clean: list[Image]) -> None:
    changes = [distance(frames(dataset, f"{name}:{severity}"), clean) for severity in (1, 3, 5)]
    assert 0 < changes[0] < changes[1] < changes[2]


@pytest.mark.parametrize("name", KINDS)
def test_frames_keep_their_form_and_the_data_are_not_touched(name: str, dataset: Dataset, clean: list[Image]) -> None:
    for image in frames(dataset, f"{name}:4"):
        assert (image.shape, image.dtype) == ((241, 323, 3), np.uint8)
        assert image.flags.writeable
    opened = dataset.sequence("a")
    assert distance([opened.read_frame(each) for each in opened.frame_names], clean) == 0


@pytest.mark.parametrize("name", KINDS)
def test_a_frame_is_the_same_in_any_order_and_at_any_severity_of_its_neighbours(name: str, dataset: Dataset) -> None:
    text = f"{name}:1-5"
    forwards = frames(dataset, text)
    opened = CorruptedDataset(dataset, Corruption.of(text)).sequence("a")
    for position in (LENGTH - 1, 3, 3, GROUP, 0, GROUP + 2):
        assert (opened.read_frame(f"{position:05d}") == forwards[position]).all()


@pytest.mark.parametrize("name", ["noise", "motion-blur", "dropped"])
def test_what_is_drawn_at_random_differs_from_sequence_to_sequence(name: str, dataset: Dataset) -> None:
    assert distance(frames(dataset, f"{name}:3", "a"), frames(dataset, f"{name}:3", "b")) > 0


def test_noise_differs_from_frame_to_frame(dataset: Dataset, clean: list[Image]) -> None:
    noise = [image.astype(int) - was for image, was in zip(frames(dataset, "noise:1"), clean, strict=True)]
    assert abs(np.corrcoef(noise[3].ravel(), noise[4].ravel())[0, 1]) < 0.05
    assert np.std(noise[3]) == pytest.approx(0.08 * 255, rel=0.1)


@pytest.mark.parametrize(("text", "grows"), [("noise:1-5", True), ("noise:5-1", False), ("dark:2-4", True)])
def test_severity_may_change_over_a_sequence(text: str, grows: bool, dataset: Dataset, clean: list[Image]) -> None:
    found = frames(dataset, text)
    start, end = (distance(found[part], clean[part]) for part in (slice(0, 5), slice(-5, None)))
    assert (end > start) is grows


def test_a_severity_that_changes_begins_and_ends_as_it_says() -> None:
    changing = Corruption.of("jpeg:1-5")
    assert [changing.value(i, 5) for i in range(5)] == [25, 18, 15, 10, 7]
    assert changing.value(1, 9) == 21.5
    assert changing.value(0, 1) == 25
    assert Corruption.of("jpeg:2").value(3, 9) == 18


def test_a_lost_frame_shows_the_last_one_and_those_where_objects_start_are_never_lost(
    dataset: Dataset, clean: list[Image]
) -> None:
    found = frames(dataset, "dropped:5")
    lost = [i for i in range(LENGTH) if (found[i] != clean[i]).any()]
    assert 0.2 * LENGTH < len(lost) < 0.8 * LENGTH
    assert not {0, 7} & {*lost}
    for i in lost:
        assert (found[i] == found[i - 1]).all()


def test_a_blur_along_a_line_moves_nothing() -> None:
    for angle in np.linspace(0, np.pi, 9):
        kernel = motion_kernel(12.5, angle)
        assert kernel.sum() == pytest.approx(1)
        assert (kernel == kernel[::-1, ::-1]).all()
    assert (motion_kernel(9, 0.0)[5] > 0).sum() == 9
    assert motion_kernel(9, 0.0)[[*range(5), *range(6, 11)]].sum() == 0


def test_lengths_grow_with_the_frame() -> None:
    small, large = (np.zeros((size, size, 3), np.uint8) for size in (480, 960))
    small[240], large[480] = 255, 255
    blurred = [KINDS["blur"].effect(image, 4.0, None) for image in (small, large)]  # type: ignore[misc, arg-type]
    widths = [(image[:, 0, 0] > image.max() / 2).sum() for image in blurred]
    assert widths[1] == pytest.approx(2 * widths[0], abs=1)


def test_prompts_and_truth_are_untouched(dataset: Dataset) -> None:
    ours, theirs = CorruptedDataset(dataset, Corruption.of("noise:5")).sequence("b"), dataset.sequence("b")
    for name in theirs.prompt_frames:
        assert ours.read_prompt(name).masks.keys() == theirs.read_prompt(name).masks.keys()
    for read in ("read_truth", "read_truth_labels"):
        reads: list[Callable[[str], Image]] = [getattr(each, read) for each in (ours, theirs)]
        assert (reads[0]("00004") == reads[1]("00004")).all()
    assert (ours.read_truth_mask("00009", 2) == theirs.read_truth_mask("00009", 2)).all()
    for field in ("frame_names", "prompt_frames", "truth_names", "output_names", "groups", "object_frames", "notes"):
        assert getattr(ours, field) == getattr(theirs, field)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("snow:3", "there is no corruption 'snow'; known: noise, blur"),
        ("nois:3", "did you mean noise"),
        ("noise", "found the severity '', expected NAME:SEVERITY"),
        ("noise:0", "found the severity '0'"),
        ("noise:6", "found the severity '6'"),
        ("noise:1-6", "found the severity '1-6'"),
        ("noise:2.5", "found the severity '2.5'"),
        ("noise:³", "found the severity"),
        ("", "there is no corruption ''"),
    ],
)
def test_a_corruption_that_there_is_not_is_refused(text: str, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        Corruption.of(text)


@pytest.mark.parametrize("text", ["noise:3", "dropped:1-5", "h264:5-2"])
def test_a_corruption_reads_what_it_writes(text: str) -> None:
    assert str(Corruption.of(text)) == text
    assert str(Corruption.of("noise:3-3")) == "noise:3"


def test_an_empty_name_is_no_corruption(dataset: Dataset) -> None:
    assert corrupted(dataset, None) is dataset
    with pytest.raises(BadInputError, match="there is no corruption ''"):
        corrupted(dataset, "")
