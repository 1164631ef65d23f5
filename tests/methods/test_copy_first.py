import numpy as np
import pytest

from vos_bench.api import Prompt
from vos_bench.methods.copy_first import CopyFirst, CopyFirstConfig
from vos_bench.parts.box_start import BoxFill

IMAGE = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)


def block(left: int) -> np.ndarray:
    mask = np.zeros((40, 60), np.bool_)
    mask[10:30, left : left + 20] = True
    return mask


def test_masks_stay_whatever_the_frames_show() -> None:
    method = CopyFirst()
    method.initialize(IMAGE, Prompt(masks={1: block(0), 3: block(30)}))
    labels = method.step(255 - IMAGE).labels
    np.testing.assert_array_equal(labels, block(0) * 1 + block(30) * 3)


def test_a_late_mask_is_added_and_loses_its_overlap_afterwards() -> None:
    method = CopyFirst()
    method.initialize(IMAGE, Prompt(masks={1: block(0)}))
    assert (method.step(IMAGE, Prompt(masks={2: block(10)})).labels[block(10)] == 2).all()
    later = method.step(IMAGE).labels
    np.testing.assert_array_equal(later == 1, block(0))
    np.testing.assert_array_equal(later == 2, block(10) & ~block(0))


@pytest.mark.parametrize(("fill", "share"), [("rectangle", 1.0), ("ellipse", np.pi / 4)])
def test_a_box_is_filled_as_configured(fill: BoxFill, share: float) -> None:
    method = CopyFirst(CopyFirstConfig(box_fill=fill))
    method.initialize(IMAGE, Prompt(boxes={1: (10, 5, 50, 35)}))
    assert method.step(IMAGE).labels.sum() == pytest.approx(share * 40 * 30, rel=0.02)


def test_a_method_without_a_network_is_on_the_processor_whatever_is_asked_for() -> None:
    assert CopyFirst(device="cuda").device == "cpu"
