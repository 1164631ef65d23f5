"""Exports of annotation tools, turned into label maps that keep identities."""

from vos_bench.importing.import_masks import IMPORTS, ImportedMasks, import_masks

__all__ = ["IMPORTS", "ImportedMasks", "import_masks"]
