"""Trains `lwl-lite`: mini-sequences with much synthesis, the updated target model applied, boundaries weighted."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from vos_bench.errors import BadInputError
from vos_bench.methods.lite import training as lite
from vos_bench.methods.lite.training import (
    FoldedBackbone,
    LiteCrop,
    LiteLoopRecipe,
    LiteLoopSettings,
    load_imagenet,
)
from vos_bench.parts.backbone import Features
from vos_bench.training.recipe import Batch, DataShare, Exported, Losses, ParameterGroup
from vos_bench.training.synthesis import LEAST_TARGET, SynthesisSettings

from .checkpoint import load_network
from .config import LITE_BOX_NETWORK, LITE_NETWORK, LwlConfig
from .mini_sequence import MiniSequenceRunner, MiniSequenceSettings, unflattened
from .network import LwlNetwork
from .recipes import exported, start_network


class LiteSettings(LiteLoopSettings):
    """Numbers of the recipes of `lwl-lite`.

    Attributes:
        mini_sequence: How the learner runs in training.
        imagenet: Whether the backbone starts from its ImageNet weights, whose normalisation is then kept.
        backbone_stages: The parts of the backbone, by timm's names, that learn where the backbone does; none: all.
    """

    network: LwlConfig = LITE_NETWORK
    mini_sequence: MiniSequenceSettings = MiniSequenceSettings(online_update="paper", update_iterations=3)
    imagenet: bool = True
    backbone_stages: tuple[str, ...] = ()


class LiteRunner(MiniSequenceRunner):
    """Runs mini-sequences; a frozen backbone works without its batch normalisations, which are folded away."""

    def __init__(self, network: LwlNetwork, settings: MiniSequenceSettings) -> None:
        super().__init__(network, settings)
        self._folded: FoldedBackbone | None = None

    def features(self, images: Tensor) -> Features:
        """Return the backbone's features, S x (1 + T) x ..., of S x (1 + T) x 3 x H x W images."""
        if any(parameter.requires_grad for parameter in self.network.backbone.parameters()):
            return super().features(images)
        self._folded = self._folded or FoldedBackbone(self.network.backbone)
        return {stride: unflattened(x, images) for stride, x in self._folded(images.flatten(0, 1)).items()}


class LiteBoxRunner(nn.Module):
    """The way from a box to a mask, as the training of the box encoder calls it; the backbone is fixed."""

    def __init__(self, network: LwlNetwork) -> None:
        super().__init__()
        self.network = network
        self._folded: FoldedBackbone | None = None

    def forward(self, images: Tensor, boxes: Tensor) -> Tensor:
        """Draw the masks of boxed objects.

        Args:
            images: B x 3 x H x W, RGB of 0..255.
            boxes: The boxes as masks of 0 and 1, B x 1 x H x W.

        Returns:
            B x 1 x H x W logits.
        """
        self._folded = self._folded or FoldedBackbone(self.network.backbone)
        features = self._folded(images)
        with torch.no_grad():
            seen = self.network.target_features(features)
        encoding = self.network.encode_boxes(boxes, seen)
        return self.network.decode(encoding, features, (images.shape[-2], images.shape[-1]))


class LiteRecipe(LiteLoopRecipe):
    """The recipe of the weights that ship."""

    settings: LiteSettings

    def build_network(self) -> nn.Module:
        """Return the network around the ImageNet backbone, or with the weights to start from."""
        settings = self.settings
        if path := self.start_file("network"):
            network = load_network(path, settings.network)
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

    def loss(self, network: nn.Module, batch: Batch) -> Losses:
        """Return the mean loss of all frames after the first, of both objects where a sample has a rival to follow."""
        if "rivals" not in batch:
            return super().loss(network, batch)
        followed = (batch["rivals"][:, 0].flatten(1).sum(1) > LEAST_TARGET).nonzero()[:, 0]
        masks = torch.cat([batch["masks"], batch["rivals"][followed]]).float()
        image_of_object = torch.cat([torch.arange(len(batch["masks"]), device=followed.device), followed])
        logits = network(batch["images"].float(), masks[:, :1], image_of_object)
        return self.settings.loss.of(logits, masks[:, 1:].transpose(0, 1)[:, :, None])

    def export(self, weights: Mapping[str, Tensor]) -> Exported:
        """Return the network's own tensors, as float16."""
        return exported(weights, self.settings.network, half=True)


