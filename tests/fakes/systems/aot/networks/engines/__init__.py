"""The calls of AOT's engine; every object stays where it started."""

import torch
from torch.nn import functional


def build_engine(name, phase, aot_model, gpu_id, long_term_mem_gap, short_term_mem_skip):
    assert (name, phase, gpu_id, long_term_mem_gap, short_term_mem_skip) == ("aotengine", "eval", 0, 9999, 1)
    assert not aot_model.training
    return Engine()


class Engine(torch.nn.Module):
    def restart_engine(self):
        self.labels, self.count, self.step = None, 0, 0

    def add_reference_frame(self, image, mask, frame_step=-1, obj_nums=None):
        assert image.shape[1] == 3
        assert all(side % 16 == 1 for side in image.shape[2:])
        assert mask.shape == (1, 1, *image.shape[2:])
        assert frame_step == self.step
        assert obj_nums[0] > self.count
        (self.count,) = obj_nums
        self.labels = mask

    def match_propogate_one_frame(self, image):
        assert self.labels is not None
        self.step += 1

    def decode_current_logits(self, output_size=None):
        planes = torch.stack([(self.labels[0, 0] == k).float() for k in range(self.count + 1)])[None]
        return functional.interpolate(10 * planes, size=output_size, mode="bilinear", align_corners=True)

    def update_memory(self, mask):
        assert mask.shape == self.labels.shape
        self.labels = mask
