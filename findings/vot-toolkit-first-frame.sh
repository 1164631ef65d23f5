#!/bin/sh
# vot-toolkit 0.9.0 (attributee 0.1.9, Python 3.11, numpy and numba as they resolve): what its VOTS measures say of a perfect result.
# A trajectory equals its ground truth on ten frames, but for the first one, where it holds the toolkit's own mark of the
# initialization, as every result file does.
# Behaviour: with the settings of the VOTS stacks (burnin 0) that frame has the overlap 0 and counts as not reported, so
# quality is 0.9, accuracy 0.9, robustness 0.9 and NRE 0.1, and no result reaches 1. For an object one pixel wide, written
# as text and read again as result files are, nothing is left of the mask: the frames count as ones without the object.
# Output seen: "square: Q 0.9 A 0.9 counts (9, 0, 1, 0, 0)" and "column: Q 1.0 A nan counts (0, 0, 0, 0, 10)".
# docs/failures.md says so, and `vos-bench report failures` counts in the same way, so that the figures are equal.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet vot-toolkit==0.9.0 attributee==0.1.9
cat > "$folder/try.py" <<'CODE'
import numpy as np
from vot.analysis.accuracy import gather_overlaps
from vot.analysis.longterm import count_frames
from vot.region import Mask, Special
from vot.region.io import parse_region
from vot.tracker import Trajectory

for name, width in (("square", 8), ("column", 1)):
    pixels = np.zeros((20, 30), np.uint8)
    pixels[4:12, 5 : 5 + width] = 1
    truth = [parse_region(str(Mask(pixels, optimize=True))) for _ in range(10)]
    found = [Special(Trajectory.INITIALIZATION), *truth[1:]]
    quality, _ = gather_overlaps(found, truth, burnin=0, ignore_unknown=False, bounds=(30, 20))
    settings = {"burnin": 0, "ignore_unknown": False, "ignore_invisible": True, "threshold": 0}
    accuracy, _ = gather_overlaps(found, truth, bounds=(30, 20), **settings)
    mean = accuracy.mean() if accuracy.size else float("nan")
    print(f"{name}: Q {quality.mean():.1f} A {mean:.1f} counts {count_frames(found, truth, bounds=(30, 20))}")
CODE
"$folder/env/bin/python" "$folder/try.py" 2>/dev/null > "$folder/output"
cat "$folder/output"
grep -qx "square: Q 0.9 A 0.9 counts (9, 0, 1, 0, 0)" "$folder/output"
grep -qx "column: Q 1.0 A nan counts (0, 0, 0, 0, 10)" "$folder/output"
