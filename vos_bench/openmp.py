"""How OpenMP's threads wait for each other, and how many BLAS has; decided before what starts them is loaded."""

import os
import sys
import time
from pathlib import Path

POLICY = "OMP_WAIT_POLICY"
SPINS = "GOMP_SPINCOUNT"
"""GNU's OpenMP, which torch's wheels have, looks so many times before it puts a thread to sleep."""

_SPINS = "10000"
"""About as fast as the unbounded default on an idle machine, and a third of its harm on a busy one."""

_LOAD = Path("/proc/loadavg")
_LOOKS, _PAUSE_SECONDS = 3, 0.002


def choose_wait_policy() -> None:
    """Let threads that wait sleep where the machine is busy, and soon where it is idle; what the user set stays.

    Threads that spin while they wait, as is OpenMP's default, make a small network on an idle processor nearly twice as
    fast as threads that sleep. Where others want the processor too they make it several times slower, for they keep it
    from the very thread that they wait for. What is idle now may be busy later, so nobody spins for long.
    """
    if POLICY in os.environ or os.environ.get(SPINS, _SPINS) != _SPINS:
        return
    busy = others_running() >= max(1, (os.cpu_count() or 1) // 2)
    os.environ.pop(SPINS, None)  # of the process that started this one
    os.environ.update({POLICY: "PASSIVE"} if busy else {SPINS: _SPINS})


def choose_one_blas_thread() -> None:
    """Let NumPy start no threads for products of matrices, where it is not loaded yet; what the user set stays.

    Starting them takes a fifth of the time that NumPy's import takes, more on a machine with many processors.
    """
    if "numpy" not in sys.modules:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def wait_policy() -> str:
    """Return how threads wait, as records have it; empty for OpenMP's default."""
    return os.environ.get(POLICY) or (f"{SPINS}={count}" if (count := os.environ.get(SPINS)) else "")


def others_running() -> int:
    """Return how many other processes or threads want a processor now; 0 where the system does not tell.

    The least of a few looks, since most of what runs at any moment is gone in the next.
    """
    least = None
    for look in range(_LOOKS):
        if look:
            time.sleep(_PAUSE_SECONDS)
        try:
            running = int(_LOAD.read_text(encoding="ascii").split()[3].partition("/")[0])
        except (OSError, ValueError, IndexError):
            return 0
        least = running if least is None else min(least, running)
    return max(0, (least or 1) - 1)
