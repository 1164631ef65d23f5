"""The results of README, made again: what each row says, what its record says, and what its command gives now.

    python benchmarks/reproduce.py --list                       # README against the records; runs nothing
    python benchmarks/reproduce.py --datasets demo              # no data needed; minutes
    python benchmarks/reproduce.py --root DAVIS                 # all that can be run here; half an hour on two cores
    python benchmarks/reproduce.py --keep runs/demo/ridge/1f3c9a2e             # a run's records take the row's place

A row is one method on one dataset; `METHOD (WEIGHTS)` runs with other weights than its own. It is reproduced where no
score differs from its record by more than a tenth of a point. A row cannot be run where its data or the weights of its
record are not here; this is said, and is no failure. Speeds are not measured again: `vos-bench bench` does that, and
only on the same machine do they mean the same.

A run's records without its masks, as `vos-bench baseline` writes them, are one archive in benchmarks/results, or lie
where `ELSEWHERE` says. Exit code: 0, or 1 where README differs from a record or a run does.
"""

import argparse
import re
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import stdev
from tempfile import TemporaryDirectory

import vos_bench
from vos_bench import registry
from vos_bench.comparing.baseline import write_baseline
from vos_bench.config import find_data_root
from vos_bench.errors import BadInputError, VosBenchError
from vos_bench.files import replacing
from vos_bench.records import MethodEntry, Run, load_run
from vos_bench.tables import Column, Table, render

CHECKOUT = Path(__file__).resolve().parent.parent
README = CHECKOUT / "README.md"
RESULTS = CHECKOUT / "benchmarks" / "results"
SCORES = ("J&F", "J", "F")
SEQUENCES = {"davis16": 20, "demo": 11}
"""How many sequences there are of each dataset's default split."""

TOLERANCE = 0.001
"""By how much a score may differ and still be reproduced: the last digit that README prints."""

HEADINGS = {
    "main": "| method | starts from | DAVIS 2016 val: J&F | J | F | demo: J&F | FPS on DAVIS |",
    "equal terms": "| method | how it knows the object | J&F | J | F |",
}
"""The tables of README, and the line of their headings."""

CELLS = {
    "main": {"davis16": {"J&F": 2, "J": 3, "F": 4, "FPS": 6}, "demo": {"J&F": 5}},
    "equal terms": {"davis16": {"J&F": 2, "J": 3, "F": 4}},
}
"""Table to the datasets of a line, and to the cell of each figure."""

ELSEWHERE = {
    ("main", "lwl-lite", "demo"): ("tests/baselines/lwl-lite", ""),
    ("main", "lwl-lite (lwl-lite-open)", "demo"): ("tests/baselines/lwl-lite-open", ""),
    ("equal terms", "lwl-lite", "davis16"): (
        "benchmarks/ablation-lite.tar.xz",
        "ablation-lite/table1/weight-predictor/seed0/run",
    ),
    ("equal terms", "osvos-lite", "davis16"): ("benchmarks/lite-rivals.tar.xz", "lite-rivals/osvos-lite/run"),
    ("equal terms", "stm-lite", "davis16"): ("benchmarks/lite-rivals.tar.xz", "lite-rivals/stm-lite/run"),
}
"""Table, method (and weights) and dataset to the record: a folder, or an archive and the folder in it."""

SPEEDS = CHECKOUT / "benchmarks" / "speed"
"""A folder a method: what `vos-bench bench` recorded on DAVIS 2016, scores of the timed passes included."""


@dataclass(frozen=True)
class Row:
    """What README says of one method on one dataset: figures by name, as they are printed; `name` as in records."""

    table: str
    name: str
    dataset: str
    printed: dict[str, str]

    @property
    def method(self) -> str:
        """The method's own name."""
        return self.name.partition(" (")[0]

    @property
    def weights(self) -> str | None:
        """The weights that it is given, None for its own."""
        return self.name.partition(" (")[2].removesuffix(")") or None

    @property
    def key(self) -> tuple[str, str, str]:
        """What `ELSEWHERE` knows it by."""
        return self.table, self.name, self.dataset

    @property
    def title(self) -> str:
        """What it is called in the output."""
        return f"{self.name} ({self.table})" if self.table != "main" else self.name


def readme_rows(text: str) -> list[Row]:
    """Return all rows of README's tables of results."""
    return [row for name in HEADINGS for row in _rows_below(text, name)]


