"""Which file of parameters a method gets."""

import hashlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from vos_bench import registry
from vos_bench.api import UNTRAINED, Parameters
from vos_bench.config import find_weights, user_config_path
from vos_bench.errors import BadInputError
from vos_bench.files import sha256
from vos_bench.files.places import expanded
from vos_bench.plugins import MethodInfo, WeightsInfo


class ChosenWeights(NamedTuple):
    """A file or folder of parameters, what it is called in public, and its licence (empty where nobody said)."""

    path: Parameters
    name: str
    licence: str


def choose(info: MethodInfo, given: str | None) -> ChosenWeights | None:
    """Return the parameters a method should run with, or None for a method that has none.

    Args:
        info: The method.
        given: What `--weights` said: a file, one of the method's names for weights, or `untrained`.

    Raises:
        BadInputError: There is no such file or name, or the method reads none; or it needs weights and none are at
            hand, and the message says where they are looked for and how to get them. Or a file that ships is not as it
            was released.
    """
    if given == UNTRAINED and info.untrained:
        return ChosenWeights(UNTRAINED, UNTRAINED, "")
    configured = find_weights(info.name, None) if given is None else None
    if info.weights_finder and (wanted := given or str(configured or "")):
        found: ChosenWeights = registry.resolve(info.weights_finder)(info, wanted)
        return found
    if given is not None:
        _require_use(info, given)
        return _given(info, given)
    if (path := configured) is not None:
        return _file(path, "named by the environment or the config file")
    for weights in info.weights:
        if (path := _packaged(info, weights)) is not None:
            return ChosenWeights(path, weights.name, weights.licence)
    if not info.weights:
        return None
    raise BadInputError("\n  ".join(_how_to_get(info)))


def _how_to_get(info: MethodInfo) -> Iterator[str]:
    """Yield, a line each, what to do where a method finds no weights."""
    yield f"{info.name}: no weights. To give it some:"
    yield "--weights FILE"
    yield f"or VOS_BENCH_WEIGHTS, a folder that holds {info.name}.safetensors or {info.name}.pth"
    yield f'or [weights] {info.name} = "FILE" in {user_config_path()}'
    if info.untrained:
        yield "or --weights untrained, to see it run with random parameters"
    for weights in info.weights:
        yield f"{weights.name}: {weights.note}"


def weights_sha256(path: Path) -> str:
    """Return the sha256 of a file, or of a folder: of the names and hashes of its .json and .safetensors files."""
    if not path.is_dir():
        return sha256(path)
    files = sorted(each for each in path.iterdir() if each.suffix in {".json", ".safetensors"} and each.is_file())
    lines = (f"{each.name} {sha256(each)}\n" for each in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _require_use(info: MethodInfo, given: str) -> None:
    """Refuse a file for a method that reads none. One of a single file, or in a process of its own, may read any."""
    if not info.weights and info.row == "native" and not info.factory.rpartition(":")[0].endswith(".py"):
        raise BadInputError(f"--weights {given}: {info.name} has no parameters; leave --weights out")


def _given(info: MethodInfo, given: str) -> ChosenWeights:
    for weights in info.weights:
        if weights.name == given:
            path = _packaged(info, weights)
            if path is None:
                raise BadInputError(f"{info.name}: the weights {given} do not come with the package. {weights.note}")
            return ChosenWeights(path, weights.name, weights.licence)
    names = ", ".join(weights.name for weights in info.weights)
    hint = f"expected a file or one of {names}" if names else "expected a file"
    return _file(expanded(given), hint)


def _file(path: Path, expected: str) -> ChosenWeights:
    if not path.is_file():
        raise BadInputError(f"{path}: there is no such file of weights; {expected}")
    return ChosenWeights(path, path.name, "")


def _packaged(info: MethodInfo, weights: WeightsInfo) -> Path | None:
    """Return the file that lies beside the method's code, or None for weights that lie elsewhere."""
    if "://" in weights.location:
        return None
    module = info.factory.partition(":")[0]
    package = importlib.util.find_spec(module.rpartition(".")[0])
    folders = (package.submodule_search_locations or []) if package else []
    path = next((path for folder in folders if (path := Path(folder) / weights.location).is_file()), None)
    if path is not None and weights.sha256 is not None:
        _require_sha256(path, weights)
    return path


def _require_sha256(path: Path, weights: WeightsInfo) -> None:
    found = sha256(path)
    if found != weights.sha256:
        raise BadInputError(
            f"{path}: found sha256 {found}\n"
            f"  expected {weights.sha256} of the weights {weights.name} that ship\n"
            "  install vos-bench again, or give the file as --weights FILE where you changed it"
        )
