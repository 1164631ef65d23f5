"""Who is at work in a folder."""

from pathlib import Path

import pytest

from vos_bench.errors import BadInputError
from vos_bench.files.locks import FolderBusyError, FolderLock


@pytest.mark.parametrize("shard", [None, (1, 2)])
def test_a_folder_is_held_as_long_as_a_run_or_a_shard_is_at_work(tmp_path: Path, shard: tuple[int, int] | None) -> None:
    looking = FolderLock(tmp_path / "out", shard=None)
    with FolderLock(tmp_path / "out", shard=shard).held():
        assert looking.is_held()
    assert not looking.is_held()


def test_looking_makes_nothing(tmp_path: Path) -> None:
    assert not FolderLock(tmp_path / "out", shard=None).is_held()
    assert not list(tmp_path.iterdir())


def test_a_busy_folder_is_told_from_one_that_cannot_be_written(tmp_path: Path) -> None:
    with (
        FolderLock(tmp_path, shard=None).held(),
        pytest.raises(FolderBusyError, match="another run is at work"),
        FolderLock(tmp_path, shard=None).held(patience_seconds=0.1),
    ):
        pass
    (tmp_path / "file").touch()
    with pytest.raises(BadInputError) as found, FolderLock(tmp_path / "file" / "out", shard=None).held():
        pass
    assert not isinstance(found.value, FolderBusyError)
