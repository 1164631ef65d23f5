import os
from pathlib import Path

import pytest

from vos_bench.errors import BadInputError
from vos_bench.files import read_bytes, read_ends, reading, require_regular, sha256


def test_the_hash_is_that_of_the_content(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert sha256(tmp_path / "empty") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_pipe_has_no_hash_and_nobody_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadInputError, match="cannot be read: it is a device or a pipe; expected a file"):
        sha256(tmp_path / "pipe")


def test_a_file_that_is_larger_than_asked_for_has_no_hash(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"1234")
    with pytest.raises(BadInputError, match="it has 4 bytes, more than the 3 that are read"):
        sha256(tmp_path / "file", most=3)
    assert read_ends(tmp_path / "file", most=4, head=3, tail=2) == (4, b"123", b"34")


@pytest.mark.parametrize("name", ["absent", "."])
def test_what_has_no_hash_is_one_message(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInputError, match=r"cannot be read: .*; expected a file"):
        sha256(tmp_path / name)


@pytest.mark.parametrize("had", [0, 1, 5, 6, 7, 5_000_000])
def test_a_file_is_read_whole_whatever_its_size_was_a_moment_ago(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, had: int
) -> None:
    def looked(path: Path, *, most: int) -> int:
        require_regular(path, most=most)
        return had

    monkeypatch.setattr(reading, "require_regular", looked)
    for content in (b"", b"123456", bytes(range(256)) * 10_000):
        (tmp_path / "file").write_bytes(content)
        assert read_bytes(tmp_path / "file", most=1 << 30) == content


@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="no files that do not tell their size")
def test_a_file_that_does_not_tell_its_size_is_read_whole() -> None:
    assert read_bytes(Path("/proc/self/maps"), most=1 << 20).count(b"\n") > 9
