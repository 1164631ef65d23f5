"""How fast the parts of LWL are; `pytest tests/benchmarks --benchmark-enable` measures them.

Two tests compare with the obvious way to compute the same, side by side, so that a slow version does not pass.
"""

from collections.abc import Callable, Iterator

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from vos_bench.methods.lwl.config import LITE_NETWORK
from vos_bench.methods.lwl.few_shot_learner import WeightedSamples, descend
from vos_bench.methods.lwl.network import LwlNetwork
from vos_bench.methods.lwl.upsampling import double_and_convolve
from vos_bench.parts.fusion import fuse_normalisation
from vos_bench.parts.merging import soft_aggregate_logits

TimesFaster = Callable[..., float]
RIDGE = torch.tensor(0.01)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Compare arithmetic and not the sharing of processors, without gradients as a tracker runs."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    with torch.inference_mode():
        yield
    torch.set_num_threads(before)


def memory(frames: int, channels: int, height: int, width: int) -> WeightedSamples:
    features = torch.randn(frames, channels, height, width).contiguous(memory_format=torch.channels_last)[None]
    labels, weights = torch.randn(1, frames, 16, height, width), torch.rand(1, frames, 16, height, width)
    return WeightedSamples(features / (9 * channels) ** 0.5, labels, weights)


@pytest.fixture
def samples() -> WeightedSamples:
    """A memory of eight frames as LWL has them, at a third of its usual channels and size."""
    return memory(8, 160, 18, 30)


@pytest.fixture
def network() -> LwlNetwork:
    return fuse_normalisation(LwlNetwork(LITE_NETWORK).eval()).to(memory_format=torch.channels_last)


def descend_step_by_step(samples: WeightedSamples, filters: Tensor, *, ridge: Tensor, iterations: int) -> Tensor:
    """The obvious way: the objective of equation 3, its gradient by autograd, everything computed afresh each time."""
    x, labels, weights = (part[0].clone() for part in samples)
    tau = filters[0].clone()
    for _ in range(iterations):
        with torch.inference_mode(False), torch.enable_grad():
            at = tau.clone().requires_grad_()
            residual = weights.clone() * (functional.conv2d(x.clone(), at, padding=1) - labels.clone())
            loss = 0.5 * residual.square().sum() + 0.5 * ridge.clone() * at.square().sum()
            (gradient,) = torch.autograd.grad(loss, at)
        change = weights * functional.conv2d(x, gradient, padding=1)
        slope = gradient.square().sum()
        tau = tau - slope / (change.square().sum() + ridge * slope) * gradient
    return tau[None]


def multiplications(function: Callable[[], object]) -> int:
    with FlopCounterMode(display=False) as counter:
        function()
    return counter.get_total_flops()


def test_the_learner_gives_the_filters_of_the_obvious_way_in_less_time(times_faster: TimesFaster) -> None:
    samples, start = memory(8, 512, 30, 52), torch.zeros(1, 16, 512, 3, 3)

    def ours() -> Tensor:
        return descend(samples, start, ridge=RIDGE, iterations=5).filters

    def obvious() -> Tensor:
        return descend_step_by_step(samples, start, ridge=RIDGE, iterations=5)

    torch.testing.assert_close(ours(), obvious(), rtol=1e-3, atol=1e-5)
    # two passes over the memory an iteration and one before, where it takes three
    assert multiplications(ours) * 15 == multiplications(obvious) * 11
    assert times_faster(ours, obvious, rounds=6) > 1


def test_the_decoders_end_is_twice_as_fast_as_its_two_steps(times_faster: TimesFaster) -> None:
    x, weight, bias = torch.randn(1, 32, 120, 200), torch.randn(1, 32, 3, 3), torch.randn(1)
    x = x.contiguous(memory_format=torch.channels_last)

    def two_steps() -> Tensor:
        fine = functional.interpolate(x, scale_factor=2, mode="bicubic", align_corners=False)
        return functional.conv2d(fine, weight, bias, padding=1)

    torch.testing.assert_close(double_and_convolve(x, weight, bias), two_steps(), rtol=1e-3, atol=1e-3)
    assert times_faster(lambda: double_and_convolve(x, weight, bias), two_steps) > 2


@pytest.mark.benchmark(group="learner")
@pytest.mark.parametrize("iterations", [1, 3])
def test_learner(benchmark: BenchmarkFixture, samples: WeightedSamples, iterations: int) -> None:
    fit = benchmark(descend, samples, torch.zeros(1, 16, 160, 3, 3), ridge=RIDGE, iterations=iterations)
    assert fit.filters.abs().sum() > 0


@pytest.mark.benchmark(group="network")
def test_backbone(benchmark: BenchmarkFixture, network: LwlNetwork) -> None:
    image = torch.rand(1, 3, 304, 544).contiguous(memory_format=torch.channels_last)
    assert benchmark(network.extract, image)[16].shape[-2:] == (19, 34)


@pytest.mark.benchmark(group="network")
def test_decoder(benchmark: BenchmarkFixture, network: LwlNetwork) -> None:
    features = network.extract(torch.rand(1, 3, 304, 544).contiguous(memory_format=torch.channels_last))
    assert benchmark(network.decode, torch.randn(1, 16, 19, 34), features, (304, 544)).shape == (1, 1, 304, 544)


@pytest.mark.benchmark(group="network")
def test_label_encoder(benchmark: BenchmarkFixture, network: LwlNetwork) -> None:
    labels, _ = benchmark(network.encode_labels, torch.rand(1, 1, 304, 544))
    assert labels.shape == (1, 16, 19, 34)


@pytest.mark.benchmark(group="merge")
@pytest.mark.parametrize("objects", [1, 4])
def test_merge(benchmark: BenchmarkFixture, objects: int) -> None:
    merged = benchmark(soft_aggregate_logits, torch.randn(objects, 480, 854))
    assert merged.shape == (1 + objects, 480, 854)
