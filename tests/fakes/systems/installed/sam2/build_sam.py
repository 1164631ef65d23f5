"""The calls of SAM 2's video predictor; every object stays where it started."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image


def build_sam2_video_predictor(
    config_file, ckpt_path=None, device="cuda", mode="eval", hydra_overrides_extra=(), apply_postprocessing=True
):
    assert config_file == "configs/sam2.1/sam2.1_hiera_t.yaml"
    assert Path(ckpt_path).is_file()
    assert device == "cpu"
    assert hydra_overrides_extra == ["++model.non_overlap_masks=true"]
    assert not apply_postprocessing
    return Predictor()


class Predictor:
    def init_state(self, video_path):
        paths = sorted(Path(video_path).iterdir(), key=lambda path: int(path.stem))
        assert all(path.suffix in {".jpg", ".jpeg", ".JPG", ".JPEG"} for path in paths)
        sizes = {Image.open(path).size for path in paths}
        assert len(sizes) == 1
        size = sizes.pop()
        known = {"video_width": size[0], "video_height": size[1]}
        return {**known, "frames": len(paths), "size": size, "inputs": {}, "started": False}

    def add_new_mask(self, inference_state, frame_idx, obj_id, mask):
        assert not inference_state["started"], "cannot add new object after tracking starts"
        assert mask.dtype == np.bool_
        assert mask.shape == inference_state["size"][::-1]
        inference_state["inputs"][obj_id] = frame_idx, mask

    def add_new_points_or_box(self, inference_state, frame_idx, obj_id, box):
        mask = np.zeros(inference_state["size"][::-1], np.bool_)
        x0, y0, x1, y1 = np.asarray(box, int)
        mask[y0:y1, x0:x1] = True
        self.add_new_mask(inference_state, frame_idx, obj_id, mask)

    def propagate_in_video(self, inference_state):
        inputs = inference_state["inputs"]
        assert inputs
        inference_state["started"] = True
        first = min(frame for frame, _ in inputs.values())
        assert {frame for frame, _ in inputs.values()} == {first}, "late objects need a pass of their own"
        logits = torch.stack([torch.from_numpy(mask).float() * (2 + 10 * first) - 1 for _, mask in inputs.values()])
        for frame in range(first, inference_state["frames"]):
            yield frame, list(inputs), logits[:, None]

    def reset_state(self, inference_state):
        inference_state["inputs"].clear()
        inference_state["started"] = False
