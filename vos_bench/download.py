"""Downloads that are checked, and archives that are unpacked without trusting them."""

import json
import lzma
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urljoin, urlsplit

import pooch
import requests
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from vos_bench.config import FrozenModel
from vos_bench.errors import BadInputError
from vos_bench.files import read_bytes, replacing, write_text
from vos_bench.files.folders import part_folder
from vos_bench.files.places import cache_folder
from vos_bench.names import is_file_name

_CHUNK = 1 << 20
_TIMEOUT_SECONDS = 60
_MOST_BYTES = 1 << 24
_DAMAGES = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError, RuntimeError, OverflowError)
"""What the standard library raises of a damaged zip, or of one that it cannot read, such as an encrypted one."""

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


class Seen(FrozenModel):
    """What a file without a published hash was when it was downloaded first, on an ISO `date`; the size is in bytes."""

    sha256: str
    size: int
    date: str


def record_path() -> Path:
    """Return the file that holds the hashes of first downloads: web address to `Seen`, as JSON."""
    return cache_folder() / "downloads.json"


def fetch(url: str, folder: Path, *, sha256: str | None = None) -> Path:
    """Download a file into a folder, checked; one that is there and right is not downloaded again.

    Where nobody published a hash, the one of the first download is recorded in `record_path()` and every later download
    is checked against it. That notices a change of the file, not a first download that was already wrong.

    Args:
        url: `https`; `http` only for this very machine.
        folder: Where to put it, under the last part of its address.
        sha256: The published hash, None where there is none.

    Returns:
        The file.

    Raises:
        BadInputError: The address is not https, or the server sends on to one that is not, or gives no file, the
            connection breaks, the disk is full, or the hash is another; then nothing new lies in the folder.
    """
    target = folder / _file_name(url)
    seen = _read_record().get(url)
    wanted = sha256 or (seen.sha256 if seen else None)
    if wanted is not None and target.is_file() and pooch.file_hash(str(target)) == wanted:
        return target
    with replacing(target) as part:
        _download(url, part)
        found = pooch.file_hash(str(part))
        if wanted is not None and found != wanted:
            raise BadInputError(_wrong_hash(url, found, part.stat().st_size, seen if sha256 is None else None, wanted))
        size = part.stat().st_size
    if wanted is None:
        _remember(url, Seen(sha256=found, size=size, date=datetime.now(UTC).date().isoformat()))
    return target


