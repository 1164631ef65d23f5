"""The scores of runs in the forms of other programs: the Hugging Face hub's, and a table for MLflow and W&B.

Source of the hub's forms: huggingface/hub-docs, `docs/hub/eval-results.md` at commit 064c754 (`.eval_results/*.yaml`,
marked there as work in progress) and `modelcard.md` at commit 0d37e0c (`model-index` in a model card, the older form).
Of the table's columns: the data frame of `mlflow.search_runs`, MLflow 2 and 3.
"""

import csv
import io
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from vos_bench.errors import BadInputError
from vos_bench.exporting.about import require_about
from vos_bench.files import write_text
from vos_bench.names import counted, escape_formula, shorten
from vos_bench.records import Run, RunRecord, find_runs
from vos_bench.records.run_fields import all_run_fields, run_fields
from vos_bench.records.runs_table import runs_table
from vos_bench.tables import render

TASK = {"type": "mask-generation", "name": "Semi-supervised video object segmentation"}
"""The hub's name of the task that is nearest, and ours."""

FRAMEWORK = "vos-bench"
DIGITS = 6
"""Of a score in percent, so that 81.6 is not 81.60000000000001."""

MOST_NAMED = 3
"""How many sequences the notes of a score name; of more they give the number."""

STATUS = {"complete": "FINISHED", "failed": "FAILED", "started": "RUNNING"}
"""Our word for how a run ended to MLflow's."""


def export_records(
    path: str | Path, form: str, *, out: str | Path | None = None, about: Mapping[str, str] | None = None
) -> list[Path]:
    """Write the scores of runs in another form, as `vos-bench export` does.

    Args:
        path: The folder of a run, or one that holds several at any depth.
        form: One of `RECORD_FORMS`.
        out: The folder to write; None for `export/FORM` in `path`.
        about: What the form asks for besides, one of `RECORD_ABOUT[form]` each.

    Returns:
        The file that was written.

    Raises:
        BadInputError: There is no run with scores, a record is damaged, something is missing, or the file cannot be
            written.
    """
    path = Path(path)
    found = find_runs([path])
    if found.problems:
        raise BadInputError("\n".join(found.problems))
    target = path / "export" / form if out is None else Path(out)
    return [RECORD_FORMS[form](found.runs, target, about or {})]


def _scored(runs: Sequence[Run], form: str) -> list[Run]:
    scored = [run for run in runs if run.scores]
    if not scored:
        raise BadInputError(f"--format {form}: found no scores in {runs[0].folder}; expected a run that was scored")
    return scored


def write_eval_results(runs: Sequence[Run], out: Path, about: Mapping[str, str]) -> Path:
    """Write `.eval_results/DATASET.yaml` of a model's repository on the hub: the headline score, in percent."""
    require_about(about, "eval-results", {"dataset": "OWNER/DATASET"})
    if about["dataset"].count("/") != 1:
        raise BadInputError(f"--about dataset={about['dataset']}: expected the dataset's id on the hub, OWNER/DATASET")
    if "source-name" in about:
        require_about(about, "eval-results", {"source": "https://…"})
    scored = _scored(runs, "eval-results")
    if len(scored) > 1:
        raise BadInputError(
            f"--format eval-results: found {counted(len(scored), 'run')}, expected one; name its folder"
        )
    record = scored[0].record
    name, value = headline(scored[0])
    dataset = {"id": about["dataset"], "task_id": about.get("task", "default")}
    if "revision" in about:
        dataset["revision"] = about["revision"]
    entry: dict[str, Any] = {"dataset": dataset, "value": value, "date": record.ended}
    if "source" in about:
        named = {"name": about["source-name"]} if "source-name" in about else {}
        entry["source"] = {"url": about["source"], **named}
    entry["notes"] = "; ".join([f"{name} in percent", *_conditions(record), *filter(None, [about.get("notes")])])
    path = out / ".eval_results" / f"{record.dataset.name}.yaml"
    write_text(path, _yaml([entry]))
    return path


def headline(run: Run) -> tuple[str, float]:
    """Return the score by which papers rank a run, and its value in percent."""
    name = "G" if "G" in run.scores else run.headline
    return name, percent_of(run.scores[name])


def percent_of(score: float) -> float:
    """Return a fraction in percent, without the noise of the last bits."""
    return round(100 * score, DIGITS)


def _conditions(record: RunRecord) -> Iterable[str]:
    """Yield under which rules a score was made."""
    protocol = record.protocol
    yield f"{record.dataset.title}, {_sequences(record)}"
    yield f"protocol {protocol.name}, metrics {protocol.metric_version or 'unknown'}"
    yield f"{protocol.frames_seen or 'unknown'} frames seen"
    if protocol.start:
        yield f"started from {protocol.start}"
    yield from protocol.conditions
    if record.method.weights is not None:
        yield record.method.weights.described
    yield f"{FRAMEWORK} {record.environment.vos_bench}"


