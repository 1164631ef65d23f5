"""Configuration: the frozen base of every config, `--set` overrides, and where data and weights lie."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

import platformdirs
from pydantic import BaseModel, ConfigDict, ValidationError

from vos_bench.errors import BadInputError
from vos_bench.files import decode_text, read_bytes
from vos_bench.files.places import expanded
from vos_bench.names import is_unicode

MOST_BYTES = 1 << 20
"""The largest configuration file that is read."""

_MOST_PROBLEMS = 8


class FrozenModel(BaseModel):
    """Base of settings, checked whenever one is made: immutable; an unknown key is an error, and so is NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some fields changed. Raises ValidationError for an unknown field or a wrong value."""
        return type(self).model_validate({**dict(self), **changes})  # model_copy would check nothing


class ForeignModel(FrozenModel):
    """Base of what the files of others hold: as `FrozenModel`, but further keys are ignored."""

    model_config = ConfigDict(extra="ignore")


Config = TypeVar("Config", bound=BaseModel)

Settings = Mapping[str, Any] | Iterable[str]
"""What Python code sets: values by name, as in `{"memory.size": 8}`, or texts as `--set` takes them."""


def overrides(settings: Settings) -> tuple[str, ...]:
    """Return settings as `--set` takes them, each `a.b=value`; a mapping inside a mapping sets what is inside.

    Raises:
        BadInputError: It is a single text, or a value that TOML does not have.
    """
    if isinstance(settings, str):
        raise BadInputError(f"settings {settings!r:.100}: found a text; expected a dict of values or a list of texts")
    if not isinstance(settings, Mapping):
        return tuple(settings)
    return tuple(text for name, value in settings.items() for text in _overrides_of(str(name), value))


def _overrides_of(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for inner, each in value.items():
            yield from _overrides_of(f"{name}.{inner}", each)
        return
    try:
        text = as_toml(value)
    except (TypeError, ValueError):
        raise BadInputError(
            f"settings: {name} is {value!r:.100}; expected a number, a text, a boolean or a list"
        ) from None
    yield f"{name}={text}"


def as_toml(value: Any) -> str:
    """Return a value as TOML has it on one line. Raises TypeError or ValueError for one that it lacks."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(str(key))} = {as_toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(as_toml, value)) + "]"
    if value is None:
        raise ValueError
    return json.dumps(value, allow_nan=False, ensure_ascii=False, default=os.fspath)


def apply_overrides(config: Config, overrides: Iterable[str]) -> Config:
    """Return a copy of `config` with every `a.b=value` of `overrides` set; values are read as TOML, else as text.

    A number picks an item of a list, as in `data.0.weight=2`.

    Raises:
        BadInputError: An override has no `=`, names no field, or its value does not fit, or it is not Unicode.
    """
    data = _changeable(config.model_dump())
    for given in overrides:
        path, separator, text = given.partition("=")
        override = _short(given, 200)
        if not is_unicode(given):
            raise BadInputError(
                f"--set {override}: found bytes that are not UTF-8, which no record can hold; give another value"
            )
        if not separator:
            raise BadInputError(f"--set {override}: found no '=', expected KEY=VALUE, as in --set memory.size=8")
        *parents, leaf = path.strip().split(".")
        target = data
        for depth, key in enumerate(parents):
            target = _member(target, key, override, ".".join(parents[:depth]))
            if not isinstance(target, dict | list):
                raise BadInputError(f"--set {override}: {key!r} is a value, it has no {leaf!r} inside")
        _member(target, leaf, override, ".".join(parents))
        target[int(leaf) if isinstance(target, list) else leaf] = _value(text.strip())
    try:
        return type(config).model_validate(data)
    except ValidationError as error:
        raise BadInputError("--set: " + explain(error)) from None


def _changeable(data: Any) -> Any:
    """Return the same with lists in the place of tuples."""
    if isinstance(data, dict):
        return {key: _changeable(value) for key, value in data.items()}
    return [_changeable(value) for value in data] if isinstance(data, list | tuple) else data


def _member(target: dict[str, Any] | list[Any], key: str, override: str, parent: str) -> Any:
    members = target if isinstance(target, dict) else {str(place): value for place, value in enumerate(target)}
    if key not in members:
        where = f" in {parent}" if parent else ""
        known = ", ".join(sorted(members)) or "nothing to set"
        raise BadInputError(f"--set {override}: there is no {key!r}{where}; known: {known}")
    return members[key]


def _value(text: str) -> Any:
    try:
        found = read_toml(f"value = {text}")
    except ValueError:
        return text
    return found["value"] if len(found) == 1 else text  # a text of several lines may say more than one value


