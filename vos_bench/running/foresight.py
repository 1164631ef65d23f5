"""All sequences of a run ahead of their turn, for a method that wants to see them together."""

from collections.abc import Iterable, Iterator
from contextlib import closing

from vos_bench.api import Dataset, PromptedSequence
from vos_bench.errors import VosBenchError
from vos_bench.running.exchange import Feed
from vos_bench.running.frames import plan_frames, read_frames
from vos_bench.running.sequence import Task


def upcoming(dataset: Dataset, names: Iterable[str], *, task: Task) -> Iterator[PromptedSequence]:
    """Yield each sequence as the method will see it; a frame is read when it is asked for.

    A sequence that cannot be read is left out, or ends early: its own turn says why.
    """
    for name in names:
        try:
            sequence = dataset.sequence(name)
            plan = plan_frames(sequence, frames=task.frames, init=task.init)
        except (VosBenchError, OSError):
            continue
        with closing(read_frames(sequence, plan.seen, ahead=task.read_ahead)) as frames:
            feed = Feed(frames, info=task.info, init=task.init)
            yield PromptedSequence(name=name, frame_names=plan.seen, frames=feed)
