"""What the tests of all methods share."""

import importlib.util
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from vos_bench.api import Method, Prompt


@pytest.fixture(autouse=True, scope="package")
def one_thread() -> Iterator[None]:
    """Small tensors gain little from several threads, and lose much where these wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def require_1080p() -> Callable[[Method], None]:
    """Checks that a method answers noise of 1080 x 1920 at that size, with the one object that it was given."""

    def check(method: Method) -> None:
        images = np.random.default_rng(0).integers(0, 256, (2, 1080, 1920, 3), dtype=np.uint8)
        mask = np.zeros((1080, 1920), bool)
        mask[1000:, 1800:] = True
        method.initialize(images[0], Prompt(masks={3: mask}))
        labels = method.step(images[1]).labels
        assert labels.shape == (1080, 1920)
        assert set(np.unique(labels)) <= {0, 3}

    return check


class RestRecording(NamedTuple):
    """A recorded run of authors' code from shared/golden/rest.

    Attributes:
        data: All that was recorded, by name.
        weights: The made-up weights in a file of the authors' form.
    """

    data: Any
    weights: Path


@pytest.fixture(scope="module")
def rest_recording(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., RestRecording]]:
    """Opens the recording in a folder of shared/golden/rest; its weights have the names of a list in shared/keys."""
    folder = tmp_path_factory.mktemp("recorded")

    def read(name: str, keys: str, *, inside: str = "") -> RestRecording:
        golden = shared / "golden" / "rest" / name
        spec = importlib.util.spec_from_file_location(f"{name}_recipe", golden / "recipe.py")
        assert spec is not None
        assert spec.loader is not None
        recipe = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(recipe)
        rows = [line.split("\t") for line in (shared / "keys" / f"{keys}.tsv").read_text().splitlines()[1:]]
        shapes = {key: () if size == "scalar" else tuple(map(int, size.split("x"))) for key, size, *_ in rows}
        tensors = {key: torch.from_numpy(np.asarray(value)) for key, value in recipe.state_dict(shapes).items()}
        path = folder / f"{name}.pth"
        torch.save({inside: tensors} if inside else tensors, path)
        return RestRecording(np.load(golden / f"{name}.npz"), path)

    yield read
    shutil.rmtree(folder)