def read_toml(text: str) -> dict[str, Any]:
    """Read TOML. Raises ValueError, also where it is nested too deeply or an integer has more than 64 bits."""
    import tomllib  # here, since few commands read any

    try:
        found = tomllib.loads(text)
        _require_64_bits(found)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return found


def _require_64_bits(value: object) -> None:
    """Refuse an integer that TOML does not know, and that could not be written as decimal digits."""
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
        raise ValueError("an integer of more than 64 bits")
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            _require_64_bits(part)


def explain(error: ValidationError) -> str:
    """Return a validation error as one line: each field, what it got and what it wants."""
    problems = [each for each in error.errors(include_url=False) if not _follows(each, error)]
    texts = [_explained(problem) for problem in problems[:_MOST_PROBLEMS]]
    rest = len(problems) - _MOST_PROBLEMS
    return "; ".join([*texts, *([f"and {rest} more"] if rest > 0 else [])])


_PLAIN = {
    "extra_forbidden": "there is no such key",
    "missing": "is missing",
    "too_short": "expected at least {min_length}",
    "tuple_type": "expected a list",
}
"""What pydantic says in the words of Python, by the type of the problem."""


def _explained(problem: Mapping[str, Any]) -> str:
    place = _short(".".join(map(str, problem["loc"])), 160) or "value"
    plain = _PLAIN.get(problem["type"], "").format_map(problem.get("ctx", {}))
    found = "" if problem["type"] == "missing" else f", found {_short(repr(problem['input']))}"
    return f"{place}: {_short(plain or problem['msg'], 160)}{found}"


def _follows(problem: Mapping[str, Any], error: ValidationError) -> bool:
    """Say whether a list is called too short for no other reason than that its entries are wrong."""
    place = problem["loc"]
    return problem["type"] == "too_short" and any(
        each["loc"][: len(place)] == place and len(each["loc"]) > len(place)
        for each in error.errors(include_url=False, include_context=False, include_input=False)
    )


def _short(text: str, length: int = 60) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


class UserConfig(FrozenModel):
    """The user's one config file.

    Attributes:
        data: Dataset name to its root.
        weights: Method name to its file of parameters.
    """

    data: dict[str, Path] = {}
    weights: dict[str, Path] = {}


def user_config_path() -> Path:
    """Return where the user's config file lies, whether or not it exists; `VOS_BENCH_CONFIG` names another."""
    return Path(os.environ.get("VOS_BENCH_CONFIG") or platformdirs.user_config_path("vos-bench") / "config.toml")


def read_user_config() -> UserConfig:
    """Read the user's config file; a missing one is empty.

    Raises:
        BadInputError: The file is not TOML or holds something unknown.
    """
    path = user_config_path()
    try:
        return UserConfig.model_validate(read_toml(decode_text(read_bytes(path, most=MOST_BYTES))))
    except FileNotFoundError:
        return UserConfig()
    except ValidationError as error:
        raise BadInputError(f"{path}: {explain(error)}; expected the tables [data] and [weights]") from None
    except (OSError, ValueError) as error:
        raise BadInputError(f"{path}: cannot be read as TOML: {error}") from None


def find_data_root(dataset: str, given: Path | None, folders: Iterable[str] = ()) -> Path:
    """Return a dataset's root: the flag, else the environment, else the user's config file.

    Args:
        dataset: The dataset's name.
        given: What `--root` said.
        folders: Further names of the root inside `VOS_BENCH_DATA` and in the config file.

    Raises:
        BadInputError: None of the three names it; the message says how each would.
    """
    if given is not None:
        return expanded(given)
    if base := os.environ.get("VOS_BENCH_DATA"):
        for name in (dataset, *folders):
            if (root := expanded(base) / name).is_dir():
                return root
    configured = read_user_config().data
    if listed := [name for name in (dataset, *folders) if name in configured]:
        return expanded(configured[listed[0]])
    wanted = " or ".join((dataset, *folders))
    raise BadInputError(
        f"{dataset}: no data root. To give one:\n"
        "  --root DIR\n"
        f"  or VOS_BENCH_DATA, a folder that holds {wanted} ({'now ' + base if base else 'now unset'})\n"
        f'  or [data] {dataset} = "DIR" in {user_config_path()}'
    )


def find_weights(method: str, given: Path | None) -> Path | None:
    """Return a method's file of parameters: the flag, else the environment, else the user's config file, else None.

    `VOS_BENCH_WEIGHTS` is a folder with files named `METHOD.safetensors` or `METHOD.pth`.
    """
    if given is not None:
        return expanded(given)
    if base := os.environ.get("VOS_BENCH_WEIGHTS"):
        for suffix in (".safetensors", ".pth"):
            if (path := expanded(base) / f"{method}{suffix}").is_file():
                return path
    path_in_config = read_user_config().weights.get(method)
    return expanded(path_in_config) if path_in_config else None
