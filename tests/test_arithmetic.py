"""What torch is told before a method computes on a GPU."""

from types import SimpleNamespace

import pytest

from vos_bench.arithmetic import make_current

torch = pytest.importorskip("torch")


@pytest.mark.parametrize(("device", "expected"), [("cuda:1", [1]), ("cuda", []), ("cpu", [])])
def test_the_gpu_that_was_named_is_the_current_one(monkeypatch: pytest.MonkeyPatch, device: str, expected: list[int]):
    chosen: list[int] = []
    fake = SimpleNamespace(is_initialized=lambda: True, set_device=chosen.append)
    monkeypatch.setattr(torch, "cuda", fake)
    make_current(device)
    assert chosen == expected


def test_a_gpu_that_this_process_does_not_use_is_left_alone():
    make_current("cuda:1")
    assert not torch.cuda.is_initialized()
