"""Loading a network of transformers, so that it computes what its authors evaluate."""

import functools
import importlib
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from vos_bench.api import UNTRAINED, Parameters
from vos_bench.errors import BadInputError
from vos_bench.files import read_bytes

from .attention import attend_by_memory
from .config import HfVideoConfig
from .families import FAMILIES, Family
from .feed_forward import split_feed_forward
from .hiera import attend_once

OLDEST = (5, 24)
MOST_BYTES = 1 << 20
"""The largest config.json that is read."""


def import_transformers(family: Family) -> Any:
    """Return the package transformers.

    Raises:
        BadInputError: It is missing or too old.
    """
    wanted = f"{family.method} needs transformers {OLDEST[0]}.{OLDEST[1]} or later: pip install '.[hf]'"
    try:
        transformers = importlib.import_module("transformers")
    except ImportError as error:
        raise BadInputError(f"{wanted} (found none: {error})") from None
    if tuple(int(part) for part in transformers.__version__.split(".")[:2]) < OLDEST:
        raise BadInputError(f"{wanted} (found {transformers.__version__})")
    return transformers


def load_network(family: Family, weights: Parameters | None, config: HfVideoConfig) -> Any:
    """Return a network in evaluation mode, float32, on the CPU.

    Args:
        family: Which one.
        weights: A folder that `from_pretrained` reads, or `UNTRAINED`.
        config: What the user set.

    Raises:
        BadInputError: The folder does not hold this network, or the package transformers is missing.
    """
    transformers = import_transformers(family)
    if weights is None:
        raise BadInputError(f"{family.method}: no weights; give --weights FOLDER or a name, such as {family.example}")
    kind = getattr(transformers, family.network)
    if weights == UNTRAINED:
        network = kind(_default_config(transformers, family))
    else:
        network = _from_folder(kind, Path(weights), family)
    network.config.max_object_pointers_in_encoder = config.video_frames
    chosen = family.choose_mask if config.choose_mask is None else config.choose_mask
    network.mask_decoder.dynamic_multimask_via_stability = chosen
    _remember_as_evaluated(network)
    _remember_constants(network)
    attend_once(network)
    split_feed_forward(network)
    attend_by_memory(network)
    _share_between_objects(network)
    return network.eval().requires_grad_(False)


def _remember_as_evaluated(network: Any) -> None:
    """Let the memory of a prompt be what the authors' evaluation puts there.

    transformers encodes a prompt's mask in full resolution and turned to 0 and 1. The authors' predictor takes the mask
    of a quarter of the resolution, enlarged again, and turns it to 0 and 1 only in interactive use. The pointer to an
    object that starts from a mask belongs to the single mask there, and to the best of three in transformers.

    The methods are replaced here, not in a subclass: transformers does not rename the parameters of the hub's files for
    classes that are not its own.
    """
    use_mask_as_output, encode_new_memory = network._use_mask_as_output, network._encode_new_memory
    size = (network.image_size, network.image_size)

    def from_quarter_resolution(*inputs: Any, **named: Any) -> Any:
        found = use_mask_as_output(*inputs, **named)
        low = found.pred_masks.float()
        found.high_res_masks = functional.interpolate(low, size, mode="bilinear", align_corners=False)
        return found

    def from_logits(*inputs: Any, **named: Any) -> Any:
        return encode_new_memory(*inputs, **{**named, "is_mask_from_pts": False})

    network._use_mask_as_output, network._encode_new_memory = from_quarter_resolution, from_logits
    network._single_frame_forward = functools.partial(network._single_frame_forward, multimask_output=False)


def _default_config(transformers: Any, family: Family) -> Any:
    """Return the configuration of the smallest network of a family; nothing is downloaded for it."""
    kind = getattr(transformers, family.config)
    if family.method != "edgetam-hf":
        return kind()
    backbone = transformers.TimmWrapperConfig(
        architecture="repvit_m1", model_args={"in_chans": 3, "features_only": True, "out_indices": [0, 1, 2, 3]}
    )
    vision = importlib.import_module("transformers.models.edgetam.configuration_edgetam")
    return kind(vision_config=vision.EdgeTamVisionConfig(backbone_config=backbone))


