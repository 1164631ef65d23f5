"""Checks everything that a suite names before any of its runs starts, and plans the runs."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import NamedTuple, ParamSpec, TypeVar

from vos_bench import registry, weights
from vos_bench.api import Dataset, FramesSeen, PromptKind
from vos_bench.clusters import parse_cluster
from vos_bench.config import overrides
from vos_bench.corrupting import corrupted
from vos_bench.environment import without_home
from vos_bench.errors import BadInputError, VosBenchError, indented
from vos_bench.files import require_apart
from vos_bench.files.places import expanded
from vos_bench.foreign_code import foreign_code
from vos_bench.names import counted, did_you_mean
from vos_bench.plugins import MethodInfo
from vos_bench.records import default_out
from vos_bench.running.frames import plan_frames
from vos_bench.running.run import RunSettings, open_data
from vos_bench.running.settings import Overwrite, require_choice
from vos_bench.running.setup import prepare_run
from vos_bench.suites.suite import Suite, SuiteDataset, SuiteMethod, SuiteSettings
from vos_bench.views import DatasetView
from vos_bench.weights import ChosenWeights

MOST_PROBLEMS = 50
"""How many problems a message names."""

RUNS = "runs"
"""The folder of a suite's results that holds its runs."""

Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")


class SuiteRun(NamedTuple):
    """One run of a suite.

    Attributes:
        method: As tables name it.
        dataset: The dataset, with its split.
        settings: The name of its settings; empty where they have none.
        seed: Its seed.
        run: All that decides it, its folder with it.
    """

    method: str
    dataset: str
    settings: str
    seed: int
    run: RunSettings

    @property
    def title(self) -> str:
        """All of it, for a message."""
        settings = f", {self.settings}" if self.settings else ""
        return f"{self.method} on {self.dataset}{settings}, seed {self.seed}"


class SuitePlan(NamedTuple):
    """The runs of a suite.

    Attributes:
        suite: The suite with every path and default written out.
        runs: Its runs, in the order in which they are made.
        roots: Dataset name to its folder, for the datasets that have one.
    """

    suite: Suite
    runs: tuple[SuiteRun, ...]
    roots: Mapping[str, Path]


@dataclass
class _Problems:
    """What is wrong with a suite, each problem once."""

    found: dict[str, None] = field(default_factory=dict)

    def add(self, text: str) -> None:
        self.found[text] = None

    def call(
        self, about: str, function: Callable[Arguments, Result], *given: Arguments.args, **named: Arguments.kwargs
    ) -> Result | None:
        """Return what a function returns; None where it cannot, which becomes a problem."""
        try:
            return function(*given, **named)
        except VosBenchError as error:
            self.add(f"{about}{error}")
            return None

    def require_none(self, file: Path) -> None:
        """Raise BadInputError with all problems where there are any."""
        if not self.found:
            return
        texts = [*self.found]
        rest = [f"and {len(texts) - MOST_PROBLEMS} more"] if len(texts) > MOST_PROBLEMS else []
        head = f"{file}: found {counted(len(texts), 'problem')}, and nothing was run:"
        raise BadInputError("\n  ".join([head, *map(indented, texts[:MOST_PROBLEMS]), *rest]))


class _Method(NamedTuple):
    entry: SuiteMethod
    info: MethodInfo
    chosen: ChosenWeights | None


class _Data(NamedTuple):
    """A dataset, and the same with files that are hashed only once."""

    entry: SuiteDataset
    opened: Dataset
    planned: Dataset


class _PlannedData(DatasetView):
    """A dataset whose files are hashed once, for planning many runs; each run hashes them again when it begins."""

    def __init__(self, dataset: Dataset) -> None:
        super().__init__(dataset)
        self._fingerprint, self._frames = cache(super().fingerprint), cache(self._sampled)

    def _sampled(self, *, whole: bool) -> str:
        return super().frames_sha256(whole=whole)

    def fingerprint(self) -> str:
        """Return that of the dataset as it was at first."""
        return self._fingerprint()

    def frames_sha256(self, *, whole: bool) -> str:
        """Return those of the dataset as they were at first."""
        return self._frames(whole=whole)


