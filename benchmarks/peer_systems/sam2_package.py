"""SAM 2.1 by its authors' package (`sam2`, or `rf-sam-2`, the same code), as their tools/vos_inference.py calls it."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vos_bench.api import LabelMap
from vos_bench.methods.hf_video.official import write_folder

from .clips import Clip

YAML = {"tiny": "t", "small": "s", "base-plus": "b+", "large": "l"}


def build(checkpoint: Path | None, *, size: str = "tiny", side: int = 1024) -> Any:
    """Return their predictor on the CPU, with the overrides of their script."""
    from sam2.build_sam import build_sam2_video_predictor

    overrides = ["++model.non_overlap_masks=true", f"++model.image_size={side}"]
    return build_sam2_video_predictor(
        f"configs/sam2.1/sam2.1_hiera_{YAML[size]}.yaml",
        checkpoint and str(checkpoint),
        device="cpu",
        apply_postprocessing=False,
        hydra_overrides_extra=overrides,
    )


def make_checkpoint(path: Path, *, seed: int, size: str = "tiny") -> None:
    """Write random parameters in the form of the authors' checkpoints, such that masks are neither empty nor full."""
    torch.manual_seed(seed)
    parameters = build(None, size=size).state_dict()
    for name, value in parameters.items():
        if name.endswith(".gamma"):  # as they start, memories hardly depend on masks
            value.fill_(0.5)
        if "output_hypernetworks_mlps" in name and name.endswith("layers.2.weight"):
            value.mul_(30)
        if name == "sam_mask_decoder.pred_obj_score_head.layers.2.bias":
            value.fill_(5.0)
    torch.save({"model": parameters}, path)


def make_folder(checkpoint: Path, folder: Path, *, side: int = 1024) -> None:
    """Write a checkpoint as the folder that transformers reads, for frames of side x side pixels."""
    write_folder(torch.load(checkpoint, weights_only=True)["model"], folder, side=side)


@torch.inference_mode()
def run(predictor: Any, clip: Clip) -> tuple[list[LabelMap], dict[tuple[int, int], NDArray[np.float32]]]:
    """Return the label maps of a clip, and by frame and object the logits.

    Each object has a pass of its own from its first frame on, as in their script for objects that appear later; where
    masks overlap, the highest logit wins.
    """
    with tempfile.TemporaryDirectory() as folder:
        clip.write(Path(folder))
        state = predictor.init_state(str(Path(folder) / "JPEGImages" / clip.name))
    logits: dict[tuple[int, int], NDArray[np.float32]] = {}
    for number, masks in clip.prompts.items():
        for object_id, mask in masks.items():
            predictor.reset_state(state)
            predictor.add_new_mask(inference_state=state, frame_idx=number, obj_id=object_id, mask=mask)
            for frame, _, found in predictor.propagate_in_video(state, start_frame_idx=number):
                logits[frame, object_id] = found[0, 0].numpy().copy()
    by_frame = [{k: each for (t, k), each in logits.items() if t == frame} for frame in range(len(clip.frames))]
    return [_merge(each) for each in by_frame], logits


def _merge(logits: dict[int, NDArray[np.float32]]) -> LabelMap:
    ids = np.array([0, *sorted(logits)], np.uint16)
    planes = np.stack([np.zeros_like(next(iter(logits.values()))), *(logits[k] for k in sorted(logits))])
    labels: LabelMap = ids[planes.argmax(axis=0)]
    return labels
