"""Files of parameters: pickles that would run something, torch's zips around them, and safetensors that lie."""

import io
import json
import pickle
import struct
import zipfile
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from hypothesis import strategies as st

TRACE = "the-pickle-ran"
"""What every hostile call tries to make in the working folder."""

GLOBALS = (
    ("os", "system"),
    ("posix", "system"),
    ("subprocess", "check_output"),
    ("builtins", "eval"),
    ("builtins", "exec"),
    ("builtins", "getattr"),
    ("builtins", "open"),
    ("builtins", "set"),
    ("__builtin__", "set"),
    ("builtins", "__import__"),
    ("pathlib", "Path.touch"),
    ("pathlib", "PosixPath"),
    ("functools", "partial"),
    ("functools", "reduce"),
    ("operator", "attrgetter"),
    ("operator", "methodcaller"),
    ("collections", "OrderedDict"),
    ("collections", "defaultdict"),
    ("collections", "OrderedDict.__init__.__globals__"),
    ("torch", "load"),
    ("torch", "Size"),
    ("torch", "device"),
    ("torch", "float32"),
    ("torch", "FloatStorage"),
    ("torch", "hub.load"),
    ("torch", "os.system"),
    ("torch._utils", "_rebuild_tensor_v2"),
    ("torch._utils", "_rebuild_parameter"),
    ("torch._utils", "sys.modules"),
    ("torch.serialization", "load"),
    ("torch.nn.modules.container", "Sequential"),
    ("torch.nn.modules.module", "os.system"),
    ("torch.jit", "load"),
    ("torch.storage", "_load_from_bytes"),
    ("torchvision.models.resnet", "ResNet"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy.testing", "runstring"),
    ("numpy.f2py.capi_maps", "load_f2cmap_file"),
    ("numpy", "load"),
    ("numpy", "dtype"),
    ("numpy", "ndarray"),
    ("_codecs", "encode"),
    ("_codecs", "lookup"),
    ("ltr.admin.settings", "Settings"),
    ("lib.x", "__class__"),
    ("ltr.a\0b", "c"),
    ("ltr.x", ""),
    ("ltr.", "y"),
    ("", ""),
    ("__main__", "x"),
    ("shutil", "rmtree"),
    ("webbrowser", "open"),
)
COMMAND = f"touch {TRACE}"
CODE = f"open('{TRACE}', 'w').close()"


def _text(value: str) -> bytes:
    data = value.encode("utf-8", "surrogatepass")
    return pickle.BINUNICODE + struct.pack("<I", len(data)) + data


def _named(draw: Any) -> bytes:
    module, name = draw(st.sampled_from(GLOBALS))
    if draw(st.booleans()) and "\0" not in module:
        return pickle.GLOBAL + module.encode() + b"\n" + name.encode() + b"\n"
    return _text(module) + _text(name) + pickle.STACK_GLOBAL


def _value(draw: Any) -> bytes:
    texts = (COMMAND, CODE, TRACE, "w", "system", "__class__", "__setstate__", "__reduce__", "cpu", "")
    return draw(
        st.sampled_from(
            (
                *map(_text, texts),
                pickle.NONE,
                pickle.NEWTRUE,
                pickle.BININT + struct.pack("<i", -1),
                pickle.LONG4 + struct.pack("<i", 9) + b"\xff" * 8 + b"\x7f",
                pickle.BINFLOAT + struct.pack(">d", float("nan")),
                pickle.EMPTY_TUPLE,
                pickle.EMPTY_LIST,
                pickle.EMPTY_DICT,
                pickle.EMPTY_SET,
            )
        )
    )


_CALLS = (
    pickle.REDUCE,
    pickle.NEWOBJ,
    pickle.NEWOBJ_EX,
    pickle.BUILD,
    pickle.TUPLE1,
    pickle.TUPLE2,
    pickle.TUPLE3,
    pickle.APPEND,
    pickle.SETITEM,
    pickle.BINPERSID,
    pickle.DUP,
    pickle.POP,
    pickle.MEMOIZE,
    pickle.BINGET + b"\0",
    pickle.MARK,
    pickle.APPENDS,
    pickle.SETITEMS,
    pickle.ADDITEMS,
    pickle.FROZENSET,
    pickle.OBJ,
    pickle.POP_MARK,
    pickle.INST + b"os\nsystem\n",
    pickle.INST + b"ltr.x\nY\n",
    pickle.PERSID + b"storage\n",
    pickle.EXT1 + b"\1",
    pickle.BINBYTES8 + struct.pack("<Q", 2**62),
    pickle.BINUNICODE8 + struct.pack("<Q", 2**40),
    pickle.FRAME + struct.pack("<Q", 2**63),
    pickle.LONG4 + struct.pack("<i", 2**31 - 1),
    pickle.LONG_BINPUT + struct.pack("<I", 2**28),
    pickle.NEXT_BUFFER,
    b"\xff",
)


def _call(function: tuple[str, str], *arguments: str) -> bytes:
    module, name = function
    packed = b"".join(map(_text, arguments))
    return _text(module) + _text(name) + pickle.STACK_GLOBAL + pickle.MARK + packed + pickle.TUPLE + pickle.REDUCE


ATTACKS: tuple[bytes, ...] = (
    _call(("os", "system"), COMMAND),
    _call(("builtins", "eval"), CODE),
    _call(("builtins", "exec"), CODE),
    _call(("builtins", "open"), TRACE, "w"),
    pickle.MARK + _text(COMMAND) + pickle.INST + b"os\nsystem\n",
    pickle.MARK + _text("os") + _text("system") + pickle.STACK_GLOBAL + _text(COMMAND) + pickle.OBJ,
    # Put another function into the partial object that stands for a known one, then call it.
    _text("builtins") + _text("set") + pickle.STACK_GLOBAL + pickle.MEMOIZE + pickle.MARK + _text("os")
    + _text("system") + pickle.STACK_GLOBAL + _text(COMMAND) + pickle.TUPLE1 + pickle.EMPTY_DICT + pickle.NONE
    + pickle.TUPLE + pickle.BUILD + pickle.EMPTY_TUPLE + pickle.REDUCE,
    # Name a stand-in like a built-in function.
    _call(("ltr.admin", "eval"), CODE),
    _call(("numpy.testing", "runstring"), CODE, "{}"),
    _call(("torch.nn.modules.module", "eval"), CODE),
)  # fmt: skip
"""Programs that leave one object on the stack, or would."""


@st.composite
def pickles(draw: Any) -> bytes:
    """A pickle: an attack, an attack inside of what looks right, or instructions at random."""
    start = pickle.PROTO + bytes([draw(st.sampled_from((2, 2, 4, 5)))])
    kind = draw(st.sampled_from(("attack", "inside", "random", "random", "damaged")))
    if kind == "attack":
        return start + draw(st.sampled_from(ATTACKS)) + pickle.STOP
    if kind == "inside":
        items = _text("net") + pickle.EMPTY_DICT + pickle.SETITEM + _text("x") + draw(st.sampled_from(ATTACKS))
        return start + pickle.EMPTY_DICT + items + pickle.SETITEM + pickle.STOP
    if kind == "damaged":
        data = bytearray(pickle.dumps({"net": {"a": [1, (2, "x")], "b": {3}}, "epoch": 70}))
        for _ in range(draw(st.integers(1, 5))):
            data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
        return bytes(data)
    parts = []
    for _ in range(draw(st.integers(1, 14))):
        make = draw(st.sampled_from((_named, _value, _value, lambda draw: draw(st.sampled_from(_CALLS)))))
        parts.append(make(draw))
    return start + b"".join(parts) + pickle.STOP


def _in_zip(data: bytes, extra: tuple[tuple[str, bytes], ...] = (), *, deflated: bool = False) -> bytes:
    """Put a pickle where torch's zip format has it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED) as archive:
        for name, content in (("data.pkl", data), ("version", b"3\n"), ("byteorder", b"little"), *extra):
            archive.writestr(f"archive/{name}", content)
    return out.getvalue()


def _saved(content: Any, *, zipped: bool) -> bytes:
    out = io.BytesIO()
    torch.save(content, out, _use_new_zipfile_serialization=zipped)
    return out.getvalue()


TENSORS = {"net": {"a": torch.arange(6.0).view(2, 3), "b": torch.ones(2, dtype=torch.float16)}}


class Checkpoint(NamedTuple):
    """A file; whether it is as `TENSORS` was saved."""

    data: bytes
    whole: bool


@st.composite
def _torch_files(draw: Any) -> Checkpoint:
    zipped = draw(st.booleans())
    data = _saved(TENSORS, zipped=zipped)
    kind = draw(st.sampled_from(("whole", "pickle", "pickle", "zip", "deflated", "script", "legacy", "cut", "flipped")))
    if kind == "whole":
        return Checkpoint(data, whole=True)
    made: dict[str, Callable[[], bytes]] = {
        "pickle": lambda: draw(pickles()),
        "zip": lambda: _in_zip(draw(pickles())),
        "deflated": lambda: _in_zip(draw(pickles()), (("data/0", bytes(1 << 20)),), deflated=True),
        "script": lambda: _in_zip(draw(pickles()), (("constants.pkl", b"\x80\2)."), ("code/x.py", b"import os"))),
        "legacy": lambda: _legacy(draw),
        "cut": lambda: data[: draw(st.integers(0, len(data) - 1))],
        "flipped": lambda: _flipped(draw, data),
    }
    return Checkpoint(made[kind](), whole=False)


def _legacy(draw: Any) -> bytes:
    """Return torch's older form, several pickles one after the other, with one of them hostile."""
    parts = [pickle.dumps(part, 2) for part in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}, {}, [])]
    parts[draw(st.integers(0, 4))] = draw(pickles())
    return b"".join(parts)