def plan_suite(
    suite: Suite, *, file: Path, out: Path, overwrite: Overwrite = "only-missing", command: tuple[str, ...] = ()
) -> SuitePlan:
    """Find every method, weight, dataset and sequence, check all settings against them, and name each run's folder.

    Args:
        suite: The suite.
        file: Its file; relative paths in it start from its folder.
        out: The folder of all results.
        overwrite: What the runs do about sequences that were finished before.
        command: The command line, for the records.

    Raises:
        BadInputError: Something is wrong; the message has all of it, a line each.
    """
    problems, folder = _Problems(), file.absolute().parent
    problems.call("", require_choice, "overwrite", overwrite)
    _require_seeds(suite.seeds, problems)
    _require_names(suite.settings, problems)
    methods = [found for entry in suite.methods if (found := problems.call("", _method, entry, folder))]
    datasets = [data for given in suite.datasets if (data := problems.call("", _data, given, folder))]
    settings = [each for each in suite.settings if problems.call("", _require_settings, each) is not None]
    for data in datasets:
        problems.call("", require_apart, out, data.opened.root)
        _look_at_sequences(data, settings, problems)
    runs = [*_runs(methods, datasets, settings, tuple(dict.fromkeys(suite.seeds)), out, command, problems)]
    runs = [each._replace(run=replace(each.run, overwrite=overwrite)) for each in runs]
    _require_different(runs, problems)
    problems.require_none(file)
    resolved = Suite(
        seeds=suite.seeds,
        page=suite.page,
        methods=tuple(each.entry for each in methods),
        datasets=tuple(each.entry for each in datasets),
        settings=suite.settings,
    )
    roots = {each.entry.name: each.opened.root for each in datasets if each.entry.root is not None}
    return SuitePlan(resolved, tuple(runs), roots)


def _require_seeds(seeds: tuple[int, ...], problems: _Problems) -> None:
    for seed in seeds:
        if seeds.count(seed) > 1:
            problems.add(f"seeds: found {seed} twice, expected each seed once")


def _require_names(settings: Iterable[SuiteSettings], problems: _Problems) -> None:
    """Name settings that the summary could not tell apart."""
    for name, count in Counter(each.name for each in settings).items():
        if count > 1:
            found = f"the name {name!r:.100} {count} times" if name else f"{count} sets without a name"
            problems.add(f"settings: found {found}, expected a name for each that no other has")


def _method(entry: SuiteMethod, folder: Path) -> _Method:
    """Find a method and its weights. Raises BadInputError."""
    name = _method_name(entry.name, folder)
    info = registry.method(name)
    given = entry.weights
    if given is not None and (path := folder / expanded(given)).exists():
        given = str(path)
    chosen = weights.choose(info, given)
    resolved = SuiteMethod(name=without_home(name), label=entry.label, weights=_shown(info, chosen), set=entry.set)
    return _Method(resolved, info, chosen)


def _method_name(name: str, folder: Path) -> str:
    path, colon, class_name = name.rpartition(":")
    return f"{folder / expanded(path)}{colon}{class_name}" if path.endswith(".py") else name


def _shown(info: MethodInfo, chosen: ChosenWeights | None) -> str | None:
    """Return the name of weights that the method offers, or else their path."""
    if chosen is None:
        return None
    known = {each.name for each in info.weights}
    return chosen.name if chosen.name in known or not isinstance(chosen.path, Path) else without_home(str(chosen.path))


