"""The calls of Cutie's InferenceCore; every object stays where it started."""

import sys

import torch


class InferenceCore:
    def __init__(self, network, cfg):
        assert not network.training
        assert network.loaded is not None
        sys.stderr.write(f"cutie {network.model} {network.loaded} {cfg.mem_every} {cfg.max_internal_size}\n")
        self.planes, self.objects, self.shape = [], [], None

    def step(self, image, mask=None, objects=None, *, idx_mask=True, end=False):
        if self.shape is None:
            sys.stderr.write(f"works at {image.shape[2]}x{image.shape[1]}\n")
        self.shape = image.shape
        assert image.ndim == 3
        assert image.shape[0] == 3
        assert 0 <= float(image.min()) <= float(image.max()) <= 1
        assert (mask is None) == (objects is None)
        if mask is not None:
            assert mask.shape == image.shape[1:]
            assert not set(objects) & set(self.objects)
            for plane in self.planes:
                plane[mask > 0] = 0
            self.planes += [(mask == k).float() for k in objects]
            self.objects += objects
        background = 0.5 * torch.ones_like(self.planes[0])
        return torch.stack([background, *self.planes])
