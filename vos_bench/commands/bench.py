"""`vos-bench bench`: how fast a method is, by the timing protocol."""

import sys
from collections.abc import Mapping
from dataclasses import asdict, replace
from itertools import product
from json import dumps
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from vos_bench import registry, weights
from vos_bench.api import Dataset, Precision, PromptKind, SequenceMethod
from vos_bench.benching.session import bench as bench_method
from vos_bench.benching.turns import Turns, take_turns
from vos_bench.benching.videos import MadeUpVideos, Shape
from vos_bench.commands import options
from vos_bench.commands.groups import DATA, FLAG, MANY, METHOD, RESULTS, WORK
from vos_bench.commands.output import say, show, write_json
from vos_bench.commands.progress import TerminalProgress
from vos_bench.devices import resolve_device
from vos_bench.errors import BadInputError
from vos_bench.parts.box_start import BoxFill
from vos_bench.plugins import MethodInfo
from vos_bench.records import Run
from vos_bench.records.latency_table import latency_table
from vos_bench.running.method import method_class
from vos_bench.running.settings import RunSettings
from vos_bench.timing import Clock


def bench(
    method: str,
    *,
    dataset: Annotated[str | None, DATA] = None,
    root: Annotated[Path | None, DATA] = None,
    split: Annotated[str | None, DATA] = None,
    sequences: Annotated[str | None, DATA] = None,
    size: Annotated[str | None, DATA] = None,
    objects: Annotated[str | None, DATA] = None,
    frames: Annotated[int | None, DATA] = None,
    init: Annotated[PromptKind, METHOD] = "mask",
    box_start: Annotated[BoxFill | None, METHOD] = None,
    weights_: Annotated[str | None, Parameter(name="--weights"), METHOD] = None,
    device: Annotated[str, WORK] = "auto",
    amp: Annotated[Precision, METHOD] = "off",
    compile: Annotated[bool, FLAG, METHOD] = False,
    repeats: Annotated[int, WORK] = 3,
    quick: Annotated[bool, FLAG, WORK] = False,
    reference_command: Annotated[str | None, WORK] = None,
    turns: Annotated[int | None, WORK] = None,
    set_: Annotated[tuple[str, ...], MANY, Parameter(name="--set"), METHOD] = (),
    name: Annotated[str | None, RESULTS] = None,
    out: Annotated[Path | None, Parameter(name="--out"), RESULTS] = None,
    json: Annotated[Path | None, Parameter(name="--json", validator=options.names_file), RESULTS] = None,
) -> int:
    """Time a method: on a dataset, whose scores then come from the timed passes, or on made-up videos.

    Args:
        method: The method's name, or FILE.py:CLASS for one that is not installed.
        dataset: The dataset's name. By default, made-up videos.
        root: The dataset's folder. By default, VOS_BENCH_DATA or the config file names it.
        split: The split. By default, the dataset's first.
        sequences: A,B or @FILE with one name a line. By default, all.
        size: WIDTHxHEIGHT of made-up videos, 832x480 unless said otherwise; several are separated by commas.
        objects: How many objects they have, 1 unless said otherwise; several are separated by commas.
        frames: How many frames they have, 110 unless said otherwise.
        init: What the objects start from.
        box_start: How a mask is made of a box, with --init box; without it, the method does that, or GrabCut for one
            that takes masks.
        weights_: A file of parameters, or the name of one that `vos-bench list weights` shows.
        device: auto, cpu, cuda or cuda:1. On a GPU its own clock is read too, in passes of their own.
        amp: Precision of the network on a GPU: float32, float32 with products rounded to TF32, or a half.
        compile: Compile the network.
        repeats: How often the set is run; the median is reported.
        quick: One pass a repeat, however short: latencies without FPS.
        reference_command: Another program on the same frames, interleaved with the method (A B A B): a command as of
            the method external, docs/external.md.
        turns: How many turns with it, 5 unless said otherwise.
        set_: KEY=VALUE of the method's configuration; may be given several times.
        name: What tables call the run, recorded beside the method's own name; of a system in its own process, its name.
        out: The folder, with one inside it for each of several cases. By default, bench/DATASET/METHOD/CONFIG8-CLOCK.
        json: A file for the figures.
    """
    if turns is not None and reference_command is None:
        raise BadInputError(f"--turns {turns} without --reference-command has no effect; add it, or leave --turns out")
    info, title = options.named(registry.method(method), name)
    chosen = options.sequence_names(sequences)
    parameters = weights.choose(info, weights_)
    data, clocks = _cases(dataset, root, split, size, objects, frames), _clocks(info, device)
    side = RunSettings(
        info,
        data[0],
        set_,
        sequences=chosen,
        init=init,
        box_start=box_start,
        device=device,
        amp=amp,
        compile=compile,
    ).with_weights(parameters)
    runs, compared = [], dict[str, Turns]()
    for case, clock in product(data, clocks):
        alone = len(data) * len(clocks) == 1
        with TerminalProgress() as progress:
            timed = bench_method(
                info,
                case,
                sequences=chosen,
                init=init,
                box_start=box_start,
                name=title,
                weights=weights_,
                settings=set_,
                device=device,
                amp=amp,
                compile=compile,
                clock=clock,
                repeats=repeats,
                quick=quick,
                out=out if alone or out is None else out / f"{case.name}-{clock}",
                command=sys.argv[1:],
                progress=progress,
            )
            runs.append(timed)
            if reference_command is not None and clock == "stream":
                ours = replace(side, dataset=case)
                theirs = _reference(ours, reference_command)
                compared[case.name] = take_turns(ours, theirs, count=5 if turns is None else turns, progress=progress)
    return _conclude(runs, compared, json)


