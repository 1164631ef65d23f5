"""The authors' files of FRTM, which hold the refiner; the backbone is torchvision's and lies in a file of its own."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor
from torchvision.models import ResNet18_Weights, ResNet101_Weights

from vos_bench.errors import BadInputError
from vos_bench.files import sha256
from vos_bench.parts.checkpoints import fill, read_tensors, without_prefix, write_network
from vos_bench.parts.resnet import stage_names

from .config import BackboneName
from .network import CHANNELS, STAGES, FrtmNetwork

SOURCES: dict[BackboneName, str] = {
    "resnet18": ResNet18_Weights.IMAGENET1K_V1.url,
    "resnet101": ResNet101_Weights.IMAGENET1K_V1.url,
}
"""Where torchvision has the parameters that FRTM was trained on; the newer ones for ResNet-101 are others."""

_TARGET = "refiner.TSE.layer4.reduce.0.weight"


def load_network(path: Path) -> FrtmNetwork:
    """Read a network: a file that `convert` made, or the authors', with torchvision's backbone in a file beside it.

    Raises:
        BadInputError: The file cannot be read or does not fit, or the backbone's file is absent or another one.
    """
    tensors = without_prefix(read_tensors(path))
    name = _backbone_name(tensors)
    if not any(key.startswith("backbone.") for key in tensors):
        tensors |= {f"backbone.{key}": x for key, x in _backbone(name, path.parent).items()}
    network = FrtmNetwork(name)
    fill(network, tensors, source=str(path))
    return network.eval()


def convert(path: Path, out: Path) -> None:
    """Turn the authors' file and its backbone's into one of safetensors. See `load_network` for its errors."""
    write_network(load_network(path), out, method="frtm", source=path.name)


def _backbone_name(tensors: Mapping[str, Tensor]) -> BackboneName:
    """Tell the backbone by the width of the features that the refiner takes at stride 16."""
    first = tensors.get(_TARGET)
    width = first.shape[1] if first is not None and first.ndim == 4 else None
    return next((name for name, channels in CHANNELS.items() if channels[2] == width), "resnet101")


def _backbone(name: BackboneName, folder: Path) -> dict[str, Tensor]:
    """Read torchvision's parameters, whose file name holds the beginning of its hash, under the authors' names."""
    file = SOURCES[name].rpartition("/")[2]
    places = [folder / file, Path(torch.hub.get_dir()) / "checkpoints" / file]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise BadInputError(
            f"{folder / file}: there is no such file, nor in {places[1].parent}\n"
            "  the authors' file lacks the backbone, which is torchvision's\n"
            f"  download {SOURCES[name]} and put it there; vos-bench convert makes one of both"
        )
    expected = file.rpartition("-")[2].partition(".")[0]
    found = sha256(path)
    if not found.startswith(expected):
        raise BadInputError(f"{path}: found a file of sha256 {found[:8]}…, expected {expected}…; download it again")
    return stage_names(read_tensors(path), STAGES)
