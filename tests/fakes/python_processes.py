"""Python in processes of its own."""

import subprocess
import sys
from typing import Any

PATIENCE_SECONDS = 900
"""Until one is taken for one that hangs; a machine may be busy with other things."""


def run_python(*arguments: object, **more: Any) -> "subprocess.CompletedProcess[str]":
    """Run Python with these arguments, and more for `subprocess.run`. A failure shows what it printed."""
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS, **more)
    assert done.returncode == 0, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done
