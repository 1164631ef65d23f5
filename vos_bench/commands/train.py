"""`vos-bench train`: a method by one of its recipes."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from vos_bench.commands import options
from vos_bench.commands.exit_codes import INTERRUPTED
from vos_bench.commands.groups import DATA, FLAG, MANY, METHOD, RESULTS, WORK
from vos_bench.commands.output import say
from vos_bench.commands.progress import TerminalProgress
from vos_bench.names import counted


def train(
    method: str,
    *,
    recipe: Annotated[str, METHOD],
    root: Annotated[tuple[str, ...], MANY, DATA] = (),
    weights: Annotated[tuple[str, ...], MANY, METHOD] = (),
    resume: Annotated[bool, FLAG, WORK] = False,
    device: Annotated[str, WORK] = "auto",
    set_: Annotated[tuple[str, ...], MANY, Parameter(name="--set"), METHOD] = (),
    out: Annotated[Path | None, Parameter(name="--out"), RESULTS] = None,
) -> int:
    """Train a method by one of its recipes; start it under torchrun for several GPUs.

    Args:
        method: The method's name.
        recipe: The recipe's name; `vos-bench list recipes` has them all.
        root: DATASET=DIR of each dataset, or one DIR for all. By default, VOS_BENCH_DATA or the config file names them.
        weights: A file to start from, or PART=FILE, as in backbone=FILE.
        resume: Go on from the last checkpoint in the folder.
        device: auto, cpu, cuda or cuda:1.
        set_: KEY=VALUE of the recipe; may be given several times.
        out: The folder for checkpoints, curves, record and weights. By default, training/METHOD/RECIPE.
    """
    from vos_bench.training.session import train as train_method  # brings torch along, which the help does without

    with TerminalProgress() as progress:
        result = train_method(
            method,
            recipe,
            root=dict(options.named_path(text, otherwise="") for text in root),
            weights=dict(options.named_path(text, otherwise="network") for text in weights),
            settings=set_,
            device=device,
            resume=resume,
            out=out,
            progress=progress,
        )
    if result.weights is None:
        say(f"stopped after step {result.record.step}; the same command with --resume goes on from there")
        return INTERRUPTED
    say(f"{result.weights}: {counted(result.record.step, 'step')}; use it with --weights {result.weights}")
    return 0
