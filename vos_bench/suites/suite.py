"""What a suite's file holds, and how it is read and written."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, JsonValue, StrictInt, ValidationError

from vos_bench.api import FramesSeen, Precision, PromptKind, ProtocolName
from vos_bench.config import MOST_BYTES, FrozenModel, as_toml, explain, read_toml
from vos_bench.errors import BadInputError
from vos_bench.files import decode_text, read_bytes
from vos_bench.parts.box_start import BoxFill

PAGE = "docs/suites.md"


def _as_table(value: Any) -> Any:
    """Take a name alone for a table that has nothing else."""
    return {"name": value} if isinstance(value, str) else value


class SuiteMethod(FrozenModel):
    """One of `[[methods]]`.

    Attributes:
        name: As `vos-bench run` takes it: a method's name, or FILE.py:CLASS.
        label: What tells it apart in tables from the same method with another configuration.
        weights: A file, or one of the method's names for them; None finds them as `vos-bench run` does.
        set: The method's configuration, by name.
    """

    name: str
    label: str = ""
    weights: str | None = None
    set: dict[str, JsonValue] = Field(default_factory=dict)


class SuiteDataset(FrozenModel):
    """One of `[[datasets]]`; the fields are options of `vos-bench run`.

    Attributes:
        name: As `--dataset`.
        root: As `--root`.
        split: As `--split`.
        truth: As `--truth`.
        protocol: As `--protocol`.
        sequences: The sequences; None for all.
    """

    name: str
    root: str | None = None
    split: str | None = None
    truth: str | None = None
    protocol: ProtocolName | None = None
    sequences: tuple[str, ...] | None = None


class SuiteSettings(FrozenModel):
    """One of `[[settings]]`: a name for tables, and options of `vos-bench run` that are called as they are there."""

    name: str = ""
    init: PromptKind = "mask"
    box_start: BoxFill | None = None
    frames: FramesSeen = "all"
    corrupt: str | None = None
    real_time: float | None = None
    grace: int | None = None
    device: str = "auto"
    amp: Precision = "off"
    compile: bool = False
    jobs: int | None = None
    engine: str = "local"
    stall: float | None = None
    save_probabilities: bool = False
    timing: bool = False
    verify: bool = False
    failures: bool = False


Methods = Annotated[tuple[Annotated[SuiteMethod, BeforeValidator(_as_table)], ...], Field(min_length=1)]
Datasets = Annotated[tuple[Annotated[SuiteDataset, BeforeValidator(_as_table)], ...], Field(min_length=1)]


class Suite(FrozenModel):
    """A suite: every method on every dataset with every seed under all settings.

    Attributes:
        seeds: The seeds.
        page: Whether to write the page, which has the frames of all sequences.
        methods: The methods.
        datasets: The datasets.
        settings: Sets of options; one set of defaults where none is given.
    """

    seeds: Annotated[tuple[StrictInt, ...], Field(min_length=1)] = (0,)  # true is no seed
    page: bool = True
    methods: Methods
    datasets: Datasets
    settings: Annotated[tuple[SuiteSettings, ...], Field(min_length=1)] = (SuiteSettings(),)


def read_suite(path: Path) -> Suite:
    """Read a suite's file.

    Raises:
        BadInputError: It cannot be read, is no TOML, or holds something else; all that is wrong is in one message.
    """
    try:
        return Suite.model_validate(read_toml(decode_text(read_bytes(path, most=MOST_BYTES))))
    except ValidationError as error:
        raise BadInputError(
            f"{path}: {explain(error)}; expected the tables [[methods]], [[datasets]] and [[settings]] ({PAGE})"
        ) from None
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read: {error.strerror}; expected a file of TOML ({PAGE})") from None
    except ValueError as error:
        raise BadInputError(f"{path}: cannot be read as TOML: {error}; see {PAGE}") from None


def suite_text(suite: Suite) -> str:
    """Return a suite as the text of a file that `read_suite` takes, with every default written out."""
    lines = [f"{name} = {as_toml(value)}" for name, value in (("seeds", suite.seeds), ("page", suite.page))]
    for table, entries in (("methods", suite.methods), ("datasets", suite.datasets), ("settings", suite.settings)):
        for entry in entries:
            lines += ["", f"[[{table}]]"]
            lines += [f"{name} = {as_toml(value)}" for name, value in entry.model_dump().items() if value is not None]
    return "\n".join(lines) + "\n"
