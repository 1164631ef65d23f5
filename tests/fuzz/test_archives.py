"""Hostile zips and addresses: unpacked into their folder whole and right, or refused with nothing written."""

import json
import warnings
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hostile.archives import Zip, zips
from hostile.outcome import Refused, outcome
from hostile.plan import fuzz
from hostile.texts import NAMES, json_bytes, names
from hypothesis import strategies as st

from vos_bench import download


def files(folder: Path) -> dict[str, bytes]:
    assert not any(path.is_symlink() for path in folder.rglob("*"))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@fuzz("archives", zips(), st.sampled_from(("", "top", "top", "absent")))
def test_a_hostile_zip_is_refused_or_unpacked_into_its_folder(arena, file: Zip, strip: str) -> None:
    archive, folder = arena.inside / "data.zip", arena.inside / "data"
    archive.write_bytes(file.data)
    folder.mkdir()
    (folder / "mine").write_bytes(b"mine")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        found = outcome(lambda: download.unpack(archive, folder, strip=strip), archive, folder)
    unpacked = files(folder)
    assert unpacked.pop("mine") == b"mine"
    assert {path.name for path in arena.inside.iterdir()} == {"data.zip", "data"}, "something is left over"
    if isinstance(found, Refused):
        assert unpacked == {}
    else:
        with zipfile.ZipFile(archive) as packed:
            within = f"{strip}/" if strip else ""
            members = [each for each in packed.infolist() if not each.is_dir() and each.filename.startswith(within)]
        assert len(unpacked) == len(members), "one took the place of another"
        assert sum(map(len, unpacked.values())) == sum(each.file_size for each in members)
    if file.holds is not None:
        top = {"": "top/", "top": ""}.get(strip)
        assert unpacked == ({f"{top}{name}": data for name, data in file.holds.items()} if top is not None else {})


ADDRESSES = (
    "https://example.org/a.zip",
    "https://[::1/a.zip",
    "http://localhost@evil.example/a",
    "http://127.0.0.1.evil.example/a",
    "file:///etc/passwd",
    "ftp://x/y",
    "https://x/..",
    "https://x/",
    "https://x/a%2f..%2fb",
    "javascript:alert(1)",
    "",
    "https://x:99999999/a",
)


@fuzz(
    "downloads",
    st.sampled_from(ADDRESSES) | names.map(lambda name: f"https://example.org/{name}"),
    st.just(b"{}") | json_bytes({"https://example.org/a.zip": {"sha256": "0" * 64, "size": 1, "date": "2026-01-01"}}),
)
def test_a_hostile_address_or_list_of_hashes_is_refused_or_leads_into_the_folder(
    arena, address: str, seen: bytes
) -> None:
    cache, folder = arena.inside / "cache", arena.inside / "got"
    cache.mkdir()
    (cache / "downloads.json").write_bytes(seen)
    asked: list[str] = []

    def fake(url: str, target: Path, **_: Any) -> None:
        asked.append(url)
        target.write_bytes(b"content")

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VOS_BENCH_CACHE", str(cache))
        patch.setattr(download, "_download", fake)
        found = outcome(lambda: download.fetch(address, folder))
    assert all(url.startswith(("https://", "http://localhost/", "http://127.0.0.1/")) for url in asked)
    if not isinstance(found, Refused):
        assert found.parent == folder
        assert found.read_bytes() == b"content"
        assert json.loads((cache / "downloads.json").read_bytes())[address]["size"] == 7
    else:
        assert not folder.exists() or files(folder) == {}


def test_the_names_that_make_trouble_are_there() -> None:
    assert {"../../x", "<script>alert(1)</script>", "a\nb", "a\0b", "x" * 300} <= set(NAMES)
