"""The static site in a real browser, opened from disk."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vos_bench.api import ReportOptions
from vos_bench.records import Run
from vos_bench.reports.page.site import write_page

MakeRun = Callable[..., Run]


@pytest.fixture(scope="module")
def site(on_disk: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("page") / "site"
    write_page(on_disk.runs, ReportOptions(out=out, root=on_disk.root))
    return out


@pytest.fixture
def board(make_run: MakeRun, tmp_path: Path) -> Path:
    """The site of runs on two datasets whose frames are not here, one of them with published results."""
    hostile = "<script>alert(1)</script>"
    runs = [
        *(on(make_run({hostile: (J, J)}, method=method), "davis16") for method, J in ((hostile, 0.5), ("best", 0.7))),
        on(make_run({"b": (0.99, 0.99)}, method="elsewhere"), "not-installed"),
    ]
    write_page(runs, ReportOptions(out=tmp_path / "site", root=tmp_path))
    return tmp_path / "site" / "index.html"


def on(run: Run, dataset: str) -> Run:
    """The run as if it had been made on another dataset."""
    data = run.record.dataset.replace(name=dataset, split="val")
    return replace(run, record=run.record.replace(dataset=data))


def wait(holds: Callable[[], bool]) -> None:
    """Wait until something holds, ten minutes at most."""
    end = time.monotonic() + 600
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def visit(browser: Any, page: Path, *, frame: int | None = None) -> None:
    """Open a page; a viewer at a frame, or where it opens by itself."""
    browser.get("about:blank")
    browser.get(page.as_uri() + ("" if frame is None else f"#{frame}"))


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
        "Array.from(document.querySelectorAll('#leaderboard td.name')).filter(x => x.offsetParent)"
        ".map(x => (x.querySelector('a') || x.firstChild).textContent.trim())",
    )
    return found


def click(browser: Any, selector: str) -> None:
    from selenium.webdriver.common.by import By

    browser.find_element(By.CSS_SELECTOR, selector).click()


def emulate(browser: Any, *, width: int = 0, scheme: str = "") -> None:
    """Pretend a phone of so many pixels, and a taste for dark or light; neither by default."""
    if width:
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": True}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    else:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


@pytest.mark.parametrize("width", [0, 375])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_console_error_nor_scrolls_sideways(
    browser: Any, site: Path, board: Path, width: int, scheme: str
) -> None:
    emulate(browser, width=width, scheme=scheme)
    for page in sorted([*site.glob("*.html"), *board.parent.glob("*.html")]):
        visit(browser, page)
        wait(lambda: run(browser, "Array.from(document.images).filter(i => i.src).every(i => i.complete)"))
        broken = "Array.from(document.images).filter(i => i.src && !i.naturalWidth).length"
        assert run(browser, broken) == 0, page
        assert run(browser, "document.documentElement.scrollWidth <= innerWidth"), page
    emulate(browser)
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(browser: Any, site: Path, board: Path, scheme: str) -> None:
    """Contrast of at least 4.5, as WCAG 2 asks of text."""
    emulate(browser, scheme=scheme)
    for page in (site / "index.html", board, site / "run-001.html", site / "sequence-001.html"):
        visit(browser, page)
        assert run(browser, CONTRAST) == [], page
    assert run(browser, "getComputedStyle(document.body).backgroundColor") == (
        "rgb(255, 255, 255)" if scheme == "light" else "rgb(21, 23, 26)"
    )
    emulate(browser)


CONTRAST = """(() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (rgb) => rgb.slice(0, 3).map((c) => c / 255)
    .map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (node) => {
    for (let each = node; each; each = each.parentElement) {
      const rgb = numbers(getComputedStyle(each).backgroundColor);
      if (rgb.length === 3 || rgb[3] > 0) return rgb;
    }
    return [255, 255, 255];
  };
  return Array.from(document.querySelectorAll('main *, header *')).filter((node) => node.offsetParent
    && Array.from(node.childNodes).some((child) => child.nodeType === 3 && child.textContent.trim()))
    .filter((node) => {
      const [a, b] = [light(numbers(getComputedStyle(node).color)), light(ground(node))].sort((x, y) => y - x);
      return (a + 0.05) / (b + 0.05) < 4.5;
    }).map((node) => node.outerHTML.slice(0, 80));
})()"""


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


def test_groups_are_sorted_each_in_itself(browser: Any, board: Path) -> None:
    visit(browser, board)
    hostile = "<script>alert(1)</script>"
    assert names(browser) == ["best", hostile, "elsewhere"], "99.0 on other data leads nothing"
    run(browser, "document.querySelectorAll('#leaderboard th button')[1].click()")
    assert names(browser) == ["best", hostile, "elsewhere"]
    run(browser, "document.querySelectorAll('#leaderboard th button')[1].click()")
    assert names(browser) == [hostile, "best", "elsewhere"]


def test_published_results_open_on_demand_and_are_found_by_the_filter(browser: Any, board: Path) -> None:
    visit(browser, board)
    assert len(names(browser)) == 3
    click(browser, ".toggle")
    assert "STM (+YV)" in names(browser)
    assert run(browser, "document.querySelector('.toggle').getAttribute('aria-expanded')") == "true"
    click(browser, ".toggle")
    assert len(names(browser)) == 3
    run(browser, "document.getElementById('filter').value = 'published osvos-s'")
    run(browser, "document.getElementById('filter').dispatchEvent(new Event('input'))")
    assert names(browser) == ["OSVOS-S"]
    assert run(browser, "document.getElementById('count').textContent") == "0 of 3 runs"


def test_a_name_that_is_markup_shows_as_text(browser: Any, site: Path, board: Path) -> None:
    visit(browser, site / "index.html")
    assert "<b>two" in run(browser, "document.getElementById('sequences').textContent")
    assert run(browser, "document.querySelectorAll('b').length") == 0
    for page in sorted(board.parent.glob("*.html")):
        visit(browser, page)  # an alert would make every call below fail
        assert run(browser, "Array.from(document.scripts).every(s => s.src || s.id === 'data')"), page
    hostile = "<script>alert(1)</script>"
    visit(browser, board)
    assert hostile in run(browser, "document.getElementById('sequences').textContent")
    visit(browser, board.parent / "run-001.html")
    assert run(browser, "document.querySelector('h1').textContent").startswith(hostile)


def test_the_keyboard_moves_through_the_frames_views_and_sequences(browser: Any, site: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    visit(browser, site / "sequence-001.html", frame=0)
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
    visit(browser, site / "sequence-001.html", frame=0)
    browser.execute_script(
        "window.said = []; const play = document.getElementById('play');"
        "new MutationObserver(() => said.push(play.textContent))"
        ".observe(play, { childList: true, characterData: true, subtree: true })"
    )
    press(browser, " ")
    wait(lambda: position(browser) == 5)
    wait(lambda: run(browser, "said") == ["Pause", "Play"])


def point_at(browser: Any, selector: str, share: float, *, drag_to: float | None = None) -> None:
    """Press the mouse on an element, so far from its left edge, and let go there or elsewhere."""
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.by import By

    element = browser.find_element(By.CSS_SELECTOR, selector)
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
    width = element.rect["width"]
    moves = ActionChains(browser).move_to_element_with_offset(element, round((share - 0.5) * width), 0)
    moves.click_and_hold()
    if drag_to is not None:
        moves.move_to_element_with_offset(element, round((drag_to - 0.5) * width), 0)
    moves.release().perform()


def test_a_click_on_the_curve_shows_that_frame_of_every_method(browser: Any, site: Path) -> None:
    visit(browser, site / "sequence-001.html")
    wait(lambda: run(browser, "document.querySelectorAll('#chart-J polyline').length") == 2)
    point_at(browser, "#chart-J", 0.6)
    wait(lambda: position(browser) == 3)
    assert "00003 · 4 of 6" in run(browser, "document.getElementById('frame-name').textContent")
    sources = run(browser, "Array.from(document.querySelectorAll('.stack img')).map(i => i.src.split('/').pop())")
    assert sources == ["frame-00003.webp", "objects-001-00003.png", "frame-00003.webp", "objects-002-00003.png"]


def test_a_method_can_be_hidden_and_an_address_leads_to_its_frame(browser: Any, site: Path) -> None:
    visit(browser, site / "sequence-001.html", frame=4)
    wait(lambda: position(browser) == 4)
    lines = "document.querySelectorAll('#chart-J polyline').length"
    assert run(browser, lines) == 2
    run(browser, "document.querySelector('.panel input').click()")
    assert run(browser, lines) == 1


def test_a_viewer_opens_on_the_telling_frame_and_an_address_may_name_another(browser: Any, site: Path) -> None:
    page = site / "sequence-001.html"
    visit(browser, page)
    telling = int(run(browser, "JSON.parse(document.getElementById('data').textContent).opening"))
    assert telling > 0
    wait(lambda: position(browser) == telling)
    assert f"frame-{telling:05d}" in run(browser, "document.querySelector('.photo').src")
    visit(browser, page, frame=0)
    wait(lambda: position(browser) == 0)
    click(browser, "#opening button")
    assert position(browser) == telling


def test_the_axis_stands_below_its_curve_with_each_frame_under_its_place(browser: Any, site: Path) -> None:
    visit(browser, site / "sequence-001.html")
    for measure in "JF":
        chart = f"document.getElementById('chart-{measure}')"
        left, right, bottom = run(browser, f"(r => [r.left, r.right, r.bottom])({chart}.getBoundingClientRect())")
        ticks = run(
            browser,
            f"Array.from({chart}.closest('figure').querySelectorAll('.axis span'))"
            ".map(s => [s.textContent, s.getBoundingClientRect()]).map(([t, r]) => [t, r.left, r.right, r.top])",
        )
        assert [text for text, *_ in ticks] == ["00000", "00001", "00002", "00004", "00005"]
        following = [*(start for _, start, _, _ in ticks[1:]), right + 2]
        for (text, start, end, top), beyond in zip(ticks, following, strict=True):
            assert start - 1 <= left + (right - left) * int(text) / 5 <= end + 1
            assert left - 1 <= start < end < beyond
            assert top >= bottom


@pytest.mark.parametrize("width", [0, 375])
def test_the_points_of_the_headline_lie_on_their_intervals_in_the_order_of_the_scores(
    browser: Any, make_run: MakeRun, tmp_path: Path, width: int
) -> None:
    runs = [make_run({"a": (J, J), "b": (J + 0.2, J + 0.2)}, method=str(J)) for J in (0.6, 0.4)]
    write_page(runs, ReportOptions(out=tmp_path / "site", root=tmp_path))
    emulate(browser, width=width)
    visit(browser, tmp_path / "site" / "index.html")
    lines = run(
        browser,
        "Array.from(document.querySelectorAll('.headline li')).map(li => ['.point', '.interval', '.track'].map(c => "
        "li.querySelector(c).getBoundingClientRect()).map(r => [r.left, r.right]))",
    )
    assert len(lines) == 2
    middles = [(point[0] + point[1]) / 2 for point, _, _ in lines]
    for middle, (_, interval, track) in zip(middles, lines, strict=True):
        assert track[0] - 1 <= interval[0] <= middle <= interval[1] <= track[1] + 1
    assert middles[0] > middles[1], "the best first"
    emulate(browser)


def test_a_folded_group_of_settings_opens(browser: Any, site: Path) -> None:
    visit(browser, site / "run-001.html")
    shown = "Array.from(document.querySelectorAll('dl.settings')).map(d => d.checkVisibility())"
    before = run(browser, shown)
    assert before[0]
    assert before.count(False) == 2
    click(browser, "details.settings:not([open]) summary")
    assert run(browser, shown).count(False) == 1


def test_a_drag_along_the_curve_moves_through_the_frames(browser: Any, site: Path) -> None:
    visit(browser, site / "sequence-001.html")
    point_at(browser, "#chart-F", 0.2, drag_to=0.8)
    wait(lambda: position(browser) == 4)


def test_a_click_on_a_method_makes_it_large(browser: Any, site: Path) -> None:
    visit(browser, site / "sequence-001.html")
    width = "document.querySelector('.panel').getBoundingClientRect().width"
    before = run(browser, width)
    click(browser, ".panel .stack")
    assert run(browser, width) > before
    click(browser, ".panel .stack")
    assert run(browser, width) == before


def test_on_a_phone_methods_stand_side_by_side_and_everything_is_in_reach(browser: Any, site: Path) -> None:
    emulate(browser, width=375)
    visit(browser, site / "sequence-001.html")
    first, second = run(
        browser,
        "Array.from(document.querySelectorAll('.panel')).map(p => p.getBoundingClientRect()).map(r => [r.left, r.top])",
    )
    assert first[1] == second[1]
    assert first[0] < second[0] < 375
    assert run(browser, "document.documentElement.scrollWidth") == 375
    click(browser, "#play")
    wait(lambda: position(browser) == 5)
    click(browser, ".choices label:nth-of-type(3)")
    assert "errors-" in run(browser, "document.querySelector('.layer').src")
    point_at(browser, "#chart-J", 0.2)
    wait(lambda: position(browser) == 1)
    emulate(browser)
