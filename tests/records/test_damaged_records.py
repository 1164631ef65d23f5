"""Damaged files of a run: each is named, with what is wrong in it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vos_bench.errors import BadInputError
from vos_bench.records import Run, load_run, run_file, sequence_file, write_record


@pytest.fixture
def folder(make_run: Callable[..., Run], tmp_path: Path) -> Path:
    """The folder of a run with the sequence `a`, which has scores, and `b`, which failed."""
    run = make_run({"a": (0.5, 0.75), "b": None})
    for name, sequence in run.sequence_records.items():
        write_record(sequence, sequence_file(tmp_path, name))
    write_record(run.record, run_file(tmp_path))
    return tmp_path


def change(file: Path, how: Callable[[Any], object]) -> None:
    content = json.loads(file.read_text("utf-8"))
    how(content)
    file.write_text(json.dumps(content), encoding="utf-8")


@pytest.mark.parametrize("damage", [b"", b"{", b"[1, 2]", b"\x00\xff", b'{"schema_version": 1}'])
@pytest.mark.parametrize("file", ["run.json", "sequences/a.json"])
def test_a_damaged_file_is_named(folder: Path, damage: bytes, file: str) -> None:
    (folder / file).write_bytes(damage)
    with pytest.raises(BadInputError, match=f"{file}: is damaged or no record"):
        load_run(folder)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (lambda record: record.update(status="odd"), "status: found 'odd', expected one of complete, failed, started"),
        (lambda record: record["protocol"].update(init="odd"), "protocol.init: found 'odd', expected one of box, mask"),
    ],
)
def test_a_word_that_may_not_stand_there_is_told_with_those_that_may(
    folder: Path, how: Callable[[Any], object], said: str
) -> None:
    change(run_file(folder), how)
    with pytest.raises(BadInputError, match=f"is damaged or no record: {said}; restore it"):
        load_run(folder)


def test_an_unknown_field_is_damage(folder: Path) -> None:
    change(run_file(folder), lambda record: record.update(mood="good"))
    with pytest.raises(BadInputError, match="Object contains unknown field `mood`"):
        load_run(folder)


def test_a_newer_form_asks_for_a_newer_version(folder: Path) -> None:
    change(run_file(folder), lambda record: record.update(schema_version=2))
    with pytest.raises(BadInputError, match="has the form 2, and this vos-bench reads up to 1; install a newer"):
        load_run(folder)


def test_a_folder_without_a_record_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"run\.json: cannot be read: No such file.*expected a folder that"):
        load_run(tmp_path)


def test_columns_of_different_lengths_are_damage(folder: Path) -> None:
    change(sequence_file(folder, "a"), lambda record: record["scores"][0]["per_frame"]["J"].append(0.5))
    with pytest.raises(BadInputError, match=r"columns of different lengths \(frame 1, J 2, F 1\)"):
        load_run(folder)


def test_a_record_under_the_name_of_another_sequence_is_damage(folder: Path) -> None:
    sequence_file(folder, "a").rename(sequence_file(folder, "other"))
    with pytest.raises(BadInputError, match=r"other\.json: is damaged: found .* sequence 'a'"):
        load_run(folder)


def test_an_object_that_is_scored_twice_is_damage(folder: Path) -> None:
    change(sequence_file(folder, "a"), lambda record: record["scores"].append(record["scores"][0]))
    with pytest.raises(BadInputError, match=r"is damaged: found an object twice among .*, expected each once"):
        load_run(folder)


@pytest.mark.parametrize("name", ["../../../../secret", "a/b", "", "a\0"])
def test_a_frame_that_is_no_name_of_a_file_is_damage(folder: Path, name: str) -> None:
    change(sequence_file(folder, "a"), lambda record: record["scores"][0]["per_frame"]["frame"].__setitem__(0, name))
    with pytest.raises(BadInputError, match=r"is damaged: found the frame .*, which is no name of a file"):
        load_run(folder)


@pytest.mark.parametrize("missing", ["J&F", "F_decay"])
def test_a_run_that_is_scored_has_all_scores(folder: Path, missing: str) -> None:
    change(run_file(folder), lambda record: record["scores"].pop(missing))
    with pytest.raises(BadInputError, match=f"is damaged or no record: .*there is no {missing}"):
        load_run(folder)


@pytest.mark.parametrize(
    "time", ["", "2026", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00+02:00", "\x01", "x" * 20]
)
@pytest.mark.parametrize("field", ["created", "finished"])
def test_what_is_no_time_in_utc_is_damage(folder: Path, field: str, time: str) -> None:
    change(run_file(folder), lambda record: record.update({field: time}))
    with pytest.raises(BadInputError, match=f"is damaged or no record: {field}"):
        load_run(folder)
