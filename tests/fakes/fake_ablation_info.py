"""What the plugin of `fake_ablation` says of itself; like any plugin's it loads no torch."""

from vos_bench.ablation.plan import EVALUATED, AblationPlan, Axis, Variant, VariantTraining
from vos_bench.plugins import AblationInfo, DatasetInfo, MethodInfo, RecipeInfo

DATASET = DatasetInfo(
    name="fake", summary="", factory="fake_ablation:Videos", splits=("val",), needs_root=False, licence="none"
)


def trained(value: str, *overrides: str) -> Variant:
    return Variant(value=value, training=VariantTraining(recipe="quick", overrides=overrides))


WIDTH = Axis(name="width", summary="Width.", variants=(trained("3"), trained("5", "width=5")), seeds=(0, 1))
RATE = Axis(name="rate", summary="Rate.", variants=(trained("slow", "rate=0.01"), trained("default")))
ROWS = Axis(
    name="rows",
    summary="Rows, without training.",
    variants=(Variant(value="0"), Variant(value="4", settings=("rows=4",), note="far off")),
)
SPOILT = Axis(name="spoilt", summary="One fails.", variants=(trained("yes", "spoilt=true"), trained("no")))
HELD_OUT = Axis(
    name="held-out", summary="Skips.", variants=(trained("all", f'skipped=["x", {EVALUATED}]'),), seeds=(0,)
)
PLAN = AblationPlan(method="fake", dataset="fake", split="val", axes=(WIDTH, RATE, ROWS, SPOILT, HELD_OUT))
NEEDY = AblationPlan(method="fake", dataset="fake", split="val", axes=(WIDTH, ROWS), needs={"stem": "any stem"})

INFO = MethodInfo(
    name="fake",
    summary="",
    factory="fake_ablation:Shifted",
    recipes=(RecipeInfo("quick", "Six steps.", "fake_ablation:RECIPE"),),
    ablations=(
        AblationInfo("small", "Quick.", "fake_ablation_info:PLAN"),
        AblationInfo("needy", "Wants a file.", "fake_ablation_info:NEEDY"),
    ),
)
