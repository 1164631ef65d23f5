import pytest
import torch
from torch.nn import functional

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


def test_a_side_that_is_a_multiple_may_get_one_more():
    assert Padding.to_multiple((480, 854), 32, always=True) == (5, 5, 16, 16)
    assert Padding.to_multiple((481, 864), 32, always=True) == (16, 16, 15, 16)


def test_the_odd_pixel_may_go_left_and_to_the_top():
    assert Padding.to_multiple((201, 357), 16, odd_first=True) == (6, 5, 4, 3)
    assert Padding.to_multiple((208, 368), 16, odd_first=True) == (0, 0, 0, 0)


def test_a_mirror_image_is_that_of_pytorch():
    x = torch.rand(1, 3, 20, 31)
    padding = Padding.to_multiple((20, 31), 16, odd_first=True)
    expected = functional.pad(x, padding, mode="reflect")
    assert torch.equal(padding.reflect(x), expected)
    assert torch.equal(padding.crop(expected), x)


def test_a_mirror_image_of_a_small_plane_goes_on():
    plane = torch.arange(3.0)[None, :]
    assert (
        Padding(left=5, right=4, top=1, bottom=2).reflect(plane).tolist() == [[1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2]] * 4
    )
