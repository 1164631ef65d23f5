"""Runs a script of others on the CPU: `python without_cuda.py MODULE|FILE ARGUMENTS`. What asks for a GPU gets nothing.

ImageNet parameters are not downloaded: the checkpoint replaces them all.
"""

import runpy
import sys
from pathlib import Path
from typing import Any

import torch
import torchvision  # noqa: F401 - before anything of torch is replaced: it looks at all of it
from torch.utils import model_zoo


class NoEvent:
    """In place of torch.cuda.Event: measures nothing."""

    def __init__(self, **_: Any) -> None:
        pass

    def record(self) -> None:
        """Do nothing."""

    def elapsed_time(self, _: "NoEvent") -> float:
        """Return a time that nobody reads."""
        return 1.0


def _same(self: Any, *_: Any, **__: Any) -> Any:
    return self


def _nothing(*_: Any, **__: Any) -> int:
    return 0


class _OnCpu(torch.autocast):
    def __init__(self, *_: Any, **__: Any) -> None:
        super().__init__("cpu", enabled=False)


def neutralise() -> None:
    """Make torch's calls for a GPU harmless."""
    torch.Tensor.cuda = torch.nn.Module.cuda = _same  # type: ignore[method-assign, assignment]
    for name in ("synchronize", "set_device", "empty_cache", "max_memory_allocated"):
        setattr(torch.cuda, name, _nothing)
    torch.cuda.Event = NoEvent  # type: ignore[misc, assignment]
    torch.cuda.amp.autocast = _OnCpu  # type: ignore[misc, assignment]
    model_zoo.load_url = lambda *_, **__: {}
    _keep_checkpoints_on_the_cpu()


def _keep_checkpoints_on_the_cpu() -> None:
    load = torch.load

    def on_cpu(*given: Any, **named: Any) -> Any:
        return load(*given, **{**named, "map_location": "cpu"})

    torch.load = on_cpu


def skip_empty_fills() -> None:
    """Let `load_state_dict` of an empty dict pass: those are the downloads that were not made."""
    load = torch.nn.Module.load_state_dict

    def fill(self: torch.nn.Module, state: Any, *given: Any, **named: Any) -> Any:
        return load(self, state, *given, **named) if state else None

    torch.nn.Module.load_state_dict = fill  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    neutralise()
    skip_empty_fills()
    script, sys.argv = sys.argv[1], sys.argv[1:]
    if Path(script).is_file():
        sys.path[0] = str(Path(script).resolve().parent)
        runpy.run_path(script, run_name="__main__")
    else:
        runpy.run_module(script, run_name="__main__", alter_sys=True)
