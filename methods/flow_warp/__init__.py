"""Masks carried from frame to frame by dense optical flow, with a memory of colours against drift."""

from vos_bench.plugins import MethodInfo

INFO = MethodInfo(
    name="flow-warp",
    summary="DIS optical flow carries the last masks; where it contradicts itself or drifts, colours decide.",
    factory="vos_bench.methods.flow_warp.method:FlowWarp",
    prompts=frozenset({"mask", "box"}),
    reference="Flow: Kroeger et al., Fast Optical Flow using Dense Inverse Search, ECCV 2016 (OpenCV's implementation)",
)
