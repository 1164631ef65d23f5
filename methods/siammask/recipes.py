"""How SiamMask is trained, as far as its authors' code states it; each value says whether it is stated or assumed."""

from collections.abc import Mapping
from collections.abc import Sequence as Ordered
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from vos_bench.api import Dataset
from vos_bench.errors import BadInputError
from vos_bench.parts.checkpoints import fill, read_tensors
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

from .checkpoint import load_network
from .config import Variant
from .network import GRID, RATIOS, STRIDE, TEMPLATE, Cell, SiamMaskNetwork, windows
from .pairs import NEGATIVE, POSITIVE, PairRule, PairSettings, PairTransform

Factor = Annotated[float, Field(ge=0, le=1000)]
Weight = Annotated[float, Field(ge=0, le=1e6)]
EpochCount = Annotated[int, Field(ge=1, le=1000000)]


class SiamMaskSettings(LoopSettings):
    """The numbers of one stage.

    Attributes:
        variant: Which network is trained.
        parts: The parts of it that learn; all others stay as they are, their batch statistics too.
        rates: Factors on the learning rate at the first and last epoch of each span of epochs, geometric in between.
        spans: How many epochs each span has.
        first_epoch: How many epochs of the plan lie behind, where another recipe begins it.
        loss_weights: Of scores, boxes and masks.
        momentum: Of the gradient descent.
        weight_decay: Of the gradient descent.
        pairs: How pairs are cut.
        frames: How their frames are drawn.
    """

    variant: Variant = "base"
    parts: tuple[str, ...] = ()
    rates: tuple[tuple[Factor, Factor], ...] = ((0.2, 1.0), (1.0, 0.5))
    spans: tuple[EpochCount, ...] = (5, 15)
    first_epoch: int = Field(default=0, ge=0, le=1000000)
    loss_weights: tuple[Weight, Weight, Weight] = (1.0, 1.2, 36.0)
    learning_rates: Mapping[str, LearningRate] = {"heads": 0.005, "trunk": 0.0005}
    momentum: float = Field(default=0.9, ge=0, lt=1)
    weight_decay: float = Field(default=1e-4, ge=0, le=1000)
    pairs: PairSettings = PairSettings()
    frames: PairRule = PairRule()
    steps_per_epoch: int = Field(default=9375, ge=1, le=10000000)
    batch_size: int = Field(default=64, ge=1, le=65536)
    clip: float | None = Field(default=10.0, gt=0, le=1e9)


