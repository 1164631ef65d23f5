"""What the command line offers: each command's help, examples and page of the documentation."""

from typing import NamedTuple


class Command(NamedTuple):
    """One command.

    Attributes:
        help: What it does, one sentence.
        examples: Calls of it, each of which does what it says on a machine that has the data.
        page: The page of the documentation about it, in the folder docs.
        module: Its module in `vos_bench.commands`, which holds a function of the same name.
    """

    help: str
    examples: tuple[str, ...]
    page: str
    module: str

    @property
    def epilogue(self) -> str:
        """The examples and the page, as they stand below the help, in Markdown."""
        lines = "\n".join(f"    vos-bench {example}" for example in self.examples)
        return f"Examples:\n\n{lines}\n\nMore: docs/{self.page}"


COMMANDS = {
    "run": Command(
        "Run a method on a dataset; resumes where an earlier run stopped.",
        (
            "run lwl-lite --dataset demo",
            "run lwl --weights lwl_stage2.pth --dataset ytvos18 --root /data/YouTubeVOS",
            "run ./mine.py:Mine --dataset davis17 --root /data/DAVIS --seeds 0,1,2",
            "run lwl-lite --dataset demo --set memory_size=16 --name 'LWL lite (memory 16)'",
            "run flow-warp --dataset demo --sequences tiny,leaving --set mend=false",
            "run lwl-lite --dataset demo --corrupt noise:3",
            "run lwl-lite --dataset demo --real-time 30",
        ),
        "runs.md",
        "run",
    ),
    "suite": Command(
        "Run every method on every dataset with every seed under all settings that a file names.",
        ("suite comparison.toml", "suite comparison.toml --check"),
        "suites.md",
        "suite",
    ),
    "segment": Command(
        "Segment objects through a video, from a mask or a box on one frame.",
        (
            "segment video.mp4 --mask first.png --out result",
            "segment video.mp4 --box 120,80,310,260 --at 25 --both-ways --out result",
        ),
        "segment-a-video.md",
        "segment",
    ),
    "score": Command(
        "Score label maps, whoever made them.",
        (
            "score masks --dataset davis17 --root /data/DAVIS",
            "score masks --truth truth --protocol davis --json scores.json",
        ),
        "scoring.md",
        "score",
    ),
    "bench": Command(
        "Time a method by the timing protocol.",
        (
            "bench lwl-lite --dataset davis16 --root /data/DAVIS",
            "bench lwl-lite --size 832x480 --objects 1,4 --frames 60",
        ),
        "performance.md",
        "bench",
    ),
    "import": Command(
        "Score label maps that a system's authors published, as results without a speed.",
        ("import masks --method premvos --source https://davischallenge.org --dataset davis17 --root /data/DAVIS",),
        "scoring.md",
        "importing",
    ),
    "report": Command(
        "Make a table, a figure or a page from records.",
        (
            "report runs",
            "report davis17 runs --format latex --out table.tex",
            "report runs --methods lwl-lite,flow-warp --sequences tiny,leaving",
            "report davis16 runs --label runs/davis16/Mine=Ours",
            "report html runs --out site",
        ),
        "reports.md",
        "report",
    ),
    "compare": Command(
        "Judge a run against a baseline, for continuous integration.",
        (
            "compare baseline runs/demo/lwl-lite/1f3c9a2e",
            "compare baseline runs/new --tolerance 0.002 --sequence-tolerance 0.05 --junit judged.xml",
            "compare baseline runs/new --update",
        ),
        "continuous-integration.md",
        "compare",
    ),
    "baseline": Command(
        "Copy a run's records without its masks, to be committed as the baseline of later runs.",
        ("baseline runs/demo/lwl-lite/1f3c9a2e --out baselines/lwl-lite",),
        "continuous-integration.md",
        "baseline",
    ),
    "check": Command(
        "Look for mistakes in a dataset's folder.",
        ("check davis17 --root /data/DAVIS",),
        "your-data.md",
        "check",
    ),
    "train": Command(
        "Train a method by one of its recipes.",
        (
            "train lwl-lite --recipe demo",
            "train lwl-lite --recipe stage1 --root /data/DAVIS --resume",
        ),
        "training.md",
        "train",
    ),
    "ablate": Command(
        "Train and measure the variants of a method under equal conditions.",
        ("ablate lwl --scale lite --table table1",),
        "ablation.md",
        "ablate",
    ),
    "convert": Command(
        "Turn a foreign file of parameters into safetensors.",
        ("convert stcn stcn.pth --out stcn.safetensors",),
        "methods.md",
        "convert",
    ),
    "fetch": Command(
        "Download a dataset, where its licence allows; for a method, say where its weights are.",
        ("fetch davis17 --root /data/DAVIS", "fetch lwl"),
        "your-data.md",
        "fetch",
    ),
    "record": Command(
        "Add scores that a server gave to a run's record.",
        ("record runs/ytvos18/lwl/1f3c9a2e --external G=0.815 --server CodaLab --date 2026-11-29",),
        "runs.md",
        "record",
    ),
    "export": Command(
        "Write label maps, scores or metadata of a dataset in the forms of other programs.",
        (
            "export runs/demo/lwl-lite/1f3c9a2e --format overlay --out videos",
            "export runs/demo/lwl-lite/1f3c9a2e --format coco --out coco",
            "export runs --format runs-csv --out tracking",
        ),
        "hub.md",
        "export",
    ),
    "log": Command(
        "Send scored runs to a tracking server, such as MLflow or W&B.",
        ("log runs --to mlflow --about experiment=vos", "log runs/demo/lwl-lite --to wandb --about project=vos"),
        "hub.md",
        "log",
    ),
    "import-masks": Command(
        "Turn the exports of annotation tools into label maps that keep identities.",
        ("import-masks annotations.zip --from cvat --out masks",),
        "your-data.md",
        "import_masks",
    ),
    "package": Command(
        "Write the zip that a dataset's server takes.",
        ("package runs/ytvos18/lwl/1f3c9a2e --out lwl.zip",),
        "runs.md",
        "package",
    ),
    "check-method": Command(
        "Check that a method is causal, repeatable and flat in memory.",
        ("check-method lwl-lite", "check-method ./mine.py:Mine --out mine.md"),
        "add-a-method.md",
        "check_method",
    ),
    "new-method": Command(
        "Write the start of a method of your own: a file that runs, and its test.",
        ("new-method my-tracker", "new-method my-network --torch"),
        "add-a-method.md",
        "new_method",
    ),
    "list": Command(
        "List methods, datasets, recipes, ablations, reports, loggers, weights or protocols, or describe one.",
        ("list methods", "list methods lwl", "list weights --format json", "list protocols mosev2"),
        "methods.md",
        "listing",
    ),
}
"""The commands by name, in the order of the help."""
