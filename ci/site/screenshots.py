"""The pictures of docs/reports.md, made anew from runs: the web page at two widths, and the figure `strips`.

    vos-bench run METHOD --dataset demo --out runs/METHOD      # for each method that the pictures are to show
    python ci/site/screenshots.py runs/lwl-lite runs/flow-warp runs/colour-model runs/matching

Needs the extra `test` and a browser (Debian: chromium and chromium-driver). Not part of any check: pictures change with
the fonts of a machine.
"""

import argparse
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image
from selenium import webdriver

from vos_bench.cli import main as vos_bench

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
DESKTOP, PHONE = (1280, 860), (390, 844)
"""Width and height of the window."""

ERRORS = "3"
"""The key that shows a viewer's errors."""

QUALITY = 72


@contextmanager
def browser(profile: Path) -> Iterator[Any]:
    """A browser without a window."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    flags = (
        "headless",
        "no-sandbox",
        "disable-gpu",
        "hide-scrollbars",
        "disable-background-networking",
        "no-first-run",
    )
    for flag in (*flags, f"user-data-dir={profile}"):
        options.add_argument(f"--{flag}")
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    opened = webdriver.Chrome(options=options, service=service)
    try:
        yield opened
    finally:
        opened.quit()


def show(window: Any, page: Path, size: tuple[int, int], *, scheme: str, key: str = "") -> None:
    """Open a page at a size in a colour scheme, press a key, and wait until all pictures are there."""
    metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE}
    window.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    window.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    window.get(page.as_uri())
    if key:
        window.find_element("tag name", "body").send_keys(key)
    window.execute_async_script(
        "const done = arguments[0]; Promise.all(Array.from(document.images, each => each.decode().catch(() => 0)))"
        ".then(() => setTimeout(done, 500))"
    )


def save(window: Any, name: str) -> None:
    """Write what the window shows as a picture of the documents."""
    with Image.open(BytesIO(window.get_screenshot_as_png())) as picture:
        picture.convert("RGB").save(IMAGES / f"{name}.webp", quality=QUALITY, method=6)


def sequence_page(site: Path, name: str) -> Path:
    """Return the viewer of a sequence."""
    return next(page for page in sorted(site.glob("sequence-*.html")) if f"<h1>{name}" in page.read_text("utf-8"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", metavar="RUN")
    parser.add_argument("--sequence", default="crossing", help="which one the viewers show")
    given = parser.parse_args(arguments)
    with TemporaryDirectory() as scratch:
        site, strips = Path(scratch) / "site", Path(scratch) / "strips.png"
        if vos_bench(["report", "html", *given.runs, "--out", str(site)]):
            return 1
        if vos_bench(["report", "strips", *given.runs, "--out", str(strips)]):
            return 1
        viewer = sequence_page(site, given.sequence)
        with browser(Path(scratch) / "profile") as window:
            show(window, site / "index.html", DESKTOP, scheme="light")
            save(window, "leaderboard")
            show(window, viewer, DESKTOP, scheme="light", key=ERRORS)
            save(window, "viewer")
            show(window, viewer, PHONE, scheme="dark")
            save(window, "phone")
        with Image.open(strips) as picture:
            picture.convert("RGB").resize((1400, round(1400 * picture.height / picture.width))).save(
                IMAGES / "strips.webp", quality=QUALITY, method=6
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
