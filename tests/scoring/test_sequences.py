import gc
import os
import threading
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from python_processes import run_python

from vos_bench import registry
from vos_bench.errors import BadInputError
from vos_bench.metrics.counts import CompiledCounter, count_frame
from vos_bench.metrics.statistics import ObjectScores, overall
from vos_bench.progress import Progress
from vos_bench.scoring import sequences
from vos_bench.scoring.overlaps_listener import OverlapsListener
from vos_bench.scoring.sequences import SequenceResult, score_sequences, sequence_result
from vos_bench.scoring.truth import truth_folder

Labels = np.ndarray[Any, Any]
Write = Callable[[Path, Mapping[str, Labels] | Sequence[Labels]], Path]


class Bench:
    """A folder of truth and one of masks."""

    def __init__(self, folder: Path, write: Write) -> None:
        self.truth, self.masks, self.write = folder / "truth", folder / "masks", write

    def add(self, name: str, truth: Any, masks: Any) -> None:
        self.write(self.truth / name, truth)
        self.write(self.masks / name, masks)

    def score(self, name: str, protocol: Any = "davis") -> tuple[ObjectScores, ...]:
        (sequence,) = truth_folder(self.truth, [name])
        return sequence_result(sequence, self.masks, protocol=protocol).objects

    def score_all(self, **options: Any) -> list[SequenceResult]:
        return score_sequences(truth_folder(self.truth), self.masks, **{"protocol": "davis", **options})


@pytest.fixture
def bench(tmp_path: Path, write: Write) -> Bench:
    return Bench(tmp_path, write)


def assert_official(scores: tuple[ObjectScores, ...], expected: dict[int, tuple[list[float], list[float]]]) -> None:
    assert {each.object_id: (each.J.tolist(), each.F.tolist()) for each in scores} == expected


def relabelled(frames: Sequence[Labels], names: dict[int, int]) -> list[Labels]:
    lookup = np.arange(256)
    for old, new in names.items():
        lookup[old] = new
    return [lookup[frame] for frame in frames]


def test_identity_swaps_are_not_forgiven(bench: Bench, blobs: Any, official: Any) -> None:
    truth = blobs([1, 2, 3])
    bench.add("s", truth, relabelled(truth, {1: 2, 2: 1}))
    scores = bench.score("s")
    assert_official(scores, official(truth, relabelled(truth, {1: 2, 2: 1})))
    assert [each.J.mean() for each in scores][2] == 1
    assert scores[0].J.max() < 0.5


def test_a_gap_in_the_ids_is_an_object_and_predicting_it_costs(bench: Bench, blobs: Any, official: Any) -> None:
    truth = blobs([1, 3])
    masks = [frame.copy() for frame in blobs([1, 3], seed=0)]
    masks[2][30:34, 50:54] = 2
    bench.add("s", truth, masks)
    scores = bench.score("s")
    assert_official(scores, official(truth, masks))
    assert scores[1].J.tolist() == [1, 0, 1, 1]


def test_a_late_object_with_a_lower_id_counts_from_the_second_frame_on(bench: Bench, blobs: Any, official: Any) -> None:
    truth = [frame * (frame != 1) if i < 3 else frame for i, frame in enumerate(blobs([1, 2]))]
    masks = blobs([1, 2], seed=1)
    bench.add("s", truth, masks)
    assert_official(bench.score("s"), official(truth, masks))


def test_a_late_object_with_a_higher_id_is_background_until_it_is_predicted(bench: Bench, blobs: Any) -> None:
    truth = [frame * (frame != 2) if i < 3 else frame for i, frame in enumerate(blobs([1, 2]))]
    bench.add("s", truth, [frame * (frame != 2) for frame in truth])
    assert [each.object_id for each in bench.score("s")] == [1]
    bench.add("s", truth, truth)
    with pytest.raises(BadInputError, match=r"00003\.png: found id 2, expected only 1 and 0"):
        bench.score("s")


WHITES = {"of 8 bits": (255, 255), "one and white": (1, 255), "white and one": (255, 1), "of 16 bits": (65535, 300)}


