"""The authors' file of STM, which DataParallel wrote."""

from vos_bench.parts.official import OfficialFile

from .network import StmNetwork

OFFICIAL = OfficialFile("stm", lambda _: StmNetwork())

load_network, convert = OFFICIAL.load, OFFICIAL.convert
