"""Label maps of a run, or of videos that were segmented, in the forms that other programs read."""

from vos_bench.exporting.export import EXPORTS, export

__all__ = ["EXPORTS", "export"]
