#!/usr/bin/env bash
# transformers 5.24.0, the image encoder of SAM 2 (Sam2HieraDetModel): each of its blocks computes attention twice, and
# uses it once.
#
# Sam2MultiScaleAttention.forward multiplies queries by keys and takes the softmax (between the heads of each place, since
# the heads are not transposed yet), and keeps the result in `attn_weights`, which nothing reads. Then it calls the
# attention function. In the larger blocks of the tiny network at 1024 pixels the first two steps hold
# 65,536 x 96 numbers three times over.
#
# Seen (torch 2.14.1, CPU): NaN in the place of what this softmax returns changes no bit of the features, in all 12 blocks:
#     softmax: 12 calls for 12 blocks; features equal without them: True
# The script fails if that changes.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
python3 -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.14.1 transformers==5.24.0
cd "$scratch"
OMP_NUM_THREADS=1 "$scratch/venv/bin/python" - <<'PYTHON'
import sys

import torch
from transformers import Sam2HieraDetConfig, Sam2HieraDetModel

torch.manual_seed(0)
model = Sam2HieraDetModel(Sam2HieraDetConfig(image_size=[256, 256])).eval()
pixels = torch.randn(1, 3, 256, 256)
with torch.inference_mode():
    expected = model(pixels).last_hidden_state
    calls = []

    def nothing(values, **_):
        calls.append(values.shape)
        return torch.full_like(values, torch.nan)

    torch.nn.functional.softmax = nothing
    equal = torch.equal(model(pixels).last_hidden_state, expected)
print(f"softmax: {len(calls)} calls for {len(model.blocks)} blocks; features equal without them: {equal}")
sys.exit(0 if len(calls) == len(model.blocks) and equal and expected.isfinite().all() else 1)
PYTHON
