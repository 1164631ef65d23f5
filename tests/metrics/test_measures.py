"""J and F of two arrays, and what each measure says of itself."""

from typing import Any

import numpy as np
import pytest

from vos_bench.errors import BadInputError
from vos_bench.metrics.measures import MEASURES, F, J, measure
from vos_bench.records.summary import RUN_SCORES

TRUE = np.zeros((20, 30), np.uint8)
TRUE[2:10, 2:10], TRUE[12:18, 12:20] = 1, 3
FOUND = np.roll(TRUE, 2, axis=1)
EMPTY = np.zeros_like(TRUE)


@pytest.mark.parametrize("kind", [np.bool_, np.uint8, np.int64])
@pytest.mark.parametrize("high", [1, 255])
def test_masks_of_any_kind_give_one_number(kind: type, high: int) -> None:
    truth, found = ((each == 1).astype(kind) * (1 if kind is np.bool_ else high) for each in (TRUE, FOUND))
    assert J(found, truth) == 6 * 8 / (10 * 8)
    assert F(found, truth) == F(FOUND == 1, TRUE == 1)
    assert J(EMPTY, truth) == F(EMPTY, truth) == 0
    assert J(EMPTY, EMPTY) == F(EMPTY, EMPTY) == 1


def test_label_maps_give_a_number_for_each_object_of_either() -> None:
    found = np.where(FOUND == 3, 7, FOUND)
    assert J(found, TRUE) == {1: 0.6, 3: 0.0, 7: 0.0}
    assert F(FOUND, TRUE) == {k: F(k == FOUND, k == TRUE) for k in (1, 3)}


def test_void_in_a_true_label_map_is_background() -> None:
    truth = np.where(TRUE == 3, 255, TRUE)
    assert J(truth == 1, truth) == {1: 1.0}


def test_named_objects_always_give_a_dictionary() -> None:
    mask = (TRUE == 1).astype(np.uint8)
    assert J(mask, mask, objects=[1, 2]) == {1: 1.0, 2: 1.0}
    assert F(EMPTY, EMPTY, objects=[1]) == {1: 1.0}


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (np.full((20, 30), 0.7), "(?s)holds float64 .* threshold"),
        (TRUE[None], r"shape \(1, 20, 30\)"),
        (TRUE[:, :-1], r"\(20, 29\), expected \(20, 30\)"),
        (TRUE.astype(int) - 1, "labels from 0 to 65535"),
        (TRUE.astype(int) + 65535, "labels from 0 to 65535"),
        (TRUE.tolist(), "is a list, expected a NumPy array"),
    ],
)
def test_what_is_neither_mask_nor_label_map_is_refused(found: Any, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        J(found, TRUE)
    with pytest.raises(BadInputError):
        F(found, TRUE)


def test_every_score_of_a_run_has_a_measure_of_its_own_direction_and_range() -> None:
    assert set(MEASURES) == set(RUN_SCORES)
    assert all(MEASURES[name].text for name in RUN_SCORES)
    lower = {name for name in RUN_SCORES if not measure(name).higher_is_better}
    decays = {"J_decay", "F_decay", "J_last_decay"}
    assert lower == {*decays, "V", "V_seen", "V_unseen"}
    assert decays == {name for name in RUN_SCORES if measure(name).lowest < 0}
