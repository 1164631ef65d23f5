"""Files of LWL parameters: ours, and the authors' (a pickle that is read without running it)."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError
from torch import Tensor

from vos_bench.config import explain
from vos_bench.errors import BadInputError
from vos_bench.parts.checkpoints import fill, read_metadata, read_tensors, without_counters, write_tensors

from .config import BOX_NETWORK, LITE_BOX_NETWORK, LITE_NETWORK, MASK_NETWORK, LwlConfig
from .names import from_reference, is_reference
from .network import LwlNetwork

_CONFIG = "lwl_config"
_BOX_ENCODER = "box_encoder."


def load_network(weights: Path | Mapping[str, Tensor], config: LwlConfig | None = None) -> LwlNetwork:
    """Build the network that some parameters belong to, in evaluation mode on the CPU.

    Args:
        weights: A safetensors file, the authors' `.pth`, or a state dict, in our names or the reference's.
        config: The network. None: the one that the file describes, or else the one that has its names: the released
            network or that of lwl-lite, for masks or for boxes. A network for masks leaves a box encoder out.

    Raises:
        BadInputError: The file cannot be read, or names or shapes do not fit; the message lists them.
    """
    source = str(weights) if isinstance(weights, Path) else "state dict"
    tensors = dict(weights) if isinstance(weights, Mapping) else read_tensors(weights)
    if config is None and isinstance(weights, Path):
        config = _config_in(weights)
    if is_reference(tensors):
        tensors = from_reference(tensors)
    if config is not None and not config.box_encoder:
        tensors = {name: x for name, x in tensors.items() if not name.startswith(_BOX_ENCODER)}
    network = LwlNetwork(config or _released(tensors))
    fill(network, tensors, source=source)
    return network.eval()


def save_network(network: LwlNetwork, path: Path, *, metadata: Mapping[str, str] | None = None) -> None:
    """Write a network as safetensors: our names, and its config inside, so that `load_network` needs nothing else.

    Raises:
        BadInputError: The file cannot be written.
    """
    card = {**(metadata or {}), **describe(network.config)}
    write_tensors(path, without_counters(network.state_dict()), metadata=card)


def describe(config: LwlConfig) -> dict[str, str]:
    """Return what a weights file says of its network, so that `load_network` needs nothing else."""
    return {"format": "vos-bench lwl", _CONFIG: config.model_dump_json()}


def convert(path: Path, out: Path) -> None:
    """Turn the authors' checkpoint into a safetensors file, whole or not at all.

    Raises:
        BadInputError: It cannot be read, asks to run something, or does not fit the released networks.
    """
    save_network(load_network(path), out, metadata={"source": path.name})


def _config_in(path: Path) -> LwlConfig | None:
    text = read_metadata(path).get(_CONFIG)
    if text is None:
        return None
    try:
        return LwlConfig.model_validate_json(text)
    except ValidationError as error:
        raise BadInputError(f"{path}: its network config does not fit this version: {explain(error)}") from None


def _released(tensors: Mapping[str, Tensor]) -> LwlConfig:
    lite = any(name.startswith("decoder.score.") for name in tensors)  # which the released decoder has not
    if any(name.startswith(_BOX_ENCODER) for name in tensors):
        return LITE_BOX_NETWORK if lite else BOX_NETWORK
    return LITE_NETWORK if lite else MASK_NETWORK
