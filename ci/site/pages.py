"""A hook of MkDocs: adds the pages beside docs/ and the reference, keeps links inside the site, and search offline."""

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
BESIDE = {"README.md": "index.md", "CHANGELOG.md": "", "CONTRIBUTING.md": "", "SECURITY.md": ""}
"""Pages at the top of the checkout, and what the site calls them where that is another name."""

REFERENCE = {
    "front-door": (
        "The front door",
        (
            "vos_bench.running.run.run",
            "vos_bench.scoring.record.score",
            "vos_bench.segmenting.segment.segment",
            "vos_bench.comparing.compare.compare",
            "vos_bench.comparing.comparison.Comparison",
            "vos_bench.benching.session.bench",
            "vos_bench.suites.run.suite",
            "vos_bench.training.session.train",
            "vos_bench.running.method.load_method",
            "vos_bench.records.run.load_run",
            "vos_bench.records.run.Run",
            "vos_bench.metrics.measures.J",
            "vos_bench.metrics.measures.F",
            "vos_bench.prompts",
            "vos_bench.progress.Progress",
        ),
    ),
    "plugins": (
        "Interfaces of plugins",
        ("vos_bench.api", "vos_bench.plugins", "vos_bench.config", "vos_bench.tables.model"),
    ),
    "records": (
        "Records",
        (
            "vos_bench.records.run_record",
            "vos_bench.records.models",
            "vos_bench.records.sequence_record",
            "vos_bench.training.record",
        ),
    ),
}
"""Pages of the reference: a title, and what each tells of."""

WORKER = "assets/javascripts/worker.js"
FROM_ELSEWHERE = "https://unpkg.com/iframe-worker/shim"
"""A script that the theme's plugin `offline` fetches from the network, without which a page from disk has no search."""


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that do not lie in docs/."""
    for name, called in BESIDE.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        files.append(File.generated(config, called or name, content=text))
    for name, (title, told) in REFERENCE.items():
        text = f"# {title}\n\n" + "\n".join(f"::: {each}\n" for each in told)
        files.append(File.generated(config, f"reference/{name}.md", content=text))
    files.append(File.generated(config, WORKER, content=(ROOT / "ci/site/worker.js").read_text(encoding="utf-8")))
    return files


def on_post_page(output: str, page: Any, config: Any) -> str:
    """Let a page find what its search needs beside it."""
    del config
    return output.replace(FROM_ELSEWHERE, "../" * page.url.count("/") + WORKER)


def on_post_template(output_content: str, template_name: str, config: Any) -> str:
    """Do the same for the page that a server shows in place of a missing one."""
    del template_name, config
    return output_content.replace(FROM_ELSEWHERE, f"/{WORKER}")


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Point links to what the site has; of a file that it has not, keep the name."""
    del config

    def kept(match: re.Match[str]) -> str:
        text, target = match[1], match[2]
        path, _, anchor = target.partition("#")
        if "://" in target or not path:
            return match[0]
        path = path.removeprefix("../").removeprefix("docs/")
        path = BESIDE.get(path) or path
        if files.get_file_from_path(path) is None:
            return text
        return f"[{text}]({path}{'#' if anchor else ''}{anchor})"

    if page.file.src_uri.startswith("reference/"):
        return markdown
    return re.sub(r"(?<!!)\[([^\[\]]*)\]\(([^()\s]+)\)", kept, markdown)