def _rows_below(text: str, name: str) -> Iterator[Row]:
    lines = text.partition(f"{HEADINGS[name]}\n")[2].splitlines()[1:]
    for line in lines:
        if not line.startswith("|"):
            return
        cells = [cell.strip().strip("*") for cell in line.strip("|").split("|")]
        for dataset, places in CELLS[name].items():
            printed = {score: cells[i] for score, i in places.items() if cells[i]}
            yield Row(name, cells[0].strip("`"), dataset, printed)


def unrecorded(text: str) -> set[tuple[str, str, str]]:
    """Return the rows of which README says that no record was kept."""
    found = re.search(r"No record was kept of ([^:]+) on DAVIS", " ".join(text.split()))
    return {("main", name, "davis16") for name in re.findall(r"`([^`]+)`", found[1])} if found else set()


def archive_of(row: Row) -> Path:
    """Return where the archive of a row's record lies."""
    return RESULTS / f"{row.dataset}-{row.weights or row.method}.tar.xz"


def record_of(row: Row) -> Run | None:
    """Return a row's record, None where there is none."""
    path, inside = ELSEWHERE.get(row.key, ("", ""))
    if inside:
        return _archived(CHECKOUT / path, inside)
    if path:
        return load_run(CHECKOUT / path)
    if archive_of(row).is_file():
        return _archived(archive_of(row), "")
    speed = _speed_file(row)
    return load_run(speed) if row.dataset == "davis16" and speed.is_file() else None


def _archived(path: Path, inside: str) -> Run:
    """Read a run out of an archive."""
    with TemporaryDirectory() as folder, tarfile.open(path) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # from Python 3.11.4 on
        archive.extractall(folder, [each for each in archive if each.name.startswith(inside)])
        return load_run(Path(folder) / inside)


def _speed_file(row: Row) -> Path:
    return SPEEDS / (row.weights or row.method) / "run.json"


def speed_of(row: Row) -> str:
    """Return the FPS that was recorded for a row, as README prints it; empty where there is none."""
    file = _speed_file(row)
    timing = load_run(file).record.timing if row.dataset == "davis16" and file.is_file() else None
    if timing is None or timing.fps is None:
        return ""
    return f"{timing.fps:.1f} ± {stdev(timing.fps_repeats):.1f}"


def misprints(row: Row, record: Run) -> list[str]:
    """Return what README says otherwise than the records."""
    recorded = {name: f"{100 * record.scores[name]:.1f}" for name in SCORES} | {"FPS": speed_of(row)}
    return [f"{name} {text}, recorded {recorded[name]}" for name, text in row.printed.items() if text != recorded[name]]


def obstacle(row: Row, record: Run, root: Path | None) -> str:
    """Return why a row cannot be run here; empty where it can."""
    weights, info = record.record.method.weights, registry.method(row.method)
    if weights and weights.name not in {each.name for each in info.weights if each.location}:
        trained = "docs/methods.md and docs/ablation.md say how they were trained"
        return f"its weights (sha256 {weights.sha256[:8]}) are not in the package; {trained}"
    data = registry.dataset(row.dataset)
    try:
        if data.needs_root:
            find_data_root(row.dataset, root, data.folders)
    except BadInputError:
        return f"its data are not here; give --root, or set VOS_BENCH_DATA to a folder that holds {row.dataset}"
    return ""


def made_again(row: Row, record: Run, root: Path | None, out: Path) -> str:
    """Run a row again and say how far it is from its record; it begins with `reproduced` or `off by`."""
    run = vos_bench.run(
        row.method,
        row.dataset,
        root=root if registry.dataset(row.dataset).needs_root else None,
        weights=row.weights,
        out=out / row.dataset / (row.weights or row.method),
        overwrite="always",  # what an earlier version left there reproduces nothing
    )
    before, after = record.record, run.record
    if before.dataset.fingerprint != after.dataset.fingerprint:
        return "cannot be compared: the data here are others (fingerprint)"
    if after.counts.failed:
        return f"off by {after.counts.failed} sequences that failed"
    ours, theirs = after.method.weights, before.method.weights
    other = ", with other weights than the record's" if ours and theirs and ours.sha256 != theirs.sha256 else ""
    return verdict({name: run.scores[name] - record.scores[name] for name in SCORES}) + other


def verdict(differences: dict[str, float]) -> str:
    """Return what differences of scores, fractions, say of a row."""
    if max(map(abs, differences.values())) <= TOLERANCE:
        largest = max(abs(each) for each in differences.values())
        return "reproduced, to the last bit" if largest == 0 else f"reproduced, to {100 * largest:.4f} points"
    return "off by " + ", ".join(f"{name} {100 * each:+z.2f}" for name, each in differences.items())