def _data(entry: SuiteDataset, folder: Path) -> _Data:
    """Open a dataset. Raises BadInputError where it, its truth or one of its sequences is not there."""
    root, truth = (None if text is None else folder / expanded(text) for text in (entry.root, entry.truth))
    opened = open_data(entry.name, root=root, split=entry.split, truth=truth, cluster=parse_cluster("local"))
    for name in entry.sequences or ():
        if name not in opened.sequence_names:
            meant = did_you_mean(name, opened.sequence_names, otherwise=f"such as {opened.sequence_names[0]}")
            raise BadInputError(f"{entry.name}: there is no sequence {name!r:.100} in {opened.split}; {meant}")
    needs_root = registry.dataset(entry.name).needs_root
    resolved = SuiteDataset(
        name=entry.name,
        root=without_home(str(opened.root)) if needs_root else None,
        split=opened.split,
        truth=None if truth is None else without_home(str(truth)),
        protocol=entry.protocol or opened.protocol,
        sequences=entry.sequences,
    )
    return _Data(resolved, opened, _PlannedData(opened))


def _require_settings(entry: SuiteSettings) -> bool:
    """Check what settings say by themselves. Raises BadInputError."""
    parse_cluster(entry.engine)
    if entry.corrupt is not None:
        from vos_bench.corrupting.corruption import Corruption

        Corruption.of(entry.corrupt)
    return True


def _look_at_sequences(data: _Data, settings: Iterable[SuiteSettings], problems: _Problems) -> None:
    """Open every sequence, with the mask or box it starts from."""
    for frames, init in dict.fromkeys((each.frames, each.init) for each in settings):
        for name in data.entry.sequences or data.opened.sequence_names:
            problems.call(f"{data.entry.name}: ", _look_at_sequence, data.opened, name, frames, init)


def _look_at_sequence(dataset: Dataset, name: str, frames: FramesSeen, init: PromptKind) -> None:
    with foreign_code(lambda said: BadInputError(f"{name}: cannot be read: {said}")):
        plan_frames(dataset.sequence(name), frames=frames, init=init)


def _runs(
    methods: list[_Method],
    datasets: list[_Data],
    settings: list[SuiteSettings],
    seeds: tuple[int, ...],
    out: Path,
    command: tuple[str, ...],
    problems: _Problems,
) -> Iterator[SuiteRun]:
    for data, method, entry, seed in product(datasets, methods, settings, seeds):
        about = ", ".join(filter(None, (f"{method.info.name} on {data.entry.name}", entry.name)))
        if (run := problems.call(f"{about}: ", _run, method, data, entry, seed, out, command)) is not None:
            yield run


def _run(
    method: _Method, data: _Data, entry: SuiteSettings, seed: int, out: Path, command: tuple[str, ...]
) -> SuiteRun:
    run = RunSettings(
        method=method.info,
        dataset=corrupted(data.planned, entry.corrupt),
        overrides=overrides(method.entry.set),
        sequences=data.entry.sequences,
        init=entry.init,
        box_start=entry.box_start,
        frames=entry.frames,
        protocol=data.entry.protocol,
        seed=seed,
        device=entry.device,
        amp=entry.amp,
        compile=entry.compile,
        jobs=entry.jobs,
        engine=parse_cluster(entry.engine),
        stall=entry.stall,
        save_probabilities=entry.save_probabilities,
        timing=entry.timing,
        verify=entry.verify,
        failures=entry.failures,
        real_time=entry.real_time,
        grace=entry.grace,
        command=command,
    ).with_weights(method.chosen)
    record = prepare_run(run).record
    run = replace(run, dataset=corrupted(data.opened, entry.corrupt), out=default_out(record, out / RUNS))
    title = ", ".join(filter(None, (record.method.title, method.entry.label)))
    return SuiteRun(title, record.dataset.title, entry.name, seed, run)


def _require_different(runs: Iterable[SuiteRun], problems: _Problems) -> None:
    """Name runs that would write into the same folder: they differ in nothing that makes a run another one."""
    known: dict[Path | None, SuiteRun] = {}
    for each in runs:
        first = known.setdefault(each.run.out, each)
        if first is not each:
            problems.add(
                f"{first.title} and {each.title}: found the same run twice\n"
                "  expected methods, datasets or settings that differ in more than a name, the sequences, the\n"
                "  protocol, or how the run is done (device, compile, jobs, timing)"
            )
