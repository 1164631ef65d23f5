"""The networks that transformers has for following objects through a video, and how their authors feed them."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Family:
    """One network. The names of classes are those of transformers.

    Attributes:
        method: What the command line calls it.
        network: The class of the network.
        config: The class of its configuration.
        session: The class of its inference sessions.
        kinds: What `model_type` in config.json may say.
        example: A repository of the Hugging Face hub that holds parameters.
        mean: What is taken from each channel of an image in 0..1.
        deviation: What each channel is divided by then.
        filter: Pillow's filter that brings a frame to the network's size.
        stored: The type in which the authors keep prepared frames.
        choose_mask: Whether the authors evaluate with `HfVideoConfig.choose_mask`.
    """

    method: str
    network: str
    config: str
    session: str
    kinds: tuple[str, ...]
    example: str
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]
    filter: Literal["bilinear", "bicubic"]
    stored: Literal["float16", "float32"]
    choose_mask: bool


SAM2 = Family(
    method="sam2-hf",
    network="Sam2VideoModel",
    config="Sam2VideoConfig",
    session="Sam2VideoInferenceSession",
    kinds=("sam2_video",),
    example="facebook/sam2.1-hiera-tiny",
    mean=(0.485, 0.456, 0.406),
    deviation=(0.229, 0.224, 0.225),
    filter="bicubic",
    stored="float32",
    choose_mask=False,
)

EDGETAM = Family(
    method="edgetam-hf",
    network="EdgeTamVideoModel",
    config="EdgeTamVideoConfig",
    session="EdgeTamVideoInferenceSession",
    kinds=("edgetam_video",),
    example="yonigozlan/EdgeTAM-hf",
    mean=(0.485, 0.456, 0.406),
    deviation=(0.229, 0.224, 0.225),
    filter="bicubic",
    stored="float32",
    choose_mask=False,
)

SAM3 = Family(
    method="sam3-hf",
    network="Sam3TrackerVideoModel",
    config="Sam3TrackerVideoConfig",
    session="Sam3TrackerVideoInferenceSession",
    kinds=("sam3_tracker_video", "sam3_video"),
    example="facebook/sam3",
    mean=(0.5, 0.5, 0.5),
    deviation=(0.5, 0.5, 0.5),
    filter="bilinear",
    stored="float16",
    choose_mask=True,
)

FAMILIES = (SAM2, EDGETAM, SAM3)
