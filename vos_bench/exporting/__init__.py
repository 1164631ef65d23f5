"""Runs and data in the forms that other programs read: label maps, scores, and what describes a dataset."""

from vos_bench.exporting.about import parse_about
from vos_bench.exporting.croissant import CROISSANT_ABOUT, export_croissant
from vos_bench.exporting.export import EXPORTS, export
from vos_bench.exporting.records import RECORD_ABOUT, RECORD_FORMS, export_records

__all__ = [
    "CROISSANT_ABOUT",
    "EXPORTS",
    "RECORD_ABOUT",
    "RECORD_FORMS",
    "export",
    "export_croissant",
    "export_records",
    "parse_about",
]
