#!/bin/sh
# scikit-image 0.26.0 and opencv-python-headless 4.12.0.88 (Python 3.11, numpy as it resolves): a disk of a small
# fractional radius, made by one and dilated with by the other, shifts a mask instead of growing it.
# `skimage.morphology.disk(r)` with 0 < r < 0.586 has 2 x 2 or 3 x 3 entries and all of them are 0, since its rows and
# columns lie at -r, 1 - r, … and none of their crossings is within r of the middle. `cv2.dilate` takes such an element
# without a word, as if it held its upper left entry alone: every pixel moves one down and one to the right.
# MOSEv2's evaluation joins the two with r = 0.008 times an image's diagonal, so that on images of less than 74 pixels
# from corner to corner even a perfect mask matches almost no boundary pixel, and its F is near 0.
# Output seen: "0.3: 0 of 4 entries, (3, 4) becomes [(4, 5)]", "0.58: 0 of 9 entries, (3, 4) becomes [(4, 5)]",
# "0.59: 1 of 9 entries, (3, 4) becomes [(3, 4)]".
# `vos_bench.metrics.measures.disk` gives that pixel as well, so that F is the tool's at every size.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet scikit-image==0.26.0 opencv-python-headless==4.12.0.88
cat > "$folder/try.py" <<'CODE'
import cv2
import numpy as np
from skimage.morphology import disk

mask = np.zeros((7, 9), np.uint8)
mask[3, 4] = 1
for radius in (0.3, 0.58, 0.59):
    element = disk(radius).astype(np.uint8)
    grown = [tuple(map(int, place)) for place in np.argwhere(cv2.dilate(mask, element))]
    print(f"{radius}: {element.sum()} of {element.size} entries, (3, 4) becomes {grown}")
CODE
"$folder/env/bin/python" "$folder/try.py" | tee "$folder/seen"
cat > "$folder/expected" <<'TEXT'
0.3: 0 of 4 entries, (3, 4) becomes [(4, 5)]
0.58: 0 of 9 entries, (3, 4) becomes [(4, 5)]
0.59: 1 of 9 entries, (3, 4) becomes [(3, 4)]
TEXT
cmp "$folder/seen" "$folder/expected"
