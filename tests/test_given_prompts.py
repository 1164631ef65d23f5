"""What may be given as a prompt, and the one sentence that refuses the rest."""

from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

from vos_bench.errors import BadInputError
from vos_bench.prompts import LARGEST_ID, Prompt, frame_size

SHAPE = (4, 6)
MASK = np.zeros(SHAPE, np.bool_)
MASK[1:3, 2:5] = True
LABELS = np.zeros(SHAPE, np.uint8)
LABELS[0], LABELS[3] = 7, 200
BOX = (1.0, 0.0, 6.0, 4.0)


def refused(given: Any) -> str:
    with pytest.raises(BadInputError) as caught:
        Prompt.of(given, SHAPE)
    return str(caught.value)


def test_a_label_map_gives_a_mask_for_each_id():
    for dtype in (np.uint8, np.int64, np.uint16):
        prompt = Prompt.of(LABELS.astype(dtype), SHAPE)
        assert prompt.object_ids == (7, 200)
        assert prompt.masks[7].dtype == np.bool_
        assert (prompt.masks[200] == (LABELS == 200)).all()


@pytest.mark.parametrize("given", [MASK, MASK.astype(np.uint8), 255 * MASK.astype(np.uint8), MASK.astype(np.float32)])
def test_a_mask_alone_is_object_1(given: np.ndarray):
    prompt = Prompt.of(given, SHAPE)
    assert prompt.object_ids == (1,)
    assert (prompt.masks[1] == MASK).all()


@pytest.mark.parametrize("given", [MASK, MASK.astype(np.int8), 255 * MASK.astype(np.uint8), MASK.astype(np.float64)])
def test_a_mask_of_an_object_is_boolean_or_0_and_1_or_0_and_255(given: np.ndarray):
    prompt = Prompt.of({np.int64(3): given}, SHAPE)
    assert prompt.masks[3].dtype == np.bool_
    assert (prompt.masks[3] == MASK).all()
    assert type(prompt.object_ids[0]) is int


@pytest.mark.parametrize("given", [BOX, [1, 0, 6, 4], np.array([1, 0, 6, 4], np.float32)])
def test_an_object_may_have_a_box_instead(given: Any):
    prompt = Prompt.of({1: MASK, 2: given}, SHAPE)
    assert prompt.boxes == {2: BOX}
    assert [*prompt.masks] == [1]


def test_a_prompt_is_checked_too():
    assert Prompt.of(Prompt(masks={1: MASK}, boxes={2: BOX}), SHAPE).object_ids == (1, 2)
    assert "object id 0" in refused(Prompt(masks={0: MASK}))


def test_empty_masks_and_boxes_are_kept():
    prompt = Prompt.of({1: np.zeros(SHAPE), 2: (0, 0, 0, 0)}, SHAPE)
    assert prompt.object_ids == (1, 2)
    assert Prompt.of(np.zeros(SHAPE, np.int64), SHAPE).object_ids == ()


PROBABILITIES = np.full(SHAPE, 0.3, np.float32)


def test_probabilities_are_no_mask_and_no_label_map():
    for values in (PROBABILITIES, np.where(MASK, 1.0, 0.01), np.full(SHAPE, np.nan)):
        for given in (values, {1: values}):
            assert "give probabilities > 0.5" in refused(given)


@pytest.mark.parametrize("object_id", [0, -1, LARGEST_ID + 1, 1.0, "1", True, None])
def test_an_id_is_a_whole_number_that_label_maps_can_hold(object_id: Any):
    for given in (MASK, BOX):
        assert refused({object_id: given}) == f"object id {object_id!r}: expected a whole number from 1 to 65535"


def test_a_label_map_has_no_such_id_either():
    labels = np.zeros(SHAPE, np.int64)
    for wrong in (-1, 65536):
        labels[0, 0] = wrong
        assert refused(labels) == f"object id {wrong}: expected a whole number from 1 to 65535"


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (PillowImage.fromarray(LABELS), "a PIL image (np.asarray makes an array of it)"),
        (MASK.tolist(), "a list (np.asarray makes an array of it)"),
        ("mask.png", "a str (PIL.Image.open reads a file, and np.asarray makes an array of it)"),
        (None, "a NoneType"),
        (7, "an int"),
    ],
)
def test_other_things_are_refused_with_what_is_expected(given: Any, named: str):
    assert refused(given) == (
        f"prompt: found {named}; expected a label map (H x W whole numbers), a dict of object id to mask or box, "
        "or a Prompt"
    )
    assert refused({1: given}) == f"the mask of object 1: found {named}; expected an H x W array of booleans"


@pytest.mark.parametrize("name", ["masks", "boxes"])
def test_a_prompt_is_made_of_dicts(name: str):
    with pytest.raises(BadInputError, match=rf"Prompt\({name}=…\): found a ndarray; expected a dict by object id"):
        Prompt(**{name: MASK})


def test_255_beside_other_labels_has_to_be_said():
    labels = LABELS.copy()
    labels[1] = 255
    assert "found label 255 beside others, which marks undecided pixels" in refused(labels)
    assert Prompt.of({7: labels == 7, 255: labels == 255}, SHAPE).object_ids == (7, 255)


def test_a_torch_tensor_is_refused_with_how_to_make_an_array():
    torch = pytest.importorskip("torch")
    assert "tensor.cpu().numpy()" in refused({1: torch.zeros(SHAPE)})


def test_a_mask_has_the_size_of_its_frame():
    assert refused({1: MASK.T}) == "the mask of object 1 is 4x6 and the frame 6x4; expected one size"
    assert refused(LABELS.T) == "the label map is 4x6 and the frame 6x4; expected one size"
    assert refused(np.stack([LABELS] * 3, axis=2)) == "the label map has the shape (4, 6, 3); expected H x W = 4 x 6"


def test_a_mask_of_three_values_is_refused():
    assert "found values from 0 to 200 of type uint8" in refused({1: LABELS})
    assert "values of type <U1" in refused({1: np.full(SHAPE, "x")})
    assert "values of type complex128" in refused(np.full(SHAPE, 1j))


@pytest.mark.parametrize(
    "box",
    [
        (4, 0, 2, 4),
        (0, 3, 6, 1),
        (0, 0, 7, 4),
        (-1, 0, 6, 4),
        (0, 0, float("nan"), 4),
        (0, 0, float("inf"), 4),
        (0, 0, 6),
        (0, 0, 6, "4"),
        (0, 0, 6, True),
        [[0, 1], [1, 1]],
    ],
)
def test_a_box_lies_in_its_frame(box: Any):
    assert refused({5: box}) == (
        f"the box of object 5: found {box!r}\n  expected x0, y0, x1, y1 in pixels, with 0 <= x0 < x1 <= 6 and "
        "0 <= y0 < y1 <= 4, half-open"
    )


def test_an_image_is_height_by_width_by_three_bytes():
    assert frame_size(np.zeros((4, 6, 3), np.uint8)) == SHAPE
    for wrong in (np.zeros((4, 6, 3)), np.zeros((4, 6), np.uint8), np.zeros((4, 6, 4), np.uint8)):
        with pytest.raises(BadInputError, match="expected H x W x 3 of uint8, RGB"):
            frame_size(wrong)
    with pytest.raises(BadInputError, match=r"image: found a PIL image \(np.asarray makes an array of it\); expected"):
        frame_size(PillowImage.new("RGB", (6, 4)))
