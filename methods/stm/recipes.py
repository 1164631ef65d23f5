"""How STM is trained (paper, section 3.5); numbers that nobody published are called assumed."""

from collections.abc import Mapping
from collections.abc import Sequence as Ordered
from pathlib import Path

import torch
from pydantic import Field
from torch import Tensor, nn

from vos_bench.api import Dataset
from vos_bench.errors import BadInputError
from vos_bench.parts.checkpoints import read_tensors
from vos_bench.parts.resnet import stage_names
from vos_bench.training.clips import CameraSettings, CameraTransform, SkipRule
from vos_bench.training.losses import jaccard
from vos_bench.training.recipe import (
    Batch,
    DataShare,
    Exported,
    LearningRate,
    LoopSettings,
    Losses,
    ParameterGroup,
    Recipe,
    Samples,
)
from vos_bench.training.sampling import mixed_samples

from .checkpoint import OFFICIAL
from .network import STAGES, StmNetwork
from .training import ClipRunner, cross_entropy


class StmSettings(LoopSettings):
    """The numbers of an STM recipe: how frames are cut and moved, and how those of a clip are drawn."""

    batch_size: int = Field(default=4, ge=1, le=65536)
    learning_rates: Mapping[str, LearningRate] = {"network": 1e-5}
    camera: CameraSettings = CameraSettings()
    frames: SkipRule = SkipRule()


class StmRecipe(Recipe):
    """Trains STM on clips of three frames, one object each."""

    starts_from = ("network", "backbone")
    settings: StmSettings

    def build_network(self) -> nn.Module:
        """Return the network, from the weights of an earlier stage or around an ImageNet ResNet-50."""
        if path := self.start_file("network"):
            return ClipRunner(OFFICIAL.load(path))
        network = StmNetwork().eval()
        if path := self.start_file("backbone"):
            _fill_trunks(network, path)
        return ClipRunner(network)

    def parameter_groups(self, network: nn.Module) -> list[ParameterGroup]:
        """Return all but what belongs to batch normalisation."""
        fixed = {id(p) for part in network.modules() if isinstance(part, nn.BatchNorm2d) for p in part.parameters()}
        for parameter in network.parameters():
            parameter.requires_grad_(id(parameter) not in fixed)
        learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
        return [ParameterGroup("network", learning, self.settings.learning_rates["network"])]

    def training_mode(self, network: nn.Module) -> None:
        """Keep all batch statistics fixed."""
        network.eval()

    def samples(self, datasets: Ordered[Dataset]) -> Samples:
        """Return clips of the mixture."""
        settings = self.settings
        return mixed_samples(settings, datasets, settings.frames, CameraTransform(settings.camera))

    def loss(self, network: nn.Module, batch: Batch) -> Losses:
        """Return the cross-entropy of the frames after the first."""
        masks = batch["masks"].float()
        logits = network(batch["images"].float(), masks[:, :1])
        target = masks[:, 1:].transpose(0, 1)[:, :, None]
        return Losses(cross_entropy(logits, target), {"J": jaccard(logits, target)})

    def export(self, weights: Mapping[str, Tensor]) -> Exported:
        """Return the network's own tensors, under the names of the authors' file."""
        named = {name.removeprefix("network."): x for name, x in weights.items()}
        return Exported({name: x for name, x in named.items() if x.is_floating_point()}, {"format": "stm"})


def _fill_trunks(network: StmNetwork, path: Path) -> None:
    """Fill both trunks from torchvision's ResNet-50; the convolutions that see masks keep their random start."""
    given = stage_names(read_tensors(path), STAGES)
    own = {name: x for name, x in network.Encoder_Q.state_dict().items() if name not in ("mean", "std")}
    if _shapes(given) != _shapes(own):
        raise BadInputError(
            f"{path}: found the weights of another network, expected torchvision's ResNet-50; give "
            "--weights backbone=FILE such a file"
        )
    for trunk in (network.Encoder_M, network.Encoder_Q):
        trunk.load_state_dict(given, strict=False)


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, torch.Size]:
    """Return the shapes by name, without the counters of batches, which old files lack."""
    return {name: x.shape for name, x in tensors.items() if not name.endswith("num_batches_tracked")}


_STAGE = 20 * 1000 * 4
"""Samples in 20 epochs, after which larger gaps are allowed."""

_NOTE = (
    "The paper: clips of three frames, 384 x 384, batches of 4, Adam at 1e-5, cross-entropy after soft aggregation, "
    "soft masks remembered, batch normalisation fixed. Assumed, for nobody published it: the number of steps, how far "
    "a frame is moved, one object a clip. The paper used four GPUs (1080 Ti) for about "
)

STATIC = StmRecipe(
    "static",
    StmSettings(
        epochs=100,
        camera=CameraSettings(degrees=20, shear=0.2, zoom=0.2, shift=0.15, bend=0.02, brightness=0.2),
        data=(DataShare(dataset="coco", split="train2017"),),
    ),
    note=_NOTE + "four days. Clips are made of single images by affine maps and a smooth bend; the paper mixes Pascal "
    "VOC and salient-object sets with COCO, here it is COCO alone. Starts from ImageNet: --weights backbone=FILE, "
    "torchvision's ResNet-50.",
)

YTVOS = StmRecipe(
    "ytvos",
    StmSettings(epochs=120, frames=SkipRule(samples=_STAGE), data=(DataShare(dataset="ytvos18"),)),
    note=_NOTE + "three days. Up to 25 frames are skipped, five more every 20 epochs. Starts from `static`: --weights "
    "FILE.",
)

DAVIS = StmRecipe(
    "davis",
    StmSettings(
        epochs=120,
        frames=SkipRule(samples=_STAGE),
        data=(DataShare(dataset="ytvos18"), DataShare(dataset="davis17")),
    ),
    note=_NOTE + "three days. As `ytvos`, with DAVIS 2017 mixed in, half of the samples (assumed). Starts from "
    "`static`: --weights FILE.",
)
