"""vos-bench: a benchmark and evaluation harness for semi-supervised video object segmentation."""

from pathlib import Path

__version__ = "0.1.0"


def _checkout() -> Path | None:
    """Return the root of the checkout this package is imported from, or None when it is installed."""
    root = Path(__file__).resolve().parent.parent
    pyproject = root / "pyproject.toml"
    if not pyproject.is_file():
        return None
    import tomllib  # an installed package starts faster without it

    try:
        project = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return root if project.get("project", {}).get("name") == "vos-bench" else None


# The wheel carries the plugin folders as vos_bench.methods, vos_bench.datasets and vos_bench.reports; in a
# checkout they lie one level up, so that level becomes part of this package's search path.
if (_root := _checkout()) is not None:
    __path__.append(str(_root))
