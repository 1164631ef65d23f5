"""The report `reproduction`: whether a run has the published score of its method."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vos_bench.api import ReportOptions
from vos_bench.cli import main
from vos_bench.datasets import lvos, mose, sav, vost, youtube_vos
from vos_bench.datasets.manifest import read_manifests
from vos_bench.records import ExternalScores, MethodEntry, ProtocolEntry, Run, WeightsEntry
from vos_bench.reports import reproduction
from vos_bench.reports.page.site import write_page
from vos_bench.reports.published import Published, load, select
from vos_bench.reports.reproduction import BENCHMARKS, SEQUENCES, counterparts, make_table, sentences, verdict
from vos_bench.tables import render

MakeRun = Callable[..., Run]


def row_of(method: str, dataset: str, split: str = "val", score: str = "J&F", **wanted: Any) -> Published:
    found = [
        row
        for row in select(dataset, split=split)
        if row.method == method and score in row.percent and all(getattr(row, key) == x for key, x in wanted.items())
    ]
    return found[0]


def run_of(
    make_run: MakeRun,
    method: str,
    scores: dict[str, float],
    *,
    dataset: tuple[str, str] = ("davis17", "val"),
    weights: str = "",
    scored: int | None = None,
    protocol: Any = None,
    config: dict[str, Any] | None = None,
) -> Run:
    """A whole run of a split with these scores, in percent."""
    run = make_run({"a": (0.5, 0.5)})
    record = run.record
    count = SEQUENCES[dataset] if scored is None else scored
    entry = WeightsEntry(name=weights, file=f"{weights}.pth", sha256="0" * 64) if weights else None
    record = record.replace(
        dataset=record.dataset.replace(name=dataset[0], split=dataset[1]),
        scores={**record.scores, **{name: value / 100 for name, value in scores.items()}},
    ).replace(
        method=MethodEntry(name=method, weights=entry, config=config or {}),
        protocol=protocol or ProtocolEntry(name="davis", init="mask", frames_seen="all"),
        counts=record.counts.replace(selected=count, done=count, scored=count),
    )
    return replace(run, record=record)


def lines(run: Run, score: str = "J&F") -> dict[tuple[str, str], str]:
    """Published name and training to the verdict on a score."""
    rows = make_table([run]).rows
    found = (row for row in rows if row["score"] == score)
    return {(row.get("published as", ""), row.get("training", "")): row["verdict"] for row in found}


def test_a_score_that_rounds_to_the_published_one_is_within_rounding() -> None:
    row = row_of("LWL", "DAVIS 2017", setting="extra-data")
    printed = row.percent["J&F"]
    assert verdict(printed + 0.05, row, "J&F") == "within rounding"
    assert verdict(printed - 0.05, row, "J&F") == "within rounding"
    assert verdict(printed + 0.06, row, "J&F") == "off by +0.06"
    assert verdict(printed - 1.2, row, "J&F") == "off by -1.20"


def test_what_is_printed_to_more_or_fewer_digits_is_rounded_so() -> None:
    two = row_of("CRW", "DAVIS 2017")
    assert two.percent["J&F"] == 67.61
    assert verdict(67.615, two, "J&F") == "within rounding"
    assert verdict(67.65, two, "J&F") == "off by +0.04"
    averaged = row_of("OSVOS", "DAVIS 2017", percent={"J&F": 60.25, "J": 56.6, "F": 63.9})
    assert verdict(60.29, averaged, "J&F") == "within rounding", "J and F are known to a tenth, and so is their mean"
    (whole,) = [row for row in load() if row.method == "sam2.1 (checkpoint not named)"]
    assert whole.rounding("J&F") == 0.5


def test_between_what_sources_print_of_one_system_is_within_the_doubt() -> None:
    rows = select("LVOS v2")
    row = next(each for each in rows if each.method == "SAM2.1-L" and each.system == "SAM 2.1-L")
    assert verdict(82.0, row, "J&F", rows) == "within the doubt (79.6 to 84.1)"
    assert verdict(85.0, row, "J&F", rows).startswith("off by +")
    assert verdict(85.0, row, "J&F", rows).endswith(", and the figure is doubtful")


def test_a_doubt_names_figures_and_not_every_number_in_it_is_one() -> None:
    doubted = {
        row.method: reproduction.doubtful_figures(row, score)
        for row in select("DAVIS 2017")
        for score in row.doubts
        if "sources differ" not in row.doubts[score][0]
    }
    assert doubted["VideoMatch"] == {62.35, 56.5, 61.4}
    assert doubted["OnAVOS"] == {67.85}, "J 61.6 and F 69.1 are no J&F"
    assert doubted["AGAME"] == {71.05, 70.0}, "67.2/72.7 are J and F"


def test_every_published_score_is_within_rounding_of_itself_and_no_doubt_is_endless() -> None:
    for row in load():
        for score, printed in row.percent.items():
            assert verdict(printed, row, score) == "within rounding"
            figures = reproduction.doubtful_figures(row, score, select(row.dataset, split=row.split))
            assert max(figures) - min(figures) <= 2 * reproduction.NEAR


def test_a_run_of_a_method_has_a_line_for_each_row_and_score(make_run: MakeRun) -> None:
    run = run_of(make_run, "lwl", {"J&F": 81.6, "J": 79.1, "F": 84.5}, weights="lwl", config={"crop_size": [480, 832]})
    table = make_table([run])
    assert {row["published as"] for row in table.rows} == {"LWL"}
    found = {(row["training"], row["score"]): row for row in table.rows}
    assert found["Additional training data", "J&F"]["verdict"] == "within rounding"
    assert found["Additional training data", "F"]["verdict"] == "off by +0.40"
    assert found["Additional training data", "F"]["difference"] == pytest.approx(0.4)
    first = table.rows[0]
    assert first["settings"] == "all frames seen; crop_size 480 x 832; float32 on cpu; weights lwl (sha256 00000000)"
    assert any("LWL paper" in note for note in first["notes"])
    assert any("Table 3" in note or "LWL" in note for note in first["notes"])


def test_a_difference_that_rounds_to_zero_has_no_sign(make_run: MakeRun) -> None:
    printed = row_of("LWL", "DAVIS 2017", setting="extra-data").percent["J&F"]
    table = make_table([run_of(make_run, "lwl", {"J&F": printed - 0.001})])
    assert table.rows[0]["difference"] < 0
    assert "-0.00" not in render(table, "markdown")


def test_the_methods_known_deviations_are_told(make_run: MakeRun) -> None:
    run = run_of(make_run, "sam2-hf", {"J&F": 90.0}, weights="sam2.1-large")
    (note, *_) = [each for each in make_table([run]).rows[0]["notes"] if each.startswith("known to differ")]
    assert "float32 unless --amp bf16 is given" in note


@pytest.mark.parametrize(
    ("method", "weights", "dataset", "published"),
    [
        ("lwl-lite", "lwl-lite", "DAVIS 2017", set()),
        ("mine", "stm", "DAVIS 2017", set()),
        ("lwl", "untrained", "DAVIS 2017", set()),
        ("siammask", "", "DAVIS 2016", {"SiamMask"}),
        ("sam2-hf", "sam2.1-base-plus", "SA-V", {"SAM 2.1-B+"}),
        ("sam2.1", "sam2.1_hiera_large.pt", "SA-V", {"SAM 2.1-L"}),
        ("edgetam-hf", "edgetam", "SA-V", {"EdgeTAM"}),
        ("aot", "r50-aotl", "YouTube-VOS 2019", {"R50-AOTL", "R50-AOTL (all frames)"}),
        ("premvos", "", "DAVIS 2017", {"PreMVOS", "PReMVOS"}),
    ],
)
def test_a_methods_rows_are_found_by_its_name_or_that_of_its_weights(
    method: str, weights: str, dataset: str, published: set[str]
) -> None:
    entry = WeightsEntry(name=weights, file=weights, sha256="0" * 64) if weights else None
    found = counterparts(MethodEntry(name=method, weights=entry), select(dataset))
    assert {row.system for row in found} == published


def test_what_cannot_be_judged_says_so_in_place_of_a_verdict(make_run: MakeRun) -> None:
    scores = {"J&F": 81.6}
    (said,) = {*lines(run_of(make_run, "lwl", scores, scored=3)).values()}
    assert said == "not comparable: the run has scores of 3 sequences, the split 30"
    other = ProtocolEntry(name="all-frames", init="mask", frames_seen="all")
    (said,) = {*lines(run_of(make_run, "lwl", scores, protocol=other)).values()}
    assert said == "not comparable: the run is judged by the protocol all-frames, the row by davis"
    (said,) = lines(run_of(make_run, "lwl-lite", scores)).values()
    assert said == "nothing is published under this name"
    (said,) = lines(run_of(make_run, "lwl", scores, weights="untrained")).values()
    assert said == "nothing is published of random parameters"
    (said,) = lines(make_run({"a": (0.5, 0.5)})).values()
    assert said == "nothing is published on these data"
    assert all(row.get("difference") is None for row in make_table([make_run({"a": (0.5, 0.5)})]).rows)


def test_runs_from_boxes_are_held_against_rows_from_boxes(make_run: MakeRun) -> None:
    boxes = ProtocolEntry(name="davis", init="box", frames_seen="all")
    found = lines(run_of(make_run, "lwl", {"J&F": 70.8}, weights="lwl-box", protocol=boxes))
    assert {training for _, training in found} == {"Started from boxes"}
    assert [*found.values()] == ["within rounding"]


def test_label_maps_of_others_are_held_against_what_there_is(make_run: MakeRun) -> None:
    unknown = ProtocolEntry(name="davis")
    imported = run_of(make_run, "siammask", {"J&F": 70.0}, dataset=("davis16", "val"), protocol=unknown)
    assert {training for _, training in lines(imported)} == {"Started from boxes"}
    both = run_of(make_run, "lwl", {"J&F": 81.6}, protocol=unknown)
    assert "Started from boxes" not in {training for _, training in lines(both)}


def test_near_names_and_another_start_are_told(make_run: MakeRun) -> None:
    masks = ProtocolEntry(name="davis", init="mask", frames_seen="all")
    (said,) = lines(run_of(make_run, "stm", {"J&F": 89.4}, dataset=("davis16", "val"), protocol=masks)).values()
    assert said == "nothing is published under this name; near to it: STM (static+DAVIS), STM (+YV)"
    (said,) = lines(run_of(make_run, "siammask", {"J&F": 70.0}, dataset=("davis16", "val"), protocol=masks)).values()
    assert said == "nothing is published under this name for this start; masks and boxes are not compared"


def test_all_frames_and_annotated_frames_are_told_apart_where_both_are_published(make_run: MakeRun) -> None:
    def judged(seen: Any, G: float) -> dict[str, str]:
        protocol = ProtocolEntry(name="ytvos", init="mask", frames_seen=seen)
        run = run_of(
            make_run, "aot", {"G": G}, dataset=("ytvos19", "valid"), weights="r50-aotl", protocol=protocol, scored=0
        )
        server = ExternalScores(server="CodaLab", date="2026-11-29", scores={"G": G / 100})
        record = run.record.replace(scores={}, scored=False, external=(server,))
        return {name: said for (name, _), said in lines(replace(run, record=record), "G").items()}

    assert judged("all", 85.3) == {
        "R50-AOTL": "not comparable: the run saw all frames, the row annotated frames",
        "R50-AOTL (all frames)": "within rounding",
    }
    assert judged("annotated", 84.5)["R50-AOTL"] == "off by +0.10"
    assert judged("annotated", 84.5)["R50-AOTL (all frames)"].startswith("not comparable")


def test_a_note_says_what_all_frames_made_of_published_systems(make_run: MakeRun) -> None:
    protocol = ProtocolEntry(name="ytvos", init="mask", frames_seen="all")
    run = run_of(make_run, "lwl", {"G": 81.0}, dataset=("ytvos19", "valid"), protocol=protocol)
    (note,) = [each for each in make_table([run]).notes if each.startswith("All frames in place")]
    assert "R50-AOTL +0.9" in note
    assert "AOTT +0.9" in note


def test_seeds_share_a_line_with_their_spread(make_run: MakeRun) -> None:
    runs = [run_of(make_run, "lwl", {"J&F": value}) for value in (81.0, 82.0)]
    for seed, run in enumerate(runs):
        numerics = run.record.numerics
        assert numerics is not None
        record = run.record.replace(numerics=numerics.replace(seed=seed))
        runs[seed] = replace(run, record=record)
    row = next(row for row in make_table(runs).rows if row["score"] == "J&F")
    assert row["run"] == pytest.approx(0.815)
    assert row["run ±"] == pytest.approx(0.00707, abs=1e-5)


def test_the_sizes_of_the_splits_are_those_of_the_datasets() -> None:
    known = {("davis16", name): each.sequences for name, each in read_manifests("davis16").items()}
    known |= {("davis17", name): each.sequences for name, each in read_manifests("davis17").items()}
    known |= {(f"ytvos{year[2:]}", "valid"): each.valid for year, each in youtube_vos.RELEASES.items()}
    for releases in (mose.RELEASES, lvos.RELEASES, sav.Sav.releases, vost.Vost.releases):
        known |= {(name, split): count for name, splits in releases.items() for split, count in splits.items()}
    for key, count in SEQUENCES.items():
        assert known[key] == count, key
    assert {(each.dataset, each.split) for each in BENCHMARKS} - {*SEQUENCES} == {("mosev2", "test")}


def test_runs_of_other_sequences_change_nothing_and_sequences_are_not_chosen(
    make_run: MakeRun, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = run_of(make_run, "lwl", {"J&F": 81.6}, weights="lwl")
    part = run_of(make_run, "lwl", {"J&F": 50.0}, weights="lwl", scored=3)
    data = part.record.dataset.replace(sequences=("a", "b"))
    part = replace(part, record=part.record.replace(dataset=data))
    said = [row["verdict"] for row in make_table([whole, part]).rows if row["score"] == "J&F"]
    assert len(said) == 4
    assert said.count("within rounding") == 1
    assert sum(each.startswith("not comparable: the run has scores of 3 sequences") for each in said) == 2
    assert main(["report", "reproduction", "--sequences", "a"]) == 2
    assert "takes no --sequences" in capsys.readouterr().err


def test_a_runs_page_says_whether_its_published_figure_is_reproduced(make_run: MakeRun, tmp_path: Path) -> None:
    run = run_of(make_run, "lwl", {"J&F": 81.6}, weights="lwl")
    said = sentences(run)
    assert said[0] == ("Published as LWL (additional training data): J&F 81.6; this run 81.60: within rounding.")
    assert said[1].endswith("this run 81.60: off by +7.30.")
    other = replace(make_run({"a": (0.5, 0.5)}), folder=tmp_path / "other")
    assert sentences(other) == []
    write_page([replace(run, folder=tmp_path / "run"), other], ReportOptions(out=tmp_path / "site", root=tmp_path))
    pages = [(tmp_path / "site" / f"run-00{number}.html").read_text() for number in (1, 2)]
    assert sorted(page.count("Published as LWL") for page in pages) == [0, 2]
