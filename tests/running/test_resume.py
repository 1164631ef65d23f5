"""Going on where a run stopped, and refusing to mix."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from vos_bench.errors import BadInputError
from vos_bench.files.locks import FolderLock
from vos_bench.progress import Progress
from vos_bench.records import SequenceRecord, load_run, masks_folder, sequence_file
from vos_bench.running.run import RunSettings, run_method


class Names(Progress):
    """Hears which sequences ran."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.skipped = 0
        self.said = ""

    def resumed(self, message: str) -> None:
        self.said = message

    def run_started(self, sequences: tuple[str, ...], finished: int, work: Callable[[str], float]) -> None:  # noqa: ARG002
        self.skipped = finished

    def sequence_finished(self, record: SequenceRecord) -> None:
        self.ran.append(record.name)


def ran(settings: RunSettings) -> list[str]:
    names = Names()
    run_method(settings, progress=names)
    return names.ran


@pytest.fixture
def settings(fake_vos: ModuleType, tmp_path: Path) -> RunSettings:
    specs = {name: fake_vos.Spec(length=3) for name in ("a", "b", "c")}
    return RunSettings(
        method=fake_vos.info("Drift"), dataset=fake_vos.FakeDataset(specs), out=tmp_path / "out", device="cpu"
    )


def files(out: Path) -> dict[str, bytes]:
    """Everything in a run's folder that does not tell the time."""
    found = {}
    for path in sorted(path for path in out.rglob("*") if path.is_file()):
        name = str(path.relative_to(out))
        if name.startswith("masks/") or name in {"objects.csv", "frames.csv.gz"}:
            found[name] = path.read_bytes()
    return found


def test_finished_sequences_are_skipped(settings: RunSettings):
    assert ran(replace(settings, sequences=("b",))) == ["b"]
    names = Names()
    record = run_method(settings, progress=names).record
    assert (names.ran, names.skipped) == (["a", "c"], 1)
    assert record.status == "complete"
    assert ran(settings) == []


def test_a_run_with_nothing_to_do_keeps_the_record(settings: RunSettings):
    first = run_method(settings).record
    second = run_method(settings).record
    assert second.replace(finished=first.finished) == first


def test_a_choice_of_sequences_does_not_forget_the_others(settings: RunSettings):
    run_method(settings)
    record = run_method(replace(settings, sequences=("b",), overwrite="always")).record
    assert record.dataset.sequences == ("a", "b", "c")
    assert record.status == "complete"


def test_a_part_of_a_run_is_not_complete_until_all_is_there(settings: RunSettings):
    record = run_method(replace(settings, shard=(1, 2))).record
    assert (record.status, record.finished) == ("started", None)
    assert run_method(replace(settings, shard=(2, 2))).record.status == "complete"


def test_a_sequence_without_its_masks_is_run_again(settings: RunSettings):
    run_method(settings)
    (masks_folder(settings.out, "b") / "00001.png").unlink()
    shutil.rmtree(masks_folder(settings.out, "c"))
    assert ran(settings) == ["b", "c"]


def test_a_damaged_sequence_file_is_run_again(settings: RunSettings):
    run_method(settings)
    path = sequence_file(settings.out, "b")
    path.write_bytes(path.read_bytes()[:100])
    assert ran(settings) == ["b"]


def test_a_sequence_under_the_name_of_another_is_run_again(settings: RunSettings):
    run_method(settings)
    shutil.copy(sequence_file(settings.out, "a"), sequence_file(settings.out, "b"))
    assert ran(settings) == ["b"]


def test_a_damaged_record_is_named_and_not_overwritten(settings: RunSettings):
    run_method(settings)
    path = settings.out / "run.json"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(BadInputError, match=r"run\.json: is damaged .* delete it and run the same command again"):
        run_method(settings)
    path.unlink()
    assert ran(settings) == []


def test_failed_sequences_are_tried_again(fake_vos: ModuleType, settings: RunSettings):
    specs = {"well": fake_vos.Spec(), "sick": fake_vos.Spec(fault="sick")}
    sick = replace(settings, method=fake_vos.info("Raises"), dataset=fake_vos.FakeDataset(specs))
    assert run_method(sick).record.status == "failed"
    assert ran(sick) == ["sick"]
    mended = fake_vos.FakeDataset({name: fake_vos.Spec() for name in specs})
    assert ran(replace(sick, dataset=mended)) == ["sick"]
    record = load_run(settings.out)
    assert record.record.status == "complete"
    assert record.sequence_records["sick"].error == ""


def test_overwrite_always_runs_everything_again_with_equal_results(settings: RunSettings):
    run_method(settings)
    before = files(settings.out)
    (masks_folder(settings.out, "a") / "stale.png").touch()
    assert ran(replace(settings, overwrite="always")) == ["a", "b", "c"]
    assert files(settings.out) == before


