"""Files of parameters as a method's authors publish them, and what `vos-bench convert` makes of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from torch import Tensor, nn

from vos_bench.parts.checkpoints import fill, read_tensors, without_prefix, write_network

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class OfficialFile(Generic[Network]):
    """How a method's parameters lie in its authors' file.

    Attributes:
        method: The method's name.
        build: Makes the network that tensors of these names belong to, with any parameters.
        inside: Keys under which a pickled file may keep them, besides its top.
        adapt: Changes the tensors, after the prefix of DataParallel is gone, to fit the network.
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
        tensors = self.adapt(without_prefix(read_tensors(path, inside=self.inside)))
        network = self.build(tensors)
        fill(network, tensors, source=str(path))
        return network.eval()

    def convert(self, path: Path, out: Path) -> None:
        """Turn the authors' file into safetensors, whole or not at all. Raises BadInputError as `load` does."""
        write_network(self.load(path), out, method=self.method, source=path.name)
