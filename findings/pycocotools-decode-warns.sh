#!/bin/sh
# pycocotools 2.0.11 with NumPy 2.4.6 (Python 3.11, Linux x86-64): mask.encode is silent, mask.decode warns.
#
# Decoding any valid compressed mask gives
#   DeprecationWarning: __array__ implementation doesn't accept a copy keyword, so passing copy=False failed. …
# because the Cython class that holds the decoded pixels has the __array__ of NumPy 1. The pixels are right. Where
# warnings are errors, as in many test suites, every decoding fails; encoding and area, IoU and boxes do not.
#
# Exit status 0 while this holds, 1 once it does not.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 pycocotools==2.0.11
"$folder/venv/bin/python" - <<'PYTHON'
import sys
import warnings

import numpy as np
from pycocotools import mask

pixels = np.asfortranarray(np.eye(5, 7, dtype=np.uint8))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    encoded = mask.encode(pixels)
    area, boxes = mask.area(encoded), mask.toBbox(encoded)
    silent = not caught
    decoded = mask.decode(encoded)
print("encode, area and toBbox:", "silent" if silent else caught[0].message)
print("decode:", caught[0].message if caught else "silent")
right = np.array_equal(decoded, pixels) and area == 5
holds = silent and right and [w.category for w in caught] == [DeprecationWarning] and "copy keyword" in str(caught[0].message)
sys.exit(0 if holds else 1)
PYTHON
