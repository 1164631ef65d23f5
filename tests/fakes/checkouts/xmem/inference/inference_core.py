"""The calls of XMem's InferenceCore; objects are where they started and where the last layer says yes."""

import torch


class InferenceCore:
    def __init__(self, network, config):
        self.network, self.planes = network, None

    def set_all_labels(self, labels):
        self.labels = labels

    def step(self, image, mask=None, valid_labels=None, end=False):
        said = torch.sigmoid(self.network.decoder.pred(image[None])[0])
        if mask is not None:
            planes = mask.clone()
            if self.planes is not None:
                planes[: len(self.planes)] = torch.where(mask.sum(dim=0) > 0.5, 0, self.planes)
            self.planes = planes
            return torch.cat([0.5 * torch.ones_like(planes[:1]), planes])
        return torch.cat([0.25 * torch.ones_like(self.planes[:1]), self.planes * said])
