"""What torch is told before a method computes on a GPU."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from vos_bench.api import Precision
from vos_bench.devices import TorchFlags, set_float32_mode, torch_flags, use_device

torch = pytest.importorskip("torch")


@pytest.fixture
def flags() -> Iterator[Callable[[], TorchFlags]]:
    """Reads the switches, which are put back afterwards."""
    backends = torch.backends
    before = backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32, backends.cudnn.deterministic
    yield torch_flags
    backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32, backends.cudnn.deterministic = before


@pytest.mark.parametrize(("amp", "rounded"), [("off", False), ("tf32", True), ("fp16", False), ("bf16", False)])
def test_float32_is_float32_unless_tf32_is_asked_for(flags: Callable[[], TorchFlags], amp: Precision, rounded: bool):
    set_float32_mode("cuda:0", amp)
    found = flags()
    assert (found.tf32, found.tf32_products, found.tf32_convolutions) == (rounded,) * 3
    assert found.deterministic is True


def test_the_switches_of_convolutions_and_products_are_told_apart(flags: Callable[[], TorchFlags]):
    set_float32_mode("cuda", "off", deterministic=False)
    torch.backends.cudnn.allow_tf32 = True
    found = flags()
    assert (found.tf32, found.tf32_products, found.tf32_convolutions) == (True, False, True)
    assert found.deterministic is False


def test_nothing_is_switched_for_the_cpu(flags: Callable[[], TorchFlags]):
    before = flags()
    set_float32_mode("cpu", "tf32")
    assert flags() == before


@pytest.mark.parametrize(("device", "expected"), [("cuda:1", [1]), ("cuda", []), ("cpu", [])])
def test_the_gpu_that_was_named_is_the_current_one(monkeypatch: pytest.MonkeyPatch, device: str, expected: list[int]):
    chosen: list[int] = []
    fake = SimpleNamespace(is_initialized=lambda: True, set_device=chosen.append)
    monkeypatch.setattr(torch, "cuda", fake)
    use_device(device)
    assert chosen == expected


def test_a_gpu_that_this_process_does_not_use_is_left_alone():
    use_device("cuda:1")
    assert not torch.cuda.is_initialized()
