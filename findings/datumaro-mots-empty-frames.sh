#!/bin/sh
# datumaro 1.13.12 (with Python 3.11, numpy as it resolves): a frame without objects has no place in its MOTS PNG export.
# Three frames, of which the second has no object, are exported as `mots_png` and imported again as `mots`.
# Behaviour: two PNG files are written, and the import has two frames, not three; nothing is said.
# The same frames handed over by a generator and not by a list are exported as none at all, also without a word, though
# `Dataset.from_iterable` is annotated to take an `Iterable`.
# Output seen: "list: 3 frames, 2 files, 2 frames back" and "generator: 0 frames, 0 files, 0 frames back".
# `vos-bench import-masks --from mots` writes the frames between others as empty, and says so.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet datumaro==1.13.12
cat > "$folder/try.py" <<'CODE'
import tempfile
from pathlib import Path

import numpy as np
from datumaro.components.annotation import AnnotationType, LabelCategories, Mask
from datumaro.components.dataset import Dataset
from datumaro.components.dataset_base import DatasetItem
from datumaro.components.media import Image


def items():
    for t in range(3):
        mask = np.zeros((8, 8), bool)
        mask[t : t + 3, 2:5] = True
        masks = [Mask(mask, label=0, attributes={"track_id": 1})] if t != 1 else []
        yield DatasetItem(f"{t:05d}", subset="clip", media=Image.from_numpy(np.zeros((8, 8, 3), np.uint8)), annotations=masks)


for name, given in (("list", [*items()]), ("generator", items())):
    categories = {AnnotationType.label: LabelCategories.from_iterable(["cat"])}
    dataset = Dataset.from_iterable(given, categories=categories, media_type=Image)
    with tempfile.TemporaryDirectory() as folder:
        dataset.export(folder, "mots_png", save_media=False)
        files = [*Path(folder).rglob("*.png")]
        back = len(Dataset.import_from(folder, "mots")) if files else 0
        print(f"{name}: {len(dataset)} frames, {len(files)} files, {back} frames back")
CODE
"$folder/env/bin/python" "$folder/try.py" 2>/dev/null > "$folder/output"
cat "$folder/output"
grep -qx "list: 3 frames, 2 files, 2 frames back" "$folder/output"
grep -qx "generator: 0 frames, 0 files, 0 frames back" "$folder/output"