def test_overwrite_never_refuses_what_is_there(settings: RunSettings):
    never = replace(settings, overwrite="never")
    assert ran(never) == ["a", "b", "c"]
    with pytest.raises(BadInputError, match="3 of 3 sequences found there already, such as a, and --overwrite never"):
        run_method(never)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"overrides": ("reach=1",)}, r"config\.reach: 2 and 1"),
        ({"overrides": ("nested.depth=5",)}, r"config\.nested\.depth: 1 and 5"),
        ({"seed": 4}, "seed: 0 and 4"),
        ({"init": "box"}, "init: mask and box"),
        ({"frames": "annotated"}, "frames: all and annotated"),
        ({"amp": "bf16"}, "amp: off and bf16"),
    ],
)
def test_another_configuration_in_the_same_folder_is_refused(settings: RunSettings, change: dict, message: str):
    run_method(settings)
    before = files(settings.out)
    with pytest.raises(BadInputError, match=f"(?s)holds another run.*\n  {message}\n.*Give another --out"):
        run_method(replace(settings, **change))
    assert files(settings.out) == before


def test_sequences_that_are_taken_over_are_counted(settings: RunSettings):
    names = Names()
    run_method(settings, progress=names)
    assert names.said == ""
    run_method(settings, progress=names)
    assert "3 of the sequences were finished before and are taken over as they are; --overwrite always" in names.said


@pytest.mark.parametrize("change", ["sequence", "package"])
def test_sequences_of_other_software_are_taken_over_with_a_warning(settings: RunSettings, change: str):
    run_method(settings)
    path = sequence_file(settings.out, "b") if change == "sequence" else settings.out / "run.json"
    record = json.loads(path.read_text())
    if change == "sequence":
        record["software"] = "vos-bench 0.0"
    else:
        record["environment"]["packages"]["numpy"] = "0.9"
    path.write_text(json.dumps(record))
    names = Names()
    run_method(settings, progress=names)
    found = "vos-bench 0.0, now vos-bench " if change == "sequence" else "numpy 0.9, now "
    assert f"WARNING: other software made them ({found}" in names.said


@pytest.mark.parametrize("change", [{"overrides": ("reach=1",)}, {"seed": 4}, {"init": "box"}])
def test_overwrite_always_takes_the_place_of_another_run_of_the_same_method(settings: RunSettings, change: dict):
    run_method(settings)
    (masks_folder(settings.out, "b") / "stale.png").touch()
    changed = replace(settings, overwrite="always", **change)
    assert ran(changed) == ["a", "b", "c"]
    assert not (masks_folder(settings.out, "b") / "stale.png").exists()
    assert ran(replace(changed, overwrite="only-missing")) == []


def test_overwrite_always_removes_nothing_that_it_would_not_make_again(settings: RunSettings):
    run_method(settings)
    before = files(settings.out)
    changed = replace(settings, overwrite="always", seed=4)
    for change in ({"sequences": ("b",)}, {"shard": (1, 2)}):
        with pytest.raises(BadInputError, match="holds another run"):
            run_method(replace(changed, **change))
    record = json.loads((settings.out / "run.json").read_text())
    record["external"] = [{"server": "codalab", "date": "2026-01-01", "scores": {"G": 0.5}}]
    (settings.out / "run.json").write_text(json.dumps(record))
    with pytest.raises(BadInputError, match="holds another run"):
        run_method(changed)
    assert files(settings.out) == before


def test_other_data_in_the_same_folder_is_refused(fake_vos: ModuleType, settings: RunSettings):
    run_method(settings)
    other = fake_vos.FakeDataset(settings.dataset.specs, fingerprint="1" * 64)
    with pytest.raises(BadInputError, match=f"dataset fingerprint: {'0' * 64} and {'1' * 64}"):
        run_method(replace(settings, dataset=other))


def test_other_weights_in_the_same_folder_are_refused(settings: RunSettings, tmp_path: Path):
    weights = tmp_path / "weights.pth"
    weights.write_bytes(b"one")
    run_method(replace(settings, weights=weights))
    weights.write_bytes(b"two")
    with pytest.raises(BadInputError, match="weights: "):
        run_method(replace(settings, weights=weights))


def test_another_method_in_the_same_folder_is_refused(fake_vos: ModuleType, settings: RunSettings):
    run_method(settings)
    with pytest.raises(BadInputError, match="method: drift and slow"):
        run_method(replace(settings, method=fake_vos.info("Slow")))


