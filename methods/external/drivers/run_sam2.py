"""SAM 2.1 (github.com/facebookresearch/sam2, Apache-2.0) for `vos-bench run sam2.1`; runs where SAM 2 is installed.

Its predictor wants a whole video as a folder, so this is the batch form, called once for all sequences. Objects that
start on the same frame are followed together; those that start later get a pass of their own, as the authors do for
YouTube-VOS. Where masks overlap, the larger logit wins.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from driver_tools import read_weights
from PIL import Image
from sam2.build_sam import build_sam2_video_predictor

CONFIGURATIONS = {"tiny": "t", "small": "s", "base_plus": "b+", "large": "l"}
SIZES = {(96, 12): "tiny", (96, 16): "small", (112, 24): "base_plus", (144, 48): "large"}
"""Width of the first layer and number of blocks of the image encoder."""


def require_size(weights, model):
    """End with one sentence where a checkpoint is of another size than `--model`; SAM 2 itself names no reason."""
    trunk = "image_encoder.trunk."
    names = read_weights(weights).get("model", {})  # first: SAM 2's own loader is of any version
    if trunk + "patch_embed.proj.weight" in names:
        blocks = {name.split(".")[3] for name in names if name.startswith(trunk + "blocks.")}
        found = SIZES.get((len(names[trunk + "patch_embed.proj.weight"]), len(blocks)))
        if found and found != model:
            raise SystemExit(f"{weights}: holds parameters of {found}, expected {model}: --set model={found}")


def read_prompts(folder, names):
    """Return frame number to ({id: mask}, {id: box}) for each frame where objects start."""
    found = {}
    for number, name in enumerate(names):
        masks, boxes = {}, {}
        if (folder / (name + ".png")).is_file():
            labels = np.array(Image.open(folder / (name + ".png")))
            masks = {int(k): labels == k for k in np.unique(labels) if k}
        if (folder / (name + ".json")).is_file():
            boxes = {int(k): box for k, box in json.loads((folder / (name + ".json")).read_text()).items()}
        if masks or boxes:
            found[number] = masks, boxes
    return found


def linked(frames, folder):
    """Give the frames the names that SAM 2 looks for: numbers that end in .jpg; return their own names."""
    paths = sorted(frames.iterdir())
    for number, path in enumerate(paths):
        (folder / f"{number:05d}.jpg").symlink_to(path)
    return [path.stem for path in paths]


def follow(predictor, state, number, masks, boxes):
    """Yield frame number and {id: logits} of objects that start on one frame, from that frame on."""
    for k, mask in masks.items():
        predictor.add_new_mask(inference_state=state, frame_idx=number, obj_id=k, mask=mask)
    for k, box in boxes.items():
        predictor.add_new_points_or_box(inference_state=state, frame_idx=number, obj_id=k, box=np.array(box))
    for frame, ids, logits in predictor.propagate_in_video(state):
        yield frame, {k: logits[i].squeeze(0).float().cpu().numpy() for i, k in enumerate(ids)}
    predictor.reset_state(state)


def run(predictor, frames, prompts, out):
    """Segment one sequence and write its label maps and times."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        names = linked(frames, Path(folder))
        state = predictor.init_state(video_path=folder)
        nothing = np.zeros((state["video_height"], state["video_width"]), np.uint8)
        best, labels, seconds = {}, {}, dict.fromkeys(range(len(names)), 0.0)
        for number, (masks, boxes) in read_prompts(prompts, names).items():
            for frame, found in follow(predictor, state, number, masks, boxes):
                for k, logits in found.items():
                    highest = best.setdefault(frame, np.zeros(logits.shape, np.float32))
                    won = logits > highest
                    highest[won] = logits[won]
                    labels.setdefault(frame, np.zeros(logits.shape, np.uint8))[won] = k
                now = time.perf_counter()
                seconds[frame] += now - began
                began = now
    for frame, name in enumerate(names):
        Image.fromarray(labels.get(frame, nothing)).save(out / (name + ".png"))
    (out / "times.json").write_text(json.dumps({name: 1000 * seconds[i] for i, name in enumerate(names)}))


def main():
    """Segment all sequences."""
    parser = argparse.ArgumentParser()
    for folder in ("--frames", "--prompts", "--out"):
        parser.add_argument(folder, type=Path, required=True)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--model", default="base_plus", choices=tuple(CONFIGURATIONS))
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--precision", default="bf16", choices=("bf16", "off"))
    options = parser.parse_args()
    require_size(options.weights, options.model)
    predictor = build_sam2_video_predictor(
        "configs/sam2.1/sam2.1_hiera_" + CONFIGURATIONS[options.model] + ".yaml",
        options.weights,
        device=options.device,
        apply_postprocessing=False,
        hydra_overrides_extra=["++model.non_overlap_masks=true"],
    )
    kind = options.device.split(":")[0]
    with torch.inference_mode(), torch.autocast(kind, dtype=torch.bfloat16, enabled=options.precision == "bf16"):
        for frames in sorted(options.frames.iterdir()):
            sys.stderr.write(frames.name + "\n")
            run(predictor, frames, options.prompts / frames.name, options.out / frames.name)


if __name__ == "__main__":
    main()