class SiamMaskRecipe(Recipe):
    """Trains one stage."""

    starts_from = ("network", "backbone")
    settings: SiamMaskSettings

    def build_network(self) -> nn.Module:
        """Return the network, from the weights of an earlier stage or around an ImageNet ResNet-50."""
        network = SiamMaskNetwork(self.settings.variant)
        if path := self.start_file("network"):
            start = load_network(path)
            given = {**network.state_dict(), **start.state_dict()}
            fill(network, {name: given[name] for name in network.state_dict()}, source=str(path))
        elif path := self.start_file("backbone"):
            _fill_trunk(network, path)
        return network

    def parameter_groups(self, network: nn.Module) -> list[ParameterGroup]:
        """Return the parts that learn; those of the trunk and the neck at a tenth of the rate."""
        network.requires_grad_(False)
        groups = []
        for name in self.settings.parts:
            part = network.get_submodule(name).requires_grad_(True)
            kind = "trunk" if name.startswith("features.") else "heads"
            groups.append(ParameterGroup(name, [*part.parameters()], self.settings.learning_rates[kind]))
        return groups

    def optimizer(self, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
        """Return stochastic gradient descent with momentum."""
        return torch.optim.SGD(groups, momentum=self.settings.momentum, weight_decay=self.settings.weight_decay)

    def schedule(self, step: int) -> float:
        """Return the factor of the epoch: geometric within each span."""
        epoch = self.settings.first_epoch + step // self.settings.steps_per_epoch
        for (first, last), length in zip(self.settings.rates, self.settings.spans, strict=True):
            if epoch < length:
                return float(first * (last / first) ** (epoch / max(1, length - 1)))
            epoch -= length
        return self.settings.rates[-1][1]

    def training_mode(self, network: nn.Module) -> None:
        """Let batch statistics be learned in the parts that learn alone."""
        network.eval()
        for name in self.settings.parts:
            network.get_submodule(name).train()

    def samples(self, datasets: Ordered[Dataset]) -> Samples:
        """Return pairs of the mixture."""
        settings = self.settings
        return mixed_samples(settings, datasets, settings.frames, PairTransform(settings.pairs))

    def loss(self, network: nn.Module, batch: Batch) -> Losses:
        """Return the weighted sum of the losses of scores, boxes and masks."""
        assert isinstance(network, SiamMaskNetwork)
        template = network.remember(batch["template"])
        search = network.search(batch["search"], template)
        classes, deltas = batch["classes"], batch["deltas"]
        scores = score_loss(search.scores, classes)
        boxes = box_loss(search.deltas, deltas, classes)
        logits, targets = _masks(network, search.levels, search.narrow, template.mask, batch)
        masks = functional.soft_margin_loss(logits, 2 * targets - 1) if len(logits) else search.narrow.sum() * 0
        weights = self.settings.loss_weights
        total = weights[0] * scores + weights[1] * boxes + weights[2] * masks
        return Losses(total, {"scores": scores, "boxes": boxes, "masks": masks})

    def export(self, weights: Mapping[str, Tensor]) -> Exported:
        """Return the network's own tensors, under the names of the authors' file."""
        return Exported({name: x for name, x in weights.items() if x.is_floating_point()}, {"format": "siammask"})


def score_loss(scores: Tensor, classes: Tensor) -> Tensor:
    """Return half the cross-entropy of the positive anchors, and half that of the negative ones.

    `scores` are B x 10 x G x G, `classes` B x 5 x G x G.
    """
    likelihood = functional.log_softmax(torch.unflatten(scores, 1, (2, RATIOS)), dim=1)
    parts = [likelihood[:, kind][classes == kind] for kind in (NEGATIVE, POSITIVE)]
    return torch.stack([scores.sum() * 0, *(-part.mean() / 2 for part in parts if part.numel())]).sum()


def box_loss(found: Tensor, wanted: Tensor, classes: Tensor) -> Tensor:
    """Return the L1 distance of the deltas of positive anchors, averaged over those of each pair, then over pairs.

    `found` is B x 20 x G x G, `wanted` B x 4 x 5 x G x G.
    """
    positive = (classes == POSITIVE).float()
    apart = (torch.unflatten(found, 1, (4, RATIOS)) - wanted).abs().sum(dim=1)
    each = (apart * positive).sum(dim=(1, 2, 3)) / positive.sum(dim=(1, 2, 3)).clamp(min=1)
    return each.mean()


def _masks(
    network: SiamMaskNetwork, levels: list[Tensor], narrow: Tensor, kernels: Tensor, batch: Batch
) -> tuple[Tensor, Tensor]:
    """Return logits and targets of the masks at all cells with a positive anchor, N x 127 x 127 both."""
    head = network.mask_model.mask
    shared = head.correlate(kernels, narrow)
    hidden = head.head[:-1](shared)
    pair, row, column = (batch["classes"] == POSITIVE).any(dim=1).nonzero(as_tuple=True)
    targets = mask_windows(batch["mask"].float(), shared.shape[-1])[pair, row, column]
    if network.refine_model is None:
        logits = head.head[-1](hidden[pair, :, row, column][..., None, None]).reshape(len(pair), 1, 63, 63)
        return functional.interpolate(logits, size=(127, 127), mode="bilinear", align_corners=True)[:, 0], targets
    cells = [Cell(*each) for each in zip(row.tolist(), column.tolist(), strict=True)]
    if not cells:
        return shared.new_zeros((0, 127, 127)), targets
    cut = windows([x[pair] for x in levels[:3]], cells, padded=shared.shape[-1] == GRID)
    return network.refine_model(shared[pair, :, row, column][..., None, None], cut), targets


def mask_windows(masks: Tensor, grid: int) -> Tensor:
    """Cut what each cell is to draw from masks of search crops, B x S x S -> B x G x G x 127 x 127."""
    border = ((grid - 1) * STRIDE + TEMPLATE - masks.shape[-1]) // 2
    padded = functional.pad(masks, (border,) * 4)
    return padded.unfold(1, TEMPLATE, STRIDE).unfold(2, TEMPLATE, STRIDE)


def _fill_trunk(network: SiamMaskNetwork, path: Path) -> None:
    """Fill the trunk from a ResNet-50; torchvision's shortcuts of 1 x 1 do not fit the two of 3 x 3, which stay."""
    trunk = network.features.features
    own = trunk.state_dict()
    given = {name: x for name, x in read_tensors(path).items() if name in own}
    fitting = {name: x for name, x in given.items() if x.shape == own[name].shape}
    if set(own) - set(fitting) - {f"layer{n}.0.downsample.0.weight" for n in (2, 3)} - _counters(own):
        raise BadInputError(
            f"{path}: found the weights of another network, expected a ResNet-50; give --weights backbone=FILE such a "
            "file"
        )
    trunk.load_state_dict(fitting, strict=False)


def _counters(tensors: Mapping[str, Tensor]) -> set[str]:
    return {name for name in tensors if name.endswith("num_batches_tracked")}


_HEADS = ("rpn_model", "mask_model")
_NECK = "features.downsample"
_DATA = (DataShare(dataset="ytvos18", weight=2), DataShare(dataset="coco", split="train2017"))

_NOTE = (
    "Stated by the authors' code: pairs of 127 and 255 pixels, batches of 64, 600,000 pairs an epoch, SGD with "
    "momentum 0.9 and decay 1e-4, gradients of norm 10 at most, rates 0.001 to 0.005 in 5 epochs and to 0.0025 in 15, "
    "a tenth of them in the trunk, losses 1, 1.2 and 36, anchors above 0.6 and below 0.3, shifts, scales, blur 0.18, "
    "grey 0.25, negative pairs 0.2, frames up to 20 apart. Assumed: their ImageNet VID and DET are not read here, so "
    "that YouTube-VOS and COCO stand for all, two to one; frames apart are counted in annotated frames; crops are "
    "resampled once; the kernel of the blur; colour noise is normal, of deviation 8 and independent in the channels "
    "(their matrix is not known); the neck learns at the trunk's rate; batch statistics are learned where parameters "
    "are. "
)

BASE = SiamMaskRecipe(
    "base",
    SiamMaskSettings(
        epochs=10,
        parts=(_NECK, *_HEADS),
        data=_DATA,
    ),
    note=_NOTE + "The first half of 20 epochs: of the trunk the neck alone learns. Starts from ImageNet: --weights "
    "backbone=FILE, a ResNet-50; with torchvision's, two shortcuts of 3 x 3 start at random and stay so (the authors "
    "have a ResNet-50 of their own).",
)

BASE_TRUNK = SiamMaskRecipe(
    "base-trunk",
    SiamMaskSettings(
        epochs=10,
        first_epoch=10,
        parts=(_NECK, "features.features.layer2", "features.features.layer3", *_HEADS),
        data=_DATA,
    ),
    note=_NOTE + "The second half of 20 epochs: the trunk's second and third stage learn too. Starts from `base`: "
    "--weights FILE. Momentum starts anew, which in the authors' one run it does not.",
)

REFINE = SiamMaskRecipe(
    "refine",
    SiamMaskSettings(
        variant="sharp",
        epochs=20,
        steps_per_epoch=3125,
        learning_rates={"heads": 0.01, "trunk": 0.0},
        rates=((1.0, 0.25),),
        spans=(20,),
        parts=("mask_model", "refine_model"),
        loss_weights=(0.0, 0.0, 36.0),
        pairs=PairSettings(search=143, grid=3, search_shift=8, negative=0),
        data=tuple(share.replace(weight=1.0) for share in _DATA),
    ),
    note="Stated by the authors' code: 20 epochs of 200,000 pairs, search crops of 143 pixels (3 x 3 cells), shifts of "
    "8, no negative pairs, only the masks' loss (36), rates 0.01 to 0.0025, YouTube-VOS and COCO alike, everything but "
    "the mask head and the refinement fixed. Assumed: batches of 64, and what recipe `base` assumes. Starts from "
    "`base-trunk`: --weights FILE.",
)
