"""The authors' files of STCN: the network alone, a trainer's checkpoint, and those of the stage with one object."""

from torch import Tensor

from vos_bench.parts.official import OfficialFile

from .network import INPUTS, StcnNetwork

_FIRST = "value_encoder.conv1.weight"


def _with_all_inputs(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Give the first convolution weights of zero for the mask of other objects, where it was trained without."""
    first = tensors.get(_FIRST)
    if first is None or first.ndim != 4 or first.shape[1] != INPUTS - 1:
        return tensors
    widened = first.new_zeros(len(first), INPUTS, *first.shape[2:])
    widened[:, :-1] = first
    return {**tensors, _FIRST: widened}


OFFICIAL = OfficialFile("stcn", lambda _: StcnNetwork(), inside=("network",), adapt=_with_all_inputs)

load_network, convert = OFFICIAL.load, OFFICIAL.convert