def _flipped(draw: Any, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        changed[draw(st.integers(0, len(data) - 1))] ^= draw(st.integers(1, 255))
    return bytes(changed)


_ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
_SPOILS: tuple[dict[str, Any], ...] = (
    {"data_offsets": [0, 4]},
    {"data_offsets": [8, 0]},
    {"data_offsets": [0, 2**40]},
    {"data_offsets": [2**64 - 8, 2**64]},
    {"data_offsets": [-8, 0]},
    {"data_offsets": [4, 12]},
    {"data_offsets": []},
    {"shape": [2**62, 4]},
    {"shape": [0]},
    {"shape": [-2]},
    {"shape": "2"},
    {"shape": [1] * 10_000},
    {"dtype": "F7"},
    {"dtype": "F4"},
    {"dtype": "I64"},
    {"dtype": "C64", "shape": [1]},
    {"dtype": "F8_E8M0", "shape": [8]},
    {"dtype": "U16", "shape": [4]},
    {"dtype": None},
)


@st.composite
def _safetensors(draw: Any) -> Checkpoint:
    header: dict[str, Any] = {"a": dict(_ENTRY)}
    if draw(st.booleans()):
        header["b"] = {**_ENTRY, "data_offsets": draw(st.sampled_from(([8, 16], [0, 8], [4, 12], [12, 20])))}
    header["a"] |= draw(st.sampled_from(({}, *_SPOILS)))
    if draw(st.booleans()):
        header["__metadata__"] = draw(st.sampled_from(({}, {"k": "v"}, {"k": 1}, [], "x", {"k": "\0\x1b[31m"})))
    text = json.dumps(header).encode()
    if draw(st.integers(0, 6)) == 0:
        text = text.replace(b'"a":', b'"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, "a":', 1)
    length = draw(st.sampled_from((len(text),) * 4 + (0, 1, len(text) - 1, len(text) + 9, 2**31, 2**63, 2**64 - 1)))
    body = bytes(draw(st.sampled_from((16, 8, 0, 15, 400))))
    return Checkpoint(struct.pack("<Q", length) + text + body, whole=False)


def checkpoints() -> st.SearchStrategy[Checkpoint]:
    """Return files of both forms."""
    return st.one_of(_torch_files(), _torch_files(), _safetensors())


def nested(depth: int) -> bytes:
    """Return a pickle of a dict with one key, a tuple in a tuple so many times."""
    key = pickle.NONE + pickle.TUPLE1 * depth
    return pickle.PROTO + b"\2" + pickle.EMPTY_DICT + key + pickle.NONE + pickle.SETITEM + pickle.STOP
