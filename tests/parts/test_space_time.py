"""Space-time memory: which frames are remembered, how they are read, and what the network hears of them."""

import pytest
import torch
from pydantic import ValidationError

from vos_bench.api import Prompt
from vos_bench.parts.space_time import (
    FrameMemory,
    MemoryEntry,
    MemoryPolicy,
    Query,
    SpaceTimeConfig,
    SpaceTimeMethod,
    SpaceTimeNetwork,
    attend,
)


class Spy(SpaceTimeNetwork):
    """Remembers each frame's first pixel and each mask, and finds nothing."""

    def __init__(self, shared_keys: bool = False):
        super().__init__()
        self.heard, self.memories, self.shared_keys = [], [], shared_keys

    def preprocess(self, images):
        return images

    def encode_query(self, frames):
        number = frames[..., :1, :1, -1:]
        return Query(number[:, :1], number[:, :1], frames, ())

    def memorise(self, frames, query, masks, others):  # noqa: ARG002
        self.heard.append((int(query.key), masks.clone(), others.clone()))
        keys = query.key.flatten(2)
        return MemoryEntry(
            keys if self.shared_keys else keys.expand(len(masks), -1, -1), keys.expand(len(masks), -1, -1)
        )

    def similarity(self, memory, query):
        self.memories.append((memory.shape[0], memory[0, 0].int().tolist()))
        return memory.transpose(1, 2) @ query * 0

    def decode(self, x, skips):  # noqa: ARG002
        return torch.zeros(len(x), 16, 32)


def frame(number):
    image = torch.zeros(16, 32, 3, dtype=torch.uint8).numpy()
    image[...] = number
    return image


def mask(column):
    mask = torch.zeros(16, 32, dtype=torch.bool).numpy()
    mask[2:6, column : column + 4] = True
    return mask


def remembered(policy, frames=8, late=None, **config):
    """What is read on each frame after the first."""
    method = SpaceTimeMethod(SpaceTimeConfig(memory=policy, **config))
    method.use(Spy())
    method.initialize(frame(0), Prompt(masks={1: mask(3)}))
    for number in range(1, frames):
        method.step(frame(number), Prompt(masks={2: mask(20)}) if number == late else None)
    return method.network.memories


@pytest.mark.parametrize(
    ("policy", "on_frame_seven"),
    [
        (MemoryPolicy(), [0, 5, 6]),
        (MemoryPolicy(every=2), [0, 2, 4, 6]),
        (MemoryPolicy(every=2, most=2), [0, 4, 6]),
        (MemoryPolicy(every=5, previous=False), [0, 5]),
        (MemoryPolicy(every=0, previous=False), [0]),
        (MemoryPolicy(every=0), [0, 6]),
        (MemoryPolicy(every=0, first=False), [6]),
        (MemoryPolicy(every=3, first=False), [3, 6]),
    ],
)
def test_first_every_fifth_and_previous_frames_are_remembered_as_the_policy_says(policy, on_frame_seven):
    assert remembered(policy)[-1] == (1, on_frame_seven)


def test_the_previous_frame_is_dropped_when_it_is_no_longer_the_previous_one():
    assert [places for _, places in remembered(MemoryPolicy(), frames=7)] == [
        [0],
        [0, 1],
        [0, 2],
        [0, 3],
        [0, 4],
        [0, 5],
    ]


def test_an_object_that_starts_later_keeps_its_own_first_frame():
    reads = remembered(MemoryPolicy(), late=3)
    assert [places for _, places in reads[-2:]] == [[0, 5, 6], [3, 5, 6]]


def test_the_schedule_may_restart_where_objects_start_and_all_keep_that_frame():
    reads = remembered(MemoryPolicy(previous=False, restarts=True), frames=10, late=3)
    assert [places for _, places in reads[:3]] == [[0]] * 3
    assert [places for _, places in reads[3:5]] == [[0, 3], [3]]
    assert [places for _, places in reads[-2:]] == [[0, 3, 8], [3, 8]]
    assert remembered(MemoryPolicy(every=0, previous=False, restarts=True), late=3)[-2][1] == [0, 3]
    assert remembered(MemoryPolicy(restarts=True), frames=9)[-1][1] == [0, 5, 7]


