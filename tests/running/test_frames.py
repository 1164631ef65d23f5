"""Which frames a method sees, and reading them ahead."""

import threading
from types import ModuleType

import pytest

from vos_bench.errors import BadInputError
from vos_bench.running.frames import plan_frames, read_frames


def test_frames_before_the_first_object_are_skipped_and_become_background(fake_vos: ModuleType):
    sequence = fake_vos.FakeSequence("late", fake_vos.Spec(length=5, starts={1: 2}, outputs=(0, 3)))
    plan = plan_frames(sequence, frames="all", init="mask")
    assert plan.seen == ("00002", "00003", "00004")
    assert plan.before == ("00000",)
    assert plan.outputs == {"00000", "00003"}


def test_a_first_frame_with_only_empty_masks_does_not_start_a_sequence(fake_vos: ModuleType):
    sequence = fake_vos.FakeSequence("empty", fake_vos.Spec(length=4, starts={1: 0, 2: 2}, empty=(1,)))
    assert plan_frames(sequence, frames="all", init="mask").seen == ("00002", "00003")


@pytest.mark.parametrize(
    ("starts", "empty", "found"), [({1: 0, 2: 1}, (1, 2), "found only empty masks"), ({}, (), "found nothing")]
)
def test_a_sequence_that_nothing_starts_is_refused(fake_vos: ModuleType, starts, empty, found):
    sequence = fake_vos.FakeSequence("none", fake_vos.Spec(starts=starts, empty=empty))
    with pytest.raises(BadInputError, match=f"none: {found}.*expected a label map with at least one object"):
        plan_frames(sequence, frames="all", init="mask")


def test_annotated_frames_are_those_given_true_or_asked_for(fake_vos: ModuleType):
    spec = fake_vos.Spec(length=9, starts={1: 0, 2: 3}, truth=False, outputs=(0, 5))
    sequence = fake_vos.FakeSequence("some", spec)
    sequence.truth_names = ("00007",)
    plan = plan_frames(sequence, frames="annotated", init="mask")
    assert plan.seen == ("00000", "00003", "00005", "00007")
    assert plan_frames(sequence, frames="all", init="mask").seen == sequence.frame_names


@pytest.mark.parametrize("ahead", [True, False])
def test_frames_come_in_order_each_with_its_prompt(fake_vos: ModuleType, ahead: bool):
    sequence = fake_vos.FakeSequence("both", fake_vos.Spec(length=4, starts={1: 0, 5: 2}))
    loaded = list(read_frames(sequence, sequence.frame_names, ahead=ahead))
    assert [frame.name for frame in loaded] == list(sequence.frame_names)
    assert [frame.prompt.object_ids if frame.prompt else None for frame in loaded] == [(1,), None, (5,), None]
    assert all(frame.decode_ms > 0 for frame in loaded)


@pytest.mark.parametrize("ahead", [True, False])
def test_one_frame_is_read_ahead_of_its_use_and_no_more(fake_vos: ModuleType, ahead: bool):
    sequence = fake_vos.FakeSequence("ahead", fake_vos.Spec(length=9))
    read: list[str] = []
    second = threading.Event()
    original = sequence.read_frame

    def noting(name: str):
        read.append(name)
        if len(read) == 2:
            second.set()
        return original(name)

    sequence.read_frame = noting
    frames = read_frames(sequence, sequence.frame_names, ahead=ahead)
    next(frames)
    assert second.wait(600) if ahead else not second.is_set()
    assert len(read) == (2 if ahead else 1)
    frames.close()


@pytest.mark.parametrize("ahead", [True, False])
def test_a_frame_that_cannot_be_read_is_named(fake_vos: ModuleType, ahead: bool):
    sequence = fake_vos.FakeSequence("cut", fake_vos.Spec(length=4, fault="unreadable"))
    frames = read_frames(sequence, sequence.frame_names, ahead=ahead)
    assert [next(frames).name, next(frames).name] == ["00000", "00001"]
    with pytest.raises(BadInputError, match=r"cut/00002: cannot be read: OSError: 00002.jpg is cut off"):
        next(frames)


def test_closing_ends_the_reading_thread(fake_vos: ModuleType):
    sequence = fake_vos.FakeSequence("closed", fake_vos.Spec(length=9))
    before = {*threading.enumerate()}
    frames = read_frames(sequence, sequence.frame_names, ahead=True)
    next(frames)
    started = {*threading.enumerate()} - before
    assert [thread.name.partition("_")[0] for thread in started] == ["read-ahead"]
    frames.close()
    assert started.isdisjoint(threading.enumerate())


def test_a_mask_of_another_size_than_its_frame_is_named(fake_vos: ModuleType):
    sequence = fake_vos.FakeSequence("sizes", fake_vos.Spec())
    prompt = sequence.read_prompt("00000")
    prompt.masks[1] = prompt.masks[1][:, 1:]
    sequence.read_prompt = lambda _: prompt
    with pytest.raises(BadInputError, match="sizes/00000: the mask of object 1 is 15x12 and the frame 16x12"):
        next(read_frames(sequence, sequence.frame_names, ahead=False))
