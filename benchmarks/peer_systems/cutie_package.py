"""Cutie by its own evaluation script, as `rf-cutie` installs it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vos_bench.api import LabelMap

from .clips import Clip
from .label_maps import read_maps

RUNNER = Path(__file__).with_name("without_cuda.py")


def make_checkpoint(path: Path, clip: Clip, *, seed: int) -> None:
    """Write random parameters in the form of the authors' checkpoints, such that masks are neither empty nor full."""
    from cutie.inference.utils.args_utils import get_dataset_cfg
    from cutie.model.cutie import CUTIE
    from cutie.model.utils import resnet
    from hydra import compose, initialize_config_module
    from hydra.core.global_hydra import GlobalHydra

    resnet.model_zoo.load_url = lambda *_, **__: {}
    resnet.load_weights_add_extra_dim = lambda *_, **__: None
    GlobalHydra.instance().clear()  # the package sam2 leaves its own behind
    with initialize_config_module(version_base="1.3.2", config_module="cutie.config"):
        configuration = compose(config_name="eval_config", overrides=["model=base"])
    get_dataset_cfg(configuration)
    torch.manual_seed(seed)
    network = CUTIE(configuration).eval()
    _calibrate(network, configuration, clip)
    torch.save(network.state_dict(), path)


@torch.inference_mode()
def _calibrate(network: Any, configuration: Any, clip: Clip) -> None:
    """Shift and scale the last layer: logits of the second frame then have the median 0 and the deviation 3."""
    from cutie.inference.inference_core import InferenceCore

    logits: list[torch.Tensor] = []
    network.mask_decoder.pred.register_forward_hook(lambda *found: logits.append(found[2]))
    core = InferenceCore(network, cfg=configuration)
    for number in range(2):
        pixels = torch.from_numpy(clip.frames[number].copy()).permute(2, 0, 1).float() / 255
        masks = torch.from_numpy(np.stack(list(clip.prompts[0].values()))) if not number else None
        core.step(pixels, masks, list(clip.prompts[0]) if not number else None, idx_mask=False)
    last = network.mask_decoder.pred
    median, deviation = logits[-1].median(), logits[-1].std()
    last.weight.mul_(3 / deviation)
    last.bias.sub_(median).mul_(3 / deviation)


def run(checkpoint: Path, clip: Clip, root: Path, *, size: int) -> list[LabelMap]:
    """Run their script on a clip's folders and read its label maps."""
    clip.write(root)
    command = [
        sys.executable, str(RUNNER), "cutie.eval_vos", "dataset=generic", f"weights={checkpoint}",
        f"image_directory={root / 'JPEGImages'}", f"mask_directory={root / 'Annotations'}", f"size={size}",
        "use_all_masks=True", "use_long_term=False", "save_all=True", f"output_dir={root / 'out'}",
        f"hydra.run.dir={root / 'hydra'}", f"exp_id={clip.name}", "datasets.generic.size=" + str(size),
    ]  # fmt: skip
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"cutie.eval_vos ended with {done.returncode}: {done.stderr[-2000:]}")
    return read_maps(root / "out" / "Annotations" / clip.name, clip)
