"""The authors' file of AGSS-VOS: the tensors of the segmentation network and of FlowNet2-C, each under its key."""

from pathlib import Path

from vos_bench.errors import BadInputError
from vos_bench.parts.checkpoints import fill, read_groups, write_network

from .network import AgssNetwork

GROUPS = ("seg", "flow")


def load_network(path: Path, *, flow: bool = True) -> AgssNetwork:
    """Read the network, in evaluation mode on the CPU.

    Args:
        path: The authors' file, or what `convert` made of it.
        flow: Whether the flow network is wanted; without, its tensors are left out.

    Raises:
        BadInputError: The file cannot be read, holds no flow network though one is wanted, or does not fit.
    """
    tensors = read_groups(path, GROUPS)
    if not flow:
        tensors = {name: x for name, x in tensors.items() if not name.startswith("flow.")}
    elif not any(name.startswith("flow.") for name in tensors):
        raise BadInputError(
            f"{path}: found no flow network, expected FlowNet2-C under the key flow\n"
            "  give the authors' whole file, or --set flow=dis for OpenCV's flow, which needs no parameters"
        )
    network = AgssNetwork(flow=flow)
    fill(network, tensors, source=str(path))
    return network.eval()


def convert(path: Path, out: Path) -> None:
    """Turn the authors' file into safetensors, whole or not at all. Raises BadInputError as `load_network` does."""
    flow = any(name.startswith("flow.") for name in read_groups(path, GROUPS))
    write_network(load_network(path, flow=flow), out, method="agss-vos", source=path.name)