@pytest.mark.parametrize("counter", [count_frame, CompiledCounter()], ids=["plain", "compiled"])
@pytest.mark.parametrize("white", WHITES.values(), ids=WHITES)
def test_masks_of_objects_score_alike_whatever_number_stands_for_the_object(
    bench: Bench, blobs: Any, white: tuple[int, int], counter: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequences, "counter", lambda *_: counter)

    def scores(*numbers: int) -> list[dict[str, Any]]:
        for folder, number, seed in zip((bench.truth, bench.masks), numbers, (0, 1), strict=True):
            for k, ids in enumerate(([1], [1, 2])):  # objects of one frame may overlap
                masks = [(labels > 0) * number for labels in blobs(ids, seed=seed)]
                masks[2] = masks[2] * (k == 0)  # gone for a frame
                bench.write(folder / "cat" / f"{k:03d}", masks)
        opened = registry.open_truth("sav", bench.truth)
        assert opened is not None
        (result,) = score_sequences([*opened], bench.masks, protocol="sav")
        return [each.statistics() | {"J of frames": each.J.tolist()} for each in result.objects]

    expected = scores(1, 1)
    assert len(expected) == 2
    assert scores(*white) == expected


@pytest.mark.parametrize("number", [1, 255])
def test_a_mask_of_one_object_with_a_third_value_or_of_another_size_fails_its_sequence(
    bench: Bench, blobs: Any, number: int
) -> None:
    masks = [labels * number for labels in blobs([1])]
    bench.write(bench.truth / "cat/000", masks)
    for wrong, said in (
        (np.where(masks[2] == 0, np.arange(60) % 3, masks[2]), "00002.png: found more than two values"),
        (masks[2][:, :50], "00002.png: found 40 x 50 pixels (height x width), expected 40 x 60 as in the truth"),
    ):
        bench.write(bench.masks / "cat/000", [*masks[:2], wrong, *masks[3:]])
        opened = registry.open_truth("sav", bench.truth)
        assert opened is not None
        (result,) = score_sequences([*opened], bench.masks, protocol="sav")
        assert said in result.error


def test_void_in_the_truth_is_background(bench: Bench, blobs: Any, official: Any) -> None:
    truth = relabelled(blobs([1, 2]), {2: 255})
    masks = blobs([1], seed=0)
    masks[3][20:40, 30:60] = 1
    bench.add("s", truth, masks)
    scores = bench.score("s")
    assert_official(scores, official(truth, masks))
    assert len(scores) == 1


def test_255_in_a_mask_is_an_unknown_object(bench: Bench, blobs: Any) -> None:
    bench.add("s", blobs([1, 2]), relabelled(blobs([1, 2]), {2: 255}))
    with pytest.raises(BadInputError, match=r"00001\.png: found id 255.*not as white"):
        bench.score("s")


def test_unknown_ids_in_frames_that_do_not_count_do_not_matter(bench: Bench, blobs: Any) -> None:
    truth, masks = blobs([1]), blobs([1])
    masks[0][0, 0] = masks[-1][0, 0] = 9
    bench.add("s", truth, masks)
    assert bench.score("s")[0].J.tolist() == [1, 1, 1, 1]
    masks[-2][0, 0] = 9
    bench.add("s", truth, masks)
    with pytest.raises(BadInputError, match=r"00004\.png: found id 9"):
        bench.score("s")


def test_frames_that_do_not_count_need_no_mask_and_may_be_anything(bench: Bench, blobs: Any) -> None:
    truth = blobs([1])
    bench.add("s", truth, truth)
    (bench.masks / "s" / "00000.png").unlink()
    (bench.masks / "s" / "00005.png").write_bytes(b"no PNG")
    assert bench.score("s")[0].F.tolist() == [1, 1, 1, 1]


def test_a_sequence_whose_first_truth_is_empty_adds_no_object(bench: Bench, blobs: Any) -> None:
    empty = [np.zeros((40, 60), np.uint16)] * 6
    bench.add("a", [empty[0], *blobs([1])[1:]], empty)
    bench.add("b", blobs([1]), blobs([1]))
    results = bench.score_all()
    assert [len(result.objects) for result in results] == [0, 1]
    assert overall(scores for result in results for scores in result.objects)["J&F"] == 1
    bench.add("a", [empty[0], *blobs([1])[1:]], blobs([1]))
    assert "found id 1, expected only 0" in bench.score_all()[0].error


