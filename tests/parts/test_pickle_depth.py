"""How deeply a pickle nests is seen before it is followed."""

import io
import pickle

import pytest

from vos_bench.parts.pickle_depth import DEEPEST, TooDeepError, require_shallow


def nested(depth: int, *, between: bytes = b"") -> bytes:
    """A tuple in a tuple, so many times; `between` each two."""
    return b"\x80\x02" + pickle.NONE + (pickle.TUPLE1 + between) * depth + pickle.STOP


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_what_people_save_is_shallow_and_the_file_stays_where_it_was(protocol: int) -> None:
    content = {"net": {f"layer{k}": (k, [k], {"x": {k}}) for k in range(3000)}, "same": [()] * 2000}
    file = io.BytesIO(b"before" + pickle.dumps(content, protocol) + b"after")
    file.seek(6)
    require_shallow(file)
    assert file.tell() == 6
    assert pickle.load(file) == content


@pytest.mark.parametrize(
    "data",
    [
        nested(DEEPEST + 2),
        nested(300_000),
        nested(DEEPEST + 2, between=pickle.NONE + pickle.POP),
        nested(DEEPEST + 2, between=pickle.DUP + pickle.TUPLE2),
        nested(DEEPEST + 2, between=pickle.BINPUT + b"\1" + pickle.POP + pickle.BINGET + b"\1"),
        nested(DEEPEST + 2, between=pickle.MEMOIZE),
        b"\x80\x02" + (pickle.MARK + pickle.NONE) * 600 + pickle.TUPLE * 600 + pickle.STOP,
        b"\x80\x04" + pickle.MARK * 600 + pickle.NONE + pickle.FROZENSET * 600 + pickle.STOP,
    ],
    ids=["just", "far", "with others between", "doubled", "by memo", "memoized", "marks", "frozen sets"],
)
def test_what_is_too_deep_is_refused(data: bytes) -> None:
    with pytest.raises(TooDeepError, match="levels deep"):
        require_shallow(io.BytesIO(data))


@pytest.mark.parametrize("put", [pickle.LONG_BINPUT + b"\0\0\0\x10", pickle.PUT + b"268435456\n"])
def test_a_number_that_the_unpickler_would_make_room_for_is_refused(put: bytes) -> None:
    with pytest.raises(ValueError, match="counts to 268435456"):
        require_shallow(io.BytesIO(b"\x80\x02N" + put + pickle.STOP))


@pytest.mark.parametrize("data", [b"", b"\x80\x02(", b"\x80\x02.", b"t.", b"\xff.", b"\x80\x02N\x8e" + b"\xff" * 8])
def test_what_makes_no_sense_is_refused_or_left_to_the_reader(data: bytes) -> None:
    try:
        require_shallow(io.BytesIO(data))
    except ValueError:
        return
    with pytest.raises((EOFError, pickle.UnpicklingError)):
        pickle.loads(data)
