"""The interface of loggers, which send runs to programs that keep them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from vos_bench.records.run import Run


class Logger(ABC):
    """Sends runs to a program that keeps them, such as a tracking server. One instance serves one `vos-bench log`."""

    def __init__(self, about: Mapping[str, str]) -> None:
        """Keep what `--about NAME=VALUE` said; a subclass may connect after calling this."""
        self.about = about

    @abstractmethod
    def log(self, run: Run) -> str:
        """Send one complete and scored run; `vos_bench.records.run_fields.run_fields` has it in flat form.

        Returns:
            Where it lies now, or that it lay there before, in one line.
        """