def name_in_readme(method: MethodEntry) -> str:
    """Return what README calls a method: its name alone where it ran with its own weights."""
    own = registry.method(method.name).weights
    return method.name if method.weights and own and method.weights.name == own[0].name else method.own_title


def keep(folder: Path) -> Path:
    """Put a run's records in the place of those of its row; return where they lie. Raises BadInputError."""
    run = load_run(folder)
    record = run.record
    row = Row("main", name_in_readme(record.method), record.dataset.name, {})
    if row.key not in {each.key for each in readme_rows(README.read_text(encoding="utf-8"))}:
        raise BadInputError(f"{folder}: is a run of {run.title}, which README has no row of; expected one that it has")
    plain = record.kind == "run" and record.seed == 0 and record.protocol.init == "mask"
    if not plain or record.method.config_as_passed or record.counts.scored < SEQUENCES[row.dataset]:
        raise BadInputError(
            f"{folder}: expected a run from masks with seed 0, without --set, with scores of all "
            f"{SEQUENCES[row.dataset]} sequences"
        )
    if row.key in ELSEWHERE:
        place = CHECKOUT / ELSEWHERE[row.key][0]
        write_baseline(run, place)
        return place
    with TemporaryDirectory() as scratch:
        records = Path(scratch) / "records"
        write_baseline(run, records)
        RESULTS.mkdir(exist_ok=True)
        with replacing(archive_of(row)) as part, tarfile.open(part, "w:xz", preset=9) as archive:
            for path in sorted(records.rglob("*.json")):
                archive.add(path, path.relative_to(records).as_posix(), filter=_plain)
    return archive_of(row)


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leave out who made a file and when, so that equal records are equal archives."""
    entry.mtime = entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o644
    return entry


@dataclass(frozen=True)
class Options:
    """What to look at: `run` says whether anything is run; None for `methods` or `datasets` is all."""

    run: bool = False
    methods: tuple[str, ...] | None = None
    datasets: tuple[str, ...] | None = None
    root: Path | None = None
    out: Path = Path("runs/reproduced")

    def wants(self, row: Row) -> bool:
        """Return whether a row is asked for."""
        named = self.methods is None or row.method in self.methods or row.weights in self.methods
        return named and (self.datasets is None or row.dataset in self.datasets)


def report(options: Options) -> tuple[Table, bool]:
    """Look at every row that is asked for; return what is to be said, and whether all is as README says."""
    text = README.read_text(encoding="utf-8")
    rows, well = [], True
    for row in filter(options.wants, readme_rows(text)):
        record = record_of(row)
        wrong = misprints(row, record) if record else []
        said = _said(row, record, options)
        told = record is not None or row.key in unrecorded(text)
        well = well and told and not wrong and not said.startswith("off by")
        rows.append(
            {
                "method": row.title,
                "dataset": row.dataset,
                "J&F": record.scores["J&F"] if record else None,
                "README": "no record" if record is None else "; ".join(wrong) or "as recorded",
                "now": said,
            }
        )
        if options.run:  # a row may take minutes
            print(f"{row.title} on {row.dataset}: {said}", flush=True)
    columns = (
        Column("method"),
        Column("dataset"),
        Column("J&F", digits=1, scale=100.0),
        Column("README", prose="wrapped"),
        Column("now", prose="wrapped"),
    )
    return Table("The results of README", columns, rows), well


def _said(row: Row, record: Run | None, options: Options) -> str:
    if record is None:
        return "cannot be compared: there is no record"
    if reason := obstacle(row, record, options.root):
        return f"cannot be run here: {reason}"
    if not options.run:
        return "can be run here"
    try:
        return made_again(row, record, options.root, options.out)
    except VosBenchError as error:
        return f"off by a run that failed: {error}"


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def main(arguments: Sequence[str] | None = None) -> int:
    """List, run or keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="compare README with the records, run nothing")
    parser.add_argument("--methods", type=_names, help="A,B")
    parser.add_argument("--datasets", type=_names, help="A,B")
    parser.add_argument("--root", type=Path, help="the folder of DAVIS")
    parser.add_argument("--out", type=Path, default=Options.out, help="where the runs go; what was there is replaced")
    parser.add_argument("--keep", type=Path, nargs="+", metavar="RUN", help="put these runs' records in place")
    given = parser.parse_args(arguments)
    try:
        if given.keep:
            print("\n".join(str(keep(folder)) for folder in given.keep))
            return 0
        table, well = report(Options(not given.list, given.methods, given.datasets, given.root, given.out))
    except VosBenchError as error:
        parser.error(str(error))
    print(render(table, "text", width=110))
    return int(not well)


if __name__ == "__main__":
    raise SystemExit(main())
