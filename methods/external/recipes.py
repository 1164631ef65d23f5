"""Well-known systems: each a configuration with its own options, and the driver script that runs it."""

from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from vos_bench.errors import BadInputError

from .config import ExchangeConfig
from .method import External

DRIVERS = Path(__file__).with_name("drivers")


class RecipeConfig(ExchangeConfig):
    """What all have: the Python of the system's environment, such as /envs/cutie/bin/python."""

    python: str = "python"


class RepositoryConfig(RecipeConfig):
    """Of systems that are no package: a checkout is used as it lies there."""

    repository: str = ""


class SystemRecipe(External):
    """Runs a driver with the options of its configuration."""

    driver: ClassVar[str]
    common = frozenset({*RecipeConfig.model_fields})

    def command(self) -> tuple[str, ...]:
        """Return the driver's command line, every option by its name. Raises BadInputError without weights."""
        if self.weights is None:
            raise BadInputError(f"{self.driver}: no weights; give --weights FILE")
        options = self.config.model_dump(exclude=self.common)
        words = [word for name, value in options.items() for word in _words(name, value)]
        return (str(Path(self.config.python).expanduser()), str(DRIVERS / self.driver), *words)


class RepositoryRecipe(SystemRecipe):
    """Runs a driver on a checkout."""

    def command(self) -> tuple[str, ...]:
        """Return the driver's command line, once the checkout is found. Raises BadInputError where it is not there."""
        folder = Path(self.config.repository).expanduser()
        if not self.config.repository or not folder.is_dir():
            raise BadInputError(
                f"repository {self.config.repository or '(not set)'}: there is no such folder\n"
                "  expected a checkout of the system's repository: --set repository=FOLDER\n"
                "  vos-bench list methods METHOD says where to get it"
            )
        self.config = self.config.replace(repository=str(folder.resolve()))
        return super().command()


def _words(name: str, value: Any) -> tuple[str, ...]:
    option = "--" + name.replace("_", "-")
    if isinstance(value, bool):
        return (option,) if value else ()
    return (option, str(value))


class Sam21Config(RecipeConfig):
    """Options of `sam2.1`; the weights must be of the model's size, and `bf16` is the authors' precision."""

    calls: Literal["sequence", "once"] = "once"
    model: Literal["tiny", "small", "base_plus", "large"] = "base_plus"
    precision: Literal["bf16", "off"] = "bf16"


class Sam21(SystemRecipe):
    """SAM 2.1; one call for all sequences."""

    Config: ClassVar[type[Sam21Config]] = Sam21Config
    driver = "run_sam2.py"

    def command(self) -> tuple[str, ...]:
        """Return the driver's command line in the batch form. Raises BadInputError for other `calls` than `once`."""
        folders = ("--frames", "{frames}", "--prompts", "{prompts}", "--out", "{out}")
        if self.config.calls != "once":
            raise BadInputError("sam2.1: its driver works on all sequences in one call; leave calls=once")
        return (*super().command(), *folders, "--weights", "{weights}", "--device", "{device}")


class CutieConfig(RecipeConfig):
    """Options of `cutie`.

    Attributes:
        model: `base` or `small`; the weights must be of the same.
        size: The shorter side at which it works, -1 for the frame's own (DAVIS and YouTube-VOS 480; "plus": 720).
        mem_every: Every how many frames it memorises one.
    """

    model: Literal["base", "small"] = "base"
    size: int = Field(default=480, ge=-1, le=8192)
    mem_every: int = Field(default=5, ge=1, le=1000000)


class Cutie(SystemRecipe):
    """Cutie, frame by frame."""

    Config: ClassVar[type[CutieConfig]] = CutieConfig
    driver = "run_cutie.py"


class XMemConfig(RepositoryConfig):
    """Options of `xmem`.

    Attributes:
        size: The shorter side at which it works, -1 for the frame's own.
        mem_every: Every how many frames it memorises one.
        top_k: How many memory elements a pixel attends to.
        no_long_term: Leaves the long-term memory out.
    """

    size: int = Field(default=480, ge=-1, le=8192)
    mem_every: int = Field(default=5, ge=1, le=1000000)
    top_k: int = Field(default=30, ge=1, le=100000)
    no_long_term: bool = False


class XMem(RepositoryRecipe):
    """XMem, frame by frame."""

    Config: ClassVar[type[XMemConfig]] = XMemConfig
    driver = "run_xmem.py"


class AotConfig(RepositoryConfig):
    """Options of `aot`.

    Attributes:
        model: As `configs/models` of the repository calls it: r50_aotl, r50_deaotl, swinb_aotl, ...
        stage: As `configs` calls it; decides nothing at test time but defaults.
        longest: The longer side is shrunk to this many pixels at most (1040 = 1.3 x 800, as in their evaluation).
    """

    model: str = "r50_aotl"
    stage: str = "pre_ytb_dav"
    longest: int = Field(default=1040, ge=64, le=8192)


class Aot(RepositoryRecipe):
    """AOT and DeAOT, frame by frame."""

    Config: ClassVar[type[AotConfig]] = AotConfig
    driver = "run_aot.py"