def _cases(
    dataset: str | None,
    root: Path | None,
    split: str | None,
    size: str | None,
    objects: str | None,
    frames: int | None,
) -> list[Dataset]:
    """Return what is to be timed: one dataset, or a made-up video of each size and number of objects."""
    if dataset is None:
        if root is not None or split is not None:
            raise BadInputError("--root or --split without --dataset: made-up videos need neither; name the dataset")
        sizes = options.sizes(size or f"{Shape.width}x{Shape.height}")
        counts = options.counts("--objects", objects or str(Shape.objects))
        shapes = [Shape(*each, count, Shape.frames if frames is None else frames) for each in sizes for count in counts]
        return [MadeUpVideos(shape) for shape in shapes]
    for option, value in (("--size", size), ("--objects", objects), ("--frames", frames)):
        if value is not None:
            raise BadInputError(
                f"{option} {value} with --dataset {dataset}: expected one of the two; data are as they are"
            )
    return [registry.open_dataset(dataset, root=root, split=split)]


def _clocks(info: MethodInfo, device: str) -> tuple[Clock, ...]:
    """Return whose time is taken, each in passes of its own: the GPU's clock can only time single calls."""
    on_gpu = resolve_device(device).startswith("cuda")
    return ("stream", "model") if on_gpu and not issubclass(method_class(info), SequenceMethod) else ("stream",)


def _reference(settings: RunSettings, command: str) -> RunSettings:
    """Return the other side of the turns: the same data and device, and a program in a process of its own."""
    overrides = (f"command={dumps(command)}",)  # JSON's text is TOML's
    info = registry.command_method()
    return replace(settings, method=info, overrides=overrides).with_weights(None)


def _conclude(runs: list[Run], compared: Mapping[str, Turns], json: Path | None) -> int:
    timings = [(run.folder, run.record.timing) for run in runs]
    figures = [{"out": str(out), "timing": timing.to_data() if timing else None} for out, timing in timings]
    ratios = {case: {**asdict(turns), "ratios": turns.ratios} for case, turns in compared.items()}
    write_json(json, {"runs": figures, "turns": ratios})  # first: standard output may be full
    show(latency_table(runs))
    told = set[str]()
    for run in runs:
        for note in run.record.notes:
            if note not in told:  # what is true of the machine is said once
                say(f"note: {note}")
        told |= {*run.record.notes}
        say(str(run.folder))
    for case, turns in compared.items():
        say(f"{case}: {turns}")
    return 0
