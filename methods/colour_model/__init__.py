"""Objects found again by their colours and where they were, with GrabCut on the object's crop."""

from vos_bench.plugins import MethodInfo

INFO = MethodInfo(
    name="colour-model",
    summary="Colours and places of each object, learned as it goes, find it again; GrabCut refines it on its crop.",
    factory="vos_bench.methods.colour_model.method:ColourModel",
    prompts=frozenset({"mask", "box"}),
    reference="Refinement: Rother et al., GrabCut, SIGGRAPH 2004 (OpenCV's implementation)",
)
