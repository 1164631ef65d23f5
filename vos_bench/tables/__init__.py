"""The one table type that every report builds, and its writers: text, Markdown, LaTeX, CSV, JSON and HTML."""

from vos_bench.tables.layout import Cell, Orientation, cells, lay_out
from vos_bench.tables.model import MISSING, SPREAD, Column, Table, percent
from vos_bench.tables.writers import FORMATS, Format, plain_markdown, render
