"""The files of a run: what they hold, how they are read, which runs are the same."""

import csv
import gzip
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields

from vos_bench.environment import MachineState
from vos_bench.errors import BadInputError
from vos_bench.records import (
    AblationEntry,
    BenchEntry,
    DatasetEntry,
    ExternalScores,
    FrameScores,
    Numerics,
    ObjectRecord,
    Run,
    RunRecord,
    SequenceRecord,
    config8,
    default_out,
    differences,
    find_runs,
    load_run,
    read_record,
    run_file,
    sequence_file,
    write_record,
)
from vos_bench.records.csv import write_tables
from vos_bench.records.summary import run_scores, write_summary
from vos_bench.timing import FrameTimings

AWKWARD = (0.1 + 0.2, 1 / 3, 5e-324, 0.0, 1.0)


def scores(*values: float, object_id: int = 1, group: str = "") -> ObjectRecord:
    frames = FrameScores(frame=tuple(f"{i:05d}" for i in range(len(values))), J=values, F=values)
    mean = sum(values) / len(values)
    return ObjectRecord(
        object=object_id,
        group=group,
        J=mean,
        J_recall=1,
        J_decay=-0.25,
        F=mean,
        F_recall=0,
        F_decay=0,
        per_frame=frames,
    )


def save(folder: Path, run: Run) -> Path:
    for name, sequence in run.sequence_records.items():
        write_record(sequence, sequence_file(folder, name))
    write_record(run.record, run_file(folder))
    return folder


@pytest.fixture
def run(make_run: Callable[..., Run]) -> Run:
    return make_run({"a": (0.5, 0.75), "b": None})


def test_a_run_reads_back_as_it_was_written(run: Run, tmp_path: Path):
    folder = save(tmp_path / "run", run)
    for path in (folder, run_file(folder)):
        found = load_run(path)
        assert (found.folder, found.record, dict(found.sequence_records)) == (
            folder,
            run.record,
            dict(run.sequence_records),
        )


@given(st.floats(min_value=-1, max_value=1))
def test_every_score_keeps_its_last_bit(value: float):
    record = SequenceRecord(name="a", status="done", scores=(scores(value),))
    assert SequenceRecord.from_json(record.to_json().encode()) == record


@pytest.mark.parametrize("value", [math.nan, math.inf, 1.5, -1.5])
def test_what_is_no_fraction_is_no_score(value: float):
    with pytest.raises(ValueError, match=r"J is .*, expected a fraction from -1 to 1"):
        scores(value)
    text = FrameScores(frame=("0",), J=(value,), F=(0.0,)).to_json()
    with pytest.raises(ValueError, match=r"J\[0\]: Expected `float`.*, found (null|-?1\.5)$"):
        FrameScores.from_json(text.encode())


def test_json_has_indentation_and_ends_with_a_line_break(run: Run, tmp_path: Path):
    text = run_file(save(tmp_path, run)).read_text(encoding="utf-8")
    assert text.startswith('{\n  "schema_version": 1,\n')
    assert text.endswith("}\n")


def test_runs_are_found_below_a_folder_each_once(run: Run, tmp_path: Path):
    first, second = (save(tmp_path / "runs" / name, run) for name in ("x", "deep/er/y"))
    found = find_runs([tmp_path / "runs", first, run_file(second)])
    assert [each.folder for each in found.runs] == [second, first]
    assert found.problems == ()


def test_a_run_that_does_not_load_becomes_a_problem(run: Run, tmp_path: Path):
    save(tmp_path / "good", run)
    run_file(save(tmp_path / "bad", run)).write_bytes(b"")
    found = find_runs([tmp_path, tmp_path / "none"])
    assert [each.folder.name for each in found.runs] == ["good"]
    assert len(found.problems) == 2
    assert "bad/run.json: is damaged" in found.problems[0]
    assert "none: holds no run.json, nor does any folder in it" in found.problems[1]


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../a", "a\\b", "a\0"])
def test_a_sequence_name_never_leaves_the_folder(name: str):
    with pytest.raises(BadInputError, match="cannot be a file name"):
        sequence_file(Path("out"), name)


