"""The authors' files of SiamMask: those that refine (`sharp`) and those that do not (`base`)."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from vos_bench.errors import BadInputError
from vos_bench.parts.official import OfficialFile

from .config import Variant
from .network import SiamMaskNetwork


def _variant(tensors: Mapping[str, Tensor]) -> Variant:
    return "sharp" if any(name.startswith("refine_model.") for name in tensors) else "base"


OFFICIAL = OfficialFile("siammask", lambda tensors: SiamMaskNetwork(_variant(tensors)))

load_network, convert = OFFICIAL.load, OFFICIAL.convert


def load_variant(path: Path, variant: Variant) -> SiamMaskNetwork:
    """Read a network of one variant. Raises BadInputError where the file holds the other, or does not fit."""
    network = load_network(path)
    if network.variant != variant:
        raise BadInputError(
            f"{path}: found weights of SiamMask's variant {network.variant}, expected {variant}; give weights of that "
            f"variant, or --set variant={network.variant}"
        )
    return network
