"""The scores of this checkout against committed records, and faults that must not slip through that comparison.

The records lie in tests/baselines; docs/continuous-integration.md says how they are made again.
"""

import importlib
import re
from collections.abc import Callable
from pathlib import Path
from statistics import mean, stdev
from types import ModuleType

import pytest

from vos_bench import registry
from vos_bench.cli import main
from vos_bench.records import load_run

BASELINES = Path(__file__).resolve().parent / "baselines"

SEQUENCES = "fast-motion,lighting"
"""Two of the shortest of the demo, with one object and with two."""

TOLERANCE = (
    "--tolerance",
    *("J&F=0.002", "J=0.002", "F=0.002"),
    *("J_recall=0.05", "F_recall=0.05", "J_decay=0.02", "F_decay=0.02"),
)
"""With another number of threads J and F of these sequences move by 0.0008 at most; a recall jumps by a whole frame."""

HARNESS = (
    "boundary_radius_plus_one",
    "boundary_radius_minus_one",
    "ids_swapped_on_the_way_back",
    "label_maps_one_pixel_aside",
    "one_frame_late",
)
LWL = {
    "channels_in_the_wrong_order": "fast-motion",
    "crop_cut_one_pixel_off": "fast-motion",
    "crop_pasted_one_pixel_off": "fast-motion",
    "decay_reversed": "tiny",
    "learner_never_updates": "fast-motion",
    "learning_rate_of_one_minus": "rotation-scale",
    "memory_overwrites_the_newest": "occlusion",
    "moments_of_the_frame_before": "tiny",
}
"""Fault to a short sequence that shows it: not every one does, and some faults raise the score of some sequences."""

FIGURES = {
    "docs/add-a-method.md": r"on demo, where `copy-first` has [\d.]+ and `lwl-lite` ([\d.]+)\. ",
    "docs/training.md": r"On the demo J&F is ([\d.]+)\.\s",
    "README.md": r"\| `lwl-lite` \| mask, box \|(?:[^|]*\|){3} ([\d.]+) \|",
}
"""Where a page says what `lwl-lite` scores on the demo."""

OPEN_FIGURES = {
    ("lwl-lite-open", "docs/training.md"): r"\| demo \| 11 \| ([\d.]+) \|",
    ("lwl-lite-open", "README.md"): r"\| `lwl-lite \(lwl-lite-open\)` \| mask \|(?:[^|]*\|){3} ([\d.]+) \|",
}
"""Weights and page, where it says what these score on the demo."""

Judge = Callable[..., int]


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    """Run a method on the demo, or on sequences of it, and return the exit code of comparing it with its record."""

    def run_and_compare(method: str, sequences: str | None = None, *, weights: str | None = None) -> int:
        out, chosen = tmp_path / method, [] if sequences is None else ["--sequences", sequences]
        given = [] if weights is None else ["--weights", weights]
        assert main(["run", method, "--dataset", "demo", *chosen, *given, "--out", str(out)]) == 0
        files = ["--junit", str(tmp_path / "junit.xml"), "--summary", str(tmp_path / "summary.md")]
        options = [*chosen, "--fail-on", "changed", *TOLERANCE, *files]
        return main(["compare", str(BASELINES / (weights or method)), str(out), *options])

    return run_and_compare


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BASELINES.parent / "fakes"))
    return importlib.import_module("planted")


@pytest.mark.parametrize("name", ["lwl-lite", "lwl-lite-open"])
def test_the_record_is_of_the_weights_that_ship(name: str) -> None:
    weights = load_run(BASELINES / name).record.method.weights
    assert weights is not None
    assert weights.name == name
    assert [weights.sha256] == [each.sha256 for each in registry.method("lwl-lite").weights if each.name == name]


def test_the_scores_of_lwl_lite_on_the_whole_demo_are_those_of_the_committed_record(judge: Judge) -> None:
    assert len(load_run(BASELINES / "lwl-lite").sequence_records) == 11
    assert judge("lwl-lite") == 0


def test_the_scores_of_the_freely_licensed_weights_are_those_of_the_committed_record(judge: Judge) -> None:
    assert len(load_run(BASELINES / "lwl-lite-open").sequence_records) == 11
    assert judge("lwl-lite", SEQUENCES, weights="lwl-lite-open") == 0


def test_the_scores_of_flow_warp_are_those_of_the_committed_record(judge: Judge) -> None:
    assert judge("flow-warp", SEQUENCES) == 0


@pytest.mark.parametrize("fault", HARNESS)
def test_a_fault_in_the_harness_is_caught(
    judge: Judge, planted: ModuleType, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    getattr(planted, fault)(monkeypatch)
    assert judge("flow-warp", SEQUENCES) == 1


@pytest.mark.parametrize(("fault", "sequence"), LWL.items())
def test_a_fault_in_the_method_is_caught(
    judge: Judge, planted: ModuleType, fault: str, sequence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    getattr(planted, fault)(monkeypatch)
    assert judge("lwl-lite", sequence) == 1


@pytest.mark.parametrize(("weights", "page"), [*(("lwl-lite", page) for page in FIGURES), *OPEN_FIGURES])
def test_a_figure_of_the_documents_is_that_of_the_committed_record(weights: str, page: str) -> None:
    pattern = FIGURES[page] if weights == "lwl-lite" else OPEN_FIGURES[weights, page]
    (found,) = re.findall(pattern, (BASELINES.parents[1] / page).read_text(encoding="utf-8"))
    record = load_run(BASELINES / weights).record
    assert record.counts.scored == record.counts.selected == 11
    digits = len(found.partition(".")[2])
    assert found == f"{record.scores['J&F'] * (1 if found.startswith('0.') else 100):.{digits}f}"


@pytest.mark.parametrize("page", ["README.md", "docs/methods.md", "docs/ablation.md"])
def test_a_figure_of_one_seed_stands_beside_the_mean_of_the_three_that_are_recorded(
    page: str, results: Callable[[str], Path]
) -> None:
    folder = results("ablation-lite") / "table1" / "weight-predictor"
    found = [100 * load_run(folder / f"seed{seed}" / "run").record.scores["J&F"] for seed in range(3)]
    text = (BASELINES.parents[1] / page).read_text(encoding="utf-8")
    assert f"{found[0]:.1f}" in text
    assert f"{mean(found):.1f} ± {stdev(found):.1f}" in text


@pytest.mark.parametrize("method", ["osvos-lite", "stm-lite"])
def test_the_rivals_of_lwl_lite_score_what_the_page_of_methods_says(
    method: str, results: Callable[[str], Path]
) -> None:
    scores = load_run(results("lite-rivals") / method / "run").record.scores
    text = (BASELINES.parents[1] / "docs/methods.md").read_text(encoding="utf-8")
    (row,) = [line for line in text.splitlines() if line.startswith(f"| `{method}` | ") and line.count("|") == 8]
    found = [cell.strip() for cell in row.split("|")][3:7]
    assert found == [f"{100 * scores[name]:.1f}" for name in ("J&F", "J", "F", "J_decay")]