def test_a_runs_folder_is_named_by_what_makes_it_that_run(make_run: Callable[..., Run]):
    record = make_run({"a": (1, 1)}).record
    later = record.replace(created="2027-01-01T00:00:00Z", scores={}, command="x", status="failed")
    assert default_out(record) == Path("runs/demo/mine") / config8(record)
    assert config8(later) == config8(record) == "cbcdef75"
    assert differences(record, later) == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 1}, "seed: 0 and 1"),
        ({"amp": "fp16"}, "amp: off and fp16"),
        ({"method": "other"}, "method: mine and other"),
        ({"fingerprint": "0"}, f"dataset fingerprint: {'f' * 64} and 0"),
    ],
)
def test_each_part_of_the_identity_changes_the_folder_and_is_named(
    make_run: Callable[..., Run], change: dict, message: str
):
    first, second = make_run({"a": (1, 1)}).record, make_run({"a": (1, 1)}, **change).record
    assert config8(first) != config8(second)
    assert differences(first, second) == (message,)


def test_a_configuration_differs_field_by_field(make_run: Callable[..., Run]):
    record = make_run({"a": (1, 1)}).record

    def configured(config: dict) -> RunRecord:
        return record.replace(method=record.method.replace(config=config))

    first = configured({"memory": {"size": 8, "every": 5}, "new": 1})
    second = configured({"memory": {"size": 9, "every": 5}})
    assert differences(first, second) == ("config.memory.size: 8 and 9", "config.new: 1 and nothing")


def test_tables_hold_every_bit_and_the_named_columns(run: Run, tmp_path: Path):
    timings = FrameTimings(
        frame=("00000", "00001"),
        objects=(1, 2),
        phase=("init", "step"),
        decode_ms=(1.5, None),
        stream_ms=(0.1 + 0.2, 3.0),
        model_ms=(None, None),
        write_ms=(4.0, 5.0),
    )
    done = SequenceRecord(name="a", status="done", scores=(scores(*AWKWARD, object_id=7),), timings=timings)
    failed = SequenceRecord(name="b", status="failed", error='said "no", then\nleft')
    folder = save(tmp_path, Run(tmp_path, run.record, {"a": done, "b": failed}))
    write_tables(folder, [done, failed])
    text = {"dtype": {"frame": str}}
    sequences = pd.read_csv(folder / "sequences.csv")
    assert list(sequences) == ["sequence", "frames", "objects", "seconds", "peak_mib", "status", "error"]
    assert sequences["error"][1] == failed.error
    objects = pd.read_csv(folder / "objects.csv")
    assert list(objects) == ["sequence", "object", "group", "J", "J_recall", "J_decay", "F", "F_recall", "F_decay"]
    frames = pd.read_csv(folder / "frames.csv.gz", dtype=str)
    assert list(frames) == ["sequence", "object", "frame", "J", "F"]
    assert tuple(map(float, frames["J"])) == AWKWARD
    assert list(frames["frame"]) == ["00000", "00001", "00002", "00003", "00004"]
    timing = pd.read_csv(folder / "timing.csv.gz", **text)
    assert list(timing) == [
        "sequence",
        "frame",
        "objects",
        "phase",
        "repeat",
        "decode_ms",
        "stream_ms",
        "model_ms",
        "write_ms",
    ]
    assert timing["stream_ms"][0] == 0.1 + 0.2
    assert timing["repeat"].tolist() == [1, 1]
    assert timing["decode_ms"].isna().tolist() == [False, True]


def test_tables_without_scores_have_their_headings(tmp_path: Path):
    write_tables(tmp_path, [])
    assert (tmp_path / "objects.csv").read_text("utf-8") == (
        "sequence,object,group,J,J_recall,J_decay,F,F_recall,F_decay\n"
    )


