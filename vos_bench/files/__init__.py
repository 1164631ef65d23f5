"""Writes files whole or not at all, and reads only regular files of an expected size."""

from vos_bench.files.reading import (
    BLOCK_BYTES,
    BLOCKS,
    MOST_HASHED,
    MOST_LIST_BYTES,
    AnyPath,
    decode_text,
    read_blocks,
    read_bytes,
    read_ends,
    read_names,
    require_regular,
    sha256,
)
from vos_bench.files.temporary import OwnPart, part_of, remove_stale_parts, remove_stale_parts_below
from vos_bench.files.writing import replacing, require_apart, require_no_link, write_bytes, write_text
