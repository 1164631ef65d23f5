"""Hostile lists of sequences: ImageSets of DAVIS, the hold-out's, and `--sequences @FILE`."""

from typing import Any

import numpy as np
from hostile.frames import encoded, image
from hostile.outcome import Refused, outcome
from hostile.plan import fuzz
from hostile.texts import AS_BYTES, names
from hypothesis import strategies as st
from PIL import Image

from vos_bench import registry
from vos_bench.commands.options import sequence_names
from vos_bench.datasets.name_list import read_name_list
from vos_bench.names import is_file_name


@st.composite
def lists(draw: Any) -> bytes:
    """A list: names one a line, or as paths, written in an odd way now and then."""
    chosen = draw(st.lists(st.just("one") | names, max_size=4))
    form = draw(st.sampled_from(("{}", "{}", "/JPEGImages/480p/{}/00000.jpg /Annotations/480p/{}/00000.png", " {} \r")))
    text = "\n".join(form.format(name, name) for name in chosen)
    return AS_BYTES[draw(st.sampled_from(("plain",) * 8 + tuple(AS_BYTES)))](text)


def davis(root: Any, listed: bytes) -> None:
    """Write a DAVIS of one sequence, and a folder beside it that no list should reach."""
    for folder, data in (
        ("JPEGImages", encoded(image(0, 8, 8), "JPEG")),
        ("Annotations", encoded(Image.fromarray(np.eye(8, dtype=np.uint8)), "PNG")),
    ):
        for place in (root / folder / "480p" / "one", root / "secret"):
            place.mkdir(parents=True, exist_ok=True)
            for number in range(3):
                (place / f"{number:05d}.{'jpg' if folder == 'JPEGImages' else 'png'}").write_bytes(data)
    (root / "ImageSets" / "2017").mkdir(parents=True)
    (root / "ImageSets" / "2017" / "val.txt").write_bytes(listed)


@fuzz("lists", lists())
def test_a_hostile_list_is_refused_or_names_sequences_that_lie_in_the_folder(arena, data: bytes) -> None:
    root = arena.inside / "DAVIS"
    davis(root, data)
    path = root / "ImageSets" / "2017" / "val.txt"
    opened = outcome(lambda: registry.open_dataset("davis17", root=root, split="val"), root)
    if not isinstance(opened, Refused):
        assert all(is_file_name(name) for name in opened.sequence_names)
        outcome(opened.check, root)
        outcome(opened.fingerprint, root)
        for name in opened.sequence_names:
            found = outcome(lambda name=name: opened.sequence(name), root)
            assert isinstance(found, Refused) or name == "one"
    for read in (lambda: read_name_list(path), lambda: sequence_names(f"@{path}")):
        assert isinstance(outcome(read, path), Refused | tuple)