def test_equal_scores_give_equal_bytes_at_any_hour(run: Run, tmp_path: Path):
    write_tables(tmp_path, run.sequence_records.values())
    before = (tmp_path / "frames.csv.gz").read_bytes()
    (tmp_path / "frames.csv.gz").unlink()
    write_tables(tmp_path, run.sequence_records.values())
    assert (tmp_path / "frames.csv.gz").read_bytes() == before
    assert before[4:8] == bytes(4)  # the hour in gzip's header
    assert gzip.decompress(before).startswith(b"sequence,object,frame,J,F\n")


def test_tables_follow_the_order_of_the_data_and_then_that_of_names(make_run: Callable[..., Run], tmp_path: Path):
    run = make_run(dict.fromkeys("cbade", (1, 1)))
    save(tmp_path, run)
    sequences = ("c", "b", "a")
    write_summary(
        tmp_path,
        run.record.replace(dataset=DatasetEntry(name="demo", fingerprint="f", sequences=sequences)),
    )
    assert list(pd.read_csv(tmp_path / "sequences.csv")["sequence"]) == ["c", "b", "a", "d", "e"]


def test_a_run_is_started_until_every_sequence_has_ended(make_run: Callable[..., Run], tmp_path: Path):
    run = make_run({"a": (0.5, 1.0), "b": (1.0, 1.0)})
    write_record(run.sequence_records["a"], sequence_file(tmp_path, "a"))
    half = write_summary(tmp_path, run.record).record
    assert (half.status, half.finished, half.dataset.frames) == ("started", None, None)
    assert half.scores["J"] == 0.5
    assert half.notes == ("the scores are means over 1 of 2 sequences",)
    write_record(run.sequence_records["b"], sequence_file(tmp_path, "b"))
    whole = write_summary(tmp_path, run.record).record
    assert (whole.status, whole.scores["J"], whole.scores["J&F"]) == ("complete", 0.75, 0.875)
    assert (whole.dataset.frames, whole.notes) == (6, ())
    assert whole.finished is not None
    assert read_record(RunRecord, run_file(tmp_path)) == whole


def test_only_files_of_sequences_that_are_not_at_hand_are_read(make_run: Callable[..., Run], tmp_path: Path):
    run = make_run({"a": (0.5, 1.0), "b": (1.0, 1.0)})
    save(tmp_path, run)
    read = write_summary(tmp_path, run.record)
    sequence_file(tmp_path, "a").write_text("damaged", "utf-8")
    known = write_summary(tmp_path, run.record, [run.sequence_records["a"]])
    assert known.record.scores == read.record.scores
    assert list(known.sequence_records.items()) == list(read.sequence_records.items())
    with pytest.raises(BadInputError, match=r"a\.json: is damaged"):
        write_summary(tmp_path, run.record, [run.sequence_records["b"]])


def test_a_summary_keeps_all_that_it_does_not_compute(make_run: Callable[..., Run], tmp_path: Path):
    before = make_run({"a": (0.5, 1.0)}).record.replace(
        kind="score",
        command="vos-bench score",
        numerics=Numerics(seed=3),
        external=(ExternalScores(server="S", date="2020-01-01", scores={"G": 0.5}),),
        memory_definition="resident",
        ablation=AblationEntry(method="m", scale="lite", variants=()),
        bench=BenchEntry(
            warm_up_seconds=1,
            passes=(1,),
            start=MachineState(),
            end=MachineState(),
            processor_seconds=1,
            share_of_others=0,
            label_maps_sha256="0",
        ),
    )
    after = write_summary(tmp_path, before).record
    computed = {"status", "finished", "counts", "scored", "scores", "timing", "notes"}
    untouched = {*RunRecord.__struct_fields__} - computed
    assert {name: getattr(after, name) for name in untouched} == {name: getattr(before, name) for name in untouched}
    defaults = {
        each.name for each in fields(RunRecord) if each.name in untouched and getattr(before, each.name) == each.default
    }
    assert defaults == {"schema_version"}, "give every field another value than its default"


