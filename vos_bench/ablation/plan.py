"""The ablations that a method offers: its variants as data. Nothing here loads torch."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Self

from pydantic import Field, model_validator

from vos_bench.config import FrozenModel
from vos_bench.errors import BadInputError
from vos_bench.names import did_you_mean

EVALUATED = '"@evaluated"'
"""In a recipe's settings: the names of the sequences that the plan evaluates on, to be left out of the training."""

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+_-]*$")]
"""A text that can be the name of a folder."""


class VariantTraining(FrozenModel):
    """How the weights of a variant come to be.

    Attributes:
        recipe: One of the method's recipes.
        overrides: `a.b=value` settings of the recipe, as `vos-bench train --set` takes them.
        own_start: Whether it leaves aside the files that the user names to start from, as they do not fit it.
    """

    recipe: str
    overrides: tuple[str, ...] = ()
    own_start: bool = False


class Variant(FrozenModel):
    """One value of an axis.

    Attributes:
        value: Its name on the axis.
        label: What tables call it; the value where it is empty.
        training: None for a variant that runs with weights that are there already.
        settings: `a.b=value` settings of the method, as `vos-bench run --set` takes them.
        note: What is assumed, or what a reader must know to understand the number.
    """

    value: Name
    label: str = ""
    training: VariantTraining | None = None
    settings: tuple[str, ...] = ()
    note: str = ""

    @property
    def title(self) -> str:
        """What tables call it."""
        return self.label or self.value

    @property
    def identity(self) -> tuple[VariantTraining | None, tuple[str, ...]]:
        """What makes two variants, perhaps of different axes, the same system: they share one job."""
        return self.training, self.settings


class Axis(FrozenModel):
    """What is varied while all else stays: variants in the table's order, and seeds unless the user names others."""

    name: Name
    summary: str
    variants: tuple[Variant, ...]
    seeds: tuple[int, ...] = (0,)

    @model_validator(mode="after")
    def _has_each_value_once(self) -> Self:
        values = [variant.value for variant in self.variants]
        if not values or len(values) > len(set(values)):
            raise ValueError(f"axis {self.name}: expected at least one variant and each value once, found {values}")
        return self


class AblationPlan(FrozenModel):
    """An ablation of one method at one scale.

    Attributes:
        dataset: On which every variant is evaluated.
        axes: What is varied; the first one unless the user names others.
        needs: Parts of the network that every training must be given a file to start from, and what file that is.
    """

    method: str
    dataset: str
    split: str
    axes: tuple[Axis, ...] = Field(min_length=1)
    needs: Mapping[str, str] = {}

    def chosen(self, names: Sequence[str] | None) -> tuple[Axis, ...]:
        """Return the axes of these names in the plan's order; None: the first, `all`: every one.

        Raises:
            BadInputError: There is no such axis.
        """
        known = {axis.name: axis for axis in self.axes}
        if names is None:
            return self.axes[:1]
        for name in names:
            if name != "all" and name not in known:
                raise BadInputError(
                    f"--table {name}: there is no such table or axis; {did_you_mean(name, (*known, 'all'))}"
                )
        return tuple(axis for axis in self.axes if axis.name in names or "all" in names)

    def changed(self, *, training: Sequence[str] = (), settings: Sequence[str] = ()) -> "AblationPlan":
        """Return this plan with more settings, after their own, for every training and for every run."""
        axes = tuple(
            axis.replace(variants=tuple(_changed(each, training, settings) for each in axis.variants))
            for axis in self.axes
        )
        return self.replace(axes=axes)


def _changed(variant: Variant, overrides: Sequence[str], settings: Sequence[str]) -> Variant:
    training = variant.training
    if training is not None:
        training = training.replace(overrides=(*training.overrides, *overrides))
    return variant.replace(training=training, settings=(*variant.settings, *settings))
