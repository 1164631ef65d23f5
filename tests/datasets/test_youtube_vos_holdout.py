import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from vos_bench import registry
from vos_bench.cli import main
from vos_bench.datasets import youtube_vos_holdout as holdout
from vos_bench.datasets.name_list import read_name_list
from vos_bench.errors import BadInputError

VIDEOS = {name: {1: ("person", 0)} for name in ("aa", "bb", "cc")}


@pytest.fixture
def root(ytvos_tree, tmp_path: Path) -> Path:
    ytvos_tree.build(tmp_path / "data", subset="train", videos=VIDEOS)
    return tmp_path / "data"


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bytes]]:
    """A server on this machine in the place of the public one; what it gives is in the yielded mapping."""
    files: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = files[self.path.rpartition("/")[2]]
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}/{holdout.FILE_NAME}"
    monkeypatch.setattr(holdout, "ADDRESS", address)
    yield files
    server.shutdown()
    server.server_close()
    thread.join()


def serve_as_published(served: dict[str, bytes], data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    served[holdout.FILE_NAME] = data
    monkeypatch.setattr(holdout, "SHA256", hashlib.sha256(data).hexdigest())


def test_the_address_is_that_of_the_authors_repository():
    assert holdout.ADDRESS.startswith("https://raw.githubusercontent.com/visionml/pytracking/")
    assert holdout.ADDRESS.endswith("ltr/data_specs/youtubevos_jjvalid.txt")


def test_fetch_gets_the_published_list(served, shared, tmp_path, capsys):
    served[holdout.FILE_NAME] = (shared / "data" / "ytvos19-holdout.txt").read_bytes()
    assert main(["fetch", "ytvos19-holdout", "--root", str(tmp_path / "lists")]) == 0
    path = tmp_path / "lists" / holdout.FILE_NAME
    assert len(read_name_list(path)) == 300
    assert holdout.list_problem(path) is None
    assert "fetched and checked" in capsys.readouterr().out


def test_another_list_in_its_place_is_refused(served, tmp_path, capsys):
    served[holdout.FILE_NAME] = b"aa\n"
    assert main(["fetch", "ytvos19-holdout", "--root", str(tmp_path)]) == 2
    assert holdout.SHA256 in capsys.readouterr().err
    assert not (tmp_path / holdout.FILE_NAME).exists()


def test_a_fetched_list_chooses_the_sequences_of_train(served, root, monkeypatch):
    monkeypatch.setenv("VOS_BENCH_CACHE", str(root.parent / "cache"))
    serve_as_published(served, b"cc\naa\n", monkeypatch)
    assert main(["fetch", "ytvos19-holdout"]) == 0
    dataset = registry.open_dataset("ytvos19-holdout", root=root)
    assert dataset.sequence_names == ("aa", "cc")
    assert [sequence.groups for sequence in dataset] == [{1: "seen"}, {1: "seen"}]
    assert all(sequence.truth_names for sequence in dataset)
    assert not any("list" in problem.found for problem in dataset.check())


def test_a_list_of_ones_own_in_the_root_comes_first_and_is_named_by_check(root):
    (root / holdout.FILE_NAME).write_text("bb\n")
    dataset = registry.open_dataset("ytvos19-holdout", root=root)
    assert dataset.sequence_names == ("bb",)
    assert any("another list (1 names)" in problem.found for problem in dataset.check())


def test_without_a_list_the_way_to_get_it_is_named(root, monkeypatch):
    monkeypatch.setenv("VOS_BENCH_CACHE", str(root.parent / "empty"))
    with pytest.raises(BadInputError, match="vos-bench fetch ytvos19-holdout"):
        registry.open_dataset("ytvos19-holdout", root=root)


@pytest.mark.parametrize(
    ("text", "message"), [("aa\nzz\n", "1 of 2 names that train does not have: zz"), ("", "empty")]
)
def test_a_list_that_does_not_fit_is_refused(root, text, message):
    (root / holdout.FILE_NAME).write_text(text)
    with pytest.raises(BadInputError, match=message):
        registry.open_dataset("ytvos19-holdout", root=root)


def test_the_root_of_2019_serves_the_holdout_too(root, monkeypatch, tmp_path):
    (root / holdout.FILE_NAME).write_text("bb\n")
    config = tmp_path / "config.toml"
    config.write_text(f'[data]\nytvos19 = "{root}"\n')
    monkeypatch.setenv("VOS_BENCH_CONFIG", str(config))
    assert registry.open_dataset("ytvos19-holdout").root == root
