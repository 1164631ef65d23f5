"""Corrupts the frames of a dataset on purpose, to see how well a method bears it."""

from vos_bench.api import Dataset


def corrupted(dataset: Dataset, corruption: str | None) -> Dataset:
    """Return a dataset with its frames corrupted as `--corrupt` says; None leaves them as they are.

    Raises:
        BadInputError: There is no such corruption or severity.
    """
    if corruption is None:
        return dataset
    from vos_bench.corrupting.corruption import Corruption  # brings what works on pixels, which few runs need here
    from vos_bench.corrupting.dataset import CorruptedDataset

    return CorruptedDataset(dataset, Corruption.of(corruption))