class LiteBoxRecipe(LiteRecipe):
    """Trains the box encoder alone: the mask of a frame from its box, decoded by the fixed decoder."""

    def build_network(self) -> nn.Module:
        """Return the box encoder's path through the network of the weights. Raises BadInputError without weights."""
        path = self.start_file("network")
        if path is None:
            raise BadInputError(f"the recipe {self.name} trains the box encoder of a trained network: give --weights")
        return LiteBoxRunner(start_network(path, self.settings.network))

    def parameter_groups(self, network: nn.Module) -> list[ParameterGroup]:
        """Return the box encoder."""
        network.requires_grad_(False)
        learning = list(network.get_submodule("network.box_encoder").requires_grad_(True).parameters())
        return [ParameterGroup("box_encoder", learning, self.settings.learning_rates["box_encoder"])]

    def training_mode(self, network: nn.Module) -> None:
        """Keep all normalisation as it is; the box encoder has none."""
        network.eval()

    def loss(self, network: nn.Module, batch: Batch) -> Losses:
        """Return the loss of all frames on which the object is seen, each drawn from its own box."""
        masks = batch["masks"].flatten(0, 1)[:, None]
        seen = masks.flatten(1).sum(1) > LEAST_TARGET
        seen[0] |= ~seen.any()  # a batch without any object has a loss too
        masks = masks[seen]
        logits = network(batch["images"].flatten(0, 1)[seen].float(), filled_boxes(masks).float())
        return self.settings.loss.of(logits[None], masks[None].float())


def filled_boxes(masks: Tensor) -> Tensor:
    """Return the smallest boxes around masks, B x 1 x H x W bool, as masks."""
    return _between(masks.any(dim=-1, keepdim=True), -2) & _between(masks.any(dim=-2, keepdim=True), -1)


def _between(marks: Tensor, axis: int) -> Tensor:
    """Mark all that lies between the first mark and the last one."""
    return (marks.cumsum(axis) > 0) & (marks.flip(axis).cumsum(axis).flip(axis) > 0)


STAGE1 = LiteRecipe(
    "stage1",
    LiteSettings(**lite.STAGE1),
    note="Constant learning rate on small crops, backbone fixed; five sequences left out, on which the tracker's "
    "parameters were chosen. About a second a step on two idle cores.",
)
"""The first of the stages that made the weights that ship."""

STAGE2 = LiteRecipe(
    "stage2",
    LiteSettings(**lite.STAGE2),
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

_SEVERAL_OBJECTS = SynthesisSettings(
    still=0.15,
    camera=0.9,
    paste=0.7,
    pastes=2,
    paste_is_target=0.35,
    paste_scale="frame",
    lookalike=0.3,
    swing=0.7,
    least_scale=-1.2,
    least_left=0.3,
)
"""Synthesis with several objects: they move, bend and occlude each other, and some look like the target."""

_VIDEOS_AND_IMAGES = (DataShare(dataset="davis16"), DataShare(dataset="static-images", weight=1.5))

STAGE4 = LiteRecipe(
    "stage4",
    LiteSettings(
        epochs=20,
        warm_up=50,
        cool_down=600,
        learning_rates={"backbone": 0.0, "head": 8e-4},
        crop=LiteCrop(height=208, width=368, search_area=5.4),
        test_frames=3,
        rivals=True,
        synthesis=_SEVERAL_OBJECTS,
        data=_VIDEOS_AND_IMAGES,
    ),
    note="Starts from stage 3: --weights FILE. Still images with masks join the videos; objects move, bend, occlude "
    "each other and compete, so that the network holds outside DAVIS. About 1.5 seconds a step on one idle core with "
    "--set amp=bf16.",
)
"""The fourth stage: objects of every kind, several at a time, and look-alikes."""

BOX = LiteBoxRecipe(
    "box",
    LiteSettings(
        epochs=4,
        warm_up=30,
        cool_down=350,
        network=LITE_BOX_NETWORK,
        learning_rates={"box_encoder": 1e-3},
        crop=LiteCrop(height=208, width=368, search_area=3.5, size_jitter=(0.2, 0.2), centre_jitter=(0.8, 0.8)),
        test_frames=1,
        synthesis=_SEVERAL_OBJECTS,
        data=_VIDEOS_AND_IMAGES,
    ),
    note="Trains the box encoder, all else fixed. Starts from stage 4: --weights FILE. Closer crops than those in "
    "which an object is followed. About a second a step on one idle core with --set amp=bf16.",
)
"""What starts an object from its box."""

OPEN = LiteRecipe(
    "open",
    LiteSettings(
        epochs=15,
        warm_up=50,
        cool_down=400,
        amp="bf16",
        crop=LiteCrop(height=160, width=288, search_area=4.0, centre_jitter=(1.2, 2.0)),
        rivals=True,
        synthesis=_SEVERAL_OBJECTS,
        data=(DataShare(dataset="demo"),),
    ),
    note="Free data alone: the demo's train sequences, which are made of photographs in the public domain, and what is "
    "synthesised from them; the backbone's ImageNet weights are under the Apache licence. Small crops with objects "
    "nearly as large as at test time. About 0.7 seconds a step on one core with bfloat16 units.",
)
"""The weights lwl-lite-open, to which no licence of a data set of videos applies."""

ABLATION = LiteRecipe(
    "ablation",
    LiteSettings(**lite.ABLATION),
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
    note="Shows that training works: fifty steps on the data that the package makes itself. Weights free of DAVIS's "
    "licence: --weights lwl-lite-open.",
)
"""Fifty steps on the data that the package makes itself."""