def _file_name(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise BadInputError(f"{url}: found no web address ({error}), expected one that begins with https") from None
    if parts.scheme != "https" and not _is_here(url):
        raise BadInputError(f"{url}: found {parts.scheme or 'no scheme'}, expected an https address")
    name = parts.path.rpartition("/")[2]
    if not is_file_name(name):
        raise BadInputError(f"{url}: found no file name at its end, expected the address of a file")
    return name


def _is_here(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname in _LOCAL


def _wrong_hash(url: str, found: str, size: int, seen: Seen | None, wanted: str) -> str:
    both = f"{url}: found sha256 {found} ({size} bytes)\n  expected {wanted}"
    if seen is None:
        return f"{both}\n  the file is cut off or not the published one: try again"
    return (
        f"{both} ({seen.size} bytes) as on {seen.date}, its first download here\n"
        f"  try again, and if the publisher did change the file, remove its entry from {record_path()}"
    )


def _read_record() -> dict[str, Seen]:
    path = record_path()
    try:
        return {url: Seen.model_validate(seen) for url, seen in json.loads(read_bytes(path, most=_MOST_BYTES)).items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise BadInputError(f"{path}: found no record of downloads ({error}), expected JSON; remove the file") from None


def _remember(url: str, seen: Seen) -> None:
    record = {**_read_record(), url: seen}
    data = {address: entry.model_dump() for address, entry in sorted(record.items())}
    write_text(record_path(), json.dumps(data, indent=2) + "\n")


def _download(url: str, part: Path) -> None:
    with _progress_bar(url) as bar:
        try:
            download = pooch.HTTPDownloader(
                progressbar=bar, chunk_size=_CHUNK, timeout=_TIMEOUT_SECONDS, hooks={"response": _require_trusted_next}
            )
            download(url, str(part), None)
        except requests.HTTPError as error:
            raise BadInputError(f"{url}: found {error}; expected the file; see whether it has moved") from None
        except requests.RequestException as error:
            raise BadInputError(
                f"{url}: the download failed after {bar.done} of {bar.total or 'unknown'} bytes: {error}; "
                "expected a connection that lasts; try again"
            ) from None


def _require_trusted_next(response: requests.Response, **_: Any) -> None:
    """Refuse to be sent on to an address that is not https, before it is asked."""
    if not response.is_redirect:
        return
    target = urljoin(response.url, response.headers["location"])
    if urlsplit(target).scheme != "https" and not (_is_here(target) and _is_here(response.url)):
        raise BadInputError(f"{response.url}: found a redirection to {target}, expected an https address")


class _Bar:
    """The progress bar that pooch drives: it sets `total` and calls the rest."""

    def __init__(self, progress: Progress, title: str) -> None:
        self._progress = progress
        self._task = progress.add_task(title, total=None)
        self.done = 0
        self._total = 0

    @property
    def total(self) -> int:
        """How many bytes are expected; 0 where the server does not say."""
        return self._total

    @total.setter
    def total(self, total: int) -> None:
        self._total = total
        self._progress.update(self._task, total=total or None)

    def update(self, count: int) -> None:
        """Take note of `count` more bytes, or nearly so many."""
        self.done = min(self.done + count, self._total or self.done + count)
        self._progress.update(self._task, completed=self.done)

    def reset(self) -> None:
        """Start again at nothing."""
        self.done = 0

    def close(self) -> None:
        """End; the bar is taken away with its `Progress`."""


@contextmanager
def _progress_bar(url: str) -> Iterator[_Bar]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        yield _Bar(progress, _file_name(url))


def unpack(
    archive: Path,
    folder: Path,
    *,
    strip: str = "",
    most: int | None = None,
    remedy: str = "remove it and download it again",
) -> None:
    """Unpack a zip into a folder, file by file whole or not at all; other files there stay.

    Args:
        archive: The zip.
        folder: Where to; made where it is missing.
        strip: A folder at the top of the zip; what it holds is unpacked without it, what lies beside it is not.
        most: How many bytes it may unpack to; None for what the disk has room for.
        remedy: What to do about a damaged one.

    Raises:
        BadInputError: The zip is damaged, unpacks to more than `most` bytes, wants to write outside the folder or
            through a link, or the disk is full.
    """
    try:
        with part_folder(folder if folder.name else folder / "archive") as scratch:  # the current folder has no name
            with zipfile.ZipFile(archive) as packed:
                members = [member for member in packed.infolist() if not member.is_dir()]
                _require_space(archive, members, folder.parent, most)
                _require_harmless(archive, members)
                for member in members:
                    if Path(packed.extract(member, scratch)).stat().st_size != member.file_size:
                        raise zipfile.BadZipFile(f"{member.filename!r:.200} is shorter than it claims")
            source = scratch / strip
            if not source.is_dir():
                raise BadInputError(f"{archive}: found no folder {strip} in it, expected one; get the archive again")
            _move_all(source, folder)
    except _DAMAGES as error:
        raise BadInputError(f"{archive}: found a damaged zip ({error}); {remedy}") from None
    except OSError as error:
        raise BadInputError(f"{folder}: cannot be written: {error.strerror or error}; expected free space") from error


def _require_space(archive: Path, members: list[zipfile.ZipInfo], folder: Path, most: int | None) -> None:
    """Refuse what does not fit; a small zip that claims to be huge ends here, too."""
    wanted, free = sum(member.file_size for member in members), shutil.disk_usage(folder).free
    if most is not None and wanted > most:
        raise BadInputError(f"{archive}: unpacks to {wanted} bytes; expected at most {most}")
    if wanted > free:
        raise BadInputError(f"{archive}: unpacks to {wanted} bytes, found {free} free in {folder}; choose another disk")


def _require_harmless(archive: Path, members: list[zipfile.ZipInfo]) -> None:
    """Refuse what would leave the folder, a link, and a file that comes twice, of which one would be lost."""
    refusal = "do not use this archive"
    seen: set[PurePosixPath] = set()
    for member in members:
        path, name = PurePosixPath(member.filename), f"{member.filename!r:.200}"
        if path.is_absolute() or ".." in path.parts or "\\" in member.filename or ":" in member.filename:
            raise BadInputError(f"{archive}: found {name}, which leaves the folder; {refusal}")
        if not path.parts or not all(map(is_file_name, path.parts)):
            raise BadInputError(f"{archive}: found {name}, expected names that a file can have; {refusal}")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise BadInputError(f"{archive}: found the link {name}, expected files; {refusal}")
        if path in seen or not seen.isdisjoint(path.parents):
            raise BadInputError(f"{archive}: found {name} twice, or below a file; {refusal}")
        seen.add(path)


def _move_all(source: Path, folder: Path) -> None:
    for path in sorted(path for path in source.rglob("*") if path.is_file()):
        target = folder / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)


def fetch_and_unpack(url: str, folder: Path, *, sha256: str | None = None, strip: str = "") -> None:
    """Download a zip into the cache, unpack it into a folder and remove it. Raises BadInputError as both do."""
    archive = fetch(url, cache_folder() / "downloads", sha256=sha256)
    unpack(archive, folder, strip=strip)
    archive.unlink()
