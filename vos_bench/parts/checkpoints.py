"""Reads parameters from safetensors and from foreign pickles without running anything that lies in them."""

import functools
import io
import json
import pickle
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import safetensors
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from vos_bench.errors import BadInputError
from vos_bench.files import read_bytes, replacing
from vos_bench.parts.pickle_depth import require_shallow

FOREIGN_PACKAGES = (
    "ltr.",
    "lib.",
    "dlframework.",
    "pytracking.",
    "utils.",
    "torch.nn.modules.",
    "torch.nn.backends.",
    "torchvision.models.",
    "numpy.",
    "_codecs.",
)
"""Packages whose classes a checkpoint may name; inert stand-ins take their place."""

MOST_BYTES = 1 << 34
"""The largest file of parameters that is read."""

_SHOWN = 8

_METADATA = "vos_bench"
"""The one key of what we write into a safetensors file besides tensors: the library writes several in any order, which
would give equal trainings unequal files."""


class StandIn:
    """Takes the place of a class from a package that a checkpoint names: keeps the state, does nothing.

    `arguments` are what it was called with, `items` what was put into it as into a list or a dict.
    """

    arguments: tuple[Any, ...]
    items: list[Any]

    def __new__(cls, *arguments: Any, **_: Any) -> "StandIn":
        """Take any arguments; a pickle may make an object without initialising it."""
        instance = super().__new__(cls)
        instance.arguments, instance.items = arguments, []
        return instance

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def __setstate__(self, state: Any) -> None:
        parts = state if isinstance(state, tuple) else (state,)
        for part in parts:
            if isinstance(part, Mapping):
                self.__dict__.update(part)

    def __setitem__(self, key: Any, value: Any) -> None:
        self.items.append((key, value))

    def append(self, value: Any) -> None:
        """Keep one item."""
        self.items.append(value)

    def extend(self, values: Iterable[Any]) -> None:
        """Keep several items."""
        self.items.extend(values)


def _harmless() -> dict[tuple[str, str], Callable[..., Any]]:
    """Return all that a checkpoint may really call: containers, and what puts a tensor together."""
    rebuilders = ("_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_parameter")
    return {
        ("collections", "OrderedDict"): OrderedDict,
        ("collections", "defaultdict"): _plain_dict,
        ("builtins", "set"): set,
        ("__builtin__", "set"): set,
        ("torch", "Size"): torch.Size,
        ("torch", "device"): torch.device,
        **{("torch._utils", name): getattr(torch._utils, name) for name in rebuilders},
    }


def _plain_dict(_factory: Any = None) -> dict[Any, Any]:
    """Stand for a dict with defaults, without them: what would make them is not to be called."""
    return {}


class _RefusedError(Exception):
    """A pickle names something that it has no business with."""


