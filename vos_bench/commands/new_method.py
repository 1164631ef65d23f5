"""`vos-bench new-method`: the start of a method of your own."""

import keyword
import re
import sys
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from vos_bench.commands.groups import FLAG
from vos_bench.commands.output import say
from vos_bench.errors import BadInputError
from vos_bench.files import write_text


def new_method(name: str, *, torch: Annotated[bool, FLAG] = False, out: Path = Path()) -> None:
    """Write the start of a method of your own: a file that runs as it stands, and its test.

    Args:
        name: What it is called, as in my-tracker: the file is my_tracker.py, the class MyTracker.
        torch: Start from a network of PyTorch that follows one object, instead of NumPy alone.
        out: The folder for both files.
    """
    module = re.sub(r"[-\s]+", "_", name.strip()).lower()
    if not re.fullmatch(r"[a-z][a-z0-9_]*", module) or keyword.iskeyword(module):
        raise BadInputError(f"new-method {name}: expected letters, digits and - that make a name in Python: my-tracker")
    class_name = "".join(part.capitalize() for part in module.split("_"))
    written = {
        out / f"{module}.py": "torch_network" if torch else "plain",
        out / f"test_{module}.py": "check",
    }
    for path in written:
        if path.exists():
            raise BadInputError(f"{path}: is there already; give another name, or another folder with --out")
    if module in sys.stdlib_module_names or find_spec(module) is not None:
        raise BadInputError(
            f"new-method {name}: Python has a module {module} here, which the file would hide; give another name"
        )
    for path, template in written.items():
        text = files("vos_bench.commands.templates").joinpath(f"{template}.py").read_text(encoding="utf-8")
        write_text(path, text.replace("NewMethod", class_name).replace("new_method", module))
        say(str(path))
    say(f"run it: vos-bench run {_shown(out, module)}:{class_name} --dataset demo")
    there = "" if out == Path() else f"cd {out} && "
    needed = "" if find_spec("pytest") else " (pip install pytest first)"
    say(f"test it: {there}python -m pytest test_{module}.py{needed}")


def _shown(folder: Path, module: str) -> str:
    return f"./{module}.py" if folder == Path() else str(folder / f"{module}.py")
