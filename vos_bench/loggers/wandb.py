"""Logs runs to Weights & Biases."""

from collections.abc import Mapping
from pathlib import Path

from vos_bench.loggers.packages import import_package
from vos_bench.records import Run
from vos_bench.records.logger import Logger
from vos_bench.records.run_fields import run_fields


class WandbLogger(Logger):
    """Makes one run of W&B of each run, in the project that `--about` or W&B's own variables name."""

    def __init__(self, about: Mapping[str, str]) -> None:
        super().__init__(about)
        self._wandb = import_package("wandb")

    def log(self, run: Run) -> str:
        """Log parameters, metrics and tags; a run that W&B has already is brought up to date."""
        fields = run_fields(run)
        # W&B would add the hardware of the machine that logs, which need not be that of the run.
        settings = self._wandb.Settings(silent=True, console="off", x_disable_stats=True, x_disable_machine_info=True)
        with self._wandb.init(
            project=self.about.get("project"),
            entity=self.about.get("entity"),
            name=run.title,
            id=fields.id,
            resume="allow",
            config={**fields.params, **{f"tags.{name}": value for name, value in fields.tags.items()}},
            settings=settings,
        ) as started:
            if started.resumed:
                started.summary.update(fields.metrics)  # no second step in its history
            else:
                started.log(fields.metrics)
            place = Path(started.dir).parent if started.offline else started.url
            return f"{place}, had it; its metrics were written again" if started.resumed else str(place)
