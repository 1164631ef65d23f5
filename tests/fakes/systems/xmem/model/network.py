import torch
from model import resnet


class XMem(torch.nn.Module):
    def __init__(self, config, model_path=None, map_location=None):
        super().__init__()
        resnet.resnet50()
        assert config["deep_update_every"] == -1
        assert model_path.endswith("w.pth")
        self.loaded = None

    def load_weights(self, weights, init_as_zero_if_needed=False):
        assert init_as_zero_if_needed
        self.loaded = weights["key"]