def _from_folder(kind: type[Any], folder: Path, family: Family) -> Any:
    _require_kind(folder, family)
    with _quiet():
        try:
            network, report = kind.from_pretrained(
                folder,
                dtype=torch.float32,  # left out, it is the type that the folder names
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,
            )
        except Exception as error:
            raise BadInputError(f"{folder}: cannot be loaded: {_first_line(error)}; {_expected(family)}") from None
    wrong = {name: sorted(map(str, keys)) for name, keys in report.items() if keys and name != "error_msgs"}
    if wrong:
        name, keys = next(iter(wrong.items()))
        raise BadInputError(
            f"{folder}: the parameters are not those that config.json describes: {len(keys)} {name.replace('_', ' ')},"
            f" such as {keys[0]}; {_expected(family)}"
        )
    return network


def _require_kind(folder: Path, family: Family) -> None:
    """Raise BadInputError for a folder that holds another network, before transformers loads it with warnings alone."""
    try:
        kind = json.loads(read_bytes(folder / "config.json", most=MOST_BYTES)).get("model_type", "")
    except (OSError, ValueError, AttributeError) as error:
        raise BadInputError(f"{folder / 'config.json'}: cannot be read: {error}; {_expected(family)}") from None
    if kind in family.kinds:
        return
    other = next((each.method for each in FAMILIES if kind in each.kinds), "")
    hint = f"run {other} with it, or give" if other else "give"
    raise BadInputError(
        f"{folder}: found parameters of {kind!r}, expected {' or '.join(map(repr, family.kinds))}; {hint} a folder such"
        f" as that of {family.example}"
    )


def _expected(family: Family) -> str:
    return f"expected config.json and model.safetensors of one network, as in {family.example}"


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers from printing tables and progress; what is wrong is said in one message."""
    logger = logging.getLogger("transformers")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    progress = importlib.import_module("transformers.utils.logging")
    shown = progress.is_progress_bar_enabled()
    progress.disable_progress_bar()
    try:
        yield
    finally:
        logger.setLevel(level)
        if shown:
            progress.enable_progress_bar()


def _remember_constants(network: Any) -> None:
    """Compute position encodings once; transformers does it again for each frame and keeps a copy with each memory."""
    for module in network.modules():
        if type(module).__name__.endswith(("PositionEmbeddingSine", "SinePositionEmbedding")):
            module.forward = functools.lru_cache(maxsize=4)(module.forward)
        if hasattr(module, "_get_pos_embed"):
            module._get_pos_embed = functools.lru_cache(maxsize=1)(module._get_pos_embed)
        if hasattr(module, "rotary_emb") and hasattr(module, "position_ids"):
            _remember_rotation(module.rotary_emb)


def _remember_rotation(embedding: Any) -> None:
    """Compute the rotations of a memory attention once; EdgeTAM has other places for keys than for queries."""
    forward = embedding.forward
    known: dict[tuple[torch.device, int], tuple[Tensor, Any]] = {}

    def forward_once(features: Tensor, position_ids: Tensor) -> Any:
        key = (features.device, id(position_ids))
        if key not in known:  # with the places, so that no other tensor gets their id
            known[key] = (position_ids, forward(features, position_ids))
        return known[key][1]

    embedding.forward = forward_once


def _share_between_objects(network: Any) -> None:
    """Compute once a frame what is the same for all objects.

    That is the first attention, which sees no memory yet, and the features that the memory encoder mixes with a mask.
    """
    _share(network.memory_attention.layers[0].self_attn, "query")
    _share(network.memory_encoder.feature_projection, "input")


def _share(module: Any, name: str) -> None:
    """Let a module answer again what it answered last if it is given the same; other arguments depend on that one."""
    forward = module.forward
    last: dict[str, Any] = {}

    def forward_once(*given: Tensor, **named: Tensor) -> Any:
        value = given[0] if given else named[name]
        known = last.get("given")
        if known is None or known.dtype != value.dtype or not torch.equal(known, value):
            last.update(given=value, found=forward(*given, **named))
        return last["found"]

    module.forward = forward_once
