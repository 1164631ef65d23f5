"""How OSVOS's parent network is trained, as in the authors' PyTorch port."""

from collections.abc import Mapping
from collections.abc import Sequence as Ordered
from pathlib import Path
from typing import Any

import torch
from numpy.random import Generator
from pydantic import Field
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from vos_bench.api import Dataset
from vos_bench.errors import BadInputError
from vos_bench.parts.checkpoints import read_tensors
from vos_bench.training.augmentation import Size
from vos_bench.training.clips import StillRule, resized_frame
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
from .config import Descent
from .learning import Augmentation, Sample, augmented, balanced_cross_entropy
from .method import parameter_groups
from .network import OsvosNetwork, preprocess


class ParentSettings(LoopSettings):
    """The numbers of the parent's training; a batch stands for passes whose gradients are averaged.

    Frames are brought to `height` and `width`; the rate of `descent` is that of `learning_rates`.
    """

    epochs: int = Field(default=240, ge=1, le=1000000)
    steps_per_epoch: int = Field(default=208, ge=1, le=10000000)
    batch_size: int = Field(default=10, ge=1, le=65536)
    learning_rates: Mapping[str, LearningRate] = {"network": 1e-8}
    height: int = Field(default=480, ge=16, le=8192)
    width: int = Field(default=854, ge=16, le=8192)
    descent: Descent = Descent()
    augmentation: Augmentation = Augmentation()
    data: tuple[DataShare, ...] = (DataShare(dataset="davis16"),)


class StillTransform:
    """Makes `images` (3 x H x W, the network's input) and `masks` (1 x H x W, bool) of one frame."""

    def __init__(self, settings: ParentSettings) -> None:
        self._size = Size(settings.height, settings.width)
        self._augmentation = settings.augmentation

    def __call__(self, given: MiniSequence, rng: Generator, _supply: MiniSequences) -> Batch:
        """Resize, mirror, turn and scale."""
        image, mask = resized_frame(given.images[0], given.masks[0], self._size)
        pixels = preprocess(torch.from_numpy(image).permute(2, 0, 1)[None].float())
        sample = Sample(pixels, torch.from_numpy(mask)[None, None].float())
        generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
        changed = augmented(sample, self._augmentation, generator)
        return {"images": changed.frames[0], "masks": changed.masks[0] > 0.5}


class Dated:
    """Samples that know in which epoch they are drawn."""

    def __init__(self, samples: MiniSequences, settings: LoopSettings) -> None:
        self._samples, self._epoch = samples, settings.batch_size * settings.steps_per_epoch

    def __getitem__(self, number: int) -> Batch:
        """Return sample `number` with its `epoch`."""
        return {**self._samples[number], "epoch": torch.tensor(float(number // self._epoch))}

    def describe(self, number: int) -> Mapping[str, Any]:
        """See `Samples.describe`."""
        return self._samples.describe(number)


class ParentRecipe(Recipe):
    """Trains the parent network, which then knows foreground."""

    starts_from = ("network", "backbone")
    settings: ParentSettings

    def build_network(self) -> nn.Module:
        """Return the network, from a file of ours or around a VGG-16."""
        if path := self.start_file("network"):
            return OFFICIAL.load(path)
        network = OsvosNetwork()
        _start_small(network)
        if path := self.start_file("backbone"):
            _fill_stages(network, path)
        return network

    def parameter_groups(self, network: nn.Module) -> list[ParameterGroup]:
        """Return each tensor with its rate; those that enlarge stay fixed."""
        assert isinstance(network, OsvosNetwork)
        descent = self.settings.descent.replace(learning_rate=self.settings.learning_rates["network"])
        groups = parameter_groups(network, descent, sides=0.1)
        return [ParameterGroup(group["name"], group["params"], group["lr"]) for group in groups]

    def optimizer(self, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
        """Return stochastic gradient descent with momentum; biases do not decay."""
        descent = self.settings.descent
        decays = (0.0 if group["name"].endswith("bias") else descent.weight_decay for group in groups)
        return torch.optim.SGD(
            [{**group, "weight_decay": decay} for group, decay in zip(groups, decays, strict=True)],
            momentum=descent.momentum,
        )

    def samples(self, datasets: Ordered[Dataset]) -> Samples:
        """Return single frames."""
        settings = self.settings
        return Dated(mixed_samples(settings, datasets, StillRule(), StillTransform(settings)), settings)

    def loss(self, network: nn.Module, batch: Batch) -> Losses:
        """Return the fused answer's loss plus that of the sides, which count less and less until the last epoch.

        Frames go through one after the other, and once more for their gradients, so that a batch needs no more memory
        than a frame.
        """
        masks = batch["masks"].float()
        share = 1 - batch["epoch"] / self.settings.epochs
        parts = [
            checkpoint(_one, network, *each, use_reentrant=False)
            for each in zip(batch["images"][:, None], masks[:, None], share, strict=True)
        ]
        fused, sides, logits = zip(*parts, strict=True)
        total = torch.stack(fused).mean() + torch.stack(sides).mean()
        return Losses(total, {"fused": torch.stack(fused).mean(), "J": jaccard(torch.stack(logits), masks[:, None])})

    def export(self, weights: Mapping[str, Tensor]) -> Exported:
        """Return the network's own tensors, under the names of the port's file."""
        return Exported(dict(weights), {"format": "osvos"})


def _one(network: nn.Module, frame: Tensor, mask: Tensor, share: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    logits, sides = network(frame)
    of_sides = torch.stack([balanced_cross_entropy(side, mask) for side in sides]).sum()
    return balanced_cross_entropy(logits, mask), share * of_sides, logits.detach()


def _start_small(network: OsvosNetwork) -> None:
    """Draw the layers that VGG-16 has not, but for those that enlarge, from N(0, 0.001), without biases."""
    for layer in (*network.side_prep, *network.score_dsn, network.fuse):
        assert isinstance(layer, nn.Conv2d)
        assert layer.bias is not None
        nn.init.normal_(layer.weight, std=0.001)
        nn.init.zeros_(layer.bias)


def _fill_stages(network: OsvosNetwork, path: Path) -> None:
    """Fill the stages from a VGG-16 under torchvision's names: `features.N`, in order; the classifier is left out."""
    given = [x for name, x in read_tensors(path).items() if name.startswith("features.")]
    own = [x for name, x in network.state_dict().items() if name.startswith("stages.")]
    if [x.shape for x in given] != [x.shape for x in own]:
        raise BadInputError(f"{path}: found the weights of another network, expected VGG-16 under torchvision's names")
    for target, x in zip(own, given, strict=True):
        target.copy_(x)


PARENT = ParentRecipe(
    "parent",
    ParentSettings(),
    note="The authors' PyTorch port: DAVIS 2016 train, 240 epochs of about 2,079 frames, gradients averaged over 10, "
    "side losses that fade, SGD at 1e-8 (biases twice that and without decay, the sides' own answers a tenth, the "
    "fused one a hundredth), frames mirrored, turned (30 degrees) and scaled (0.75 to 1.25). Assumed: frames of "
    "another size than 480 x 854 are resized. Starts from ImageNet: --weights "
    "backbone=FILE, a VGG-16 under torchvision's names, trained as Caffe's was on blue, green, red of 0..255 less "
    "their mean.",
)
