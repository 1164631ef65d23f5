"""FRTM: the refiner against a reference, and the two files of parameters."""

from collections import defaultdict

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torchvision.models import resnet18

from vos_bench.errors import BadInputError
from vos_bench.methods.frtm import checkpoint
from vos_bench.methods.frtm.config import FrtmConfig
from vos_bench.methods.frtm.method import FrtmMethod
from vos_bench.methods.frtm.network import FrtmNetwork
from vos_bench.methods.frtm.refiner import LEVELS


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


@pytest.mark.parametrize(("name", "parameters", "keys"), [("resnet18", 1.23e6, "rn18"), ("resnet101", 1.41e6, "rn101")])
def test_the_refiner_has_the_official_shapes_for_both_backbones(shared, name, parameters, keys):
    refiner = FrtmNetwork(name).refiner
    assert sum(p.numel() for p in refiner.parameters()) == pytest.approx(parameters, rel=1e-2)
    rows = [line.split("\t") for line in (shared / "keys" / f"FRTM_{keys}.tsv").read_text().splitlines()[1:]]
    expected = {key: () if shape == "scalar" else tuple(map(int, shape.split("x"))) for key, shape, *_ in rows}
    assert {f"refiner.{key}": tuple(x.shape) for key, x in refiner.state_dict().items()} == expected


def test_the_backbone_has_to_lie_beside_the_authors_file_and_be_the_right_one(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    path = tmp_path / "rn18_all.pth"
    tensors = {f"refiner.{key}": x for key, x in FrtmNetwork("resnet18").refiner.state_dict().items()}
    torch.save({"model": tensors}, path)
    with pytest.raises(BadInputError, match=r"(?s)resnet18-f37072fd\.pth.*download https://download\.pytorch\.org"):
        checkpoint.load_network(path)
    torch.save(resnet18(weights=None).state_dict(), tmp_path / "resnet18-f37072fd.pth")
    with pytest.raises(BadInputError, match="expected f37072fd"):
        checkpoint.load_network(path)


def test_the_file_decides_the_backbone(tmp_path):
    path = tmp_path / "frtm.safetensors"
    checkpoint.write_network(FrtmNetwork("resnet18"), path, method="frtm", source="made")
    assert FrtmMethod(weights=path).network.name == "resnet18"
    with pytest.raises(BadInputError, match="is for resnet18"):
        FrtmMethod(FrtmConfig(backbone="resnet101"), weights=path)


def of_file(tensors):
    """Return a convolution and a residual block as functions over the tensors of a file, by their names."""

    def convolve(x, name):
        weight = tensors[f"{name}.weight"]
        return functional.conv2d(x, weight, tensors.get(f"{name}.bias"), padding=weight.shape[-1] // 2)

    def block(x, name):
        x = convolve(x, f"{name}.conv1x1")
        mean, variance, scale, shift = (
            tensors[f"{name}.bblock.1.{key}"][:, None, None]
            for key in ("running_mean", "running_var", "weight", "bias")
        )
        y = (convolve(x, f"{name}.bblock.0") - mean) / (variance + 1e-5).sqrt() * scale + shift
        return (x + convolve(y.relu(), f"{name}.bblock.3")).relu()

    return convolve, block


def linear(x, size):
    return functional.interpolate(x, size=size, mode="bilinear", align_corners=False)


def doubled(x):
    rows, columns = (bicubic_doubling(n) for n in x.shape[2:])
    return rows @ x @ columns.T


def bicubic_doubling(cells):
    """Return the matrix that enlarges by two: the cubic of a = -0.75, borders repeated, corners not aligned."""
    matrix = torch.zeros(2 * cells, cells)
    for pixel in range(2 * cells):
        place = (pixel + 0.5) / 2 - 0.5
        for cell in range(int(np.floor(place)) - 1, int(np.floor(place)) + 3):
            t = abs(place - cell)
            weight = 1.25 * t**3 - 2.25 * t**2 + 1 if t <= 1 else -0.75 * (t**3 - 5 * t**2 + 8 * t - 4)
            matrix[pixel, min(max(cell, 0), cells - 1)] += weight
    return matrix


@torch.no_grad()
@pytest.mark.parametrize("size", [(64, 96), (70, 90)])
def test_the_refiner_is_what_the_tensors_of_its_file_say(size):
    torch.manual_seed(0)
    network = FrtmNetwork("resnet18").eval()
    for module in network.refiner.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(std=0.1)
            module.running_var.uniform_(0.5, 1.5)
    convolve, block = of_file(network.refiner.state_dict())
    shapes = dict(zip(LEVELS, [tuple(-(-n // stride) for n in size) for stride in (32, 16, 8, 4)], strict=True))
    features = {
        level: torch.rand(1, channels, *shapes[level])
        for level, channels in zip(LEVELS, (512, 256, 128, 64), strict=True)
    }
    score, x = torch.randn(1, 1, *shapes["layer4"]), None
    for level, shape in shapes.items():
        narrow = convolve(convolve(features[level], f"TSE.{level}.reduce.0").relu(), f"TSE.{level}.reduce.2")
        deeper = narrow.mean((2, 3), keepdim=True) if x is None else x
        x = torch.cat([narrow, linear(score, shape)], 1)
        for number in (0, 2, 4):
            x = convolve(x, f"TSE.{level}.transform.{number}").relu()
        x = block(x, f"RRB1.{level}")
        means = torch.cat([x.mean((2, 3), keepdim=True), deeper.mean((2, 3), keepdim=True)], 1)
        gate = convolve(convolve(means, f"CAB.{level}.convreluconv.0").relu(), f"CAB.{level}.convreluconv.2")
        x = block(x * gate.sigmoid() + linear(deeper, shape), f"RRB2.{level}")
    x = doubled(convolve(doubled(x), "project.conv1").relu())
    expected = convolve(linear(x, size), "project.conv2")
    found = network.refiner(score, network.refiner.reduce(features), size)
    assert expected.std() > 1e-3
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4 * expected.std().item())


class AverageMeter:
    """What a trainer's checkpoint of FRTM pickles beside its tensors."""

    __module__ = "lib.utils"


def test_a_trainers_checkpoint_is_read_without_its_classes(tmp_path, monkeypatch):
    import sys
    import types

    package, module = types.ModuleType("lib"), types.ModuleType("lib.utils")
    module.AverageMeter = AverageMeter
    monkeypatch.setitem(sys.modules, "lib", package)
    monkeypatch.setitem(sys.modules, "lib.utils", module)
    stats = defaultdict(AverageMeter)
    stats["loss"].sum = 3.0
    network, path = FrtmNetwork("resnet18"), tmp_path / "epoch.pth"
    torch.save({"model": network.state_dict(), "stats": stats, "epoch": 4}, path)
    monkeypatch.delitem(sys.modules, "lib.utils")
    read = checkpoint.load_network(path).state_dict()
    assert all(torch.equal(read[key], x) for key, x in network.state_dict().items())
