"""`vos_bench.score` from Python: the same record as the command's, and little behind it."""

import inspect
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from python_processes import run_python

import vos_bench
from vos_bench.cli import main
from vos_bench.errors import BadInputError
from vos_bench.metrics import protocols
from vos_bench.metrics.measures import region_similarity
from vos_bench.progress import Progress
from vos_bench.records.run import Run, load_run
from vos_bench.scoring.record import score

Blobs = Callable[..., list[NDArray[np.uint16]]]
SLOW = (
    *("pandas", "joblib", "torch", "numba", "scipy", "cv2", "skimage", "matplotlib", "PIL"),
    *("cyclopts", "attr", "psutil", "statistics", "asyncio", "concurrent.futures", "multiprocessing", "tomllib"),
    *("pydantic", "importlib.metadata", "email", "json", "rich", "vos_bench.tables.html", "vos_bench.tables.latex"),
    *("vos_bench.plugins", "vos_bench.registry", "vos_bench.commands.app", "vos_bench.commands.catalogue"),
)
"""What a scoring of label maps has no use for. Each takes a hundredth of the time of a small one, or far more."""


@pytest.fixture
def data(tmp_path: Path, blobs: Blobs, write: Callable[[Path, Sequence[NDArray[np.uint16]]], Path]) -> Path:
    for name in "ab":
        write(tmp_path / "truth" / name, blobs([1, 2]))
        write(tmp_path / "masks" / name, blobs([1, 2], seed=1))
    return tmp_path


def test_scoring_returns_the_run_that_it_wrote(data: Path) -> None:
    run = score(data / "masks", truth=data / "truth", protocol="davis", out=data / "out")
    assert run.folder == data / "out"
    assert run.record.scores == run.scores
    assert run.record.kind == "score"
    again = load_run(data / "out")
    assert (again.record, dict(again.sequence_records)) == (run.record, dict(run.sequence_records))


def test_some_sequences_with_text_for_paths_and_a_listener(data: Path) -> None:
    class Counting(Progress):
        total = 0

        def counting(self, what: str, total: int):  # type: ignore[no-untyped-def]
            self.total = total
            return super().counting(what, total)

    progress = Counting()
    run = score(f"{data}/masks", truth=f"{data}/truth", sequences=["b"], out=f"{data}/out", progress=progress)
    assert [*run.sequence_records] == ["b"]
    assert progress.total == 1


def test_nothing_to_score_against_is_refused(data: Path) -> None:
    with pytest.raises(BadInputError, match="neither --dataset nor --truth"):
        score(data / "masks")
    with pytest.raises(BadInputError, match="expected 1 or more"):
        score(data / "masks", truth=data / "truth", jobs=0)


class Told(Progress):
    """Keeps what is said of an earlier result."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def resumed(self, message: str) -> None:
        self.said.append(message)


def again(data: Path, truth: str = "truth") -> tuple[Run, list[str]]:
    """Score into the same folder, and return the run with what is said."""
    told = Told()
    return score(data / "masks", truth=data / truth, protocol="davis", out=data / "out", progress=told), told.said


def changed(folder: Path, **fields: object) -> None:
    path = folder / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | fields), "utf-8")


def test_a_damaged_earlier_record_is_replaced_and_named(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, said = again(data)
    assert said == []
    assert again(data)[1] == [], "a whole one is replaced without a word"
    changed(data / "out", scores="none")
    second, said = again(data)
    (message,) = said
    assert message.startswith(f"{data / 'out' / 'run.json'}: is damaged or no record: ")
    assert message.endswith("; this scoring replaces it")
    assert second.scores == run.scores
    changed(data / "out", scores="none")
    arguments = ["score", str(data / "masks"), "--truth", str(data / "truth"), "--out", str(data / "out")]
    assert main(arguments) == 0
    assert capsys.readouterr().err == f"{message}\n"


def test_a_record_of_a_newer_vos_bench_is_not_replaced(data: Path) -> None:
    again(data)
    changed(data / "out", schema_version=99)
    kept = (data / "out/run.json").read_bytes()
    with pytest.raises(BadInputError, match=r"has the form 99, .*; install a newer vos-bench$"):
        again(data)
    assert (data / "out/run.json").read_bytes() == kept


def test_scores_that_were_typed_in_survive_another_scoring(data: Path) -> None:
    again(data)
    server = [{"server": "CodaLab", "date": "2026-11-29", "scores": {"J&F": 0.8}}]
    changed(data / "out", external=server)
    run, said = again(data)
    assert run.record.external == load_run(data / "out").record.external != ()
    assert said == [
        f"{data / 'out'}: keeps the scores that a server gave (vos-bench record); where the label "
        "maps have changed since, record them anew"
    ]
    shutil.copytree(data / "truth", data / "other")
    shutil.copy(data / "masks/a/00002.png", data / "other/a/00002.png")
    kept = (data / "out/run.json").read_bytes()
    with pytest.raises(BadInputError, match=r"holds scores of a server, typed in by hand, .*lost \(dataset.*finger"):
        again(data, "other")
    assert (data / "out/run.json").read_bytes() == kept
    changed(data / "out", scores="none")
    with pytest.raises(BadInputError, match=r"typed in by hand, which would be lost \(is damaged\)"):
        again(data)


def test_the_command_loads_nothing_slow(data: Path) -> None:
    arguments = ["score", str(data / "masks"), "--truth", str(data / "truth"), "--out", str(data / "out")]
    program = (
        f"import sys; from vos_bench.cli import main; assert main({arguments!r}) == 0\n"
        f"print([name for name in {SLOW!r} if name in sys.modules])"
    )
    assert run_python("-c", program).stdout.splitlines()[-1] == "[]"


def test_few_files_lie_between_the_front_door_and_the_formula_of_j(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader follows the calls from `vos_bench.score`."""
    stacks: list[list[str]] = []

    def recorded(*areas: NDArray[np.int64]) -> NDArray[np.float64]:
        stacks.append([frame.filename for frame in inspect.stack()])
        return region_similarity(*areas)

    recording = protocols.DAVIS._replace(region=protocols.Rule("recorded", recorded))
    monkeypatch.setitem(protocols.PROTOCOLS, "davis", recording)  # type: ignore[arg-type]
    vos_bench.score(data / "masks", truth=data / "truth", out=data / "out")
    root = Path(vos_bench.__file__).parent
    files = {Path(file) for file in stacks[0] if Path(file).is_relative_to(root)}
    files |= {root / "__init__.py", Path(protocols.__file__), Path(str(inspect.getsourcefile(region_similarity)))}
    assert len(files) <= 8, sorted(files)


def test_a_protocol_may_ignore_ids_that_no_object_has(
    data: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path, Sequence[NDArray[np.uint16]]], Path]
) -> None:
    frames = [np.full((10, 10), k, np.uint16) for k in (1, 1, 1)]
    write(data / "truth" / "c", frames)
    write(data / "masks" / "c", [each * 9 for each in frames])
    refused = vos_bench.score(data / "masks", truth=data / "truth", sequences=["c"], out=data / "out")
    assert "found id 9" in refused.sequence_records["c"].error
    assert refused.record.protocol.rules["unknown ids"] == "refused"
    monkeypatch.setitem(protocols.PROTOCOLS, "davis", protocols.DAVIS._replace(unknown_ids="ignored"))  # type: ignore[arg-type]
    ignored = vos_bench.score(data / "masks", truth=data / "truth", sequences=["c"], out=data / "out")
    assert ignored.scores["J"] == 0
    assert ignored.record.protocol.rules["unknown ids"] == "ignored"
