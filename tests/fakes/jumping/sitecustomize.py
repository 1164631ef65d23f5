"""Makes the wall clock of a process jump a day ahead and back; Python reads this where its folder is on the path."""

import time

DAY_SECONDS = 86400
_true, _true_ns = time.time, time.time_ns


def _ahead() -> bool:
    return int(time.monotonic() * 10) % 2 == 1


time.time = lambda: _true() + DAY_SECONDS * _ahead()
time.time_ns = lambda: _true_ns() + DAY_SECONDS * 10**9 * _ahead()