def test_all_frames_count_from_an_objects_first_truth_on(bench: Bench, blobs: Any) -> None:
    truth = [frame * (frame != 2) if i < 3 else frame for i, frame in enumerate(blobs([1, 2]))]
    masks = [frame.copy() for frame in truth]
    masks[1][38:, 58:] = 2
    bench.add("s", truth, masks)
    one, two = bench.score("s", "all-frames")
    assert one.frames == ("00000", "00001", "00002", "00003", "00004", "00005")
    assert two.frames == ("00003", "00004", "00005")
    assert two.J.tolist() == [1, 1, 1]
    bench.add("s", truth, [np.full((40, 60), 3)] * 6)
    with pytest.raises(BadInputError, match="found id 3"):
        bench.score("s", "all-frames")


@pytest.mark.parametrize("shape", [(1, 48), (48, 1), (1, 1), (2, 2), (7, 65)])
def test_any_size_is_scored(bench: Bench, shape: tuple[int, int], official: Any) -> None:
    rng = np.random.default_rng(0)
    truth, masks = rng.integers(0, 3, (2, 5, *shape)).astype(np.uint16)
    truth[0].flat[0] = 2
    bench.add("s", truth, masks)
    assert_official(bench.score("s"), official(truth, masks))


@pytest.mark.parametrize("shape", [(41, 60), (1, 60), (40, 1), (60, 40)])
@pytest.mark.parametrize("frame", [1, 3])
def test_another_size_is_an_error_even_where_it_could_be_stretched(
    bench: Bench, blobs: Any, shape: tuple[int, int], frame: int
) -> None:
    truth, masks = blobs([1]), blobs([1])
    masks[frame] = np.zeros(shape, np.uint16)
    bench.add("s", truth, masks)
    found = " x ".join(map(str, shape))
    with pytest.raises(
        BadInputError, match=rf"0000{frame}\.png: found {found} pixels .* expected 40 x 60 as in the truth"
    ):
        bench.score("s")


def test_a_truth_that_changes_its_size_is_an_error(bench: Bench, blobs: Any) -> None:
    truth = [*blobs([1])[:3], *blobs([1], shape=(41, 60))[3:]]
    bench.add("s", truth, truth)
    with pytest.raises(
        BadInputError, match=r"truth of frame 00003 has 41 x 60 pixels .* expected 40 x 60 as on frame 00001"
    ):
        bench.score("s")


def test_groups_and_ids_are_those_of_the_sequence(bench: Bench, blobs: Any) -> None:
    bench.add("s", blobs([1, 2]), blobs([1, 2]))

    class Grouped:
        name = "s"
        truth_names = tuple(f"{i:05d}" for i in range(6))
        groups: Mapping[int, str] = {1: "seen", 2: "unseen"}
        object_names: Mapping[int, str] = {}

        def read_truth(self, frame_name: str, /) -> Labels:
            return truth_folder(bench.truth)[0].read_truth(frame_name)

        read_truth_labels = read_truth

    scores = sequence_result(Grouped(), bench.masks, protocol="davis").objects
    assert [(each.object_id, each.group) for each in scores] == [(1, "seen"), (2, "unseen")]


def test_a_damaged_mask_fails_its_sequence_alone(bench: Bench, blobs: Any) -> None:
    for name in "abc":
        bench.add(name, blobs([1]), blobs([1]))
    damaged = bench.masks / "b" / "00003.png"
    damaged.write_bytes(damaged.read_bytes()[:-20])
    results = bench.score_all(jobs=2)
    assert [result.name for result in results] == ["a", "b", "c"]
    assert [bool(result.objects) for result in results] == [True, False, True]
    assert results[1].error.startswith(f"{damaged}: the PNG is damaged")
    assert [result.frames for result in results] == [4, 0, 4]


