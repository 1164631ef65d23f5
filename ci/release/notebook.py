"""Execute a notebook from its first cell to its last, in an empty folder, with the Python that runs this.

Called as `python ci/release/notebook.py docs/tour.ipynb executed.ipynb`.
"""

import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

LONGEST_CELL_SECONDS = 600


def execute(path: Path, out: Path) -> int:
    """Write the notebook with its outputs to `out`, and return how many cells it has. A cell that raises ends it."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory(prefix="vos-bench-tour-") as folder:
        NotebookClient(
            notebook,
            timeout=LONGEST_CELL_SECONDS,
            kernel_name="python3",
            resources={"metadata": {"path": folder}},
        ).execute()
    nbformat.write(notebook, out)
    return sum(cell.cell_type == "code" for cell in notebook.cells)


if __name__ == "__main__":
    print(f"{execute(Path(sys.argv[1]), Path(sys.argv[2]))} cells ran")
