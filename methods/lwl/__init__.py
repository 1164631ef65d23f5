from vos_bench.api import MethodInfo

INFO = MethodInfo(
    name="lwl",
    summary="Learning What to Learn: a few-shot learner fits a target model to learned labels, frame by frame.",
    factory="vos_bench.methods.lwl.method:LwlMethod",
    prompts=frozenset({"mask", "box"}),
    reference="Bhat et al., Learning What to Learn for Video Object Segmentation, ECCV 2020",
)
