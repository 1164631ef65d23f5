"""One timing by the protocol, from warm-up to record."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from vos_bench import registry, timing
from vos_bench.api import Dataset, Precision, PromptKind
from vos_bench.benching.energy import EnergyMeter
from vos_bench.benching.passes import MOST_REPEATS, Passes
from vos_bench.benching.videos import MadeUpVideos, Shape
from vos_bench.clusters import LOCAL
from vos_bench.config import Settings, overrides
from vos_bench.environment import MOST_OF_OTHERS, ProcessorUse, collect_environment, machine_state, other_gpu_processes
from vos_bench.errors import BadInputError
from vos_bench.files import require_apart
from vos_bench.files.locks import FolderLock
from vos_bench.parts.box_start import BoxFill
from vos_bench.plugins import MethodInfo
from vos_bench.progress import Progress
from vos_bench.records import (
    BenchEntry,
    Run,
    RunRecord,
    config8,
    default_out,
    remove_partial_files,
    run_file,
    write_record,
)
from vos_bench.records.summary import write_summary
from vos_bench.running.method import built_method, numerics
from vos_bench.running.resume import REMOVE, open_folder, remove_empty_record, remove_outputs
from vos_bench.running.run import chosen_names, open_data
from vos_bench.running.sequence import score_and_save
from vos_bench.running.settings import RunSettings
from vos_bench.running.setup import PreparedRun, prepare_run
from vos_bench.timing import Clock
from vos_bench.weights import choose as choose_weights

FRAMES_NOTE = "frames were decoded before and lay in memory, which peak_mib includes"


@dataclass(frozen=True)
class Repeats:
    """How often the set is run.

    Attributes:
        count: Repeats whose median is reported.
        quick: One pass is a repeat, however short. Otherwise a repeat is as many passes as the protocol asks for.
    """

    count: int = timing.ENOUGH_REPEATS
    quick: bool = False

    def is_whole(self, frames: int, seconds: float) -> bool:
        """Return whether a repeat of so many frames and seconds is long enough."""
        return frames > 0 and (self.quick or (frames >= timing.ENOUGH_FRAMES and seconds >= timing.ENOUGH_SECONDS))


def bench(
    method: str | MethodInfo,
    dataset: str | Dataset | None = None,
    *,
    root: str | Path | None = None,
    split: str | None = None,
    sequences: Iterable[str] | None = None,
    size: tuple[int, int] | None = None,
    objects: int | None = None,
    frames: int | None = None,
    init: PromptKind = "mask",
    box_start: BoxFill | None = None,
    name: str | None = None,
    weights: str | Path | None = None,
    settings: Settings = (),
    device: str = "auto",
    amp: Precision = "off",
    compile: bool = False,
    clock: Clock = "stream",
    repeats: int = timing.ENOUGH_REPEATS,
    quick: bool = False,
    out: str | Path | None = None,
    command: Sequence[str] = (),
    progress: Progress | None = None,
) -> Run:
    """Time a method, as `vos-bench bench` does: on a dataset, or on a made-up video.

    Args:
        method: A method's name, `FILE.py:CLASS` for one that is not installed, or its description.
        dataset: A dataset's name, or a dataset that is open; None for a made-up video.
        root: The dataset's folder; without it, VOS_BENCH_DATA or the config file names it.
        split: Which split; without it, the dataset's default.
        sequences: Which sequences; None for all.
        size: Width and height of the made-up video, in pixels; 832 x 480 unless said otherwise.
        objects: How many objects it has; 1 unless said otherwise.
        frames: How many frames it has; 110 unless said otherwise.
        init: What the objects start from.
        box_start: How masks are made of boxes: `grabcut`, `ellipse` or `rectangle`; None leaves boxes to a method that
            takes them, and is `grabcut` else.
        name: What tables call the run; None for the method's own name.
        weights: A file of parameters, one of the method's names for them, or `untrained` for random ones.
        settings: The method's settings by name, or texts as `--set` takes them.
        device: `auto`, `cpu`, `cuda` or `cuda:1`.
        amp: Precision of the network on a GPU: float32, float32 with products rounded to TF32, or a half.
        compile: Whether to compile the network.
        clock: Wall time of each call, or the GPU's own clock.
        repeats: How often the set is run; the median is reported.
        quick: One pass a repeat, however short: latencies without FPS.
        out: The folder; None for `bench/DATASET/METHOD/CONFIG8-CLOCK`.
        command: The command line, for the record.
        progress: Hears how the timing goes.

    Returns:
        The run: `record.timing` has the figures.

    Raises:
        BadInputError: An argument does not fit, or the folder is another run's or cannot be written.
        MethodError: The method cannot be built, or fails on a sequence.
    """
    if dataset is None:
        if (root, split) != (None, None):
            raise BadInputError("root or split without a dataset: made-up videos need neither; name the dataset")
        width, height = size or (Shape.width, Shape.height)
        asked = {"objects": objects, "frames": frames}
        dataset = MadeUpVideos(Shape(width, height, **{name: n for name, n in asked.items() if n is not None}))
    elif (size, objects, frames) != (None, None, None):
        raise BadInputError("size, objects or frames with a dataset: expected one of the two; data are as they are")
    info = registry.method(method) if isinstance(method, str) else method
    bench_settings = RunSettings(
        method=info,
        dataset=open_data(dataset, root=root, split=split, cluster=LOCAL),
        overrides=overrides(settings),
        name=name,
        sequences=chosen_names(sequences),
        init=init,
        box_start=box_start,
        device=device,
        amp=amp,
        compile=compile,
        clock=clock,
        out=None if out is None else Path(out),
        command=tuple(command),
    ).with_weights(choose_weights(info, None if weights is None else str(weights)))
    return bench_method(bench_settings, repeats=Repeats(repeats, quick=quick), progress=progress)


def bench_method(settings: RunSettings, *, repeats: Repeats = Repeats(), progress: Progress | None = None) -> Run:
    """Time a method on a dataset, and score the very label maps of the timed passes where there is a truth.

    Warm-up is one pass over the longest sequence of each frame size and number of objects. Then come the repeats;
    frames lie in memory, nothing runs beside the method, and every pass must give the same label maps.

    Args:
        settings: What to time and how; `jobs`, `shard`, `overwrite`, `timing` and `save_probabilities` are not used.
        repeats: How often.
        progress: Hears about progress.

    Raises:
        BadInputError: A setting does not fit, or the folder is another run's or cannot be written.
        MethodError: The method cannot be built, or fails on a sequence.
    """
    if repeats.count < 1:
        raise BadInputError(f"--repeats {repeats.count}: expected 1 or more; the protocol asks for 3")
    if repeats.count > MOST_REPEATS:
        raise BadInputError(f"--repeats {repeats.count}: expected at most {MOST_REPEATS}; the protocol asks for 3")
    if not settings.dataset.sequence_names:
        raise BadInputError(f"{settings.dataset.name} {settings.dataset.split}: has no sequence; expected one at least")
    prepared = prepare_run(replace(settings, timing=True, jobs=1, shard=None, save_probabilities=False))
    out = settings.out or _default_out(prepared.record, settings.clock)
    task = replace(prepared.task, out=out.absolute())  # without `settings.out`, that of a run, which is another folder
    require_apart(out, settings.dataset.root)
    with FolderLock(out, shard=None).held():
        before = open_folder(out, prepared.record, dataset=settings.dataset, remedy=REMOVE).record
        remove_partial_files(out)
        for name in before.dataset.sequences:
            remove_outputs(out, name)
        record = _about_this(before, prepared)
        write_record(record, run_file(out))
        notes: list[str] = []
        passes: Passes | None = None
        try:
            with built_method(prepared.spec, notes) as method:
                passes = Passes(
                    settings.dataset, prepared.names, task=task, method=method, progress=progress or Progress()
                )
                entry = _repeat(passes, repeats, notes)
        except Exception:
            if passes is None:  # the method cannot be built, so that there never was a timing
                remove_empty_record(out, record)
            raise
        saved = [score_and_save(settings.dataset, timed.record(task), task=task) for timed in passes.sequences.values()]
        environment = collect_environment(settings.method.factory.partition(":")[0], settings.method.packages)
        record = record.replace(
            numerics=numerics(prepared.spec, method),
            environment=environment,
            bench=entry,
            notes=(*record.notes, *notes),
        )
        return write_summary(out, record, saved)


def _default_out(record: RunRecord, clock: Clock) -> Path:
    return default_out(record, Path("bench")).with_name(f"{config8(record)}-{clock}")


def _about_this(record: RunRecord, prepared: PreparedRun) -> RunRecord:
    """Return the record of this timing alone: one that was here before is replaced, not gone on with."""
    definition = f"{record.memory_definition}; {FRAMES_NOTE}"
    return prepared.record.replace(external=record.external, memory_definition=definition)


def _repeat(passes: Passes, repeats: Repeats, notes: list[str]) -> BenchEntry:
    """Warm up, run all repeats, and say how it went; `notes` gets what a user can do about it."""
    warm_up = passes.warm_up()
    gpu = _gpu(passes.device)
    beside = [other_gpu_processes(gpu)] if gpu else []
    start, used, meter = machine_state(), ProcessorUse.now(), EnergyMeter(gpu)
    done = [_one_repeat(passes, number, repeats, meter) for number in range(1, repeats.count + 1)]
    notes += meter.notes
    spent, end = used.until(ProcessorUse.now()), machine_state()
    beside += [other_gpu_processes(gpu)] if gpu else []
    digests = " ".join(digest for timed in passes.sequences.values() for digest in sorted(timed.digests))
    return BenchEntry(
        warm_up_seconds=warm_up,
        passes=tuple(each.passes for each in done),
        start=start,
        end=end,
        processor_seconds=spent.own,
        share_of_others=spent.share_of_others,
        label_maps_sha256=hashlib.sha256(digests.encode()).hexdigest(),
        disturbances=tuple(_disturbances(passes, spent, max(beside, default=0))),
        energy=meter.use(sum(each.frames for each in done)),
    )


class _Repeat(NamedTuple):
    """How many passes and frames a repeat took."""

    passes: int
    frames: int


def _one_repeat(passes: Passes, number: int, repeats: Repeats, meter: EnergyMeter) -> _Repeat:
    """Run whole passes until they are long enough."""
    count, times = 0, list[float]()
    while not repeats.is_whole(len(times), sum(times) / 1e3):
        times += passes.once(f"repeat {number} of {repeats.count}", repeat=number, after=meter.update)
        count += 1
    return _Repeat(count, len(times))


def _gpu(device: str) -> str | None:
    """Return what `nvidia-smi` calls a GPU; None on the CPU."""
    if not device.startswith("cuda"):
        return None
    import torch  # here, for the method has loaded it where there is a GPU

    return f"GPU-{torch.cuda.get_device_properties(device).uuid}"


def _disturbances(passes: Passes, spent: ProcessorUse, beside: int) -> Iterator[str]:
    """Say what keeps the figures from being published."""
    for name, timed in passes.sequences.items():
        if len(timed.digests) > 1:
            yield f"{name}: the passes gave {len(timed.digests)} different results"
        elif passes.kept_digest(timed) not in {None, *timed.digests}:
            yield f"{name}: the label maps on disk are not those of the timed passes"
    if any(timed.judged for timed in passes.sequences.values()) and not any(
        timed.found for timed in passes.sequences.values()
    ):
        yield "no label map has an object but those that were given: that passes are equal says nothing"
    if spent.share_of_others > MOST_OF_OTHERS:
        yield f"others used {spent.share_of_others:.0%} of the machine's processors"
    if beside:
        yield f"processes of others that computed on the GPU: {beside}"
