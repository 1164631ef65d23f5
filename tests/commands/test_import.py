"""`vos-bench import`: published label maps become a record of results without a speed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from vos_bench import registry
from vos_bench.records import load_run

Call = Callable[..., int]
URL = "https://example.org/masks"


@pytest.fixture
def bring(call: Call, video: Path) -> Callable[..., int]:
    """Import the truth of the video as somebody's results."""

    def make(*more: object, method: str = "premvos", source: str = URL) -> int:
        data = ("--dataset", "folder", "--root", video)
        return call("import", video / "Annotations", "--method", method, *data, "--source", source, *more)

    return make


def test_the_record_is_marked_scored_and_has_no_speed(bring: Callable[..., int]) -> None:
    assert bring("--out", "out", "--json", "scores.json") == 0
    record = load_run(Path("out")).record
    assert (record.kind, record.method.name, record.status) == ("results-only", "premvos", "complete")
    assert record.scores["J&F"] == 1
    assert record.timing is None
    assert record.numerics is None
    assert (record.method.reference, record.method.licence) == (URL, "MIT; its flow network CC BY-NC-SA 4.0")
    assert any("results only" in note and URL in note for note in record.notes)
    assert any("first frames of all sequences" in note for note in record.notes)
    assert Path("scores.json").is_file()


def test_a_system_that_nobody_here_knows_keeps_its_name(bring: Callable[..., int]) -> None:
    assert bring("--licence", "CC0", "--out", "out", method="Ours-2") == 0
    method = load_run(Path("out")).record.method
    assert (method.name, method.licence) == ("Ours-2", "CC0")


def test_two_sources_are_two_records_and_the_same_one_again_is_one(bring: Callable[..., int]) -> None:
    for source in (URL, URL, URL + "/v2"):
        assert bring(source=source) == 0
    assert len(list(Path("runs/folder/premvos").iterdir())) == 2


def test_tables_name_the_origin_and_never_a_speed(
    bring: Callable[..., int], call: Call, video: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bring("--out", "out")
    assert "results only" in capsys.readouterr().out
    call("run", "copy-first", "--dataset", "folder", "--root", video, "--out", "run")
    capsys.readouterr()
    assert call("report", "runs", "out", "run") == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "premvos" in line]
    assert len(lines) == 1
    assert "results only" in lines[0]
    assert call("report", "speed", "out") == 0
    assert "premvos" not in capsys.readouterr().out


def test_compare_takes_its_scores_and_says_nothing_of_speed(
    bring: Callable[..., int], call: Call, video: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bring("--out", "out")
    call("run", "copy-first", "--dataset", "folder", "--root", video, "--out", "run")
    capsys.readouterr()
    assert call("compare", "out", "run") == 1
    printed = capsys.readouterr().out
    assert "worse" in printed
    assert "FPS" not in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"source": " "}, "--source: found nothing"),
        ({"method": "a/b"}, "--method a/b: expected letters"),
        ({"method": "../up"}, "--method ../up: expected letters"),
    ],
)
def test_what_cannot_be_is_one_message(
    bring: Callable[..., int], arguments: dict[str, str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bring("--out", "out", **arguments) == 2
    assert message in capsys.readouterr().err
    assert not Path("out").exists()


def test_another_record_is_not_replaced(
    bring: Callable[..., int], call: Call, video: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call("run", "copy-first", "--dataset", "folder", "--root", video, "--out", "run")
    assert bring("--out", "run") == 2
    assert "holds a record of the kind run" in capsys.readouterr().err
    assert bring("--out", "out") == 0
    assert bring("--out", "out", method="onavos") == 2
    assert "holds results of premvos, not of onavos" in capsys.readouterr().err
    call("score", video / "Annotations", "--dataset", "folder", "--root", video, "--out", "out")
    assert "holds a record of the kind results-only" in capsys.readouterr().err


def test_masks_that_do_not_fit_are_refused_before_scoring(call: Call, video: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    data = ("--dataset", "folder", "--root", video)
    code = call("import", tmp_path / "empty", "--method", "premvos", *data, "--source", URL, "--out", "out")
    assert code == 2
    assert not Path("out").exists()


def test_every_known_system_has_published_scores() -> None:
    from vos_bench.reports.published import load

    names = {row.method for row in load()}
    assert {system.published for system in registry.known_systems().values()} <= names


@pytest.mark.parametrize("name", ["premvos", "onavos", "siam-rcnn", "feelvos", "s2s"])
def test_the_systems_of_the_paper_are_known(name: str) -> None:
    system = registry.known_systems()[name]
    rows = {"siam-rcnn": "published only", "s2s": "published only", "feelvos": "results-only, verified"}
    assert system.row == rows.get(name, "results-only")
