"""The authors' checkpoints of SAM 2, by names alone: `tox -e peers` compares what they compute."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from vos_bench.errors import BadInputError
from vos_bench.methods.hf_video.official import SIZES, convert, rename

transformers = pytest.importorskip("transformers", reason="pip install '.[hf]'")


def official(blocks: int = 12, width: int = 96) -> dict[str, Tensor]:
    """A few parameters under the authors' names, of every kind that has a rule of its own."""
    shapes: dict[str, tuple[int, ...]] = {
        "image_encoder.trunk.patch_embed.proj.weight": (width, 3, 7, 7),
        "image_encoder.neck.convs.0.conv.bias": (256,),
        "memory_attention.layers.0.self_attn.out_proj.weight": (256, 256),
        "memory_attention.layers.0.norm1.weight": (256,),
        "memory_encoder.mask_downsampler.encoder.4.weight": (16,),
        "memory_encoder.out_proj.weight": (64, 256, 1, 1),
        "memory_encoder.fuser.layers.0.gamma": (256,),
        "sam_mask_decoder.iou_prediction_head.layers.2.bias": (4,),
        "sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix": (2, 128),
        "obj_ptr_proj.layers.0.weight": (256, 256),
        "obj_ptr_proj.layers.2.weight": (256, 256),
        **{f"sam_prompt_encoder.point_embeddings.{i}.weight": (1, 256) for i in range(4)},
        **{f"image_encoder.trunk.blocks.{i}.mlp.layers.1.weight": (width, 4 * width) for i in range(blocks)},
        **{f"image_encoder.trunk.blocks.{i}.mlp.layers.0.bias": (4 * width,) for i in range(blocks)},
    }
    return {name: torch.zeros(shape) for name, shape in shapes.items()}


def test_parameters_get_the_names_of_transformers() -> None:
    found = set(rename(official()))
    with torch.device("meta"):
        known = set(transformers.Sam2VideoModel(transformers.Sam2VideoConfig()).state_dict())
    assert found <= known
    assert {"object_pointer_proj.proj_in.weight", "object_pointer_proj.proj_out.weight"} <= found
    assert "memory_encoder.projection.weight" in found
    assert "memory_attention.layers.0.self_attn.o_proj.weight" in found


def test_the_size_is_told_by_the_parameters(tmp_path: Path) -> None:
    for name, size in SIZES.items():
        torch.save({"model": official(sum(size.blocks_per_stage), size.hidden_size)}, tmp_path / "w.pt")
        convert(tmp_path / "w.pt", tmp_path / name)
        config = transformers.Sam2VideoConfig.from_pretrained(tmp_path / name)
        backbone = config.vision_config.backbone_config
        assert tuple(backbone.blocks_per_stage) == size.blocks_per_stage
        assert backbone.embed_dim_per_stage == [size.hidden_size * k for k in (1, 2, 4, 8)]
        assert not config.enable_occlusion_spatial_embedding, "SAM 2, before 2.1"


def test_other_files_are_refused(tmp_path: Path, folder: Callable[[str], Path]) -> None:
    torch.save({"model": {"conv.weight": torch.zeros(3)}}, tmp_path / "w.pt")
    with pytest.raises(BadInputError, match=r"w\.pt: these are not the parameters of SAM 2 or 2\.1"):
        convert(tmp_path / "w.pt", tmp_path / "out")
    with pytest.raises(BadInputError, match=r"found something there, expected a new or empty folder"):
        convert(tmp_path / "w.pt", folder("sam2-hf"))
