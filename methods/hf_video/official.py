"""The authors' checkpoints of SAM 2 and 2.1, turned into the folder that `from_pretrained` reads."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import save_file
from torch import Tensor

from vos_bench.errors import BadInputError
from vos_bench.files.folders import replacing_folder
from vos_bench.parts.checkpoints import read_tensors

SHARED = "prompt_encoder.shared_embedding.positional_embedding"

RENAMES = (
    (r"^image_encoder\.trunk\.", "vision_encoder.backbone."),
    (r"^image_encoder\.neck\.convs\.(\d)\.conv\.", r"vision_encoder.neck.convs.\1."),
    (r"\.patch_embed\.proj\.", ".patch_embed.projection."),
    (r"^sam_mask_decoder\.output_upscaling\.0\.", "mask_decoder.upscale_conv1."),
    (r"^sam_mask_decoder\.output_upscaling\.1\.", "mask_decoder.upscale_layer_norm."),
    (r"^sam_mask_decoder\.output_upscaling\.3\.", "mask_decoder.upscale_conv2."),
    (r"^sam_mask_decoder\.", "mask_decoder."),
    (r"^sam_prompt_encoder\.pe_layer\.positional_encoding_gaussian_matrix$", SHARED),
    (r"^sam_prompt_encoder\.mask_downscaling\.0\.", "prompt_encoder.mask_embed.conv1."),
    (r"^sam_prompt_encoder\.mask_downscaling\.1\.", "prompt_encoder.mask_embed.layer_norm1."),
    (r"^sam_prompt_encoder\.mask_downscaling\.3\.", "prompt_encoder.mask_embed.conv2."),
    (r"^sam_prompt_encoder\.mask_downscaling\.4\.", "prompt_encoder.mask_embed.layer_norm2."),
    (r"^sam_prompt_encoder\.mask_downscaling\.6\.", "prompt_encoder.mask_embed.conv3."),
    (r"^sam_prompt_encoder\.", "prompt_encoder."),
    (r"^memory_encoder\.mask_downsampler\.encoder\.12\.", "memory_encoder.mask_downsampler.final_conv."),
    (r"^memory_encoder\.pix_feat_proj\.", "memory_encoder.feature_projection."),
    (r"^memory_encoder\.out_proj\.", "memory_encoder.projection."),
    (r"\.out_proj\.", ".o_proj."),
    (r"^memory_encoder\.fuser\.layers\.(\d)\.gamma$", r"memory_encoder.memory_fuser.layers.\1.scale"),
    (r"^memory_encoder\.fuser\.", "memory_encoder.memory_fuser."),
    (r"\.dwconv\.", ".depthwise_conv."),
    (r"\.pwconv(\d)\.", r".pointwise_conv\1."),
    (r"^maskmem_tpos_enc$", "memory_temporal_positional_encoding"),
    (r"^no_mem_embed$", "no_memory_embedding"),
    (r"^no_mem_pos_enc$", "no_memory_positional_encoding"),
    (r"^no_obj_ptr$", "no_object_pointer"),
    (r"^no_obj_embed_spatial$", "occlusion_spatial_embedding_parameter"),
    (r"^obj_ptr_proj\.", "object_pointer_proj."),
    (r"^obj_ptr_tpos_proj\.", "temporal_positional_encoding_projection_layer."),
    (r"\.norm_final_attn\.", ".layer_norm_final_attn."),
    (r"\.norm(\d?)\.", r".layer_norm\1."),
)
"""Applied one after the other: what the authors call a parameter, and what transformers does."""

_FEED_FORWARD = re.compile(
    r"(?P<part>.*(?:\.mlp|output_hypernetworks_mlps\.\d|iou_prediction_head|pred_obj_score_head|^object_pointer_proj))"
    r"\.layers\.(?P<number>\d)\.(?P<kind>weight|bias)$"
)
_DOWNSAMPLER = re.compile(
    r"(?P<part>memory_encoder\.mask_downsampler)\.encoder\.(?P<number>\d+)\.(?P<kind>weight|bias)$"
)


def rename(parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give the authors' parameters the names of transformers' `Sam2VideoModel`."""
    named: dict[str, Tensor] = {}
    layers: dict[str, int] = {}
    for name, value in parameters.items():
        for pattern, replacement in RENAMES:
            name = re.sub(pattern, replacement, name)
        named[name] = value
        if found := _FEED_FORWARD.match(name):
            layers[found["part"]] = max(layers.get(found["part"], 0), int(found["number"]))
    points = [named.pop(f"prompt_encoder.point_embeddings.{i}.weight") for i in range(4)]
    named["prompt_encoder.point_embed.weight"] = torch.cat(points)
    named["shared_image_embedding.positional_embedding"] = named[SHARED].clone()
    return {_place(name, layers): value for name, value in named.items()}


