"""`vos-bench convert`: foreign files of parameters."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from vos_bench import registry
from vos_bench.commands.output import say
from vos_bench.errors import BadInputError


def convert(method: str, file: Path, *, out: Annotated[Path, Parameter(name="--out")]) -> None:
    """Turn a foreign file of parameters into safetensors, without running anything that is in it.

    Args:
        method: The method whose parameters they are.
        file: The file as its authors published it.
        out: The safetensors file to write.
    """
    info = registry.method(method)
    if not info.converter:
        raise BadInputError(f"{method}: there are no foreign files of parameters to convert for it")
    registry.resolve(info.converter)(file, out)
    say(f"{out}: use it with --weights {out}")