@pytest.mark.parametrize("jobs", [1, 2, 4, sequences.MOST_THREADS + 1])
def test_the_number_of_jobs_changes_nothing(bench: Bench, blobs: Any, jobs: int) -> None:
    for i in range(6):
        bench.add(f"s{i}", blobs([1, 2], seed=i), blobs([1, 2], seed=i + 1))
    threads: list[threading.Thread] = []

    class Threads(Progress):
        @contextmanager
        def counting(self, what: str, total: int) -> Iterator[Callable[[], None]]:
            assert (what, total) == ("sequences", 6)
            yield lambda: threads.append(threading.current_thread())

    results = bench.score_all(jobs=jobs, progress=Threads())
    assert [result.name for result in results] == [f"s{i}" for i in range(6)]
    assert threads == [threading.current_thread()] * 6
    alone = [bench.score(f"s{i}") for i in range(6)]
    for result, scores in zip(results, alone, strict=True):
        assert [each.statistics() for each in result.objects] == [each.statistics() for each in scores]
        assert result.seconds > 0


class Killed:
    """A sequence whose reading kills the process that reads it, unless that is the one which made it."""

    def __init__(self, name: str) -> None:
        self.name, self.maker = name, os.getpid()
        self.truth_names, self.groups = ("00000", "00001", "00002"), dict[int, str]()
        self.object_names = dict[int, str]()

    def read_truth(self, frame_name: str, /) -> Labels:  # noqa: ARG002
        if os.getpid() != self.maker:
            os._exit(9)
        return np.zeros((4, 4), np.uint8)

    read_truth_labels = read_truth


@pytest.mark.parametrize(("jobs", "pixels"), [(sequences.MOST_THREADS + 1, 1 << 30), (2, 0)], ids=["many", "large"])
def test_a_killed_process_is_an_error_and_no_hang(
    bench: Bench, jobs: int, pixels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequences, "MOST_THREADED_PIXELS", pixels)
    names = [f"s{i}" for i in range(jobs)]
    for name in names:
        bench.write(bench.masks / name, [np.zeros((4, 4), np.uint8)] * 3)
    with pytest.raises(BadInputError, match="a scoring process was killed"):
        score_sequences([Killed(name) for name in names], bench.masks, protocol="davis", jobs=len(names))


def test_memory_does_not_grow_with_the_number_of_frames(bench: Bench, blobs: Any) -> None:
    def peak(name: str) -> int:
        bench.score(name)
        tracemalloc.start()
        bench.score(name)
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    for name, frames in (("short", 5), ("long", 200)):
        maps = blobs([1], frames, (200, 300))
        bench.add(name, maps, maps)
    assert peak("long") < peak("short") + 200 * 2_000  # one label map has 60,000 bytes


def test_scoring_needs_no_torch(bench: Bench, blobs: Any) -> None:
    bench.add("s", blobs([1]), blobs([1]))
    program = (
        "import sys; from pathlib import Path; from vos_bench.scoring.sequences import score_sequences\n"
        "from vos_bench.scoring.truth import truth_folder\n"
        f"score_sequences(truth_folder(Path({str(bench.truth)!r})), Path({str(bench.masks)!r}), protocol='davis')\n"
        "print([name for name in ('torch', 'numba', 'llvmlite', 'joblib', 'cv2', 'pandas') if name in sys.modules])"
    )
    assert run_python("-c", program).stdout.strip() == "[]"


def listeners() -> int:
    # by `type`, since `isinstance` asks each object, and some that torch keeps warn where they are asked
    return sum(type(each) is OverlapsListener for each in gc.get_objects())


def test_label_maps_go_with_their_sequence_while_nobody_collects_cycles(bench: Bench) -> None:
    frames = [np.array([[0, 1, 2]], np.uint8)] * 4
    bench.add("a", frames, frames)
    gc.collect()
    gc.disable()
    try:
        before = listeners()
        assert bench.score_all(overlaps_of="data")[0].overlaps is not None
        assert listeners() == before
        damaged = bench.masks / "a" / "00002.png"
        damaged.write_bytes(damaged.read_bytes()[:-20])
        assert "damaged" in bench.score_all(overlaps_of="data")[0].error
        assert listeners() == before, "a sequence that fails keeps nothing either"
    finally:
        gc.enable()
