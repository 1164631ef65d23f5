"""`vos-bench check`: mistakes in a dataset's folder."""

from pathlib import Path

from vos_bench import registry
from vos_bench.commands.output import say
from vos_bench.names import counted
from vos_bench.records.summary import data_notes


def check(dataset: str, *, root: Path | None = None, split: str | None = None) -> int:
    """Look for mistakes in a dataset's folder; exit code 2 when there are any.

    Args:
        dataset: The dataset's name.
        root: The dataset's folder. By default, `VOS_BENCH_DATA` or the config file names it.
        split: The split. By default, the dataset's first.
    """
    opened = registry.open_dataset(dataset, root=root, split=split)
    problems = opened.check()
    for problem in problems:
        say(problem.message)
    if problems:
        say(f"{dataset} {opened.split}: {len(problems)} problem{'s' if len(problems) > 1 else ''}")
        return 2
    for note in data_notes({name: opened.notes(name) for name in opened.sequence_names}):
        say(f"note: {note}")
    frames = sum(len(sequence.frame_names) for sequence in opened)
    fingerprint = opened.fingerprint()[:12]
    say(
        f"{dataset} {opened.split}: {counted(len(opened), 'sequence')}, {counted(frames, 'frame')}, all well "
        f"(fingerprint {fingerprint})"
    )
    return 0
