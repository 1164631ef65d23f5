import hashlib
import json
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from vos_bench.download import fetch, fetch_and_unpack, record_path, unpack
from vos_bench.errors import BadInputError
from vos_bench.files.places import cache_folder

CONTENT = bytes(range(256)) * 40
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    files: ClassVar[dict[str, bytes]] = {}
    promised: ClassVar[dict[str, int]] = {}
    moved: ClassVar[dict[str, str]] = {}
    asked: ClassVar[list[str]] = []
    address: ClassVar[str] = ""

    def do_GET(self):
        name = self.path.lstrip("/")
        self.asked.append(name)
        if name in self.moved:
            self.send_response(302)
            self.send_header("Location", self.moved[name])
            self.end_headers()
            return
        if name not in self.files:
            self.send_error(404)
            return
        data = self.files[name]
        self.send_response(200)
        self.send_header("Content-Length", str(self.promised.get(name, len(data))))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def server(monkeypatch):
    """A web server on this machine; yields its handler with `files` to fill."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    record_path().unlink(missing_ok=True)
    Handler.files, Handler.promised, Handler.moved, Handler.asked = {"data.bin": CONTENT}, {}, {}, []
    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, daemon=True)
    thread.start()
    Handler.address = f"http://127.0.0.1:{running.server_port}"
    yield Handler
    running.shutdown()
    running.server_close()
    thread.join()


def nothing_in(folder):
    return not folder.exists() or [*folder.iterdir()] == []


def test_a_file_with_a_published_hash_is_fetched_and_checked(server, tmp_path):
    path = fetch(f"{server.address}/data.bin", tmp_path, sha256=SHA256)
    assert path == tmp_path / "data.bin"
    assert path.read_bytes() == CONTENT
    assert not record_path().exists()


def test_a_file_that_is_there_is_not_fetched_again(server, tmp_path):
    for _ in range(2):
        fetch(f"{server.address}/data.bin", tmp_path, sha256=SHA256)
    assert server.asked == ["data.bin"]


def test_a_damaged_file_is_fetched_again(server, tmp_path):
    (tmp_path / "data.bin").write_bytes(b"half")
    assert fetch(f"{server.address}/data.bin", tmp_path, sha256=SHA256).read_bytes() == CONTENT


def test_a_wrong_hash_names_both_and_leaves_nothing(server, tmp_path):
    wanted = "ab" * 32
    with pytest.raises(BadInputError, match=rf"found sha256 {SHA256} .*\n  expected {wanted}"):
        fetch(f"{server.address}/data.bin", tmp_path / "new", sha256=wanted)
    assert nothing_in(tmp_path / "new")


def test_a_truncated_file_names_both_hashes(server, tmp_path):
    server.files["data.bin"] = CONTENT[:1000]
    short = hashlib.sha256(CONTENT[:1000]).hexdigest()
    with pytest.raises(BadInputError, match=rf"found sha256 {short} \(1000 bytes\)\n  expected {SHA256}"):
        fetch(f"{server.address}/data.bin", tmp_path / "new", sha256=SHA256)
    assert nothing_in(tmp_path / "new")


def test_a_connection_that_breaks_is_an_error_even_without_a_hash(server, tmp_path):
    server.promised["data.bin"] = len(CONTENT) + 5000
    with pytest.raises(BadInputError, match=rf"failed after \d+ of {len(CONTENT) + 5000} bytes"):
        fetch(f"{server.address}/data.bin", tmp_path / "new")
    assert nothing_in(tmp_path / "new")
    assert not record_path().exists()


def test_a_hash_that_nobody_published_is_recorded_at_the_first_download(server, tmp_path):
    fetch(f"{server.address}/data.bin", tmp_path)
    (url, seen), *others = json.loads(record_path().read_text()).items()
    assert url == f"{server.address}/data.bin"
    assert seen["sha256"] == SHA256
    assert seen["size"] == len(CONTENT)
    assert others == []


def test_a_file_that_changed_since_the_first_download_is_refused(server, tmp_path):
    fetch(f"{server.address}/data.bin", tmp_path / "one")
    server.files["data.bin"] = b"other" * 9
    other = hashlib.sha256(b"other" * 9).hexdigest()
    with pytest.raises(BadInputError, match=rf"(?s)found sha256 {other} .*expected {SHA256} .* its first download"):
        fetch(f"{server.address}/data.bin", tmp_path / "two")
    assert nothing_in(tmp_path / "two")


def test_a_missing_file_is_named_with_the_servers_answer(server, tmp_path):
    with pytest.raises(BadInputError, match=r"gone\.zip: found 404"):
        fetch(f"{server.address}/gone.zip", tmp_path)


@pytest.mark.usefixtures("server")
def test_a_server_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(BadInputError, match="the download failed after 0 of unknown bytes"):
        fetch("http://127.0.0.1:9/data.bin", tmp_path)


@pytest.mark.parametrize("url", ["http://example.org/a.zip", "ftp://example.org/a.zip", "file:///etc/passwd", "a.zip"])
def test_only_https_is_trusted(url, tmp_path):
    with pytest.raises(BadInputError, match="expected an https address"):
        fetch(url, tmp_path)


def test_a_redirection_is_followed_while_its_address_is_trusted(server, tmp_path):
    server.moved = {"old.bin": "/older.bin", "older.bin": f"{server.address}/data.bin"}
    assert fetch(f"{server.address}/old.bin", tmp_path, sha256=SHA256).read_bytes() == CONTENT


@pytest.mark.parametrize("address", ["http://other.invalid/data.bin", "//other.invalid/data.bin", "ftp://127.0.0.1/a"])
def test_a_redirection_to_an_address_that_is_not_https_is_refused_before_it_is_asked(server, tmp_path, address):
    server.moved = {"first.bin": "/old.bin", "old.bin": address}
    with pytest.raises(BadInputError, match=r"/old\.bin: found a redirection to .+, expected an https address"):
        fetch(f"{server.address}/first.bin", tmp_path / "new")
    assert nothing_in(tmp_path / "new")


@pytest.mark.parametrize("end", ["", "folder/", "..", "a%5Cb/.."])
def test_an_address_without_a_file_name_is_refused(end, tmp_path):
    with pytest.raises(BadInputError, match="found no file name"):
        fetch(f"https://example.org/{end}", tmp_path)


def test_a_record_that_is_no_json_is_named(server, tmp_path):
    record_path().parent.mkdir(parents=True, exist_ok=True)
    record_path().write_text("{")
    with pytest.raises(BadInputError, match=r"downloads\.json: found no record"):
        fetch(f"{server.address}/data.bin", tmp_path)
    record_path().unlink()


def zipped(path, members, *, links=()):
    with zipfile.ZipFile(path, "w") as packed:
        for name, data in members.items():
            entry = zipfile.ZipInfo(name)
            if name in links:
                entry.external_attr = 0o120777 << 16
            packed.writestr(entry, data)
    return path


def test_an_archive_is_unpacked_beside_what_is_there(tmp_path):
    archive = zipped(tmp_path / "a.zip", {"DAVIS/a/1.txt": b"one", "DAVIS/b.txt": b"two", "README": b"outside"})
    (tmp_path / "root/a").mkdir(parents=True)
    (tmp_path / "root/a/0.txt").write_text("old")
    unpack(archive, tmp_path / "root", strip="DAVIS")
    files = {path.relative_to(tmp_path / "root").as_posix() for path in (tmp_path / "root").rglob("*.*")}
    assert files == {"a/0.txt", "a/1.txt", "b.txt"}
    assert {path.name for path in tmp_path.iterdir()} == {"a.zip", "root"}


@pytest.mark.parametrize("folder", ["root", "."])
def test_what_a_killed_process_unpacked_goes_with_the_next_one(tmp_path, monkeypatch, folder):
    archive = zipped(tmp_path / "a.zip", {"a/1.txt": b"one"})
    monkeypatch.chdir(tmp_path)
    name = "root" if folder == "root" else "archive"
    left, other = Path(f"{name}.0123456789abcdef.part"), Path(f"{name}.mine.part")
    for path in (left, other):
        (path / "a").mkdir(parents=True)
    unpack(archive, Path(folder))
    assert (Path(folder) / "a/1.txt").read_text() == "one"
    assert not left.exists()
    assert other.exists()


@pytest.mark.parametrize("name", ["../evil.txt", "/evil.txt", "a/../../evil.txt", "..\\evil.txt", "C:/evil.txt"])
def test_a_member_that_would_leave_the_folder_is_refused(tmp_path, name):
    archive = zipped(tmp_path / "a.zip", {"good.txt": b"", name: b"evil"})
    with pytest.raises(BadInputError, match="which leaves the folder"):
        unpack(archive, tmp_path / "in/root")
    assert not [*tmp_path.rglob("evil.txt")]
    assert not (tmp_path / "in/root").exists()


def test_a_link_in_an_archive_is_refused(tmp_path):
    archive = zipped(tmp_path / "a.zip", {"link": b"/etc"}, links=("link",))
    with pytest.raises(BadInputError, match="found the link 'link'"):
        unpack(archive, tmp_path / "root")


@pytest.mark.parametrize("kept", [0.3, 0.9])
def test_a_truncated_archive_is_refused_and_leaves_nothing(tmp_path, kept):
    archive = zipped(tmp_path / "a.zip", {"a.txt": CONTENT, "b.txt": CONTENT})
    archive.write_bytes(archive.read_bytes()[: int(archive.stat().st_size * kept)])
    with pytest.raises(BadInputError, match="found a damaged zip"):
        unpack(archive, tmp_path / "root")
    assert {path.name for path in tmp_path.iterdir()} == {"a.zip"}


def test_an_archive_with_a_damaged_member_is_refused_whole(tmp_path):
    archive = zipped(tmp_path / "a.zip", {"a.txt": b"fine", "b.txt": CONTENT})
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 0xFF
    archive.write_bytes(data)
    with pytest.raises(BadInputError, match="found a damaged zip"):
        unpack(archive, tmp_path / "root")
    assert not (tmp_path / "root").exists()


def test_an_archive_larger_than_the_disk_is_refused_at_once(tmp_path, monkeypatch):
    archive = zipped(tmp_path / "a.zip", {"a.txt": CONTENT})
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 100})())
    with pytest.raises(BadInputError, match=f"unpacks to {len(CONTENT)} bytes, found 100 free"):
        unpack(archive, tmp_path / "root")


def test_an_archive_without_the_folder_that_is_expected(tmp_path):
    archive = zipped(tmp_path / "a.zip", {"a.txt": b""})
    with pytest.raises(BadInputError, match="found no folder DAVIS in it"):
        unpack(archive, tmp_path / "root", strip="DAVIS")


def test_fetching_davis17_gives_a_root_that_opens(server, tmp_path, monkeypatch):
    from vos_bench import registry

    members = {f"DAVIS/{name}": b"" for name in ("JPEGImages/480p/bear/00000.jpg", "Annotations/480p/bear/00000.png")}
    members["DAVIS/ImageSets/2017/val.txt"] = b"bear\n"
    zipped(tmp_path / "a.zip", members)
    server.files["DAVIS-2017-trainval-480p.zip"] = (tmp_path / "a.zip").read_bytes()
    download = registry.resolve(registry.dataset("davis17").download)
    monkeypatch.setitem(download.__globals__, "SERVER", server.address)
    root = download(tmp_path / "davis")
    assert registry.open_dataset("davis17", root=root).sequence_names == ("bear",)
    assert nothing_in(cache_folder() / "downloads")


@pytest.mark.parametrize(
    ("split", "name"),
    [
        ("val", "DAVIS-2017-trainval-480p.zip"),
        ("train@full", "DAVIS-2017-trainval-Full-Resolution.zip"),
        ("test-dev", "DAVIS-2017-test-dev-480p.zip"),
        ("test-challenge@full", "DAVIS-2017-test-challenge-Full-Resolution.zip"),
    ],
)
def test_each_split_has_its_archive(split, name):
    from vos_bench.datasets.davis_download import address

    assert address(split) == f"https://data.vision.ee.ethz.ch/csergi/share/davis/{name}"


def test_an_archive_is_removed_once_it_is_unpacked(server, tmp_path):
    server.files["a.zip"] = zipped(tmp_path / "a.zip", {"x.txt": b"x"}).read_bytes()
    fetch_and_unpack(f"{server.address}/a.zip", tmp_path / "root")
    assert (tmp_path / "root/x.txt").read_bytes() == b"x"
    assert nothing_in(cache_folder() / "downloads")


def patched(path, *places):
    """Change bytes of a zip: each place is a mark, how far behind it, and what to write there."""
    data = bytearray(path.read_bytes())
    for mark, offset, new in places:
        at = data.find(mark) + offset
        data[at : at + len(new)] = new
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("places", "message"),
    [
        (((b"PK\x01\x02", 8, b"\1"), (b"PK\x03\x04", 6, b"\1")), "damaged zip .*encrypted"),
        (((b"PK\x01\x02", 24, b"\xff\xff"), (b"PK\x03\x04", 22, b"\xff\xff")), "is shorter than it claims"),
        (((b"a.txt", 0, b"a\nb\x1bt"),), "expected names that a file can have"),
    ],
    ids=["encrypted", "short", "control characters"],
)
def test_an_archive_that_cannot_be_trusted_is_refused_by_one_message(tmp_path, places, message):
    path = tmp_path / "data.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", b"content")
    name = [(b"PK\x01\x02", 46, places[0][2])] if len(places) == 1 else []
    with pytest.raises(BadInputError, match=rf"data\.zip: .*{message}"):
        unpack(patched(path, *places, *name), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("again", ["one/a.txt", "one/./a.txt", "one/a.txt/b"])
def test_an_archive_with_a_file_twice_is_refused(tmp_path, again):
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        archive.writestr("one/a.txt", b"first")
        archive.writestr(again, b"second")
    with pytest.raises(BadInputError, match="twice, or below a file"):
        unpack(tmp_path / "data.zip", tmp_path / "out")


@pytest.mark.parametrize(
    "url", ["https://[::1/a.zip", "https://example.org/a%0a\n\x1b", "https://example.org/" + "x" * 300]
)
def test_an_address_that_is_none_is_refused(tmp_path, url):
    with pytest.raises(BadInputError, match="expected"):
        fetch(url, tmp_path)
