"""The first mask, moved and scaled by a correlation filter."""

from vos_bench.plugins import MethodInfo

INFO = MethodInfo(
    name="correlation-filter",
    summary="A correlation filter on gradients and colours finds the object; the first mask moves and scales with it.",
    factory="vos_bench.methods.correlation_filter.method:CorrelationFilter",
    prompts=frozenset({"mask", "box"}),
    reference="Danelljan et al., Accurate Scale Estimation for Robust Visual Tracking (DSST), BMVC 2014; own code",
    deviations=("colour channels", "features normalised per cell", "the mask is moved, not only a box"),
)
