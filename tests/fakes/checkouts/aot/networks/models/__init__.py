import torch


def build_vos_model(name, configuration):
    assert name == "aot"
    return torch.nn.Linear(1, 1)
