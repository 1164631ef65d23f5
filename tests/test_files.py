from pathlib import Path

import pytest

from vos_bench.errors import BadInputError
from vos_bench.files import sha256


def test_the_hash_is_that_of_the_content(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert sha256(tmp_path / "empty") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("name", ["absent", "."])
def test_what_has_no_hash_is_one_message(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInputError, match=r"cannot be read: .*; expected a file"):
        sha256(tmp_path / name)
