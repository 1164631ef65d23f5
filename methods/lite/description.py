"""The description of a method around the backbone, decoder, samples and budget of `lwl-lite`; loads no torch."""

from vos_bench.plugins import MethodInfo, WeightsInfo, recipes_of

_RECIPES = {
    "stage1": "As the first stage of lwl-lite: DAVIS 2016 train and what is synthesised from it.",
    "stage2": "As the second stage of lwl-lite: larger crops, the learning rate falls to zero.",
    "ablation": "As one variant of an ablation of lwl-lite: 400 steps on small crops.",
}


def lite_method(
    name: str, class_name: str, *, package: str, summary: str, reference: str, deviations: tuple[str, ...]
) -> MethodInfo:
    """Describe such a method; see `MethodInfo`.

    Args:
        name: Name of the method, and of its weights, which do not ship.
        class_name: The `Method`, in `package.lite`; its recipes are in `package.lite_recipe`.
        package: Where its modules are.
        summary: One sentence.
        reference: The paper whose idea it follows.
        deviations: What differs from that, besides the network.
    """
    return MethodInfo(
        name=name,
        summary=summary,
        factory=f"{package}.lite:{class_name}",
        weights=(
            WeightsInfo(
                name=name,
                location="",
                sha256=None,
                licence="CC BY-NC 4.0, as its training data (DAVIS 2016 train)",
                note=f"train it: vos-bench train {name} --recipe ablation (or stage1, then stage2).",
            ),
        ),
        reference=f"{reference}; the network is our own",
        deviations=(*deviations, "frames are shrunk to a shorter side of 304"),
        recipes=recipes_of(f"{package}.lite_recipe", _RECIPES),
        untrained=True,
    )
