"""Every number that `--set` can change has a smallest and a largest value, whatever plugin offers it."""

import types
import typing
from collections.abc import Iterator
from typing import Any

import pytest
from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, Field

from vos_bench import registry
from vos_bench.config import FrozenModel
from vos_bench.errors import BadInputError
from vos_bench.plugins import MethodInfo
from vos_bench.running.method import configure, method_class


def bounded(metadata: tuple[Any, ...]) -> bool:
    flat = [inner for each in metadata for inner in (each, *getattr(each, "metadata", ()))]
    return any(isinstance(each, Ge | Gt) for each in flat) and any(isinstance(each, Le | Lt) for each in flat)


def unbounded(annotation: Any, metadata: tuple[Any, ...], place: str) -> Iterator[str]:
    """Yield where a number without both bounds lies in a type: itself, in a union or container, or in a model."""
    kind, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation in (int, float):
        if not bounded(metadata):
            yield place
    elif kind is typing.Annotated:
        yield from unbounded(inner[0], (*metadata, *inner[1:]), place)
    elif kind in (typing.Union, types.UnionType):
        for each in inner:
            yield from unbounded(each, metadata, place)
    elif kind is not None and kind is not typing.Literal:
        for each in inner:
            yield from unbounded(each, (), place)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            yield from unbounded(field.annotation, tuple(field.metadata), f"{annotation.__name__}.{name}")


def settable(info: MethodInfo) -> Iterator[type[BaseModel]]:
    config = method_class(info).Config
    if config is not None:
        yield config
    for recipe in info.recipes:
        yield type(registry.resolve(recipe.factory).settings)


@pytest.mark.parametrize("name", registry.names("methods"))
def test_every_number_of_a_method_and_its_recipes_has_both_bounds(name: str) -> None:
    assert sorted({each for model in settable(registry.method(name)) for each in unbounded(model, (), name)}) == []


def test_the_walk_finds_numbers_wherever_they_lie() -> None:
    class Inner(FrozenModel):
        deep: float = Field(default=1.0, ge=0)

    class Outer(FrozenModel):
        plain: int = 1
        fine: int = Field(default=1, ge=0, le=9)
        maybe: int | None = Field(default=None, ge=1)
        row: tuple[int, ...] = Field(default=(1,), min_length=1)
        rates: dict[str, float] = Field(default_factory=dict)
        one: typing.Annotated[float, Field(gt=0, lt=1)] = 0.5
        inner: Inner = Inner()
        several: tuple[Inner, ...] = ()

    found = ["Inner.deep", "Inner.deep", *(f"Outer.{name}" for name in ("maybe", "plain", "rates", "row"))]
    assert sorted(unbounded(Outer, (), "")) == sorted(found)


@pytest.mark.parametrize(
    ("method", "setting"),
    [
        ("label-propagation", "edge_radius=100000"),
        ("label-propagation", "radius=999999999999"),
        ("stm", "memory.every=10000000000000"),
        ("lwl-lite", "sample_interval=10000000000000"),
        ("lwl-lite", "crop_size=[16, 1000000]"),
        ("ridge", "strides=[100000]"),
    ],
)
def test_a_setting_beyond_its_bounds_is_one_message(method: str, setting: str) -> None:
    with pytest.raises(BadInputError, match=f"--set: {setting.partition('=')[0]}.* less than or equal to "):
        configure(registry.method(method), (setting,))