def test_a_policy_that_remembers_nothing_is_refused():
    with pytest.raises(ValidationError, match="no memory"):
        MemoryPolicy(first=False, previous=False)


def test_each_object_is_told_apart_from_the_others():
    method = SpaceTimeMethod(SpaceTimeConfig())
    method.use(Spy())
    method.initialize(frame(0), Prompt(masks={1: mask(3), 2: mask(20)}))
    [(_, masks, others)] = method.network.heard
    assert masks.shape == (2, 1, 16, 32)
    torch.testing.assert_close(others, masks.flip(0), atol=1e-6, rtol=0)


@pytest.mark.parametrize("shared", [True, False])
def test_objects_go_through_in_passes_and_keys_stay_shared_where_they_are(shared):
    method = SpaceTimeMethod(SpaceTimeConfig(objects_per_pass=2))
    method.use(Spy(shared))
    method.initialize(frame(0), Prompt(masks={k: mask(4 * k) for k in range(1, 6)}))
    method.step(frame(1))
    assert [len(masks) for _, masks, _ in method.network.heard] == [2, 2, 1] * 2
    assert [objects for objects, _ in method.network.memories] == ([1, 1, 1] if shared else [2, 2, 1])
    method.network.heard.clear()
    method.objects_at_once = 1
    method.initialize(frame(0), Prompt(masks={k: mask(4 * k) for k in range(1, 6)}))
    assert [len(masks) for _, masks, _ in method.network.heard] == [1] * 5


@pytest.mark.parametrize("background", [True, False])
def test_the_border_of_a_padded_frame_is_remembered_as_background_or_as_predicted(background):
    class Everywhere(Spy):
        def decode(self, x, skips):  # noqa: ARG002
            return torch.ones(len(x), 32, 32)

    method = SpaceTimeMethod(SpaceTimeConfig())
    method.background_border = background
    method.use(Everywhere())
    method.initialize(frame(0)[:, :30].repeat(2, 0)[:30], Prompt(masks={1: mask(3)[:, :30].repeat(2, 0)[:30]}))
    method.step(frame(1)[:, :30].repeat(2, 0)[:30])
    masks = method.network.heard[-1][1]
    assert bool(masks[..., 1:-1, 1:-1].min() > 0.9)
    assert bool(masks[..., 0, :].max() < 0.1) == background


def test_reading_is_the_softmax_over_places_and_may_be_cut_to_the_best():
    generator = torch.Generator().manual_seed(0)
    scores, values = torch.randn(2, 9, 4, generator=generator), torch.randn(2, 3, 9, generator=generator)
    torch.testing.assert_close(attend(scores, values), torch.einsum("sdn,snq->sdq", values, scores.softmax(1)))
    torch.testing.assert_close(attend(scores, values, top=9), attend(scores, values))
    kept = scores.masked_fill(scores < scores.topk(3, dim=1).values[:, -1:], -torch.inf)
    torch.testing.assert_close(attend(scores, values, top=3), attend(kept, values))
    shared = attend(scores[:1], values, top=3)
    torch.testing.assert_close(shared[1], attend(scores[:1], values[1:], top=3)[0])


def test_a_memory_starts_with_what_it_is_given():
    memory = FrameMemory(MemoryPolicy(), 1)
    memory.add_first(MemoryEntry(torch.zeros(1, 2, 3), torch.ones(1, 4, 3)))
    memory.add(1, MemoryEntry(torch.ones(1, 2, 3), torch.ones(1, 4, 3)))
    assert memory.entry().key.shape == (1, 2, 6)
    assert memory.entry().key[0, 0].tolist() == [0, 0, 0, 1, 1, 1]
