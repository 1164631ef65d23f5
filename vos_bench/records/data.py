"""Opens the data of runs for all that shows or analyses them: only those that a run saw, and as its method saw them."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from vos_bench import registry
from vos_bench.api import Dataset, Sequence
from vos_bench.corrupting import corrupted
from vos_bench.errors import BadInputError
from vos_bench.records.models import DatasetEntry
from vos_bench.records.run import Run
from vos_bench.views import DatasetView, SequenceView

NO_ROOTS: Mapping[str, Path] = MappingProxyType({})


class RunData:
    """Opens the data of runs, each once, and checks that they are those that a run saw."""

    def __init__(
        self, root: Path | None = None, *, roots: Mapping[str, Path] = NO_ROOTS, of_one_run: bool = False
    ) -> None:
        """Say where the data lie.

        Args:
            root: The folder of the data; None to find it as every command does.
            roots: The same for single datasets, by name.
            of_one_run: Refuse a root where the data have no folder; else it is for the data of other runs.
        """
        self._root, self._roots, self._of_one_run = root, roots, of_one_run
        self._opened: dict[tuple[str, str], tuple[Dataset, str]] = {}

    def open(self, run: Run) -> Dataset:
        """Open the data of a run. Raises BadInputError where they are not here, or are not those that it saw."""
        data = run.record.dataset
        dataset, fingerprint = self._found(data)
        if fingerprint != data.fingerprint:
            raise BadInputError(f"{dataset.root}: is not the {data.title} that {run.folder} saw; name it with --root")
        return dataset

    def shown(self, run: Run) -> Dataset:
        """Open the data of a run for its frames; where the truth is another one (`run --truth`), without truth.

        Raises:
            BadInputError: The frames are not here, or are not those that it saw.
        """
        data = run.record.dataset
        dataset, fingerprint = self._found(data)
        if fingerprint == data.fingerprint or not self._has_frames(data, dataset):
            return self.open(run)
        return _WithoutTruth(dataset)

    def seen(self, run: Run) -> Dataset:
        """Open the same with the frames that its method saw: corrupted where the run corrupted them.

        Raises:
            BadInputError: As `shown`; or this version does not know the corruption.
        """
        return corrupted(self.shown(run), run.record.protocol.corruption or None)

    def _has_frames(self, data: DatasetEntry, dataset: Dataset) -> bool:
        return bool(data.sampled_sha256) and dataset.frames_sha256(whole=False) == data.sampled_sha256

    def _found(self, data: DatasetEntry) -> tuple[Dataset, str]:
        """Return the data and their fingerprint."""
        key = (data.name, data.split)
        if key not in self._opened:
            root = self._roots.get(data.name, self._root)
            taken = self._of_one_run or registry.dataset(data.name).needs_root
            dataset = registry.open_dataset(data.name, root=root if taken else None, split=data.split or None)
            self._opened[key] = dataset, dataset.fingerprint()
        return self._opened[key]


class _WithoutTruth(DatasetView):
    """A dataset whose truth is not that of a run: its frames alone may be shown."""

    def sequence(self, name: str) -> Sequence:
        """Open one sequence. Raises BadInputError as the dataset does."""
        found = SequenceView(super().sequence(name))
        found.truth_names = ()
        return found
