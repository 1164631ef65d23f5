"""The file of OSVOS's parent network, as its PyTorch port publishes it."""

from vos_bench.parts.official import OfficialFile

from .network import OsvosNetwork

OFFICIAL = OfficialFile("osvos", lambda _: OsvosNetwork())

load_network, convert = OFFICIAL.load, OFFICIAL.convert
