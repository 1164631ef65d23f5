"""Lists of sequences: text files with one name a line."""

from pathlib import Path

from vos_bench.api import Problem
from vos_bench.files import MOST_LIST_BYTES, decode_text, read_bytes

from .problems import BadDataError, require_file_names


def read_name_list(path: Path, *, may_be_empty: bool = False) -> tuple[str, ...]:
    """Return the names in a list, each once, in its order.

    Raises:
        BadInputError: It cannot be read, is empty or no text, or a name is none that a folder can have.
    """
    try:
        lines = decode_text(read_bytes(path, most=MOST_LIST_BYTES)).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        problem = Problem(path, f"a file that cannot be read ({error})", "names, one a line", "get it again")
        raise BadDataError(problem) from None
    names = tuple(dict.fromkeys(name for line in lines if (name := line.strip())))
    if not names and not may_be_empty:
        raise BadDataError(Problem(path, "an empty list", "names of sequences, one a line", "get it again"))
    require_file_names(path, names)
    return names
