"""The page marks where failures start, and finds sequences by the attributes of their objects."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vos_bench.api import ReportOptions
from vos_bench.cli import main
from vos_bench.records import find_runs
from vos_bench.reports.page.failures import MOST, ShownFailure, longest
from vos_bench.reports.page.site import write_page

ONE_FILE = Path(__file__).resolve().parents[1] / "fakes" / "one_file.py"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A method that stays, on a small object that walks away from it and on a large one that does not."""
    base = tmp_path_factory.mktemp("failing")
    for name, side, step in (("large", 30, 0), ("small", 4, 2)):
        for frame in range(6):
            labels = np.zeros((40, 60), np.uint8)
            labels[5 : 5 + side, 5 + step * frame : 5 + step * frame + side] = 1
            image = np.where(labels[..., None] > 0, np.uint8(200), np.uint8(30)).repeat(3, axis=2)
            for folder, pixels, suffix in (("JPEGImages", image, "jpg"), ("Annotations", labels, "png")):
                (base / "video" / folder / name).mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(base / "video" / folder / name / f"{frame:05d}.{suffix}")
    command = ["run", f"{ONE_FILE}:Stay", "--dataset", "folder", "--root", str(base / "video")]
    assert main([*command, "--out", str(base / "runs" / "Stay")]) == 0
    out = base / "site"
    write_page(find_runs([base / "runs"]).runs, ReportOptions(out=out, root=base / "video"))
    return out


def page_of(site: Path, name: str) -> str:
    pages = (path.read_text(encoding="utf-8") for path in sorted(site.glob("sequence-*.html")))
    return next(text for text in pages if f"<title>{name}" in text or f"<h1>{name}" in text)


def failures_of(page: str) -> Any:
    found = json.loads(page.split('type="application/json">', 1)[1].split("</script>", 1)[0])
    return found["runs"][0]["failures"]


def test_a_failure_is_marked_where_it_starts_and_a_button_leads_there(site: Path) -> None:
    page = page_of(site, "small")
    assert failures_of(page) == [{"text": "drift of object 1, 4 frames", "place": 2}]  # J is 1/3 and then 0
    assert re.search(r"Stay: 1 failure,.*?<button[^>]*data-place=\"2\">00002</button> drift of object 1", page, re.S)


def test_label_maps_that_were_counted_while_scored_have_their_failures_on_the_page(site: Path, tmp_path: Path) -> None:
    base, out = site.parent, tmp_path / "scored"
    command = ["score", str(base / "runs" / "Stay" / "masks"), "--dataset", "folder", "--root", str(base / "video")]
    assert main([*command, "--failures", "--out", str(out)]) == 0
    write_page(find_runs([out]).runs, ReportOptions(out=tmp_path / "site", root=base / "video"))
    found = failures_of(page_of(tmp_path / "site", "small"))
    assert [failure["text"] for failure in found] == ["drift of object 1, 4 frames"]


def test_without_a_failure_nothing_is_said(site: Path) -> None:
    page = page_of(site, "large")
    assert failures_of(page) == []
    assert "failures" not in page.split("<main", 1)[1].split("<script", 1)[0]


def test_sequences_are_found_by_groups_that_not_all_of_them_have(site: Path) -> None:
    index = (site / "index.html").read_text(encoding="utf-8")
    options = re.findall(r'<option value="([^"]+)">', index)
    assert "size: small (below 1 %)" in options
    assert "size: large (10 % and more)" in options
    assert not [each for each in options if each.startswith("length")], "both are short"
    groups = dict(re.findall(r'<li data-groups="([^"]*)"><a href="(sequence-\d+\.html)">', index))
    assert len(groups) == 2
    for listed, file in groups.items():
        large = "<h1>large" in (site / file).read_text(encoding="utf-8")
        assert ("size: large (10 % and more)" in listed.split("|")) is large


def test_the_longest_failures_are_listed_in_order() -> None:
    found = [ShownFailure("drift", f"{i:05d}", i, i % 50) for i in range(100)]
    kept = longest(found)
    assert len(kept) == MOST
    assert kept == sorted(kept, key=lambda each: each.place)
    assert min(each.length for each in kept) == 30
