"""What holds methods against the authors' code: it finds what differs, and refuses what proves nothing."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmark_scripts import load_script

ROOT = Path(__file__).resolve().parents[2]
CHECKOUTS = ROOT / "tests" / "fakes" / "checkouts"


@pytest.fixture(scope="module")
def peers() -> Any:
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import peers
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))
    return peers


@pytest.fixture
def call(peers: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Calls the script."""

    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["peers.py", "--frames", "4", *arguments])
        code: int = peers.main()
        return code

    return run


def test_an_adapter_is_compared_with_a_checkout_and_nothing_is_left_in_it(
    call: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout = Path(shutil.copytree(CHECKOUTS / "xmem", tmp_path / "XMem"))
    before = sorted(checkout.rglob("*"))
    assert call(f"XMem={checkout}", "--out", str(tmp_path / "peers.json")) == 0
    assert capsys.readouterr().out.count("equal  XMem / xmem") == 2
    assert sorted(checkout.rglob("*")) == before
    rows = json.loads((tmp_path / "peers.json").read_text())["rows"]
    assert [(row["clip"], row["compared"], row["differ"]) for row in rows] == [
        ("crossing", 3, 0),
        ("late-object", 2, 0),
    ]


def test_an_adapter_that_resizes_otherwise_is_found(
    call: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkout = Path(shutil.copytree(CHECKOUTS / "xmem", tmp_path / "XMem"))
    script = checkout / "eval.py"
    script.write_text(script.read_text().replace("InterpolationMode.BILINEAR", "InterpolationMode.BICUBIC"))
    assert call(f"XMem={checkout}") == 1
    assert "DIFFER XMem / xmem" in capsys.readouterr().out


def test_aot_reads_and_writes_in_a_folder_that_is_not_the_checkout(peers: Any, tmp_path: Path) -> None:
    checkout = Path(shutil.copytree(CHECKOUTS / "aot", tmp_path / "aot"))
    (tmp_path / "work").mkdir()
    before = sorted(checkout.rglob("*"))

    def stay(name: str, checkpoint: Path, clip: Any, **options: Any) -> list[Any]:
        assert (name, options) == ("aot", {"repository": str(checkout), "model": "r50_deaotl"})
        assert checkpoint.is_file()
        labels = sum(k * mask.astype(np.uint16) for k, mask in clip.prompts[0].items())
        return [labels] * len(clip.frames)

    clips = peers.make_clips(3)
    (row,) = peers.checkouts.compare("AOT", checkout, clips, tmp_path / "work", stay, seed=0)
    assert row.passed
    assert row.compared == 2
    assert sorted(checkout.rglob("*")) == before


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("XMem=/nowhere", r"XMem=/nowhere: there is no eval\.py in it; expected the folder of a checkout"),
        ("AOT=.", r"there is no tools/eval\.py in it"),
        ("RDE=.", r"RDE=.*: expected one of XMem, AOT"),
        ("stm", r"stm: expected sam2 or cutie, or the checkout of another system as NAME=FOLDER"),
    ],
)
def test_what_cannot_be_compared_gives_one_message(call: Callable[..., int], given: str, said: str) -> None:
    with pytest.raises(SystemExit, match=said):
        call(given)


def test_a_script_that_fails_is_quoted(call: Callable[..., int], tmp_path: Path) -> None:
    checkout = Path(shutil.copytree(CHECKOUTS / "xmem", tmp_path / "XMem"))
    (checkout / "eval.py").write_text("raise SystemExit('no hickle here')")
    with pytest.raises(SystemExit, match=r"eval\.py: ended with 1: .*no hickle here"):
        call(f"XMem={checkout}")


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_empty_and_full_masks_are_refused(peers: Any, share: float) -> None:
    (clip, _) = peers.make_clips(3)
    size = clip.frames[0].shape[:2]
    maps = [np.full(size, share, np.uint16)] * 3
    with pytest.raises(SystemExit, match="proves nothing: choose another --seed"):
        peers.compare_maps("a / b", clip, maps, maps)
    logits = {(frame, k): np.full(size, share - 0.5, np.float32) for frame in range(3) for k in (1, 2)}
    with pytest.raises(SystemExit, match="proves nothing: choose another --seed"):
        peers.compare_logits("a / b", clip, logits, logits)


