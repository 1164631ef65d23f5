"""Files of parameters: as a method's authors publish them, and those of networks that were trained here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import ValidationError
from torch import Tensor, nn

from vos_bench.config import FrozenModel, explain
from vos_bench.errors import BadInputError
from vos_bench.parts.checkpoints import fill, read_metadata, read_tensors, without_prefix, write_network

Network = TypeVar("Network", bound=nn.Module)
Config = TypeVar("Config", bound=FrozenModel)

_CONFIG = "config"


@dataclass(frozen=True)
class OfficialFile(Generic[Network]):
    """How a method's parameters lie in its authors' file.

    Attributes:
        method: The method's name.
        build: Makes the network that tensors of these names belong to, with any parameters.
        inside: Keys under which a pickled file may keep them, besides its top.
        adapt: Changes the tensors, after the prefix of DataParallel is gone, to fit the network; what it raises is
            shown behind the file's name.
    """

    method: str
    build: Callable[[Mapping[str, Tensor]], Network]
    inside: tuple[str, ...] = ("net", "state_dict", "model")
    adapt: Callable[[dict[str, Tensor]], dict[str, Tensor]] = dict

    def load(self, path: Path) -> Network:
        """Read a network, in evaluation mode on the CPU.

        Raises:
            BadInputError: The file cannot be read, or names or shapes do not fit; the message lists them.
        """
        given = without_prefix(read_tensors(path, inside=self.inside))
        try:
            tensors = self.adapt(given)
        except BadInputError as error:
            raise BadInputError(f"{path}: {error}") from None
        network = self.build(tensors)
        fill(network, tensors, source=str(path))
        return network.eval()

    def convert(self, path: Path, out: Path) -> None:
        """Turn the authors' file into safetensors, whole or not at all. Raises BadInputError as `load` does."""
        write_network(self.load(path), out, method=self.method, source=path.name)


@dataclass(frozen=True)
class OwnFile(Generic[Config, Network]):
    """How a network that was trained here lies in a file: safetensors, with the settings of `config` inside.

    `build` makes the network of a config, with any parameters.
    """

    method: str
    config: type[Config]
    build: Callable[[Config], Network]

    def load(self, path: Path) -> Network:
        """Read a network, in evaluation mode on the CPU.

        Raises:
            BadInputError: The file cannot be read, is another method's, or does not fit.
        """
        said = read_metadata(path)
        if said.get("format") != self.method:
            raise BadInputError(
                f"{path}: found {said.get('format') or 'a file of unknown origin'}, expected weights of {self.method}; "
                "give a file that one of its recipes wrote (vos-bench list recipes)"
            )
        try:
            config = self.config.model_validate_json(said.get(_CONFIG, ""))
        except ValidationError as error:
            raise BadInputError(
                f"{path}: its network config does not fit this version: {explain(error)}; train it again, or use the "
                "version of vos-bench that wrote it"
            ) from None
        network = self.build(config)
        fill(network, read_tensors(path), source=str(path))
        return network.eval()

    def describe(self, config: Config) -> dict[str, str]:
        """Return what a file says of itself, so that `load` needs nothing else."""
        return {"format": self.method, _CONFIG: config.model_dump_json()}
