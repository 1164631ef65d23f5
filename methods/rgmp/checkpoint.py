"""The authors' file of RGMP, which DataParallel wrote."""

from vos_bench.parts.official import OfficialFile

from .network import RgmpNetwork

OFFICIAL = OfficialFile("rgmp", lambda _: RgmpNetwork())

load_network, convert = OFFICIAL.load, OFFICIAL.convert
