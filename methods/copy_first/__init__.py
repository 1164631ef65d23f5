"""The lower bound: the first masks stay where they are."""

from vos_bench.plugins import MethodInfo

INFO = MethodInfo(
    name="copy-first",
    summary="The first mask (or an ellipse in the first box) stays for the whole sequence.",
    factory="vos_bench.methods.copy_first.method:CopyFirst",
    prompts=frozenset({"mask", "box"}),
)
