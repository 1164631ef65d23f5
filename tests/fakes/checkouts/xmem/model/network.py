"""A network by the names of XMem's that evaluates nothing."""

import torch


class XMem(torch.nn.Module):
    def __init__(self, config, model_path=None, map_location=None):
        super().__init__()
        self.decoder = torch.nn.Module()
        self.decoder.pred = torch.nn.Conv2d(3, 1, kernel_size=3, padding=1)

    def load_weights(self, weights, init_as_zero_if_needed=False):
        self.load_state_dict(weights)
