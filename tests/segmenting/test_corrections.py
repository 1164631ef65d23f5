"""A second mask of an object on a later frame: methods with a memory learn from it, others refuse it."""

import numpy as np
import pytest
from films import picture

import vos_bench
from vos_bench import registry
from vos_bench.api import Prompt
from vos_bench.errors import BadInputError
from vos_bench.running.frames import Numbering
from vos_bench.running.method import method_class

TAKES = ("lwl", "lwl-lite", "stcn", "stm", "stm-lite")


def test_who_takes_corrections() -> None:
    found = {name for name in registry.names("methods") if method_class(registry.method(name)).takes_corrections}
    assert found == {*TAKES}


def test_a_correction_is_kept_and_followed() -> None:
    """The first mask is of the background; once the object is given, the method goes on with that."""

    def follow(*, corrected: bool) -> float:
        method = vos_bench.load_method("lwl-lite")
        wrong = np.zeros_like(picture(0)[1])
        wrong[60:90, 10:50] = 1
        method.initialize(picture(0)[0], wrong)
        method.step(picture(1)[0])
        disk = picture(2)[1] == 1
        answer = method.step(picture(2)[0], disk if corrected else None)
        assert (answer.labels == disk).all() == corrected
        later = [(method.step(picture(t)[0]).labels == 1, picture(t)[1] == 1) for t in range(3, 7)]
        return float(np.mean([(found & truth).sum() / (found | truth).sum() for found, truth in later]))

    assert follow(corrected=False) < 0.1
    assert follow(corrected=True) > 0.8


@pytest.mark.parametrize("name", ["stcn", "stm", "stm-lite"])
def test_the_large_networks_take_one_too(name: str) -> None:
    method = vos_bench.load_method(name, weights="untrained")
    method.initialize(picture(0)[0], picture(0)[1])
    method.step(picture(1)[0])
    one = Prompt(masks={2: picture(2)[1] == 2})
    answer = method.step(picture(2)[0], one)
    assert ((answer.labels == 2) == one.masks[2]).all()
    method.step(picture(3)[0], {3: picture(3)[1] == 1})  # an object may still start


def test_what_takes_none_says_so() -> None:
    method = vos_bench.load_method("flow-warp")
    method.initialize(picture(0)[0], picture(0)[1])
    with pytest.raises(BadInputError, match="object 1: started on an earlier frame"):
        method.step(picture(1)[0], picture(1)[1])


def test_numbers_stay_when_an_object_is_given_again() -> None:
    numbering, mask = Numbering(), np.ones((2, 2), np.bool_)
    numbering.start(Prompt(masks={9: mask, 4: mask}))
    assert numbering.start(Prompt(masks={9: mask, 7: mask})).object_ids == (2, 3)
    assert numbering.ids == [4, 9, 7]
