"""The page of 30 sequences of 100 frames: written without holding it, and shown without loading it."""

import json
import shutil
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vos_bench import registry
from vos_bench.api import ReportOptions
from vos_bench.progress import Progress
from vos_bench.records import FrameScores, Run, SequenceRecord, find_runs, write_record
from vos_bench.reports.page.site import write_page

SEQUENCES, FRAMES, METHODS = 30, 100, ("one", "two")
HEIGHT, WIDTH = 54, 96
MIB = 2**20


@dataclass
class Counter(Progress):
    """Hears of the progress."""

    totals: dict[str, int] = field(default_factory=dict)
    steps: int = 0

    @contextmanager
    def counting(self, what: str, total: int) -> Iterator[Callable[[], None]]:
        self.totals[what] = total
        yield self.step

    def step(self) -> None:
        self.steps += 1


@dataclass(frozen=True)
class Site:
    """A page, what its writing told, and the most memory that it held at once."""

    folder: Path
    counter: Counter
    peak: int


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data: 30 sequences of 100 frames with one object."""
    root = tmp_path_factory.mktemp("video")
    noise = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
    for i in range(SEQUENCES):
        frames, labels = (root / kind / f"sequence-{i:02d}" for kind in ("JPEGImages", "Annotations"))
        frames.mkdir(parents=True)
        labels.mkdir(parents=True)
        for k in range(FRAMES):
            Image.fromarray(np.roll(noise, k, axis=1)).save(frames / f"{k:05d}.jpg")
            Image.fromarray(_label_map(k)).save(labels / f"{k:05d}.png")
    return root


def _label_map(k: int) -> Any:
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[10:40, 5 + k % 40 : 35 + k % 40] = 1
    return labels


@pytest.fixture(scope="module")
def site(video: Path, make_run: Callable[..., Run], tmp_path_factory: pytest.TempPathFactory) -> Site:
    base = tmp_path_factory.mktemp("large")
    dataset = registry.open_dataset("folder", root=video, split=None)
    fingerprint = dataset.fingerprint()
    for number, method in enumerate(METHODS):
        run = make_run(dict.fromkeys(dataset.sequence_names, (0.5, 0.5)), method=method)
        data = run.record.dataset.replace(name="folder", split=dataset.split, fingerprint=fingerprint)
        folder = base / "runs" / method
        write_record(run.record.replace(dataset=data), folder / "run.json")
        for name, sequence in run.sequence_records.items():
            write_record(_scored(sequence, number), folder / "sequences" / f"{name}.json")
            shutil.copytree(video / "Annotations" / name, folder / "masks" / name)
    runs, counter = find_runs([base / "runs"]).runs, Counter()
    tracemalloc.start()
    write_page(runs, ReportOptions(out=base / "site", root=video, progress=counter))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return Site(base / "site", counter, peak)


def _scored(sequence: SequenceRecord, number: int) -> SequenceRecord:
    """The sequence with a score of every frame, and a dip at frame 70."""
    values = [0.9 - 0.1 * number - (0.6 if k == 70 else 0) for k in range(FRAMES)]
    frames = FrameScores(frame=tuple(f"{k:05d}" for k in range(FRAMES)), J=tuple(values), F=tuple(values))
    scores = tuple(each.replace(per_frame=frames) for each in sequence.scores)
    return sequence.replace(scores=scores, frames=FRAMES)


def test_its_writing_holds_few_frames_at_once(site: Site) -> None:
    # All frames and layers together would be more than 100 MiB.
    assert site.peak < 20 * MIB


def test_progress_is_told_of_every_frame(site: Site) -> None:
    assert site.counter.totals == {"frames": SEQUENCES * FRAMES}
    assert site.counter.steps == SEQUENCES * FRAMES


def test_every_sequence_has_its_page_with_all_frames_and_a_lazy_thumbnail(site: Site) -> None:
    pages = sorted(site.folder.glob("sequence-*.html"))
    assert len(pages) == SEQUENCES
    text = pages[-1].read_text()
    data = json.loads(text.split('type="application/json">', 1)[1].split("</script>", 1)[0])
    assert len(data["frames"]) == FRAMES
    assert [len(run["J"]) for run in data["runs"]] == [FRAMES] * len(METHODS)
    index = (site.folder / "index.html").read_text()
    assert index.count("<img") == index.count('loading="lazy"') == SEQUENCES
    assert max(page.stat().st_size for page in site.folder.glob("*.html")) < MIB / 4


def test_a_viewer_loads_the_frames_that_it_shows_and_no_others(site: Site, browser: Any) -> None:
    browser.get("about:blank")
    browser.get_log("performance")
    browser.get((site.folder / "sequence-015.html").as_uri())
    # The telling frame and four ahead, each a photograph and a layer for each method.
    expected = {f"{kind}-{k:05d}" for k in range(70, 75) for kind in ("frame", "objects-001", "objects-002")}
    loaded: set[str] = set()
    end = time.monotonic() + 600
    while loaded < expected:
        assert time.monotonic() < end, f"waited in vain: {loaded}"
        time.sleep(0.2)
        loaded |= set(_loaded_images(browser))
    assert loaded == expected
    assert "J 30.0" in browser.execute_script("return document.querySelector('.now').textContent")
    browser.execute_script("document.getElementById('frame').value = 10")
    browser.execute_script("document.getElementById('frame').dispatchEvent(new Event('input'))")
    assert "00010" in browser.execute_script("return document.getElementById('frame-name').textContent")
    assert "J 90.0" in browser.execute_script("return document.querySelector('.now').textContent")


def _loaded_images(browser: Any) -> Iterator[str]:
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            path = Path(message["params"]["request"]["url"])
            if path.parent.parent.name == "media":
                yield path.stem