def test_a_failed_sequence_makes_the_run_failed(run: Run, tmp_path: Path):
    save(tmp_path, run)
    record = write_summary(tmp_path, run.record).record
    assert (record.status, record.counts.done, record.counts.failed) == ("failed", 1, 1)
    assert record.scored


def test_a_run_without_scores_has_none(make_run: Callable[..., Run], tmp_path: Path):
    run = make_run({"a": None})
    save(tmp_path, run)
    record = write_summary(tmp_path, run.record).record
    assert (record.scored, record.scores) == (False, {})


def test_sequences_of_different_versions_are_noted(make_run: Callable[..., Run], tmp_path: Path):
    run = make_run({"a": (1, 1), "b": (1, 1)})
    for name, version in (("a", "vos-bench 1"), ("b", "vos-bench 2")):
        write_record(run.sequence_records[name].replace(software=version), sequence_file(tmp_path, name))
    assert write_summary(tmp_path, run.record).record.notes == (
        "sequences were made by different versions: vos-bench 1, vos-bench 2",
    )


def test_scores_are_means_over_objects():
    assert run_scores([scores(1.0), scores(0.0, 0.0, 0.0)])["J"] == 0.5


def test_seen_and_unseen_objects_give_the_four_means_and_g():
    found = run_scores([scores(1.0, group="seen"), scores(0.5, group="seen"), scores(0.25, group="unseen")])
    assert (found["J_seen"], found["F_seen"], found["J_unseen"], found["F_unseen"]) == (0.75, 0.75, 0.25, 0.25)
    assert found["G"] == 0.5
    assert "G" not in run_scores([scores(1.0, group="seen")])


def test_no_object_gives_no_score():
    with pytest.raises(BadInputError, match="found no object to score"):
        run_scores([])


def test_numbers_and_texts_of_numpy_are_written_as_plain_ones(tmp_path: Path):
    path = tmp_path / "a.json"
    made: Any = SequenceRecord(
        name=np.str_("a"), status="done", frames=np.int64(3), seconds=np.float64(0.5), peak_mib=np.float32(0.25)
    )
    write_record(made, path)
    assert read_record(SequenceRecord, path) == SequenceRecord(
        name="a", status="done", frames=3, seconds=0.5, peak_mib=0.25
    )
    assert made.to_data()["frames"] == 3


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ({"seconds": math.nan}, "seconds: Expected `float`, found null"),
        ({"data_notes": {"a": 1}}, "data_notes.*: Expected `str`, got `int`"),
        ({"notes": (Path("a"),)}, "found PosixPath, expected a text or a number"),
    ],
)
def test_what_could_not_be_read_again_is_not_written(tmp_path: Path, odd: Any, said: str):
    path = tmp_path / "a.json"
    with pytest.raises(BadInputError, match=rf"a\.json: cannot be written: {said}.*expected texts and finite numbers"):
        write_record(SequenceRecord(name="a", status="done", **odd), path)
    assert not path.exists()


def test_a_record_that_no_file_can_hold_is_one_message(run: Run, tmp_path: Path):
    dataset = run.record.dataset.replace(name="a\udcff")
    with pytest.raises(BadInputError, match=r"run\.json: cannot be written: .*expected names and texts"):
        write_record(run.record.replace(dataset=dataset), run_file(tmp_path))
    assert not run_file(tmp_path).exists()


def test_a_cell_of_the_tables_is_no_formula(make_run: Callable[..., Run], tmp_path: Path):
    write_tables(tmp_path, make_run({"=1+1": (0.5, 0.5)}).sequence_records.values())
    assert [row["sequence"] for row in csv.DictReader((tmp_path / "objects.csv").read_text().splitlines())] == ["'=1+1"]