def test_a_sequence_copied_from_another_run_is_refused(settings: RunSettings, tmp_path: Path):
    other = replace(settings, out=tmp_path / "other", seed=1)
    run_method(settings)
    run_method(other)
    shutil.copy(sequence_file(other.out, "a"), sequence_file(settings.out, "a"))
    with pytest.raises(BadInputError, match=r"(?s)a\.json: was made by the run .* take it out of this folder"):
        run_method(settings)


def test_a_folder_with_other_files_is_refused(settings: RunSettings):
    settings.out.mkdir()
    (settings.out / "holiday.jpg").touch()
    with pytest.raises(BadInputError, match=r"found holiday\.jpg and no run\.json"):
        run_method(settings)


def test_a_record_of_another_kind_is_refused(settings: RunSettings):
    run_method(settings)
    path = settings.out / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"kind": "score"}), encoding="utf-8")
    with pytest.raises(BadInputError, match="holds a record of the kind score"):
        run_method(settings)


def test_another_protocol_scores_the_label_maps_again_without_running(settings: RunSettings):
    run_method(settings)
    before = {path: path.stat().st_mtime_ns for path in settings.out.glob("masks/*/*")}
    record = run_method(replace(settings, protocol="davis")).record
    assert record.protocol.name == "davis"
    sequence = load_run(settings.out).sequence_records["a"]
    assert sequence.scores[0].per_frame.frame == ("00001",)
    assert len(sequence.timings.frame) == 3
    assert {path: path.stat().st_mtime_ns for path in settings.out.glob("masks/*/*")} == before


def test_half_written_files_of_a_killed_run_are_swept_away_but_not_those_of_other_shards(settings: RunSettings):
    run_method(replace(settings, sequences=("a",)))
    parts = [settings.out / "run.json.77.part", settings.out / "sequences" / "b.json.77.part"]
    for part in parts:
        part.touch()
    run_method(replace(settings, shard=(1, 2)))
    assert all(part.exists() for part in parts)
    run_method(settings)
    assert not any(part.exists() for part in parts)


def test_external_scores_survive_a_resumed_run(settings: RunSettings):
    run_method(settings)
    path = settings.out / "run.json"
    external = {"server": "codabench", "date": "2026-01-01", "scores": {"G": 0.8}}
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"external": [external]}), encoding="utf-8")
    record = run_method(settings).record
    assert record.external[0].scores == {"G": 0.8}


def test_shards_merged_by_copying_equal_one_run(settings: RunSettings, tmp_path: Path):
    run_method(settings)
    merged = tmp_path / "merged"
    for index in (1, 2):
        shard = replace(settings, out=tmp_path / f"shard{index}", shard=(index, 2))
        run_method(shard)
        for part in ("sequences", "masks"):
            shutil.copytree(shard.out / part, merged / part, dirs_exist_ok=True)
    whole = replace(settings, out=merged)
    assert ran(whole) == []
    assert files(merged) == files(settings.out)
    record = load_run(merged).record
    assert record.status == "complete"
    assert record.timing is not None
    assert record.timing.fps is None
    assert record.scores == load_run(settings.out).record.scores


def test_shards_may_share_a_folder(settings: RunSettings, tmp_path: Path):
    run_method(settings)
    for index in (2, 1):
        run_method(replace(settings, out=tmp_path / "both", shard=(index, 2)))
    assert files(tmp_path / "both") == files(settings.out)


def test_more_shards_than_sequences_leave_some_idle(settings: RunSettings):
    assert ran(replace(settings, shard=(5, 5))) == []
    assert ran(replace(settings, shard=(1, 5))) == ["a"]


@pytest.mark.parametrize(
    ("held", "wanted"), [(None, None), (None, (1, 2)), ((1, 2), None), ((1, 2), (1, 2)), ((1, 2), (1, 3))]
)
def test_a_folder_in_use_is_refused(
    settings: RunSettings, monkeypatch: pytest.MonkeyPatch, held: tuple | None, wanted: tuple | None
):
    monkeypatch.setattr("vos_bench.files.locks.PATIENCE_SECONDS", 0.1)
    with (
        FolderLock(settings.out, shard=held).held(),
        pytest.raises(BadInputError, match="another run is at work in this folder"),
    ):
        run_method(replace(settings, shard=wanted))
    assert len(ran(replace(settings, shard=wanted))) > 0


def test_different_shards_may_work_at_once(settings: RunSettings):
    with FolderLock(settings.out, shard=(1, 2)).held():
        assert ran(replace(settings, shard=(2, 2))) == ["b"]


def test_tables_and_masks_of_a_name_that_leaves_the_folder_are_refused(fake_vos: ModuleType, settings: RunSettings):
    dataset = fake_vos.FakeDataset({"../up": fake_vos.Spec()})
    with pytest.raises(BadInputError, match=r"sequence '\.\./up': cannot be a file name"):
        run_method(replace(settings, dataset=dataset))
    assert not (settings.out.parent / "up").exists()
