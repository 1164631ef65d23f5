"""STCN against a reference of its own: functions over the tensors of a file, as the authors' code computes them."""

import numpy as np
import torch
from torch.nn import functional

from vos_bench.api import UNTRAINED, Prompt
from vos_bench.methods.stcn.method import StcnMethod

STRIDE, TOP = 16, 20


class Reference:
    """The network of STCN, from the tensors under their names in the authors' file."""

    def __init__(self, tensors):
        self.tensors = tensors

    def convolve(self, x, name, stride=1):
        weight = self.tensors[f"{name}.weight"]
        return functional.conv2d(
            x, weight, self.tensors.get(f"{name}.bias"), stride=stride, padding=weight.shape[-1] // 2
        )

    def normalise(self, x, name):
        mean, variance, scale, shift = (
            self.tensors[f"{name}.{key}"][:, None, None] for key in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / (variance + 1e-5).sqrt() * scale + shift

    def bottleneck(self, x, name, stride):
        y = self.normalise(self.convolve(x, f"{name}.conv1"), f"{name}.bn1").relu()
        y = self.normalise(self.convolve(y, f"{name}.conv2", stride), f"{name}.bn2").relu()
        return self.normalise(self.convolve(y, f"{name}.conv3"), f"{name}.bn3")

    def basic(self, x, name, stride):
        y = self.normalise(self.convolve(x, f"{name}.conv1", stride), f"{name}.bn1").relu()
        return self.normalise(self.convolve(y, f"{name}.conv2"), f"{name}.bn2")

    def trunk(self, x, name, stages, block):
        """Return a ResNet's features after three stages; `stages` says how many blocks each has."""
        x = self.normalise(self.convolve(x, f"{name}.conv1", 2), f"{name}.bn1").relu()
        x, seen = functional.max_pool2d(x, 3, 2, 1), []
        for stage, blocks in stages.items():
            for number in range(blocks):
                part = f"{name}.{stage}.{number}"
                stride = 2 if number == 0 and seen else 1
                short = x
                if f"{part}.downsample.0.weight" in self.tensors:
                    short = self.normalise(self.convolve(x, f"{part}.downsample.0", stride), f"{part}.downsample.1")
                x = (short + block(x, part, stride)).relu()
            seen.append(x)
        return seen

    def block(self, x, name):
        y = self.convolve(self.convolve(x.relu(), f"{name}.conv1").relu(), f"{name}.conv2")
        return y + (self.convolve(x, f"{name}.downsample") if f"{name}.downsample.weight" in self.tensors else x)

    def look(self, frame):
        """Return features at strides 4, 8 and 16 and the key."""
        seen = self.trunk(frame, "key_encoder", {"res2": 3, "layer2": 4, "layer3": 6}, self.bottleneck)
        return *seen, self.convolve(seen[-1], "key_proj.key_proj")

    def value(self, frame, deep, mask, other):
        """Return the value of one object, its mask and the other's H x W."""
        given = torch.cat([frame, mask[None, None], other[None, None]], 1)
        x = self.trunk(given, "value_encoder", {"layer1": 2, "layer2": 2, "layer3": 2}, self.basic)[-1]
        x = self.block(torch.cat([x, deep], 1), "value_encoder.fuser.block1")
        return self.block(x + self.attention(x, "value_encoder.fuser.attention"), "value_encoder.fuser.block2")

    def attention(self, x, name):
        first, second = (
            (self.tensors[f"{name}.ChannelGate.mlp.{k}.weight"], self.tensors[f"{name}.ChannelGate.mlp.{k}.bias"])
            for k in (1, 3)
        )
        pooled = [
            functional.linear(functional.linear(p, *first).relu(), *second) for p in (x.mean((2, 3)), x.amax((2, 3)))
        ]
        x = x * (pooled[0] + pooled[1]).sigmoid()[:, :, None, None]
        planes = torch.cat([x.amax(1, keepdim=True), x.mean(1, keepdim=True)], 1)
        return x * self.convolve(planes, f"{name}.SpatialGate.spatial.conv").sigmoid()

    def read(self, keys, values, query):
        """Read from the best places, by exponentials from which no maximum is taken off; keys C x N, values D x N."""
        place, (_, _, height, width) = query[0].flatten(1), query.shape
        affinity = (2 * keys.T @ place - (keys**2).sum(0)[:, None]) / keys.shape[0] ** 0.5
        chosen = affinity >= affinity.topk(TOP, 0).values[-1]
        shares = torch.where(chosen, affinity.exp(), 0)
        return (values @ (shares / shares.sum(0))).view(1, -1, height, width)

    def segment(self, seen, keys, values):
        stride4, stride8, deep, key = seen
        x = torch.cat([self.read(keys, values, key), self.convolve(deep, "key_comp")], 1)
        x = self.block(x, "decoder.compress")
        for skip, name in ((stride8, "decoder.up_16_8"), (stride4, "decoder.up_8_4")):
            x = self.block(self.convolve(skip, f"{name}.skip_conv") + enlarged(x, 2), f"{name}.out_conv")
        return enlarged(self.convolve(x.relu(), "decoder.pred"), 4).sigmoid()[0, 0]


def enlarged(x, factor):
    return functional.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


def aggregated(found):
    """Merge K x H x W by soft aggregation; returns the background too."""
    planes = torch.cat([(1 - found).prod(0, keepdim=True), found]).clamp(1e-7, 1 - 1e-7)
    odds = planes / (1 - planes)
    return odds / odds.sum(0)


def lively(network):
    """Give batch normalisation statistics that matter, and keys whose exponentials do not overflow."""
    for name, x in network.state_dict().items():
        if name.endswith("running_mean"):
            x.normal_(std=0.1)
        elif name.endswith("running_var"):
            x.uniform_(0.5, 1.5)
    network.key_proj.key_proj.weight.mul_(0.01)


@torch.no_grad()
def test_a_video_is_followed_as_by_the_authors():
    """Two objects on frames of odd size for eight frames: border, memory, the twenty best places, aggregation."""
    torch.manual_seed(0)
    method = StcnMethod(weights=UNTRAINED)
    lively(method.network)
    reference, border = Reference(method.network.state_dict()), (5, 6, 6, 7)
    images = np.random.default_rng(0).integers(0, 256, (8, 51, 69, 3), dtype=np.uint8)
    masks = np.zeros((2, 51, 69), bool)
    masks[0, 5:30, 5:30], masks[1, 20:45, 40:65] = True, True
    mean, deviation = (torch.tensor(x).view(1, 3, 1, 1) for x in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    method.initialize(images[0], Prompt(masks={1: masks[0], 2: masks[1]}))
    planes, keys, values = functional.pad(torch.from_numpy(masks).float(), border), [], ([], [])
    for number, image in enumerate(images):
        pixels = torch.from_numpy(image).permute(2, 0, 1)[None] / 255
        frame = functional.pad((pixels - mean) / deviation, border)
        seen = reference.look(frame)
        if number:
            memory = torch.cat(keys, 1)
            found = torch.stack([reference.segment(seen, memory, torch.cat(each, 1)) for each in values])
            merged = aggregated(found)
            planes = merged[1:]
            answer = method.step(image).probabilities
            assert answer is not None
            expected = merged[:, 6:-7, 5:-6].numpy()
            np.testing.assert_allclose(answer.astype(np.float32), expected, rtol=2e-3, atol=1e-4)
        if number % 5 == 0:
            keys.append(seen[-1][0].flatten(1))
            for k in range(2):
                values[k].append(reference.value(frame, seen[2], planes[k], planes[1 - k])[0].flatten(1))
    assert memory.shape[1] == 2 * (64 // STRIDE) * (80 // STRIDE)
    assert memory.shape[1] > TOP
    assert planes.std() > 1e-3
