"""The authors' file of A-GAME: a trainer's checkpoint, with the network under `net`."""

from torch import Tensor

from vos_bench.errors import BadInputError
from vos_bench.parts.checkpoints import without_prefix
from vos_bench.parts.official import OfficialFile

from .network import AgameNetwork

_COARSE = "fusmod.predictor.layer00.conv.weight"


def _own_names(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Drop `trackseg.` before every name, and refuse the form that the authors' run files do not build."""
    plain = without_prefix(tensors, "trackseg.")
    coarse = plain.get(_COARSE)
    if coarse is not None and coarse.shape[2:] == (3, 3):
        raise BadInputError(
            "found the variant of A-GAME with a coarse predictor of 3 x 3, the default of the authors' class\n"
            "  expected that of their run files, 1 x 1: give a checkpoint of main_runfile or davis_runfile"
        )
    return plain


OFFICIAL = OfficialFile("agame", lambda _: AgameNetwork(), inside=("net",), adapt=_own_names)

load_network, convert = OFFICIAL.load, OFFICIAL.convert
