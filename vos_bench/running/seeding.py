"""A seed for each sequence, so that neither order, shards nor resuming change a result."""

import hashlib
import random
import sys

import numpy as np


def sequence_seed(seed: int, sequence: str) -> int:
    """Return the seed of one sequence: 32 bits of the SHA-256 of the run's seed and the sequence's name."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{sequence}".encode()).digest()[:4], "big")


def seed_everything(seed: int) -> None:
    """Seed Python and NumPy, and OpenCV and torch where something has loaded them.

    Args:
        seed: 32 bits.
    """
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - methods may draw from the global generator
    if cv2 := sys.modules.get("cv2"):
        cv2.setRNGSeed(seed >> 1)  # takes 31 bits
    if torch := sys.modules.get("torch"):
        torch.manual_seed(seed)
