import torch

from cutie.model.utils import resnet


class CUTIE(torch.nn.Module):
    def __init__(self, configuration):
        super().__init__()
        resnet.resnet50()
        self.model = configuration["model"]
        self.loaded = None

    def load_weights(self, weights):
        self.loaded = weights["key"]
