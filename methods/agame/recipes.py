"""How A-GAME is trained, as far as the authors' code says; what it does not is called assumed."""

from collections.abc import Mapping
from collections.abc import Sequence as Ordered
from typing import Any

import cv2
import numpy as np
import torch
from numpy.random import Generator
from pydantic import Field
from torch import Tensor, nn

from vos_bench.api import Dataset
from vos_bench.parts.checkpoints import fill, read_tensors
from vos_bench.training.augmentation import Size, warp
from vos_bench.training.clips import SkipRule, resized_frame
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
from vos_bench.training.sampling import MiniSequence, MiniSequences, mixed_samples

from .checkpoint import OFFICIAL
from .network import AgameNetwork
from .training import ClipNetwork, coarse_loss, fine_loss

_FIXED = ("conv1", "bn1", "layer1", "layer2", "layer3")
"""Parts of the trunk that stay as ImageNet left them."""


class AgameSettings(LoopSettings):
    """The numbers of an A-GAME recipe; the defaults are those of the first stage.

    Attributes:
        weight_decay: Of Adam, added to the gradient.
        decay: Factor on the learning rate after each epoch.
        frames: How frames are drawn: neighbours, the object visible on the first.
        height: Of the frames, pixels; a multiple of 16.
        width: The same.
        zoom: By which share a frame may be enlarged beyond the one before, at a chance of one half; 0: none is.
        coarse: Whether the coarse scores have a loss too.
        rate: By which share the Gaussians move on each frame.
    """

    epochs: int = Field(default=160, ge=1, le=1000000)
    steps_per_epoch: int = Field(default=808, ge=1, le=10000000)
    batch_size: int = Field(default=4, ge=1, le=65536)
    learning_rates: Mapping[str, LearningRate] = {"network": 1e-4}
    weight_decay: float = Field(default=1e-5, ge=0, le=1000)
    decay: float = Field(default=0.975, gt=0, le=1)
    frames: SkipRule = SkipRule(test_frames=7, growth=0)
    height: int = Field(default=240, ge=16, le=8192, multiple_of=16)
    width: int = Field(default=432, ge=16, le=8192, multiple_of=16)
    zoom: float = Field(default=0.0, ge=0, le=100)
    coarse: bool = True
    rate: float = Field(default=0.1, ge=0, le=1)


class ClipTransform:
    """Makes `images` (Q x 3 x H x W, uint8, RGB) and `masks` (Q x H x W, bool) of a clip."""

    def __init__(self, settings: AgameSettings) -> None:
        self._size, self._zoom = Size(settings.height, settings.width), settings.zoom

    def __call__(self, given: MiniSequence, rng: Generator, _supply: MiniSequences) -> Batch:
        """Resize, zoom in frame by frame, and mirror the whole clip or not."""
        pairs = [resized_frame(*each, self._size) for each in zip(given.images, given.masks, strict=True)]
        factor = 1.0
        for number, pair in enumerate(pairs):
            if self._zoom and rng.random() < 0.5:
                factor *= 1 + rng.uniform(0, self._zoom)
            matrix = cv2.getRotationMatrix2D((self._size.width / 2 - 0.5, self._size.height / 2 - 0.5), 0, factor)
            pairs[number] = warp(*pair, np.asarray(matrix, np.float64)) if factor > 1 else pair
        step = -1 if rng.random() < 0.5 else 1
        pixels = torch.from_numpy(np.stack([image[:, ::step] for image, _ in pairs])).permute(0, 3, 1, 2).contiguous()
        return {"images": pixels, "masks": torch.from_numpy(np.stack([mask[:, ::step] for _, mask in pairs]))}