def _sequences(record: RunRecord) -> str:
    """Say how many sequences were scored, and name a few: a record does not know how many more its dataset has."""
    scored, names = record.counts.scored, record.dataset.sequences
    if scored < len(names):
        return f"{scored} of the run's {counted(len(names), 'sequence')}"
    return f"{counted(scored, 'sequence')}{f' ({shorten(names)})' if len(names) <= MOST_NAMED else ''}"


def write_model_card(runs: Sequence[Run], out: Path, about: Mapping[str, str]) -> Path:
    """Write `README.md` of a model's repository on the hub: metadata with the scores, and a table of them."""
    scored = _scored(runs, "model-card")
    methods = dict.fromkeys(run.record.method.title for run in scored)
    if len(methods) > 1 and "name" not in about:
        raise BadInputError(
            f"--format model-card: found runs of {', '.join(methods)}, expected one method; name its folder, or say "
            "how the model is called: --about name=NAME"
        )
    datasets = dict.fromkeys(run.record.dataset.name for run in scored)
    if "dataset" in about and len(datasets) > 1:
        raise BadInputError(
            f"--about dataset={about['dataset']}: found runs on {', '.join(datasets)}, expected one dataset; name the "
            "folder of its runs, or leave it out"
        )
    name = about.get("name", next(iter(methods)))
    metadata = {
        **({"license": about["license"]} if "license" in about else {}),
        "pipeline_tag": TASK["type"],
        "tags": ["video-object-segmentation", FRAMEWORK],
        "model-index": [{"name": name, "results": [_card_result(run, about, len(scored) > 1) for run in scored]}],
    }
    conditions = "\n".join(
        f"- {run.record.method.title}: {'; '.join(_conditions(run.record))}"
        f"{f'; seed {run.record.seed}' if run.record.numerics else ''}; data {run.record.dataset.fingerprint[:12]}"
        for run in scored
    )
    text = (
        f"---\n{_yaml(metadata)}---\n\n# {name}\n\n## Results\n\n"
        f"{render(runs_table(scored), 'markdown')}\nScores are in percent.\n\n{conditions}\n"
    )
    path = out / "README.md"
    write_text(path, text)
    return path


def _card_result(run: Run, about: Mapping[str, str], one_of_several: bool) -> dict[str, Any]:
    record = run.record
    title = ", ".join((record.dataset.title, *record.protocol.conditions))
    data = {"type": about.get("dataset", record.dataset.name), "name": title}
    source = {"source": {"url": about["source"], "name": FRAMEWORK}} if "source" in about else {}
    known = {name: value for name, value in run.scores.items() if not math.isnan(value)}
    return {
        "task": dict(TASK),  # a copy each: YAML writes what it meets twice as an alias
        "dataset": {
            **data,
            # huggingface_hub joins the results of one type, config and split when it writes a card that it has read.
            **({"config": f"run {run_fields(run).id}"} if one_of_several else {}),
            **({"split": record.dataset.split} if record.dataset.split else {}),
        },
        "metrics": [{"type": name, "value": percent_of(value), "name": f"{name} (%)"} for name, value in known.items()],
        **source,
    }


def _yaml(data: Any) -> str:
    import yaml  # here, for few need it

    text: str = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=1000)
    return text


def write_runs_csv(runs: Sequence[Run], out: Path, about: Mapping[str, str]) -> Path:
    """Write `runs.csv`: a line a run, with the columns of `mlflow.search_runs`; scores are fractions."""
    del about
    rows = [_flat(run) for run in runs]
    columns = dict.fromkeys(name for row in rows for name in row)
    order = [*(each for each in columns if "." not in each), *sorted(each for each in columns if "." in each)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(order)
    for row in rows:
        values = ("" if row.get(name) is None else row[name] for name in order)
        writer.writerow([escape_formula(value) if isinstance(value, str) else value for value in values])
    path = out / "runs.csv"
    write_text(path, text.getvalue())
    return path


def _flat(run: Run) -> dict[str, Any]:
    record = run.record
    params, metrics, tags = all_run_fields(run)
    return {
        "run_id": run_fields(run).id,
        "run_name": run.title,
        "status": STATUS[record.status],
        "start_time": record.created,
        "end_time": record.finished,
        **{f"metrics.{name}": value for name, value in metrics.items()},
        **{f"params.{name}": value for name, value in params.items()},
        **{f"tags.{name}": value for name, value in tags.items()},
    }


RecordForm = Callable[[Sequence[Run], Path, Mapping[str, str]], Path]

RECORD_FORMS: Mapping[str, RecordForm] = {
    "eval-results": write_eval_results,
    "model-card": write_model_card,
    "runs-csv": write_runs_csv,
}
"""The forms of records, by what `--format` calls them."""

RECORD_ABOUT: Mapping[str, tuple[str, ...]] = {
    "eval-results": ("dataset", "task", "revision", "source", "source-name", "notes"),
    "model-card": ("name", "license", "dataset", "source"),
    "runs-csv": (),
}
"""What `--about` may say for each of them."""
