"""`vos_bench.run`, as Python code calls it."""

from pathlib import Path
from types import ModuleType

import pytest

import vos_bench
from vos_bench.errors import BadInputError
from vos_bench.records import load_run


def test_a_run_is_what_was_written_and_resumes(tmp_path: Path, fake_vos: ModuleType):
    data = fake_vos.FakeDataset({"a": fake_vos.Spec(), "b": fake_vos.Spec()})
    first = vos_bench.run(fake_vos.info("Drift"), data, sequences=["a"], device="cpu", out=str(tmp_path / "out"))
    assert [*first.sequence_records] == ["a"]
    both = vos_bench.run(fake_vos.info("Drift"), data, device="cpu", out=tmp_path / "out")
    assert both.sequence_records["a"] == first.sequence_records["a"]
    found = load_run(both.folder)
    assert (found.record, found.sequence_records) == (both.record, both.sequence_records)
    assert both.record.command == ""


def test_names_and_settings_are_taken_as_the_command_takes_them(tmp_path: Path):
    run = vos_bench.run("ridge", "demo", sequences="tiny", settings={"reach": 3}, device="cpu", out=tmp_path)
    assert run.record.method.config["reach"] == 3
    assert run.record.method.config_as_passed == ("reach=3",)
    assert [*run.sequence_records] == ["tiny"]


def test_an_open_dataset_has_its_root_already(tmp_path: Path, fake_vos: ModuleType):
    data = fake_vos.FakeDataset({"a": fake_vos.Spec()})
    with pytest.raises(BadInputError, match="found root or split beside an open dataset"):
        vos_bench.run(fake_vos.info("Drift"), data, root=tmp_path)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"init": "masks"}, r"init='masks': expected one of 'mask', 'box'"),
        ({"frames": "every"}, r"frames='every': expected one of 'all', 'annotated'"),
        ({"protocol": "coco"}, "there is no protocol 'coco'"),
        ({"overwrite": True}, r"overwrite=True: expected one of 'only-missing'"),
        ({"seed": -1}, r"seed=-1: expected a whole number from 0"),
        ({"engine": "slurm"}, r"--engine slurm: expected local, dask://"),
        ({"sequences": ["z"]}, r"--sequences z: there is none of this name"),
    ],
)
def test_a_misspelt_argument_is_refused_before_anything_is_written(
    tmp_path: Path, fake_vos: ModuleType, argument: dict, message: str
):
    data = fake_vos.FakeDataset({"a": fake_vos.Spec()})
    with pytest.raises(BadInputError, match=message):
        vos_bench.run(fake_vos.info("Drift"), data, out=tmp_path / "out", **argument)
    assert not (tmp_path / "out").exists()
