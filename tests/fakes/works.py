"""Work that is quick to do and can be broken: made-up runs, scorings and trainings."""

import json
import os
import sys
from pathlib import Path

import fake_ablation
import fake_vos
from breaking import FAKES, VOS_BENCH, Found, Work

from vos_bench.labelmaps import write_label_map
from vos_bench.training import checkpoint

LENGTH = 10
STEPS = 40


def files(out: Path, *patterns: str) -> Found:
    paths = sorted(path for pattern in patterns for path in out.glob(pattern))
    return {str(path.relative_to(out)): path.read_bytes() for path in paths}


def run_results(out: Path) -> Found:
    """Label maps, and the two tables of scores."""
    return files(out, "masks/*/*", "objects.csv", "frames.csv.gz")


def run_kept(out: Path) -> Found:
    """The files of finished sequences, and their label maps."""
    records = files(out, "sequences/*.json")
    done = {name: data for name, data in records.items() if json.loads(data)["status"] == "done"}
    masks = (files(out, f"masks/{Path(name).stem}/*") for name in done)
    return {**done, **{path: data for found in masks for path, data in found.items()}}


def run_progress(out: Path) -> int:
    """How many label maps, records and tables there are."""
    return sum(1 for pattern in ("masks/*/*.png", "sequences/*.json", "*.csv", "*.csv.gz") for _ in out.glob(pattern))


def made_up_run(jobs: int, *, method: str = "Slow", sick: str = "", **environment: str) -> Work:
    """Five sequences of two objects through a method that takes 20 ms a frame."""
    script = (sys.executable, str(FAKES / "run_fake.py"))
    return Work(
        name=f"run, {jobs} job{'s' if jobs > 1 else ''}",
        command=lambda out: (*script, str(out), method, str(jobs), str(LENGTH)),
        results=run_results,
        kept=run_kept,
        progress=run_progress,
        environment={"FAKE_SICK": sick, **environment},
    )


def any_run(name: str, method: str, sequences: str, *options: str, jobs: int) -> Work:
    """A method of the package on sequences of the demo."""
    what = ("run", method, "--dataset", "demo", "--sequences", sequences, "--jobs", str(jobs), "--device", "cpu")
    return Work(
        name=name,
        command=lambda out: (*VOS_BENCH, *what, *options, "--out", str(out)),
        results=run_results,
        kept=run_kept,
        progress=run_progress,
    )


def make_label_maps(folder: Path, *, sequences: int = 6) -> tuple[Path, Path]:
    """Write a truth and label maps to score against it; return both folders."""
    truth, masks = folder / "truth", folder / "to-score"
    for number in range(sequences):
        sequence = fake_vos.FakeSequence(f"s{number}", fake_vos.Spec(length=LENGTH, size=(60, 80)))
        for frame in sequence.frame_names:
            labels = sequence.read_truth(frame)
            write_label_map(truth / sequence.name / f"{frame}.png", labels)
            labels[: 1 + number] = 0
            write_label_map(masks / sequence.name / f"{frame}.png", labels)
    return truth, masks


def scoring(folder: Path, *, jobs: int = 1) -> Work:
    """Scores made-up label maps; from five jobs on in worker processes. What it is given may not change either."""
    truth, masks = make_label_maps(folder)
    what = ("score", str(masks), "--truth", str(truth), "--jobs", str(jobs))
    return Work(
        name=f"scoring, {jobs} job{'s' if jobs > 1 else ''}",
        command=lambda out: (*VOS_BENCH, *what, "--out", str(out)),
        results=lambda out: files(out, "objects.csv", "frames.csv.gz"),
        kept=lambda _: files(folder, "truth/*/*", "to-score/*/*"),
        progress=run_progress,
    )


def training(folder: Path, *, workers: int = 0, pause: float = 0.01) -> Work:
    """Forty steps of a small network with a checkpoint every five; `folder` gets what makes it an installed method."""
    fakes = fake_ablation.install(folder / "site")
    settings = {"steps_per_epoch": STEPS, "checkpoint_every": 5, "workers": workers, "pause": pause}
    numbers = tuple(word for name, value in settings.items() for word in ("--set", f"{name}={value}"))
    what = ("train", "fake", "--recipe", "quick", "--device", "cpu", *numbers)
    path = os.pathsep.join((str(folder / "site"), str(fakes), os.environ.get("PYTHONPATH", "")))
    return Work(
        name=f"training, {workers} workers" if workers else "training",
        command=lambda out: (*VOS_BENCH, *what, "--out", str(out), *_going_on(out)),
        results=lambda out: {**files(out, "weights.*"), "steps": json.dumps(_steps(out)).encode()},
        kept=_saved_steps,
        progress=lambda out: len(_steps(out)) + len(files(out, "weights.*")),
        environment={"PYTHONPATH": path},
    )


def _going_on(out: Path) -> tuple[str, ...]:
    return ("--resume",) if (out / checkpoint.CHECKPOINT).exists() else ()


def _steps(out: Path) -> list[int]:
    path = out / "curves.jsonl"
    lines = path.read_text("utf-8").splitlines(keepends=True) if path.exists() else []
    return [json.loads(line)["step"] for line in lines if line.endswith("\n")]


def _saved_steps(out: Path) -> Found:
    """The steps whose result is on disk: a checkpoint, which has to load, and the weights."""
    steps = checkpoint.load_checkpoint(out)["step"] if (out / checkpoint.CHECKPOINT).exists() else -1
    return {**{f"step {step}": b"" for step in range(steps + 1)}, **files(out, "weights.*")}