def test_an_object_that_is_nowhere_is_refused(peers: Any) -> None:
    (clip, _) = peers.make_clips(3)
    maps = [np.where(np.arange(clip.frames[0].shape[1]) < 20, 1, 0) * np.ones(clip.frames[0].shape[:2], int)] * 3
    with pytest.raises(SystemExit, match="an object is nowhere"):
        peers.compare_maps("a / b", clip, maps, maps)


def test_logits_and_masks_have_a_tolerance_each(peers: Any) -> None:
    (clip, _) = peers.make_clips(3)
    size = clip.frames[0].shape[:2]
    sure = np.where(np.arange(size[0] * size[1]) % 2, 1, -1).astype(np.float32).reshape(size)
    sure[0, :20] = 2e-4
    theirs = {(frame, k): sure for frame in range(3) for k in (1, 2)}

    def flipped(logits: Any, count: int) -> Any:
        found = logits.copy()
        found[0, :count] *= -1
        return found

    def passed(change: Callable[[Any], Any]) -> bool:
        found: bool = peers.compare_logits(
            "a / b", clip, {key: change(each) for key, each in theirs.items()}, theirs
        ).passed
        return found

    assert passed(lambda each: each + np.float32(5e-4))
    assert not passed(lambda each: each + np.float32(2e-3))
    assert passed(lambda each: flipped(each, 10))
    assert not passed(lambda each: flipped(each, 11))


def test_the_table_of_the_page_is_that_of_the_record() -> None:
    """`python benchmarks/peers.py sam2 --frames 4 --side 1024 --out benchmarks/peers.json`."""
    rows = json.loads((ROOT / "benchmarks" / "peers.json").read_text(encoding="utf-8"))["rows"]
    page = (ROOT / "docs" / "external.md").read_text(encoding="utf-8")
    native = [row for row in rows if row["system"].endswith("sam2-hf")]
    masks, differ = (sum(row[key] for row in native) for key in ("compared", "differ"))
    worst, furthest = (max(row[key] for row in native) for key in ("worst", "logits"))
    assert all(row["passed"] for row in rows)
    equal = f"{masks - differ} equal, at most {worst} px of another differs" if differ else "all equal"
    assert f"| {masks} masks | {equal}; logits at most {furthest:.1e} apart |".replace("e-0", "e-") in page


def test_a_cell_of_the_table_of_speed_is_measured_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = load_script("systems_speed")
    monkeypatch.setattr(table, "SYSTEMS", {"copy-first": ("the first mask", ())})
    monkeypatch.setattr(table, "SIZE", "64x48")
    real = table._bench

    def bench(*cell: Any, frames: int, work: Path) -> tuple[str, float, float]:
        command, seconds, peak = real(*cell, frames=frames, work=work)
        assert seconds > 0
        return command, 0.1 * frames, peak

    monkeypatch.setattr(table, "_bench", bench)
    out = tmp_path / "speed.json"
    given = ["systems_speed.py", "--work", str(tmp_path), "--out", str(out), "--frames", "3"]
    monkeypatch.setattr(sys, "argv", [*given, "--cells", "copy-first:2"])
    table.main()
    (row,) = json.loads(out.read_text())["rows"]
    assert (row["objects"], row["frames"]) == (2, 3)
    assert row["cpu_ms"] == pytest.approx(100 / table.PASSES)
    assert row["peak_mib"] > 20
    monkeypatch.setattr(sys, "argv", given)
    table.main()
    rows = json.loads(out.read_text())["rows"]
    assert [each["objects"] for each in rows] == [2, 1, 4]
    assert rows[0] == row, "what is there is not measured again"
    assert table.table({"rows": rows})[-1].startswith("| `copy-first` | the first mask | ")