class _Unpickler(pickle.Unpickler):
    """Knows tensors, plain containers and stand-ins; torch adds the storages."""

    def __init__(self, *arguments: Any, packages: tuple[str, ...], **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._packages, self._file = packages, arguments[0]
        self._known = _harmless()
        self._stand_ins: dict[tuple[str, str], type[StandIn]] = {}

    def load(self) -> Any:
        """Read one pickle, after a look at how deeply it nests. Raises ValueError where that is too deep."""
        require_shallow(self._file)
        return super().load()

    def find_class(self, module: str, name: str) -> Any:
        """Return what stands for `module.name`; nothing is imported.

        Raises:
            _RefusedError: It is none of the few things that a checkpoint may name.
        """
        if function := self._known.get((module, name)):
            return functools.partial(function)  # a pickle may set attributes of what it gets: give it a copy
        if module == "torch" and isinstance(kind := getattr(torch, name, None), torch.dtype):
            return kind
        if f"{module}.".startswith(self._packages):
            key = (module, name)
            self._stand_ins.setdefault(key, type(name, (StandIn,), {"__module__": module}))
            return self._stand_ins[key]
        raise _RefusedError(f"{module}.{name}")


def _pickle_module(packages: tuple[str, ...]) -> Any:
    """Return what `torch.load` takes for the pickle module: every pickle in the file goes through `_Unpickler`."""
    unpickler = type("Unpickler", (_Unpickler,), {"__init__": functools.partialmethod(_init, packages)})

    def load(file: IO[bytes], **keywords: Any) -> Any:
        return unpickler(file, **keywords).load()

    return SimpleNamespace(__name__=__name__, Unpickler=unpickler, load=load)


def _init(self: _Unpickler, packages: tuple[str, ...], *arguments: Any, **keywords: Any) -> None:
    _Unpickler.__init__(self, *arguments, packages=packages, **keywords)


def read_pickle(path: Path, *, packages: tuple[str, ...] = FOREIGN_PACKAGES) -> Any:
    """Read what `torch.save` wrote, in the zip format or the one before it, on the CPU.

    Tensors and plain containers come back as they are, objects of foreign classes as `StandIn`. `packages` are
    beginnings of module names, each with its last dot, whose classes may be replaced so.

    Raises:
        BadInputError: It names anything else (nothing of it is run), or cannot be read.
    """
    try:
        # In memory, so that torch does not try its older tar format.
        data = io.BytesIO(read_bytes(path, most=MOST_BYTES))
        if _is_script(data):
            raise BadInputError(f"{path}: found a TorchScript archive, expected what torch.save writes")
        _require_stored(data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(data, map_location="cpu", pickle_module=_pickle_module(packages), weights_only=False)
    except _RefusedError as refused:
        raise BadInputError(
            f"{path}: refused: to read it, {refused} would have to be called, which has no place in a file of "
            "parameters\n"
            "  nothing of it was run; get the file from its authors, or as safetensors"
        ) from None
    except BadInputError:
        raise
    except Exception as error:  # pickle: damaged data may raise any exception
        raise BadInputError(f"{path}: cannot be read as a PyTorch file: {type(error).__name__}: {error}") from None


def _is_script(data: io.BytesIO) -> bool:
    """Ask torch's own reader: torch.load would hand a script to an interpreter."""
    magic = data.read(4)
    data.seek(0)
    if magic != b"PK\x03\x04":
        return False
    with torch.serialization._open_zipfile_reader(data) as archive:
        script = "constants.pkl" in archive.get_all_records()
    data.seek(0)
    return script


def _require_stored(data: io.BytesIO) -> None:
    """Refuse a zip that would be larger in memory than it is on the disk: torch compresses nothing."""
    if not zipfile.is_zipfile(data):
        data.seek(0)
        return
    with zipfile.ZipFile(data) as archive:
        members = archive.infolist()
    if sum(member.file_size for member in members) > len(data.getbuffer()):
        raise ValueError("its parts are larger together than the file")
    data.seek(0)


def read_tensors(path: Path, *, inside: Iterable[str] = ("net", "state_dict", "model")) -> dict[str, Tensor]:
    """Read named tensors from a safetensors file or from what `torch.save` wrote, on the CPU.

    `inside` are keys under which a pickled file may keep them; tried in order, then the top itself.

    Raises:
        BadInputError: The file holds no named tensors, is damaged, or is refused (see `read_pickle`).
    """
    if _is_safetensors(path):
        try:
            return _without_wrappers(load_file(path))
        except Exception as error:  # a header that lies may break torch as well as the library
            raise BadInputError(f"{path}: cannot be read as safetensors: {error}; get it again") from None
    top = read_pickle(path)
    candidates = [top[key] for key in inside if key in top] if isinstance(top, Mapping) else []
    for candidate in (*candidates, top):
        if isinstance(candidate, Mapping) and candidate and all(isinstance(x, Tensor) for x in candidate.values()):
            return _without_wrappers({str(name): x.detach() for name, x in candidate.items()})
    found = (
        ", ".join(sorted(f"{name!s:.80}" for name in top)[:_SHOWN]) if isinstance(top, Mapping) else type(top).__name__
    )
    raise BadInputError(f"{path}: found {found or 'nothing'}, expected named tensors, also under one of {list(inside)}")


def read_groups(path: Path, groups: tuple[str, ...]) -> dict[str, Tensor]:
    """Read a file that keeps the tensors of several networks, each under one of `groups`; not all need be there.

    Returns:
        The tensors, each with its group and a dot before its name; those of a safetensors file have them already.

    Raises:
        BadInputError: None of the groups is there or one holds no tensors, or see `read_tensors`.
    """
    if _is_safetensors(path):
        return read_tensors(path)
    top = read_pickle(path)
    found = {name: top[name] for name in groups if name in top} if isinstance(top, Mapping) else {}
    for name, group in found.items():
        if not isinstance(group, Mapping) or not all(isinstance(x, Tensor) for x in group.values()):
            raise BadInputError(f"{path}: found no named tensors under {name}; get the file again")
    if not found:
        raise BadInputError(
            f"{path}: found none of the keys {', '.join(groups)}; expected a file with the tensors of each"
        )
    return {f"{name}.{key}": x.detach() for name, group in found.items() for key, x in _without_wrappers(group).items()}


def _without_wrappers(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors under their network's own names, without what wrappers of PyTorch put before or into them.

    These are DataParallel and DistributedDataParallel (`module.`), before every name, and compile (`_orig_mod.`).
    """
    plain = {name.replace("_orig_mod.", ""): x for name, x in tensors.items()}
    while plain and all(name.startswith("module.") for name in plain):
        plain = without_prefix(plain)
    return plain


def read_metadata(path: Path) -> dict[str, str]:
    """Return what a safetensors file says of itself; empty for other files.

    Raises:
        BadInputError: The file is damaged.
    """
    if not _is_safetensors(path):
        return {}
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            return _unpacked(dict(file.metadata() or {}))
    except Exception as error:  # as above
        raise BadInputError(f"{path}: cannot be read as safetensors: {error}; get it again") from None


def _unpacked(metadata: dict[str, str]) -> dict[str, str]:
    """Return the texts of a file that we wrote; other files, and ours of earlier versions, have each under its key."""
    if set(metadata) != {_METADATA}:
        return metadata
    return {str(key): str(value) for key, value in json.loads(metadata[_METADATA]).items()}


def write_tensors(path: Path, tensors: Mapping[str, Tensor], *, metadata: Mapping[str, str]) -> None:
    """Write named tensors as safetensors, whole or not at all.

    Raises:
        BadInputError: The file cannot be written.
    """
    with replacing(path) as part:
        try:
            contiguous = {name: x.contiguous() for name, x in tensors.items()}
            save_file(contiguous, part, metadata={_METADATA: json.dumps(dict(metadata), sort_keys=True)})
        except safetensors.SafetensorError as error:
            raise OSError(str(error)) from error


def write_network(network: nn.Module, path: Path, *, method: str, source: str) -> None:
    """Write a network's parameters under the names that they have, and which file they were read from.

    Raises:
        BadInputError: The file cannot be written.
    """
    write_tensors(path, without_counters(network.state_dict()), metadata={"format": method, "source": source})


def check_tensors(tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor], *, source: str) -> None:
    """Compare names and shapes of what was read from `source` with a network's state, `expected`.

    Raises:
        BadInputError: Something is missing, unexpected or of another shape; the message lists it.
    """
    missing = sorted(set(expected) - set(tensors))
    unexpected = sorted(set(tensors) - set(expected))
    misshaped = [
        f"{name} {tuple(x.shape)}, expected {tuple(expected[name].shape)}"
        for name, x in sorted(tensors.items())
        if name in expected and x.shape != expected[name].shape
    ]
    other = [
        f"{name} {str(x.dtype).removeprefix('torch.')}"
        for name, x in sorted(tensors.items())
        if name in expected and expected[name].is_floating_point() and not x.is_floating_point()
    ]
    odd = [name for name, x in sorted(tensors.items()) if x.is_floating_point() and not x.isfinite().all()]
    kinds = (("of whole numbers, expected fractions", other), ("not finite (NaN or infinite)", odd))
    problems = (("missing", missing), ("unexpected", unexpected), ("of another shape", misshaped), *kinds)
    if report := "; ".join(f"{len(names)} {what}: {_some(names)}" for what, names in problems if names):
        raise BadInputError(f"{source}: these parameters do not fit the network: {report}")


def without_prefix(tensors: Mapping[str, Tensor], prefix: str = "module.") -> dict[str, Tensor]:
    """Strip the prefix that DataParallel puts before every name; names stay as they are unless all have it."""
    if not all(name.startswith(prefix) for name in tensors):
        return dict(tensors)
    return {name.removeprefix(prefix): x for name, x in tensors.items()}


def fill(network: nn.Module, tensors: Mapping[str, Tensor], *, source: str) -> None:
    """Copy parameters into a network, which keeps its precision, each to the name that it has in the file, `source`.

    The counters of batch normalisations, which PyTorch did not write before 0.4.1 and nothing here reads, may be
    absent; all else must fit.

    Raises:
        BadInputError: Something is missing, unexpected or of another shape; the message lists it.
    """
    state = network.state_dict()
    given = without_counters(tensors)
    check_tensors(given, without_counters(state), source=source)
    for name, x in given.items():
        state[name].copy_(x)


def without_counters(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return all but the counters of batch normalisations, which nothing here reads."""
    return {name: x for name, x in tensors.items() if not name.endswith("num_batches_tracked")}


def _some(names: list[str]) -> str:
    rest = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _is_safetensors(path: Path) -> bool:
    """Tell by the content: eight bytes of length, then JSON."""
    try:
        return read_bytes(path, most=MOST_BYTES, first=9)[8:] == b"{"
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read: {error.strerror}; expected a file of parameters") from None
