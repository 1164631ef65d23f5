"""The recorded inputs and outputs of the authors' implementation, networks with the same weights, and drawn frames."""

import importlib.util
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from vos_bench.methods.lwl.config import BOX_NETWORK, MASK_NETWORK
from vos_bench.methods.lwl.names import from_reference
from vos_bench.methods.lwl.network import LwlNetwork


@pytest.fixture(scope="session")
def reference_weights(shared: Path, golden_folder: Path) -> Callable[[str], dict[str, Tensor]]:
    """The recipe weights of the `mask` or `box` network, in the reference's names."""
    spec = importlib.util.spec_from_file_location("recipe", golden_folder / "recipe.py")
    assert spec is not None
    assert spec.loader is not None
    recipe: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recipe)
    rows = [line.split("\t") for line in (shared / "keys" / "LWL.tsv").read_text().splitlines()[1:]]

    @cache
    def weights(net: str) -> dict[str, Tensor]:
        shapes = {
            key: () if shape == "scalar" else tuple(map(int, shape.split("x")))
            for row_net, key, shape, *_ in rows
            if row_net == net
        }
        return {key: torch.from_numpy(value) for key, value in recipe.state_dict(shapes).items()}

    return weights


@pytest.fixture(scope="session")
def network(reference_weights: Callable[[str], dict[str, Tensor]]) -> Callable[[str], LwlNetwork]:
    """A network with the recipe weights, `mask` or `box`."""

    @cache
    def build(net: str) -> LwlNetwork:
        network = LwlNetwork({"mask": MASK_NETWORK, "box": BOX_NETWORK}[net]).eval()
        network.load_state_dict(from_reference(reference_weights(net)))
        return network

    return build


@pytest.fixture(scope="session")
def disc() -> Callable[[int], tuple[np.ndarray, np.ndarray]]:
    """Draws a red disc at a column on a green ground, and its mask."""

    def draw(x: int) -> tuple[np.ndarray, np.ndarray]:
        image, mask = np.full((120, 200, 3), (40, 130, 60), np.uint8), np.zeros((120, 200), np.uint8)
        cv2.circle(image, (x, 60), 24, (200, 40, 30), -1)
        cv2.circle(mask, (x, 60), 24, 1, -1)
        return image, mask.astype(bool)

    return draw
