"""Reads small files that claim to be huge, in a process that may have only so much more memory than it has.

    python bombs.py FOLDER MIB

Prints a JSON object: what was read, to how it ended. Where the bound is met, that is a MemoryError.
"""

import gzip
import io
import json
import os
import pickle
import resource
import signal
import struct
import sys
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2  # noqa: F401 (before the bound is set, as are all imports)
import torch
from hostile.archives import claiming, packed
from hostile.checkpoints import nested
from hostile.frames import bmp_bomb, jpeg_bomb
from hostile.pngs import GREY, bomb, header, png

from vos_bench.config import read_user_config
from vos_bench.datasets.coco import Coco
from vos_bench.datasets.folder import Folder
from vos_bench.datasets.frames import image_size, read_image
from vos_bench.download import unpack
from vos_bench.errors import BadInputError
from vos_bench.files import sha256
from vos_bench.formats.meta_json import read_meta
from vos_bench.labelmaps import read_label_map, read_size
from vos_bench.parts.checkpoints import read_tensors
from vos_bench.records import RunRecord, read_record
from vos_bench.scoring.given_truth import GivenTruth
from vos_bench.scoring.target import folder_fingerprint
from vos_bench.scoring.truth import truth_folder

Read = Callable[[Path], object]
HUGE = 60_000
PATIENCE_SECONDS = 600


def sparse(path: Path) -> None:
    """Make a file of 64 GiB that takes no room on the disk."""
    with path.open("wb") as file:
        file.truncate(1 << 36)


