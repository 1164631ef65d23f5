"""Small networks of transformers with random parameters, in the folders that `from_pretrained` reads."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from vos_bench import registry
from vos_bench.api import Image, Mask

SIZE = (60, 80)
SIDE = 64


def sam2_config(**changes: Any) -> Any:
    import transformers

    backbone = transformers.Sam2HieraDetConfig(
        hidden_size=8,
        embed_dim_per_stage=[8, 16, 32, 64],
        num_attention_heads_per_stage=[1, 2, 4, 8],
        blocks_per_stage=[1, 1, 2, 1],
        global_attention_blocks=[3],
        image_size=[SIDE, SIDE],
        window_size_per_stage=[8, 4, 4, 4],
        window_positional_embedding_background_size=[4, 4],
    )
    vision = transformers.Sam2VisionConfig(
        backbone_config=backbone,
        backbone_channel_list=[64, 32, 16, 8],
        backbone_feature_sizes=[[SIDE // stride] * 2 for stride in (4, 8, 16)],
    )
    return transformers.Sam2VideoConfig(
        vision_config=vision,
        image_size=SIDE,
        prompt_encoder_config={"image_size": SIDE},
        memory_attention_rope_feat_sizes=[SIDE // 16] * 2,
        memory_attention_num_layers=1,
        **changes,
    )


def edgetam_config() -> Any:
    import transformers
    from transformers.models.edgetam.configuration_edgetam import EdgeTamVisionConfig

    backbone = transformers.TimmWrapperConfig(
        architecture="repvit_m0_9", model_args={"in_chans": 3, "features_only": True, "out_indices": [0, 1, 2, 3]}
    )
    vision = EdgeTamVisionConfig(
        backbone_config=backbone, backbone_feature_sizes=[[SIDE // stride] * 2 for stride in (4, 8, 16)]
    )
    return transformers.EdgeTamVideoConfig(
        vision_config=vision,
        image_size=SIDE,
        prompt_encoder_config={"image_size": SIDE},
        memory_attention_rope_feat_sizes=[SIDE // 16] * 2,
        memory_attention_rope_k_sizes=[2, 2],  # other places than the frame has, as in the released network
        memory_attention_num_layers=1,
        perceiver_resampler_num_latents=16,
        perceiver_resampler_num_latents_2d=4,
    )


def sam3_config() -> Any:
    import transformers
    from transformers.models.sam3.configuration_sam3 import Sam3ViTConfig

    backbone = Sam3ViTConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, global_attn_indexes=[1]
    )
    vision = transformers.Sam3VisionConfig(backbone_config=backbone)
    return transformers.Sam3TrackerVideoConfig(vision_config=vision, image_size=84, memory_attention_num_layers=1)


KINDS = {
    "sam2-hf": ("Sam2VideoModel", sam2_config),
    "edgetam-hf": ("EdgeTamVideoModel", edgetam_config),
    "sam3-hf": ("Sam3TrackerVideoModel", sam3_config),
}


def save_network(method: str, folder: Path) -> Path:
    """Write a network whose masks are neither empty nor full, and depend on its memories."""
    import transformers

    kind, config = KINDS[method]
    torch.manual_seed(0)
    network = getattr(transformers, kind)(config())
    with torch.no_grad():
        for name, value in network.named_parameters():
            if name.endswith(".scale"):
                value.fill_(0.5)
            if "output_hypernetworks_mlps" in name and "proj_out.weight" in name:
                value.mul_(30)
        network.mask_decoder.pred_obj_score_head.proj_out.bias.fill_(5.0)
    network.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Gives the folder of a method's small network."""
    made: dict[str, Path] = {}

    def find(method: str) -> Path:
        if method not in made:
            made[method] = save_network(method, tmp_path_factory.mktemp(method))
        return made[method]

    return find


@pytest.fixture
def build(folder: Callable[[str], Path]) -> Callable[..., Any]:
    """Builds a method on its small network."""

    def make(name: str = "sam2-hf", **options: Any) -> Any:
        kind = registry.resolve(registry.method(name).factory)
        settings = {key: options.pop(key) for key in ("device", "amp", "seed") if key in options}
        return kind(kind.Config(**options), weights=folder(name), **settings)

    return make


@pytest.fixture
def frames() -> list[Image]:
    """A texture that moves two pixels a frame."""
    base = np.random.default_rng(0).integers(0, 255, (*SIZE, 3), dtype=np.uint8)
    return [np.roll(base, 2 * number, axis=1) for number in range(6)]


def rectangle(top: int, bottom: int, left: int, right: int) -> Mask:
    mask = np.zeros(SIZE, np.bool_)
    mask[top:bottom, left:right] = True
    return mask


@pytest.fixture
def one() -> Mask:
    return rectangle(10, 30, 10, 40)


@pytest.fixture
def two() -> Mask:
    return rectangle(35, 55, 40, 70)
