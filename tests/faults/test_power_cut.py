"""After a power cut at any moment, what was finished is there, and the same command makes the rest.

The disk is a fake that forgets what was not synced; benchmarks/faults.py cuts the power of more and longer commands.
"""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from vos_bench.errors import BadInputError
from vos_bench.files import replacing, write_text
from vos_bench.labelmaps import read_label_map, require_whole, write_label_map
from vos_bench.records import RunRecord, load_run, read_record
from vos_bench.running.run import RunSettings, run_method
from vos_bench.scoring.record import score

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="the fake disk looks into /proc")

CUTS = (False, True)


@pytest.fixture
def power(works: ModuleType) -> ModuleType:  # noqa: ARG001 (puts the fakes on the path)
    import power  # type: ignore[import-not-found]

    found: ModuleType = power
    return found


@pytest.fixture
def settings(fake_vos: ModuleType, tmp_path: Path) -> RunSettings:
    (tmp_path / "disk").mkdir()
    specs = {name: fake_vos.Spec(length=2) for name in ("a", "b")}
    return RunSettings(
        method=fake_vos.info("Drift"),
        dataset=fake_vos.FakeDataset(specs),
        out=tmp_path / "disk" / "runs" / "r",
        device="cpu",
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".locks" not in path.parts
    }


def results(folder: Path) -> dict[str, bytes]:
    return {
        name: data
        for name, data in contents(folder).items()
        if name.startswith(("masks", "probabilities", "objects", "frames"))
    }


def finished(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("sequences/*.json")):
        try:
            if json.loads(path.read_text("utf-8"))["status"] == "done":
                yield path.stem
        except ValueError:
            continue


def test_a_run_that_has_ended_is_whole_after_a_cut(power: ModuleType, settings: RunSettings, tmp_path: Path) -> None:
    with power.Disk(tmp_path / "disk").watched() as disk:
        run = run_method(replace(settings, save_probabilities=True))
    left = disk.after_a_cut(disk.moments[-1], tmp_path / "left", names_kept=False)
    assert contents(left / "runs" / "r") == contents(run.folder)


@pytest.mark.parametrize("names_kept", CUTS)
def test_a_run_goes_on_after_a_cut_at_any_moment_and_no_record_vouches_for_label_maps_that_are_gone(
    power: ModuleType, settings: RunSettings, tmp_path: Path, names_kept: bool
) -> None:
    with power.Disk(tmp_path / "disk").watched() as disk:
        whole = results(run_method(settings).folder)
    assert len(disk.moments) > 20
    kept = 0
    for left in disk.after_cuts(tmp_path / "left", names_kept=names_kept):
        out = left / "runs" / "r"
        names = tuple(finished(out))
        assert len(names) >= kept, "what was finished earlier is gone later"
        kept = len(names)
        for name in names:
            assert {path: data for path, data in whole.items() if f"/{name}/" in path}.items() <= contents(out).items()
        again = run_method(replace(settings, out=out))
        assert (again.record.status, results(again.folder)) == ("complete", whole)
    assert kept == 2


@pytest.mark.parametrize("names_kept", CUTS)
def test_a_run_that_replaces_another_leaves_no_mixture_after_a_cut(
    power: ModuleType, settings: RunSettings, tmp_path: Path, names_kept: bool
) -> None:
    assert settings.out is not None
    run_method(settings)
    changed = replace(settings, seed=1, overwrite="always")
    with power.Disk(tmp_path / "disk").watched() as disk:
        whole = results(run_method(changed).folder)
    for left in disk.after_cuts(tmp_path / "left", names_kept=names_kept):
        out = left / "runs" / "r"
        assert results(run_method(replace(changed, out=out)).folder) == whole


@pytest.mark.parametrize("names_kept", CUTS)
def test_a_scoring_that_says_complete_has_all_its_sequences_after_a_cut(
    power: ModuleType, works: ModuleType, tmp_path: Path, names_kept: bool
) -> None:
    truth, masks = works.make_label_maps(tmp_path, sequences=3)
    (tmp_path / "disk").mkdir()
    out = tmp_path / "disk" / "out"
    score(masks, truth=truth, out=out)
    write_label_map(masks / "s0" / "00000.png", read_label_map(truth / "s0" / "00000.png"))
    with power.Disk(tmp_path / "disk").watched() as disk:
        whole = score(masks, truth=truth, out=out)
    for disk_left in disk.after_cuts(tmp_path / "left", names_kept=names_kept):
        left = disk_left / "out"
        if read_record(RunRecord, left / "run.json").status == "complete":
            assert len(load_run(left).sequence_records) == 3
        again = score(masks, truth=truth, out=left)
        assert (again.record.status, results(again.folder)) == ("complete", results(whole.folder))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:-20]),
    "zeros at its end": lambda path: path.write_bytes(path.read_bytes()[:-12] + bytes(12)),
    "zeros in the middle": lambda path: path.write_bytes(path.read_bytes()[:60] + bytes(4) + path.read_bytes()[64:]),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path)),
    "a link that leads nowhere": lambda path: (path.unlink(), path.symlink_to("nowhere")),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_label_map_is_not_taken_over(settings: RunSettings, damage: str) -> None:
    run = run_method(settings)
    whole = results(run.folder)
    path = run.folder / "masks" / "a" / "00001.png"
    DAMAGES[damage](path)
    with pytest.raises(BadInputError):
        require_whole(path)
    assert results(run_method(settings).folder) == whole


def test_who_syncs_later_pays_nothing_now(power: ModuleType, tmp_path: Path) -> None:
    with power.Disk(tmp_path).watched() as disk:
        with replacing(tmp_path / "file", durable=False) as part:
            part.write_text("x")
        assert len(disk.moments) == 1
        write_text(tmp_path / "file", "y")
    assert (
        disk.after_a_cut(disk.moments[-1], tmp_path.with_name("left"), names_kept=False).joinpath("file").read_text()
        == "y"
    )
