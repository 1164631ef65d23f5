"""What LWL is ablated by: the paper's table 1 and further axes, at two scales. Data only; nothing here loads torch."""

from vos_bench.ablation.plan import Axis, Plan, Training, Variant

_ASSUMED = (
    "assumed, for the paper does not say more: the reduction before the target model keeps its random initialisation; "
    "so does the learner's own parameter, which nothing else reaches"
)

_MASK = ("network.label_channels=1", "network.label_source=mask", "network.weight_source=ones")
_STEPS = (
    ("baseline", "Baseline", (*_MASK, "network.learner_gradient=false"), _ASSUMED),
    ("end-to-end", "+End-to-end", _MASK, ""),
    ("label-generator", "+Label Generator", ("network.weight_source=ones",), ""),
    ("weight-predictor", "+Weight Predictor", (), ""),
)
"""Value, the paper's name, settings of the recipe, and what is assumed; the last step is the whole method."""

_SMALL = ("crop_size=[240, 432]", "search_area_scale=5.5")
"""lwl-lite's tracker at 0.79 times its size: the object keeps its share of the crop."""


def _trained(
    value: str, *overrides: str, recipe: str, settings: tuple[str, ...] = (), label: str = "", note: str = ""
) -> Variant:
    training = Training(recipe=recipe, overrides=overrides)
    return Variant(value=value, label=label, training=training, settings=settings, note=note)


def _table1(recipe: str, *common: str, settings: tuple[str, ...] = ()) -> Axis:
    return Axis(
        name="table1",
        summary="The parts of LWL, one after the other: table 1 of the paper.",
        variants=tuple(
            _trained(value, *overrides, *common, recipe=recipe, settings=settings, label=label, note=note)
            for value, label, overrides, note in _STEPS
        ),
        seeds=(0, 1, 2),
    )


LITE = Plan(
    method="lwl-lite",
    dataset="davis16",
    split="val",
    axes=(_table1("ablation", settings=_SMALL),),
)
"""For a laptop: lwl-lite's network, a short training on DAVIS 2016 train for each variant, measured on val."""
