"""The calls of XMem's InferenceCore; every object stays where it started."""

import sys

import torch


class InferenceCore:
    def __init__(self, network, config):
        assert not network.training
        assert network.loaded is not None
        names = ("top_k", "mem_every", "enable_long_term", "num_prototypes", "max_long_term_elements")
        sys.stderr.write("xmem " + " ".join(str(config[name]) for name in names) + "\n")
        self.labels, self.planes = None, None

    def set_all_labels(self, labels):
        self.labels = labels

    def step(self, image, mask=None, valid_labels=None, end=False):
        assert image.ndim == 3
        assert float(image.abs().max()) < 3  # normalised
        assert (mask is None) == (valid_labels is None)
        if mask is not None:
            assert mask.shape == (len(self.labels), *image.shape[1:])
            assert set(valid_labels) <= set(self.labels)
            before = mask.new_zeros(mask.shape) if self.planes is None else self.planes
            planes = mask.clone()
            planes[: len(before)] = torch.where(mask.sum(dim=0) > 0.5, mask[: len(before)], before)
            self.planes = planes
        return torch.cat([0.5 * torch.ones_like(self.planes[:1]), self.planes])
