import pytest
import torch

from vos_bench.parts.padding import Padding


@pytest.mark.parametrize(
    ("size", "expected"), [((480, 854), (5, 5, 0, 0)), ((31, 16), (0, 0, 0, 1)), ((16, 32), (0, 0, 0, 0))]
)
def test_sizes_become_multiples_with_the_odd_pixel_at_the_right_and_the_bottom(size, expected):
    padding = Padding.to_multiple(size, 16)
    assert padding == expected
    x = torch.ones(2, *size)
    padded = padding.pad(x)
    assert all(extent % 16 == 0 for extent in padded.shape[1:])
    assert padded.sum() == x.sum()
    assert torch.equal(padding.crop(padded), x)
