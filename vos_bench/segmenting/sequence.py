"""One video from its first prompt to its label maps and its overlay video."""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vos_bench.api import LabelMap, Method, Prediction, Prompt, SequenceMethod
from vos_bench.environment import without_home
from vos_bench.errors import BadInputError
from vos_bench.labelmaps import object_ids, read_label_map, write_label_map
from vos_bench.names import counted, to_utf8
from vos_bench.parts.box_start import BoxFill, masks_of
from vos_bench.plugins import MethodInfo
from vos_bench.progress import Progress
from vos_bench.records import masks_folder
from vos_bench.running.frames import FrameSource, LoadedFrame, PendingFrame, paste
from vos_bench.running.method import seed_everything, sequence_seed
from vos_bench.running.play import answers
from vos_bench.segmenting.inputs import InputVideo
from vos_bench.segmenting.pipeline import in_background, read_ahead
from vos_bench.segmenting.prompts import FramePrompts
from vos_bench.segmenting.record import PresenceLog, SegmentedSequence
from vos_bench.timing import stopwatch
from vos_bench.video import TimedFrame, VideoWriter, draw_objects, open_video


def overlay_file(folder: Path, name: str) -> Path:
    """Return where the overlay video of a sequence lies."""
    return folder / "overlay" / f"{name}.mp4"


@dataclass(frozen=True)
class Job:
    """What all videos have in common.

    Attributes:
        folder: Where results go.
        info: The method's description.
        method: Built.
        seed: Of what it draws at random.
        box_start: How masks are made of boxes; None where the method takes boxes.
        both_ways: Whether to go backwards too.
        overlay: Whether to write overlay videos.
        progress: Hears about progress.
    """

    folder: Path
    info: MethodInfo
    method: Method | SequenceMethod
    seed: int
    box_start: BoxFill | None
    both_ways: bool
    overlay: bool
    progress: Progress


def segment_video(video: InputVideo, prompts: FramePrompts, job: Job) -> SegmentedSequence:
    """Segment one video: write its label maps and its overlay video, and return what is to be known of it."""
    began, starts = time.perf_counter(), prompts.starts
    latest = max(starts.values())
    backwards = latest + 1 if job.both_ways and latest else 0
    log, notes = PresenceLog(), [*prompts.notes]
    total = (video.expected_frames or latest + 1) + backwards
    with job.progress.counting(video.name, total) as step:
        if backwards:
            _segment_backwards(video, prompts, job, step)
        count = _segment_forwards(video, prompts, job, log, notes, step)
    if (last := max(prompts.by_frame)) >= count:
        raise BadInputError(
            f"{video.path}: has {counted(count, 'frame')}; expected a frame number {last}, counted from 0"
        )
    notes += video.notes(count)
    given = {
        k: tuple(video.frame_name(i) for i, prompt in prompts.by_frame.items() if k in prompt.object_ids)
        for k in starts
    }
    return SegmentedSequence(
        name=video.name,
        path=without_home(str(video.path.absolute())),
        height=video.size[0],
        width=video.size[1],
        rate=str(video.rate),
        frames=count,
        frame_names=video.frame_names or (),
        objects=log.objects(given),
        notes=tuple(notes),
        seconds=time.perf_counter() - began,
    )


def _segment_backwards(video: InputVideo, prompts: FramePrompts, job: Job, step: Callable[[], None]) -> None:
    """Segment from the last object's start to the first frame; keep on each frame the objects that start later."""
    starts = prompts.starts
    latest = max(starts.values())
    numbered = zip(range(latest, -1, -1), read_ahead(video.backwards(latest)), strict=True)
    names = tuple(video.frame_name(i) for i in range(latest, -1, -1))
    first_prompts = {
        i: _only(prompt, {k for k in prompt.object_ids if starts[k] == i}) for i, prompt in prompts.by_frame.items()
    }
    with in_background() as calls:
        for number, _, labels in _followed(video, numbered, first_prompts, job, names, []):
            labels[~np.isin(labels, [k for k, start in starts.items() if start > number])] = 0
            calls.call(write_label_map, _label_map(job, video, number), labels)
            step()