class AgameRecipe(Recipe):
    """Trains A-GAME on clips of one object each."""

    starts_from = ("network", "backbone")
    settings: AgameSettings

    def build_network(self) -> nn.Module:
        """Return the network, from the weights of an earlier stage or around an ImageNet ResNet-101."""
        rate = self.settings.rate
        if path := self.start_file("network"):
            return ClipNetwork(OFFICIAL.load(path), rate)
        network = AgameNetwork()
        _start(network)
        if path := self.start_file("backbone"):
            fill(network.backbone, read_tensors(path), source=str(path))
        return ClipNetwork(network, rate)

    def parameter_groups(self, network: nn.Module) -> list[ParameterGroup]:
        """Return the trunk's last stage and all that follows it."""
        assert isinstance(network, ClipNetwork)
        trunk = network.network.backbone
        fixed = {id(p) for part in (*_FIXED, "fc") for p in trunk.get_submodule(part).parameters()}
        for parameter in network.parameters():
            parameter.requires_grad_(id(parameter) not in fixed)
        learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
        return [ParameterGroup("network", learning, self.settings.learning_rates["network"])]

    def training_mode(self, network: nn.Module) -> None:
        """Keep the batch statistics of the trunk's fixed parts; those of its last stage move."""
        assert isinstance(network, ClipNetwork)
        network.train()
        for part in _FIXED:
            network.network.backbone.get_submodule(part).eval()

    def optimizer(self, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
        """Return Adam with weight decay."""
        return torch.optim.Adam(groups, weight_decay=self.settings.weight_decay)

    def schedule(self, step: int) -> float:
        """Fall after each epoch."""
        return float(self.settings.decay ** (step // self.settings.steps_per_epoch))

    def samples(self, datasets: Ordered[Dataset]) -> Samples:
        """Return clips of the mixture."""
        settings = self.settings
        return mixed_samples(settings, datasets, settings.frames, ClipTransform(settings))

    def loss(self, network: nn.Module, batch: Batch) -> Losses:
        """Return the negative log-likelihood of the masks by the fine scores, and by the coarse ones where asked."""
        masks = batch["masks"]
        answers = network(batch["images"].float(), masks[:, :1].float())
        target = masks[:, 1:].transpose(0, 1).long()
        parts = {"fine": fine_loss(answers, target)}
        if self.settings.coarse:
            parts["coarse"] = coarse_loss(answers, target)
        total = torch.stack([*parts.values()]).sum()
        logits = (answers.fine[:, :, 1:] - answers.fine[:, :, :1]).detach()
        return Losses(total, {**parts, "J": jaccard(logits, target[:, :, None].float())})

    def export(self, weights: Mapping[str, Tensor]) -> Exported:
        """Return the network's own tensors, under the names of the authors' file without their prefix."""
        named = {name.removeprefix("network."): x for name, x in weights.items()}
        return Exported({name: x for name, x in named.items() if x.is_floating_point()}, {"format": "agame"})


def _start(network: AgameNetwork) -> None:
    """Draw the convolutions outside the trunk He-uniformly, without biases but for the one of appearance."""
    for part in (network.appmod, network.dynmod, network.fusmod, network.segmod):
        for layer in part.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_uniform_(layer.weight)
                if layer is not network.appmod.conv_in and layer.bias is not None:
                    nn.init.zeros_(layer.bias)


_CODE = (
    "The code: ImageNet ResNet-101 of which layer4 alone learns, its batch statistics too; other convolutions start "
    "He-uniform without biases; one object a clip, visible on the first frame; frames resized whatever their shape, "
    "the clip mirrored at a chance of one half; updates by the softmax of the coarse scores, gradients through them; "
    "the first frame counts in the loss as answered by the given mask. Assumed: neighbours are frames with a ground "
    "truth, so that no label is ignored, where the code ignores 255; a clip starts where the object is visible. Left "
    "out: YouTube-VOS videos of another size than 1280 x 720 take part, and nothing is validated, where the code does "
    "so on a list of its own after each epoch and keeps the best. "
)
_BETA = (
    "Then, by the code: 100 epochs of batches of 2 clips of 14 frames at 480 x 864, Adam at 1e-5 (weight decay 1e-6, "
    "times 0.985 an epoch), the loss of the fine scores alone, "
)
_YTVOS = 3171
"""Videos of YouTube-VOS that the code trains on, assumed: those of 2018 less 300."""

ALPHA = AgameRecipe(
    "alpha",
    AgameSettings(data=(DataShare(dataset="davis17", weight=60), DataShare(dataset="ytvos18", weight=_YTVOS))),
    note=_CODE
    + "First stage, by the code: 160 epochs over DAVIS 2017 train and YouTube-VOS, one clip a video, batches of "
    "4 clips of 8 frames at 240 x 432, Adam at 1e-4 (weight decay 1e-5, times 0.975 an epoch), the loss of fine and "
    f"coarse scores. Assumed: {_YTVOS:,} videos of YouTube-VOS, so 808 steps an epoch. Starts from ImageNet: "
    "--weights backbone=FILE, torchvision's ResNet-101. Cost unpublished.",
)

_SECOND = AgameSettings(
    epochs=100,
    steps_per_epoch=60,
    batch_size=2,
    learning_rates={"network": 1e-5},
    weight_decay=1e-6,
    decay=0.985,
    frames=SkipRule(test_frames=13, growth=0),
    height=480,
    width=864,
    coarse=False,
)

BETA = AgameRecipe(
    "beta",
    _SECOND.replace(data=(DataShare(dataset="davis17"), DataShare(dataset="ytvos18"))),
    note=_CODE
    + _BETA
    + "120 clips an epoch, half of them from DAVIS 2017 train. Starts from `alpha`: --weights FILE. Cost "
    "unpublished.",
)

DAVIS_ALPHA = AgameRecipe(
    "davis-alpha",
    AgameSettings(epochs=80, steps_per_epoch=650, decay=0.95, zoom=0.1, data=(DataShare(dataset="davis17"),)),
    note=_CODE
    + "First stage on DAVIS 2017 train alone, by the code's second run file: 80 epochs of 2,600 clips, batches of "
    "4 clips of 8 frames at 240 x 432, Adam at 1e-4 (weight decay 1e-5, times 0.95 an epoch), the loss of fine and "
    "coarse scores; each frame enlarged beyond the one before by up to a tenth, at a chance of one half. Assumed: "
    "about its centre, by a uniform draw. Starts from ImageNet: --weights backbone=FILE, torchvision's ResNet-101. "
    "Cost unpublished.",
)

DAVIS_BETA = AgameRecipe(
    "davis-beta",
    _SECOND.replace(steps_per_epoch=59, data=(DataShare(dataset="davis17"),)),
    note=_CODE + _BETA + "118 clips of DAVIS 2017 train an epoch. Starts from `davis-alpha`: --weights FILE. Cost "
    "unpublished.",
)
