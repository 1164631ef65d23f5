"""Runs a method over the sequences of a dataset: streaming, resumable, in one process or several."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from vos_bench import registry
from vos_bench.api import Dataset, FramesSeen, Precision, PromptKind, ProtocolName, SequenceMethod
from vos_bench.clusters import Cluster, parse_cluster, path_on
from vos_bench.config import Settings, overrides
from vos_bench.corrupting import corrupted
from vos_bench.environment import collect_environment, without_home
from vos_bench.errors import BadInputError, VosBenchError, one_line
from vos_bench.files import require_apart
from vos_bench.files.locks import FolderLock
from vos_bench.foreign_code import describe
from vos_bench.metrics.protocols import scoring_protocol
from vos_bench.names import counted
from vos_bench.parts.box_start import BoxFill
from vos_bench.plugins import MethodInfo
from vos_bench.progress import Progress
from vos_bench.records import (
    Run,
    RunRecord,
    SequenceRecord,
    default_out,
    read_sequence_records,
    remove_partial_files,
    run_file,
    write_record,
)
from vos_bench.records.summary import write_summary
from vos_bench.running.dispatch import RunOutput, WorkerJob, run_in_workers
from vos_bench.running.frames import object_frames
from vos_bench.running.method import built_method, numerics
from vos_bench.running.play import Task
from vos_bench.running.resume import (
    OVERWRITE,
    REMOVE,
    RemainingWork,
    open_folder,
    remaining_work,
    remove_empty_record,
    resume_notice,
)
from vos_bench.running.sequence import prompted_sequences, run_sequence, score_and_save
from vos_bench.running.settings import Overwrite, RunSettings
from vos_bench.running.setup import PreparedRun, prepare_run
from vos_bench.weights import choose as choose_weights

__all__ = ["Overwrite", "RunSettings", "chosen_names", "open_data", "run", "run_method"]


def run(
    method: str | MethodInfo,
    dataset: str | Dataset,
    *,
    root: str | Path | None = None,
    split: str | None = None,
    truth: str | Path | None = None,
    weights: str | Path | None = None,
    init: PromptKind = "mask",
    box_start: BoxFill | None = None,
    name: str | None = None,
    sequences: Iterable[str] | None = None,
    seed: int = 0,
    frames: FramesSeen = "all",
    corrupt: str | None = None,
    protocol: ProtocolName | None = None,
    settings: Settings = (),
    device: str = "auto",
    amp: Precision = "off",
    compile: bool = False,
    jobs: int | None = None,
    engine: str = "local",
    stall: float | None = None,
    shard: tuple[int, int] | None = None,
    overwrite: Overwrite = "only-missing",
    save_probabilities: bool = False,
    failures: bool = False,
    timing: bool = False,
    verify: bool = False,
    real_time: float | None = None,
    grace: int | None = None,
    out: str | Path | None = None,
    command: Sequence[str] = (),
    progress: Progress | None = None,
) -> Run:
    """Run a method on a dataset and score it, as `vos-bench run` does; resume where an earlier run stopped.

    Args:
        method: A method's name, `FILE.py:CLASS` for one that is not installed, or its description.
        dataset: A dataset's name, or a dataset that is open.
        root: The dataset's folder. By default, VOS_BENCH_DATA or the config file names it.
        split: The split. By default, the dataset's first.
        truth: A folder of true label maps, SEQUENCE/FRAME.png, for a dataset without public truth.
        weights: A file of parameters, one of the method's names for them, or `untrained` for random ones.
        init: What the objects start from.
        box_start: How masks are made of boxes: `grabcut`, `ellipse` or `rectangle`; None leaves boxes to a method that
            takes them, and is `grabcut` else.
        name: What tables call the run; None for the method's own name.
        sequences: Which sequences; None for all.
        seed: The run's seed.
        frames: Whether the method sees all frames or only the annotated ones.
        corrupt: A corruption of all frames with its severity, as in `noise:3`, or in `noise:1-5` for one that changes
            over a sequence; None for the data as they are.
        protocol: How to score; None for the dataset's own protocol.
        settings: The method's settings by name, as in `{"memory_size": 8}`, or texts as `--set` takes them.
        device: `auto`, `cpu`, `cuda` or `cuda:1`.
        amp: Precision of the network on a GPU: float32, float32 with products rounded to TF32, or a half.
        compile: Whether to compile the network.
        jobs: How many sequences run at once; with more than one there is no FPS. None for one, or all
            slots of a cluster.
        engine: `local`, or the cluster that runs the sequences: `dask://HOST:PORT`, `ray://HOST:PORT`.
        stall: A worker that finishes no frame for so many seconds is killed and its sequence started again, once.
        shard: (I, N) for the I-th of N parts of the sequences, I from 1; None for all.
        overwrite: What to do about sequences that were finished before: keep them, run them again, or refuse.
        save_probabilities: Whether to keep the probabilities of every frame too.
        failures: Whether to count, while scoring, what reports of failures and attributes show; else the first such
            report does.
        timing: Read no frame ahead, so that nothing runs beside the method.
        verify: Hash whole frames, so that a resumed run notices every change of the data.
        real_time: Frames a second: frames that come while the method is busy are dropped and keep the label map before
            them; None for frames that wait for the method.
        grace: In real time, how many slow frames of each sequence are forgiven, its first among them; None for 3.
        out: The run's folder; None for `runs/DATASET/METHOD/CONFIG8`.
        command: The command line, for the record.
        progress: Hears how the run goes.

    Returns:
        The run: its folder, record and scores. `record.counts.failed` says how many sequences failed.

    Raises:
        BadInputError: An argument does not fit, the folder is another run's or in use, or it cannot be written.
        MethodError: The method cannot be built.
    """
    info = registry.method(method) if isinstance(method, str) else method
    cluster = parse_cluster(engine)
    chosen = choose_weights(info, None if weights is None else str(weights))
    run_settings = RunSettings(
        method=info,
        dataset=corrupted(open_data(dataset, root=root, split=split, truth=truth, cluster=cluster), corrupt),
        overrides=overrides(settings),
        name=name,
        sequences=chosen_names(sequences),
        init=init,
        box_start=box_start,
        frames=frames,
        protocol=protocol,
        seed=seed,
        device=device,
        amp=amp,
        compile=compile,
        jobs=jobs,
        engine=cluster,
        stall=stall,
        shard=shard,
        overwrite=overwrite,
        save_probabilities=save_probabilities,
        failures=failures,
        timing=timing,
        verify=verify,
        real_time=real_time,
        grace=grace,
        out=None if out is None else Path(out),
        command=tuple(command),
    )
    return run_method(run_settings.with_weights(chosen), progress=progress)


def chosen_names(sequences: Iterable[str] | None) -> tuple[str, ...] | None:
    """Return the names of the chosen sequences; a text alone is one name."""
    if sequences is None:
        return None
    return (sequences,) if isinstance(sequences, str) else tuple(sequences)


def open_data(
    dataset: str | Dataset,
    *,
    root: str | Path | None = None,
    split: str | None = None,
    truth: str | Path | None = None,
    cluster: Cluster,
) -> Dataset:
    """Open a dataset by name, with a truth of its own where one is given; an open dataset is taken as it is.

    Args:
        dataset: Its name, or itself.
        root: Its folder.
        split: Which split.
        truth: A folder of true label maps.
        cluster: Whose workers read the same paths.

    Raises:
        BadInputError: There is no such dataset, split or folder; or the dataset is open already and has both.
    """
    if isinstance(dataset, str):
        opened = registry.open_dataset(dataset, root=_path_on(cluster, root), split=split)
    elif root is None and split is None:
        opened = dataset
    else:
        raise BadInputError(f"{dataset.name}: found root or split beside an open dataset; expected its name with them")
    if (folder := _path_on(cluster, truth)) is None:
        return opened
    from vos_bench.scoring.given_truth import GivenTruth  # brings what reads lists of objects, which few runs need

    own = registry.open_truth(dataset, folder, split=split) if isinstance(dataset, str) else None
    return GivenTruth(opened, folder, own)


def _path_on(cluster: Cluster, path: str | Path | None) -> Path | None:
    return None if path is None else path_on(cluster, Path(path))


def run_method(settings: RunSettings, *, progress: Progress | None = None) -> Run:
    """Run a method as `settings` say; go on where an earlier run stopped.

    Label maps, scores and records are written sequence by sequence, so that an interruption of any kind costs no more
    than the sequences that were not finished.

    Args:
        settings: What to run and how.
        progress: Hears how the run goes.

    Returns:
        The run; its record's `counts.failed` says how many sequences failed.

    Raises:
        BadInputError: A setting does not fit, the folder is another run's or in use, or it cannot be written.
        MethodError: The method cannot be built.
    """
    prepared, progress = prepare_run(settings), progress or Progress()
    out = settings.out or default_out(prepared.record)
    require_apart(out, settings.dataset.root)
    lock = FolderLock(out, shard=settings.shard)
    with lock.held():
        fresh = settings.overwrite == "always" and settings.shard is None
        remedy = REMOVE if settings.ablation else OVERWRITE  # `vos-bench ablate` has no such option
        record, present = open_folder(
            out, prepared.record, dataset=settings.dataset, factory=settings.method.factory, fresh=fresh, remedy=remedy
        )
        if settings.shard is None:
            remove_partial_files(out)
        work = remaining_work(
            out,
            prepared.names,
            present,
            protocol=record.protocol.name,
            dataset=settings.dataset,
            overwrite=settings.overwrite,
            probabilities=settings.save_probabilities,
        )
        write_record(record, run_file(out))
        kept = [present[name] for name in (*work.finished, *work.score)]
        environments = record.environment, prepared.record.environment
        if notice := resume_notice(out, kept, prepared.task.software, *environments, remedy):
            progress.resumed(notice)
        for notice in _work_notices(work, failures=settings.failures):
            progress.resumed(f"{out}: {notice}")
        progress.run_started((*work.score, *work.run), len(work.finished), partial(_work_of, settings))
        try:
            output = _run_sequences(settings, prepared, work, present, progress)
        except BaseException as error:
            with suppress(VosBenchError), lock.gate():  # what stopped the run matters more than what this may meet
                if not (isinstance(error, Exception) and settings.shard is None and remove_empty_record(out, record)):
                    write_summary(out, record)
            raise
        if output.numerics is not None:
            record = record.replace(
                numerics=output.numerics,
                environment=collect_environment(settings.method.factory.partition(":")[0], settings.method.packages),
                notes=(*record.notes, *output.notes),
            )
        ended = (*(present[name] for name in work.finished), *output.records)
        if scoring_protocol(record.protocol.name).tracks:
            record = _with_track_scores(out, record, settings.dataset, ended)
        with lock.gate():
            return write_summary(out, record, ended)


def _work_notices(work: RemainingWork, *, failures: bool) -> Iterator[str]:
    """Say what was asked for and earlier runs left out."""
    if work.unsaved:
        count = counted(len(work.unsaved), "sequence was", "sequences were")
        yield f"{count} finished before without probabilities: run again to save them"
    if failures and work.finished:
        count = counted(len(work.finished), "sequence was", "sequences were")
        yield f"{count} finished before: the first report of failures counts these"


def _with_track_scores(out: Path, record: RunRecord, dataset: Dataset, ended: Iterable[SequenceRecord]) -> RunRecord:
    """Judge the tracks of a run whose sequences have all ended: scores of tracks are over all sequences together."""
    found = read_sequence_records(out, ended)
    if any(name not in found for name in record.dataset.sequences):
        return record
    from vos_bench.scoring.record import with_track_scores  # brings what reads lists of objects, as below

    done = [name for name in record.dataset.sequences if found[name].status == "done"]
    try:
        return with_track_scores(record, out / "masks", dataset.track_files, names=done) if done else record
    except BadInputError as error:  # the label maps stand all the same
        return record.replace(notes=(*record.notes, f"tracks are not scored: {one_line(str(error))}"))


def _work_of(settings: RunSettings, name: str) -> float:
    return object_frames(settings.dataset.sequence(name), frames=settings.frames)


def _run_sequences(
    settings: RunSettings,
    prepared: PreparedRun,
    work: RemainingWork,
    present: Mapping[str, SequenceRecord],
    progress: Progress,
) -> RunOutput:
    rescored = []
    for name in work.score:
        rescored.append(score_and_save(settings.dataset, present[name], task=prepared.task))
        progress.sequence_finished(rescored[-1])
    output = _output_of(settings, prepared, work.run, progress) if work.run else RunOutput()
    return output._replace(records=(*rescored, *output.records))


def _output_of(settings: RunSettings, prepared: PreparedRun, names: tuple[str, ...], progress: Progress) -> RunOutput:
    if not settings.side_by_side and settings.stall is None:
        return _run_here(settings.dataset, names, prepared, progress)
    job = WorkerJob(settings.dataset, prepared.spec, prepared.task, workers=2 if settings.side_by_side else 1)
    return run_in_workers(
        names, job=job, progress=progress, engine=settings.engine, jobs=settings.jobs, stall=settings.stall
    )


def _run_here(dataset: Dataset, names: tuple[str, ...], prepared: PreparedRun, progress: Progress) -> RunOutput:
    task, records, notes = prepared.task, [], list[str]()
    with built_method(prepared.spec, notes) as method:
        if isinstance(method, SequenceMethod) and task.real_time is None:  # there nobody sees frames before they come
            notes += filter(None, [_preview_note(method, dataset, names, task)])
        for name in names:
            records.append(run_sequence(dataset, name, method=method, task=task, progress=progress))
            progress.sequence_finished(records[-1])
    return RunOutput(tuple(records), numerics(prepared.spec, method), tuple(notes))


def _preview_note(method: SequenceMethod, dataset: Dataset, names: tuple[str, ...], task: Task) -> str:
    """Show a method its sequences in advance; return a sentence where it raises, for it may do without.

    Raises:
        VosBenchError: The method says that it cannot run at all.
    """
    sequences = prompted_sequences(dataset, names, task=task)
    try:
        method.preview_sequences(sequences)
    except (VosBenchError, KeyboardInterrupt):
        raise
    except BaseException as error:  # the others continue: each sequence's own turn says whether it works
        return f"preview_sequences raised {without_home(describe(error))}"
    finally:
        sequences.close()
    return ""