def _place(name: str, layers: Mapping[str, int]) -> str:
    """Name a numbered layer of a feed-forward or downsampling network by its place in it."""
    if found := _FEED_FORWARD.match(name):
        number, last = int(found["number"]), layers[found["part"]]
        place = "proj_in" if not number else "proj_out" if number == last else f"layers.{number - 1}"
        return f"{found['part']}.{place}.{found['kind']}"
    if found := _DOWNSAMPLER.match(name):
        layer, kind = divmod(int(found["number"]), 3)
        return f"{found['part']}.layers.{layer}.{'layer_norm' if kind else 'conv'}.{found['kind']}"
    return name


class Size(NamedTuple):
    """What tells the sizes of SAM 2 apart, by the names of transformers' configuration."""

    hidden_size: int
    num_attention_heads: int
    blocks_per_stage: tuple[int, int, int, int]
    global_attention_blocks: tuple[int, int, int]
    window_size_per_stage: tuple[int, int, int, int]
    window_positional_embedding_background_size: tuple[int, int]


SIZES = {
    "tiny": Size(96, 1, (1, 2, 7, 2), (5, 7, 9), (8, 4, 14, 7), (7, 7)),
    "small": Size(96, 1, (1, 2, 11, 2), (7, 10, 13), (8, 4, 14, 7), (7, 7)),
    "base-plus": Size(112, 2, (2, 3, 16, 3), (12, 16, 20), (8, 4, 14, 7), (14, 14)),
    "large": Size(144, 2, (2, 6, 36, 4), (23, 33, 43), (8, 4, 16, 8), (7, 7)),
}


def convert(path: Path, out: Path) -> None:
    """Turn the authors' file, such as sam2.1_hiera_tiny.pt, into a folder for `--weights`.

    Raises:
        BadInputError: The file is not one of SAM 2 or 2.1, or the folder is not empty.
    """
    if out.exists() and any(out.iterdir() if out.is_dir() else (out,)):
        raise BadInputError(f"{out}: found something there, expected a new or empty folder; name another --out")
    write_folder(read_tensors(path, inside=("model",)), out, source=str(path))


def write_folder(official: Mapping[str, Tensor], out: Path, *, side: int = 1024, source: str = "parameters") -> None:
    """Write the authors' parameters as a folder that transformers reads, for a network on side x side pixels."""
    try:
        parameters = rename(official)
        size = _size_of(official)
    except (KeyError, StopIteration):
        raise BadInputError(
            f"{source}: these are not the parameters of SAM 2 or 2.1; expected a file such as sam2.1_hiera_tiny.pt"
        ) from None
    with replacing_folder(out) as part:
        save_file({name: value.contiguous() for name, value in parameters.items()}, part / "model.safetensors")
        text = json.dumps(_config(size, official, side), indent=2) + "\n"
        (part / "config.json").write_text(text, encoding="utf-8")


def _size_of(official: Mapping[str, Tensor]) -> Size:
    width = official["image_encoder.trunk.patch_embed.proj.weight"].shape[0]
    blocks = {name.split(".")[3] for name in official if name.startswith("image_encoder.trunk.blocks.")}
    return next(s for s in SIZES.values() if (s.hidden_size, sum(s.blocks_per_stage)) == (width, len(blocks)))


def _config(size: Size, official: Mapping[str, Tensor], side: int) -> dict[str, Any]:
    widths = [size.hidden_size * 2**stage for stage in range(4)]
    backbone = {
        "model_type": "sam2_hiera_det_model",
        **size._asdict(),
        "embed_dim_per_stage": widths,
        "num_attention_heads_per_stage": [size.num_attention_heads * 2**stage for stage in range(4)],
        "image_size": [side, side],
    }
    vision = {
        "model_type": "sam2_vision_model",
        "backbone_config": backbone,
        "backbone_channel_list": widths[::-1],
        "backbone_feature_sizes": [[side // stride] * 2 for stride in (4, 8, 16)],
    }
    return {
        "architectures": ["Sam2VideoModel"],
        "model_type": "sam2_video",
        "vision_config": vision,
        "prompt_encoder_config": {"image_size": side},
        "image_size": side,
        "memory_attention_rope_feat_sizes": [side // 16] * 2,
        "enable_occlusion_spatial_embedding": "no_obj_embed_spatial" in official,
        "enable_temporal_pos_encoding_for_object_pointers": "obj_ptr_tpos_proj.weight" in official,
    }
