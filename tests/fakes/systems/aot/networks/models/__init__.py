import torch


def build_vos_model(name, configuration):
    assert name == "aot"
    assert configuration.TEST_CKPT_PATH
    return torch.nn.Module()
