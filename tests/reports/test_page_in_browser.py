"""The static site in a real browser, opened from disk."""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from vos_bench.api import ReportOptions
from vos_bench.reports.page.site import build

selenium = pytest.importorskip("selenium", reason="needs selenium (the extra `test`)")
CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None, reason="needs a browser (Debian: chromium and chromium-driver)"
)

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
)


@pytest.fixture(scope="module")
def site(on_disk: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("page") / "site"
    build(on_disk.runs, ReportOptions(out=out, root=on_disk.root))
    return out


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}", "--window-size=1280,900"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


def wait(holds: Callable[[], bool]) -> None:
    """Wait until something holds, a minute at most."""
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def visit(browser: Any, page: Path) -> None:
    browser.get("about:blank")
    browser.get(page.as_uri())


def run(browser: Any, script: str) -> Any:
    return browser.execute_script(f"return {script}")


def press(browser: Any, key: str) -> None:
    from selenium.webdriver.common.by import By

    browser.find_element(By.TAG_NAME, "body").send_keys(key)


def position(browser: Any) -> int:
    return int(run(browser, "document.getElementById('frame').value"))


def names(browser: Any) -> list[str]:
    found: list[str] = run(
        browser,
        "Array.from(document.querySelectorAll('#leaderboard tbody tr:not([hidden]) td.name')).map(x => x.textContent)",
    )
    return found


def test_no_page_has_a_console_error_nor_scrolls_sideways_on_a_phone(browser: Any, site: Path) -> None:
    size = {"width": 375, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    for page in sorted(site.glob("*.html")):
        visit(browser, page)
        wait(lambda: run(browser, "Array.from(document.images).filter(i => i.src).every(i => i.complete)"))
        assert run(browser, "Array.from(document.images).filter(i => i.src && !i.naturalWidth).length") == 0, page
        assert run(browser, "document.documentElement.scrollWidth <= innerWidth"), page
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert browser.get_log("browser") == []


def test_the_leaderboard_sorts_both_ways_and_filters(browser: Any, site: Path) -> None:
    visit(browser, site / "index.html")
    assert names(browser) == ["Stay", "Slip"], "the best first"
    click_heading = "document.querySelectorAll('#leaderboard th button')[{}].click()"
    run(browser, click_heading.format(0))
    assert names(browser) == ["Slip", "Stay"]
    run(browser, click_heading.format(0))
    assert names(browser) == ["Stay", "Slip"]
    run(browser, click_heading.format(2))
    assert names(browser) == ["Stay", "Slip"], "scores: the highest first"
    run(browser, click_heading.format(2))
    assert names(browser) == ["Slip", "Stay"]
    assert run(browser, "document.querySelectorAll('#leaderboard th')[2].getAttribute('aria-sort')") == "ascending"
    run(browser, "document.getElementById('filter').value = 'SLI folder'")
    run(browser, "document.getElementById('filter').dispatchEvent(new Event('input'))")
    assert names(browser) == ["Slip"]
    assert run(browser, "document.getElementById('count').textContent") == "1 of 2 runs"


def test_a_name_that_is_markup_shows_as_text(browser: Any, site: Path) -> None:
    visit(browser, site / "index.html")
    assert "<b>two" in run(browser, "document.getElementById('sequences').textContent")
    assert run(browser, "document.querySelectorAll('b').length") == 0


def test_the_keyboard_moves_through_the_frames_views_and_sequences(browser: Any, site: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    visit(browser, site / "sequence-001.html")
    for key, expected in (
        (Keys.ARROW_RIGHT, 1),
        (Keys.ARROW_RIGHT, 2),
        (Keys.ARROW_LEFT, 1),
        (Keys.END, 5),
        (Keys.HOME, 0),
    ):
        press(browser, key)
        assert position(browser) == expected
    top = "document.querySelector('.layer')"
    for key, kind in (("2", "truth-"), ("3", "errors-"), ("1", "objects-")):
        press(browser, key)
        assert kind in run(browser, f"{top}.src")
    press(browser, "4")
    assert not run(browser, f"{top}.hasAttribute('src')")
    press(browser, "-")
    assert float(run(browser, f"{top}.style.opacity")) == 0.9
    press(browser, "n")
    wait(lambda: "sequence-002" in browser.current_url)
    press(browser, "p")
    wait(lambda: "sequence-001" in browser.current_url)


def test_it_plays_to_the_end_and_stops(browser: Any, site: Path) -> None:
    visit(browser, site / "sequence-001.html")
    press(browser, " ")
    assert run(browser, "document.getElementById('play').textContent") == "Pause"
    wait(lambda: position(browser) == 5)
    wait(lambda: run(browser, "document.getElementById('play').textContent") == "Play")


def test_a_click_on_the_curve_shows_that_frame_of_every_method(browser: Any, site: Path) -> None:
    visit(browser, site / "sequence-001.html")
    wait(lambda: run(browser, "document.querySelectorAll('#chart-J polyline').length") == 2)
    run(
        browser,
        "(() => { const chart = document.getElementById('chart-J'), box = chart.getBoundingClientRect();"
        " chart.dispatchEvent(new MouseEvent('click', {clientX: box.left + box.width * 0.6, clientY: 0}))})()",
    )
    wait(lambda: position(browser) == 3)
    assert "00003 · 4 of 6" in run(browser, "document.getElementById('frame-name').textContent")
    sources = run(browser, "Array.from(document.querySelectorAll('.stack img')).map(i => i.src.split('/').pop())")
    assert sources == ["frame-00003.webp", "objects-001-00003.png", "frame-00003.webp", "objects-002-00003.png"]


def test_a_method_can_be_hidden_and_an_address_leads_to_its_frame(browser: Any, site: Path) -> None:
    browser.get("about:blank")
    browser.get((site / "sequence-001.html").as_uri() + "#4")
    wait(lambda: position(browser) == 4)
    lines = "document.querySelectorAll('#chart-J polyline').length"
    assert run(browser, lines) == 2
    run(browser, "document.querySelector('.panel input').click()")
    assert run(browser, lines) == 1
