"""Every table that is registered, as LaTeX, set by a real TeX where there is one."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from vos_bench import registry
from vos_bench.api import ReportOptions
from vos_bench.tables import Table, render

COMMAND = ("pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "page.tex")
TABLES = [name for name in registry.names("reports") if registry.report(name).kind == "table"]

PREAMBLE = (
    "\\documentclass{article}\n\\usepackage[a4paper,margin=2cm]{geometry}\n\\usepackage{booktabs,graphicx,longtable}\n"
    "\\begin{document}\n"
)


def made(name: str, on_disk: Any) -> Table:
    info = registry.report(name)
    more = (ReportOptions(out=Path(), root=on_disk.root),) if info.options else ()
    table: Table = registry.resolve(info.factory)(on_disk.runs, *more)
    return table


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex (Debian: texlive-latex-recommended)")
def test_every_report_compiles_and_fits_the_page(on_disk: Any, tmp_path: Path) -> None:
    body = "\n\\clearpage\n".join(render(made(name, on_disk), "latex") for name in TABLES)
    (tmp_path / "page.tex").write_text(f"{PREAMBLE}{body}\\end{{document}}\n", encoding="utf-8")
    done = subprocess.run(COMMAND, cwd=tmp_path, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    log = (tmp_path / "page.log").read_text(errors="replace")
    assert "too large" not in log, "a float longer than a page"
    assert [width for width in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log) if float(width) > 5] == []
