"""Files of STM parameters: the authors', which DataParallel wrote, and what `convert` makes of it."""

from pathlib import Path

from vos_bench.parts.checkpoints import fill, read_tensors, without_prefix, write_network

from .network import StmNetwork


def load_network(path: Path) -> StmNetwork:
    """Read a network, in evaluation mode on the CPU.

    Raises:
        BadInputError: The file cannot be read, or names or shapes do not fit; the message lists them.
    """
    network = StmNetwork()
    fill(network, without_prefix(read_tensors(path)), source=str(path))
    return network.eval()


def convert(path: Path, out: Path) -> None:
    """Turn the authors' file into safetensors, whole or not at all. Raises BadInputError as `load_network` does."""
    write_network(load_network(path), out, method="stm", source=path.name)
