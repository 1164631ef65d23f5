"""Logs runs to MLflow."""

from collections.abc import Mapping
from typing import Any

from vos_bench.loggers.packages import import_package
from vos_bench.records import Run
from vos_bench.records.logger import Logger
from vos_bench.records.run_fields import run_fields

LONGEST_PARAM = 6000
"""Characters of a parameter: `MAX_PARAM_VAL_LENGTH` of mlflow/utils/validation.py, the same in MLflow 2.22 and 3.17."""

ID_TAG = "vos_bench_run"
"""The tag by which a run is found again. MLflow never finds some other names: `tags.created` is its own start time."""


class MlflowLogger(Logger):
    """Makes one run of MLflow of each run, in the experiment that `--about` or MLflow's own variables name."""

    def __init__(self, about: Mapping[str, str]) -> None:
        super().__init__(about)
        self._mlflow = import_package("mlflow")
        if "experiment" in about:
            self._mlflow.set_experiment(about["experiment"])

    def log(self, run: Run) -> str:
        """Log parameters, metrics and tags, unless the experiment has the run."""
        mlflow, fields = self._mlflow, run_fields(run)
        same = f"tags.{ID_TAG} = '{fields.id}'"
        if found := mlflow.search_runs(filter_string=same, max_results=1, output_format="list"):
            return f"{_place(found[0])}, has it already"
        with mlflow.start_run(run_name=run.title) as started:
            # The client splits them: a server takes no more than 100 parameters, or 1000 metrics, at once.
            mlflow.log_params({name: str(value)[:LONGEST_PARAM] for name, value in fields.params.items()})
            mlflow.log_metrics(fields.metrics)
            # Tags are last: without its id, a run that broke off is logged again.
            mlflow.set_tags({**fields.tags, ID_TAG: fields.id})
        return _place(started)


def _place(found: Any) -> str:
    """Return where a run lies; without the server's address, which may hold a password."""
    return f"MLflow experiment {found.info.experiment_id}, run {found.info.run_id}"