def _only(prompt: Prompt, chosen: set[int]) -> Prompt:
    return Prompt(
        {k: mask for k, mask in prompt.masks.items() if k in chosen},
        {k: box for k, box in prompt.boxes.items() if k in chosen},
    )


def _label_map(job: Job, video: InputVideo, number: int) -> Path:
    return masks_folder(job.folder, video.name) / f"{video.frame_name(number)}.png"


def _segment_forwards(
    video: InputVideo, prompts: FramePrompts, job: Job, log: PresenceLog, notes: list[str], step: Callable[[], None]
) -> int:
    """Segment from the first prompt to the end, write everything, and return how many frames the video has."""
    starts, count = prompts.starts, 0
    latest = max(starts.values()) if job.both_ways else 0
    path = overlay_file(job.folder, video.name)
    with open_video(path, video.rate) if job.overlay else nullcontext() as writer, in_background() as calls:
        for number, frame, labels in _all_labels(video, prompts, job, notes):
            if number < latest:  # what went backwards fills what is free
                found = read_label_map(_label_map(job, video, number))
                labels = np.where(labels == 0, found, labels)
            expected = frozenset(k for k, start in starts.items() if start <= number or number < latest)
            log.add(video.frame_name(number), frozenset(object_ids(labels)), expected)
            calls.call(_write, _label_map(job, video, number), writer, frame, labels)
            count += 1
            step()
    return count


def _write(path: Path, writer: VideoWriter | None, frame: TimedFrame, labels: LabelMap) -> None:
    write_label_map(path, labels)
    if writer is not None:
        writer.write(frame._replace(image=draw_objects(frame.image, labels)))


def _all_labels(
    video: InputVideo, prompts: FramePrompts, job: Job, notes: list[str]
) -> Iterator[tuple[int, TimedFrame, LabelMap]]:
    """Yield all frames with their label maps, empty ones before the first prompt."""
    first = min(prompts.by_frame)
    with closing(read_ahead(video.frames())) as frames:
        for number, frame in zip(range(first), frames, strict=False):
            yield number, frame, np.zeros(video.size, np.uint16)
        numbered = enumerate(frames, start=first)
        names = _names(video, first) if isinstance(job.method, SequenceMethod) else None
        yield from _followed(video, numbered, prompts.by_frame, job, names, notes)


def _names(video: InputVideo, first: int) -> tuple[str, ...]:
    """Return the names of all frames from `first` on; of a video file by decoding it."""
    if video.frame_names is not None:
        return video.frame_names[first:]
    count = sum(1 for _ in video.frames())
    return tuple(video.frame_name(number) for number in range(first, count))


def _followed(
    video: InputVideo,
    frames: Iterator[tuple[int, TimedFrame]],
    prompts: Mapping[int, Prompt],
    job: Job,
    names: tuple[str, ...] | None,
    notes: list[str],
) -> Iterator[tuple[int, TimedFrame, LabelMap]]:
    """Feed frames to the method and yield each with its label map, under the user's ids."""
    held: deque[tuple[int, TimedFrame]] = deque()

    def loaded() -> Generator[LoadedFrame, None, None]:
        for number, frame in frames:
            held.append((number, frame))
            prompt = prompts.get(number)
            if prompt is not None and job.box_start is not None:
                prompt = masks_of(prompt, frame.image, fill=job.box_start, seed=job.seed)
            yield LoadedFrame(video.frame_name(number), frame.image, prompt, 0.0)

    seed_everything(sequence_seed(job.seed, video.name))
    corrections = job.method.takes_corrections
    source = FrameSource(loaded(), info=job.info, init="mask", corrections=corrections)
    watch = stopwatch(job.method.device)
    for pending, prediction in answers(job.method, source, watch, sequence=video.name, frame_names=names):
        yield *held.popleft(), _labels(pending, prediction, source)
    notes += source.notes
    if log := job.method.finish():
        notes.append(to_utf8(without_home(log)))


def _labels(pending: PendingFrame, prediction: Prediction, source: FrameSource) -> LabelMap:
    labels = prediction.labels.astype(np.uint16)  # a copy: the method may keep its array
    if pending.given is not None:
        paste(labels, pending.given)
    return source.numbering.restore(labels)
