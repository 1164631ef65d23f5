#!/usr/bin/env bash
# transformers 5.24.0, Sam2VideoModel, against rf-sam-2 1.0.3 (the code of facebookresearch/sam2): an object that starts
# from a mask gets another object pointer, though all parameters, the frame and the mask are the same.
#
# SAM 2 makes the pointer of a mask prompt with multimask_output=False, from the token of the single mask.
# Sam2VideoModel._use_mask_as_output calls _single_frame_forward without that argument, whose default is True, and takes
# the token of the best of three masks. The pointer is read on the 15 frames that follow. With random parameters the
# pointers differ by 0.1 to 1; passing multimask_output=False makes them equal but for rounding.
#
# Seen (torch 2.14.1, CPU):
#     multimask_output asked of the mask decoder: sam2 False, transformers True
# The script fails if that changes.
set -euo pipefail
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
python3 -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.14.1 torchvision transformers==5.24.0 rf-sam-2==1.0.3
cd "$scratch"
OMP_NUM_THREADS=1 "$scratch/venv/bin/python" - <<'PYTHON'
import numpy as np
import torch
from sam2.build_sam import build_sam2_video_predictor
from transformers import Sam2VideoConfig, Sam2VideoInferenceSession, Sam2VideoModel

side = 256
mask = torch.zeros(1, 1, side, side)
mask[..., 60:140, 80:200] = 1
asked = {}

predictor = build_sam2_video_predictor(
    "configs/sam2.1/sam2.1_hiera_t.yaml",
    None,
    device="cpu",
    apply_postprocessing=False,
    hydra_overrides_extra=[f"++model.image_size={side}"],
)
decode = predictor.sam_mask_decoder.forward
predictor.sam_mask_decoder.forward = lambda **given: asked.update(sam2=given["multimask_output"]) or decode(**given)
features = predictor.forward_image(torch.zeros(1, 3, side, side))["backbone_fpn"]
with torch.inference_mode():
    predictor._use_mask_as_output(features[-1], features[:-1], mask)

config = Sam2VideoConfig(
    vision_config={
        "model_type": "sam2_vision_model",
        "backbone_config": {"model_type": "sam2_hiera_det_model", "image_size": [side, side]},
        "backbone_feature_sizes": [[side // stride] * 2 for stride in (4, 8, 16)],
    },
    image_size=side,
    prompt_encoder_config={"image_size": side},
    memory_attention_rope_feat_sizes=[side // 16] * 2,
)
model = Sam2VideoModel(config).eval()
decode_too = model.mask_decoder.forward
model.mask_decoder.forward = lambda **given: asked.update(transformers=given["multimask_output"]) or decode_too(**given)
session = Sam2VideoInferenceSession(dtype=torch.float32)
session.obj_id_to_idx(1)
session.add_mask_inputs(0, 0, mask)
session.obj_with_new_inputs = [1]
model(inference_session=session, frame=torch.zeros(3, side, side), frame_idx=0)

print(f"multimask_output asked of the mask decoder: sam2 {asked['sam2']}, transformers {asked['transformers']}")
assert asked == {"sam2": False, "transformers": True}, asked
PYTHON
