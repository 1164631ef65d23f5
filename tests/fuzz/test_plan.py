"""The corpus is as large as it is said to be."""

from hostile.plan import FACTOR, INPUTS, NIGHTLY


def test_at_least_500_inputs_are_tried_each_time_and_10_000_in_the_nightly_form() -> None:
    assert sum(INPUTS.values()) >= 500
    assert NIGHTLY * sum(INPUTS.values()) >= 10_000
    assert FACTOR >= 1