def swelling(width: int, height: int, bits: int) -> bytes:
    """Return a PNG of zeros whose pixels are all there, as far as it goes: 1,000 times smaller than they are."""
    packer = zlib.compressobj(9)
    rows = bytes(width * bits // 8 + 1)
    stream = b"".join(packer.compress(rows) for _ in range(height)) + packer.flush()
    body = header(width, height, bits=bits, colour=GREY)
    return png([(b"IHDR", body), (b"IDAT", stream), (b"IEND", b"")])


def files(folder: Path) -> Iterator[tuple[str, Path, Read]]:
    """Write each bomb, and say what reads it."""
    plain: tuple[tuple[str, bytes, Read], ...] = (
        ("label map of 60,000 x 60,000", bomb(HUGE, HUGE), read_label_map),
        ("label map of 2^31 x 2^31", bomb(2**31 - 1, 2**31 - 1), read_size),
        ("label map with pixels for 60,000 rows", swelling(HUGE, 1200, 8), read_label_map),
        ("label map, the largest there may be", swelling(8192, 8192, 16), read_label_map),
        ("label map that swells", bomb(64, 64, data=bytes(1 << 28)), read_label_map),
        ("frame of 60,000 x 60,000, JPEG", jpeg_bomb(HUGE, HUGE), read_image),
        ("frame of 60,000 x 60,000, PNG", bomb(HUGE, HUGE), read_image),
        ("frame of 60,000 x 60,000, BMP", bmp_bomb(HUGE, HUGE), read_image),
        ("size of a frame of 30,000 x 30,000", jpeg_bomb(30_000, 30_000), image_size),
        ("zip that claims 4 GiB", claiming(packed([("a", bytes(100), 0)]), 2**32 - 2), _unpacked),
        ("pickle nested 300,000 deep", nested(300_000), read_tensors),
        ("pickle with 2^40 bytes", b"\x80\x04\x8e" + struct.pack("<Q", 2**40) + b".", read_tensors),
        ("safetensors with a header of 2^62", struct.pack("<Q", 2**62) + b'{"a":1}', read_tensors),
        ("record that is a gzip", gzip.compress(bytes(1 << 26)), lambda path: read_record(RunRecord, path)),
        ("record nested deeply", b"[" * 10_000_000, lambda path: read_record(RunRecord, path)),
        ("meta.json nested deeply", b'{"videos":' * 3_000_000, read_meta),
    )
    for number, (name, data, read) in enumerate(plain):
        path = folder / f"{number:02d}.png"
        path.write_bytes(data)
        yield name, path, read
    for name, read in (
        ("label map of 64 GiB", read_label_map),
        ("frame of 64 GiB", read_image),
        ("record of 64 GiB", lambda path: read_record(RunRecord, path)),
        ("meta.json of 64 GiB", read_meta),
        ("file of parameters of 64 GiB", read_tensors),
        ("config.toml of 64 GiB", _config),
    ):
        sparse(folder / "sparse.png")
        yield name, folder / "sparse.png", read
    yield from _trees(folder)
    yield "file of parameters that inflates", _inflating(folder / "inflating.pth"), read_tensors
    yield "COCO image of 60,000 x 60,000", _coco(folder / "coco"), _first_truth


def _trees(folder: Path) -> Iterator[tuple[str, Path, Read]]:
    """Put a pipe, a device and a file of 64 GiB into the place of each kind of file of a dataset and of a truth."""
    truths = (("truth", _truth_fingerprint), ("truth of one's own", _given_truth_fingerprint))
    for kind, make in (("pipe", os.mkfifo), ("device", lambda path: path.symlink_to("/dev/zero")), ("64 GiB", sparse)):
        for what, reads in (
            ("label map", (("fingerprint", _fingerprint), ("check", _checked), *truths)),
            ("frame", (("fingerprint", _fingerprint), ("check", _checked), ("size", _size_of_frame))),
        ):
            root = _tree(folder / f"{kind} {what}".replace(" ", "-"))
            place = root / ("Annotations/a/00001.png" if what == "label map" else "JPEGImages/a/00001.png")
            place.unlink()
            make(place)
            for doing, read in reads:
                yield f"{kind} as {what}: {doing}", root, read
        weights = folder / f"{kind.replace(' ', '-')}.pth"
        make(weights)
        yield f"{kind} as parameters", weights, read_tensors
        yield f"{kind} as parameters: hash", weights, sha256


def _tree(root: Path) -> Path:
    for name in ("JPEGImages/a", "Annotations/a"):
        (root / name).mkdir(parents=True)
        for frame in range(3):
            (root / name / f"{frame:05d}.png").write_bytes(bomb(8, 8, data=bytes(9 * 8)))
    return root


def _fingerprint(root: Path) -> object:
    return Folder(root).fingerprint()


def _checked(root: Path) -> None:
    if problems := Folder(root).check():
        raise BadInputError(str(problems[0]))


def _truth_fingerprint(root: Path) -> None:
    folder_fingerprint(truth_folder(root / "Annotations"), root / "Annotations")


def _given_truth_fingerprint(root: Path) -> None:
    GivenTruth(Folder(_tree(root / "beside")), root / "Annotations").fingerprint()


def _size_of_frame(root: Path) -> object:
    return image_size(root / "JPEGImages/a/00001.png")


def _unpacked(path: Path) -> None:
    unpack(path, path.with_suffix(".out"))


def _config(path: Path) -> None:
    os.environ["VOS_BENCH_CONFIG"] = str(path)
    read_user_config()


def _inflating(path: Path) -> Path:
    """Write torch's zip with an entry that is 1,000 times smaller than it claims."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", _one_tensor(1 << 28))
        with archive.open("archive/data/0", "w", force_zip64=True) as entry:
            for _ in range(64):
                entry.write(bytes(1 << 24))
        archive.writestr("archive/version", b"3\n")
    return path


def _one_tensor(count: int) -> bytes:
    """Return the pickle of `{"a": tensor}` with so many numbers in the storage `0`, without that tensor."""
    kept = object()

    class Pickler(pickle.Pickler):
        def persistent_id(self, each: object) -> object:
            return ("storage", torch.FloatStorage, "0", "cpu", count) if each is kept else None

    class Tensor:
        def __reduce__(self) -> tuple[Any, ...]:
            return torch._utils._rebuild_tensor_v2, (kept, 0, (count,), (1,), False, OrderedDict())

    out = io.BytesIO()
    Pickler(out, 2).dump({"a": Tensor()})
    return out.getvalue()


def _coco(root: Path) -> Path:
    image = {"id": 1, "file_name": "a.jpg", "height": HUGE, "width": HUGE}
    each = {"id": 1, "image_id": 1, "segmentation": [[0, 0, 9, 0, 9, 9]]}
    (root / "annotations").mkdir(parents=True)
    (root / "annotations" / "instances_train2014.json").write_text(
        json.dumps({"images": [image], "annotations": [each]})
    )
    return root


def _first_truth(root: Path) -> object:
    return Coco(root).sequence("1").read_truth("a")


def bound(mebibytes: int) -> None:
    """Let this process have so much more memory than it has."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * resource.getpagesize() + (mebibytes << 20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))


def end(path: Path, read: Read) -> str:
    """Read a file and say how that ended."""
    signal.alarm(PATIENCE_SECONDS)  # whose signal ends the process: nothing else wakes one that waits for a pipe
    try:
        read(path)
    except BadInputError as error:
        return f"refused: {error}"
    except MemoryError:
        return "MemoryError"
    finally:
        signal.alarm(0)
    return "read"


def main(folder: Path, mebibytes: int) -> None:
    """Read every bomb within the bound, and one again within a tenth of it; print how each ended."""
    made = list(files(folder))
    bound(mebibytes)
    ends = {name: end(path, read) for name, path, read in made}
    bound(mebibytes // 10)
    ends["the largest label map within a tenth"] = end(folder / "03.png", read_label_map)
    print(json.dumps(ends))  # noqa: T201 (it is a script)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
