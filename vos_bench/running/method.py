"""Building a method: its class, its configuration, its device."""

import ast
import hashlib
import os
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vos_bench import registry
from vos_bench.api import Method, Parameters, Precision, SequenceMethod
from vos_bench.config import FrozenModel, apply_overrides
from vos_bench.devices import resolve_device, set_float32_mode, use_device
from vos_bench.environment import torch_flags, without_home
from vos_bench.errors import BadInputError, MethodError, VosBenchError
from vos_bench.files import read_bytes
from vos_bench.plugins import MethodInfo
from vos_bench.records import Numerics


@dataclass(frozen=True)
class Recipe:
    """All that a method is built from. It travels to other processes; the class is imported where it is built.

    Attributes:
        info: The method's description.
        config: An instance of its `Config`, None where it has nothing to set.
        weights: The file of parameters, or `untrained`.
        device: A torch device name, or `auto`.
        amp: Precision of the network.
        compile: Whether to compile the network.
        seed: The run's seed.
        probabilities: Whether anybody keeps the probabilities.
    """

    info: MethodInfo
    config: Any
    weights: Parameters | None
    device: str
    amp: Precision
    compile: bool
    seed: int
    probabilities: bool = True


_SETTINGS = ("config", "weights", "device", "amp", "compile", "seed")
"""What a method has once its base class's `__init__` was called."""


def method_class(info: MethodInfo) -> type[Method] | type[SequenceMethod]:
    """Import a method's class.

    Raises:
        BadInputError: Its plugin cannot be imported.
    """
    kind: type[Method] | type[SequenceMethod] = registry.resolve(info.factory)
    return kind


def configure(info: MethodInfo, overrides: tuple[str, ...]) -> FrozenModel | None:
    """Return a method's configuration with `--set` applied; None for a method with nothing to set.

    Raises:
        BadInputError: The plugin cannot be imported, or an override does not fit.
    """
    kind = method_class(info)
    if kind.Config is None:
        if overrides:
            raise BadInputError(f"--set {overrides[0]}: {info.name} has nothing to set")
        return None
    config: FrozenModel = apply_overrides(kind.Config(), overrides)
    return config


def build(recipe: Recipe, device: str) -> Method | SequenceMethod:
    """Import and build a method on a device, seeded, so that what it draws at random is the same in every process.

    Raises:
        MethodError: It cannot be built.
    """
    info = recipe.info
    try:
        kind = method_class(info)
        seed_everything(sequence_seed(recipe.seed, ""))
        set_float32_mode("cpu" if kind.on_cpu else device, recipe.amp)
        method = kind(
            recipe.config,
            weights=recipe.weights,
            device=device,
            amp=recipe.amp,
            compile=recipe.compile,
            seed=recipe.seed,
        )
    except VosBenchError:
        raise
    except Exception as error:
        raise MethodError(
            f"{info.name}: cannot be built: {without_home(f'{type(error).__name__}: {error}')}"
        ) from error
    if missing := [name for name in _SETTINGS if not hasattr(method, name)]:
        raise MethodError(
            f"{info.name}: cannot be built: its __init__ leaves it without {', '.join(missing)}; expected it to call"
            " super().__init__(config, weights=weights, device=device, …)"
        )
    method.wants_probabilities = recipe.probabilities
    use_device(method.device)
    return method


@contextmanager
def at_work(recipe: Recipe, notes: list[str]) -> Iterator[Method | SequenceMethod]:
    """Build a method for a block, on its device, and let go of it; the current folder stays, whatever the method does.

    Args:
        recipe: How to build it.
        notes: Gets a sentence where it cannot be closed, which no longer harms what it did.

    Raises:
        MethodError: It cannot be built.
        BadInputError: There is no such device.
    """
    with _folder_kept():
        method = build(recipe, resolve_device(recipe.device))
        try:
            yield method
        finally:
            try:
                method.close()
            except (Exception, SystemExit) as error:
                notes.append(f"closing the method raised {without_home(f'{type(error).__name__}: {error}')}")


@contextmanager
def _folder_kept() -> Iterator[None]:
    """Go back to the current folder after a block in which a method may have gone to another."""
    folder = None
    with suppress(OSError):  # it was removed
        folder = Path.cwd()
    try:
        yield
    finally:
        if folder is not None:
            with suppress(OSError):
                os.chdir(folder)


def numerics(recipe: Recipe, method: Method | SequenceMethod) -> Numerics:
    """Return what decides the last bits, as it is once the method is built."""
    return Numerics(
        seed=recipe.seed,
        device=method.device,
        amp=recipe.amp,
        compile=recipe.compile,
        **torch_flags().model_dump(),
    )


def sequence_seed(seed: int, sequence: str) -> int:
    """Return the seed of one sequence: 32 bits of the SHA-256 of the run's seed and the sequence's name."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{sequence}".encode()).digest()[:4], "big")


def seed_everything(seed: int) -> None:
    """Seed Python and NumPy, and OpenCV and torch where something has loaded them.

    Args:
        seed: 32 bits.
    """
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - methods may draw from the global generator
    if cv2 := sys.modules.get("cv2"):
        cv2.setRNGSeed(seed >> 1)  # takes 31 bits
    if torch := sys.modules.get("torch"):
        torch.manual_seed(seed)


MOST_BYTES = 1 << 24
"""The largest file of code that is read."""


def code_sha256(file: Path) -> str:
    """Return the sha256 of a file alone, or of it and all modules of its folder that it imports, however indirectly.

    Imports are read and not made, so that it is the same whether or not one was made yet, in whatever order. Modules
    that lie elsewhere, and those imported by a name that is only known when the code runs, do not enter.

    Raises:
        BadInputError: A file cannot be read.
    """
    found = {file: _read(file)}
    waiting = [file]
    while waiting:
        path = waiting.pop()
        for module in _imported(path, found[path], file.parent):
            if module not in found:
                found[module] = _read(module)
                waiting.append(module)
    if len(found) == 1:
        return hashlib.sha256(found[file]).hexdigest()
    digest = hashlib.sha256()
    for path in sorted(found):
        digest.update(f"{path.relative_to(file.parent).as_posix()}\0".encode())
        digest.update(hashlib.sha256(found[path]).digest())
    return digest.hexdigest()


def _read(path: Path) -> bytes:
    try:
        return read_bytes(path, most=MOST_BYTES)
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read: {error.strerror}; expected a file") from None


def _imported(path: Path, code: bytes, folder: Path) -> Iterator[Path]:
    """Yield the files of a folder that the code of `path` may import, packages on the way included."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # what imports it says so
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for each in node.names:
                yield from _files(folder, each.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            base = folder
            if node.level:
                base = path.parents[node.level - 1] if node.level <= len(path.parents) else folder
                if not base.is_relative_to(folder):
                    continue
            parts = node.module.split(".") if node.module else []
            for each in node.names:
                yield from _files(base, [*parts, each.name])


def _files(base: Path, parts: list[str]) -> Iterator[Path]:
    """Yield what an import of a dotted name reads below a folder; the last part may be a name inside a module."""
    if parts[0] == "vos_bench":  # whose version and commit every record has
        return
    for part in parts:
        if (module := base / f"{part}.py").is_file():
            yield module
            return
        base = base / part
        if (start := base / "__init__.py").is_file():
            yield start
        elif not base.is_dir():
            return
