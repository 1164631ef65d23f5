"""`vos-bench run`: a method on a dataset."""

import sys
from json import dumps
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from vos_bench import registry
from vos_bench.api import FramesSeen, Precision, PromptKind, ProtocolName
from vos_bench.clusters import parse_cluster
from vos_bench.commands import options
from vos_bench.commands.groups import DATA, FLAG, MANY, METHOD, PROCESS, RESULTS, SCORING, WORK
from vos_bench.commands.progress import TerminalProgress
from vos_bench.commands.summary import conclude
from vos_bench.parts.box_start import BoxFill
from vos_bench.running.run import Overwrite, open_data
from vos_bench.running.run import run as run_method


def run(
    method: str,
    *,
    dataset: Annotated[str, DATA],
    root: Annotated[Path | None, DATA] = None,
    split: Annotated[str | None, DATA] = None,
    init: Annotated[PromptKind, METHOD] = "mask",
    box_start: Annotated[BoxFill | None, METHOD] = None,
    weights_: Annotated[str | None, Parameter(name="--weights"), METHOD] = None,
    sequences: Annotated[str | None, DATA] = None,
    seeds: Annotated[str, METHOD] = "0",
    frames: Annotated[FramesSeen, DATA] = "all",
    corrupt: Annotated[str | None, DATA] = None,
    protocol: Annotated[ProtocolName | None, SCORING] = None,
    truth: Annotated[Path | None, SCORING] = None,
    device: Annotated[str, WORK] = "auto",
    amp: Annotated[Precision, METHOD] = "off",
    compile: Annotated[bool, FLAG, METHOD] = False,
    jobs: Annotated[int | None, WORK] = None,
    engine: Annotated[str, WORK] = "local",
    stall: Annotated[float | None, WORK] = None,
    shard: Annotated[str | None, WORK] = None,
    overwrite: Annotated[Overwrite, WORK] = "only-missing",
    save_probabilities: Annotated[bool, FLAG, RESULTS] = False,
    failures: Annotated[bool, FLAG, RESULTS] = False,
    timing: Annotated[bool, FLAG, WORK] = False,
    verify: Annotated[bool, FLAG, WORK] = False,
    real_time: Annotated[float | None, SCORING] = None,
    grace: Annotated[int | None, SCORING] = None,
    command: Annotated[str | None, PROCESS] = None,
    timeout: Annotated[float | None, PROCESS] = None,
    set_: Annotated[tuple[str, ...], MANY, Parameter(name="--set"), METHOD] = (),
    name: Annotated[str | None, RESULTS] = None,
    out: Annotated[Path | None, Parameter(name="--out"), RESULTS] = None,
    json: Annotated[Path | None, Parameter(name="--json", validator=options.names_file), RESULTS] = None,
) -> int:
    """Run a method on a dataset and score it; resumes where an earlier run stopped.

    Args:
        method: The method's name, or FILE.py:CLASS for one that is not installed.
        dataset: The dataset's name.
        root: The dataset's folder. By default, VOS_BENCH_DATA or the config file names it.
        split: The split. By default, the dataset's first.
        init: What the objects start from.
        box_start: How a mask is made of a box, with --init box; without it, the method does that, or GrabCut for one
            that takes masks.
        weights_: A file of parameters, or the name of one that `vos-bench list weights` shows; untrained: random ones.
        sequences: A,B or @FILE with one name a line. By default, all.
        seeds: Seeds, separated by commas. Each makes a record of its own.
        frames: Whether the method sees all frames or only the annotated ones.
        corrupt: NAME:SEVERITY, a corruption of all frames and how severe it is, from 1 to 5, or changing as in
            noise:1-5: noise, blur, motion-blur, jpeg, h264, dark, bright or dropped; see docs/robustness.md.
        protocol: Which frames and objects count. By default, the dataset's own.
        truth: A folder of true label maps, SEQUENCE/FRAME.png, for a dataset without public truth.
        device: auto, cpu, cuda or cuda:1.
        amp: Precision of the network on a GPU: float32, float32 with products rounded to TF32, or a half.
        compile: Compile the network.
        jobs: How many sequences run at once; with more than one there is no FPS. By default, one, or all slots of a
            cluster.
        engine: local, or the cluster that runs the sequences: dask://HOST:PORT, ray://HOST:PORT; see docs/cluster.md.
        stall: Kill a worker that finishes no frame for so many seconds, and start its sequence again, once. By
            default, a frame may take any time.
        shard: I/N, the I-th of N parts of the sequences; the parts merge by copying their folders into one.
        overwrite: What to do with sequences that are finished already.
        save_probabilities: Also keep the probabilities of every frame.
        failures: Count while scoring what reports of failures and attributes show; else the first such report does.
        timing: Read no frame ahead, so that nothing runs beside the method.
        verify: Hash whole frames, so that a resumed run notices every change of the data.
        real_time: Frames a second: frames that come while the method is busy are dropped and keep the label map before
            them; see docs/real-time.md. By default, frames wait for the method.
        grace: In real time, how many slow frames of each sequence are forgiven. By default, 3.
        command: For a system in its own process: the program that answers, and its arguments; see docs/external.md.
        timeout: For a system in its own process: how many seconds an answer may take. By default, any time.
        set_: KEY=VALUE of the method's configuration; may be given several times.
        name: What tables call the run, recorded beside the method's own name; of a system in its own process, its name.
        out: The folder of the run. By default, runs/DATASET/METHOD/CONFIG8.
        json: A file for the scores.
    """
    info, title = options.named(registry.method(method), name)
    opened = open_data(dataset, root=root, split=split, truth=truth, cluster=parse_cluster(engine))
    numbers = options.seeds(seeds)
    runs = []
    for seed in numbers:
        with TerminalProgress() as progress:
            done = run_method(
                info,
                opened,
                weights=weights_,
                init=init,
                box_start=box_start,
                name=title,
                sequences=options.sequence_names(sequences),
                seed=seed,
                frames=frames,
                corrupt=corrupt,
                protocol=protocol,
                settings=(*process_settings(command, timeout), *set_),
                device=device,
                amp=amp,
                compile=compile,
                jobs=jobs,
                engine=engine,
                stall=stall,
                shard=options.shard(shard),
                overwrite=overwrite,
                save_probabilities=save_probabilities,
                failures=failures,
                timing=timing,
                verify=verify,
                real_time=real_time,
                grace=grace,
                out=out / f"seed-{seed}" if out is not None and len(numbers) > 1 else out,
                command=sys.argv[1:],
                progress=progress,
            )
        runs.append(done)
    return conclude(runs, json, shard=shard is not None, root=root)


def process_settings(command: str | None, timeout: float | None) -> tuple[str, ...]:
    """Return what `--command` and `--timeout` say as settings of a method in a process of its own."""
    given = {"command": command, "timeout_seconds": timeout}
    # JSON's text is TOML's, so that nothing is read into it.
    return tuple(f"{key}={dumps(value)}" for key, value in given.items() if value is not None)
