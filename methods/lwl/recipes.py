"""The paper's recipes as data (section 4 and the authors' released settings), and those nobody published."""

from collections.abc import Mapping
from collections.abc import Sequence as Ordered
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor, nn

from vos_bench.api import Dataset
from vos_bench.errors import BadInputError
from vos_bench.parts.checkpoints import fill, read_tensors
from vos_bench.training.distributed import gather
from vos_bench.training.losses import jaccard, lovasz, lovasz_by_sequence
from vos_bench.training.recipe import (
    Batch,
    DataShare,
    Exported,
    LoopSettings,
    Losses,
    ParameterGroup,
    Recipe,
    Samples,
    step_decay,
)
from vos_bench.training.sampling import FrameRule, MiniSequences, held_out_shares, mixed_samples

from .checkpoint import describe, load_network
from .config import BOX_NETWORK, IMAGENET, MASK_NETWORK, BackboneConfig, LwlConfig
from .mini_sequence import BoxRunner, MiniSequenceRunner, MiniSequenceSettings
from .network import LwlNetwork
from .training_samples import CropSettings, LwlTransform, brightened

_BACKBONE_START = ("backbone.network.conv1.", "backbone.network.bn1.", "backbone.network.layer1.")
"""What stays fixed even where the backbone is trained."""

PARTS = {
    "backbone": "network.backbone.",
    "target_extractor": "network.target_extractor.",
    "learner": "network.learner.",
    "label_encoder": "network.label_encoder.",
    "decoder": "network.decoder.",
    "box_encoder": "network.box_encoder.",
}
"""The parts of the network that have learning rates of their own, by the start of their parameters' names."""


class LwlSettings(LoopSettings):
    """The numbers of an LWL recipe; the defaults are stage 1 of the released code.

    Attributes:
        network: The network.
        mini_sequence: How the learner runs in training.
        crop: How frames are cropped and changed.
        frames: How the frames of a mini-sequence are drawn.
        lovasz_scope: `batch` sorts the pixels of the whole batch as one image, as the released code does;
            `sequence` takes the mean over frames and sequences (paper, equation 5).
        loss_factor: The loss is multiplied by it.
        milestones: Epochs at which the learning rates fall.
        decay: Factor by which they fall.
        pretrained_backbone: Whether timm should fetch the backbone's weights, where no file is named.
    """

    epochs: int = Field(default=70, ge=1, le=1000000)
    validate_every: int = Field(default=5, ge=0, le=1000000)
    validate_samples: int = Field(default=2000, ge=1, le=10000000)
    network: LwlConfig = MASK_NETWORK
    mini_sequence: MiniSequenceSettings = MiniSequenceSettings()
    crop: CropSettings = CropSettings()
    frames: FrameRule = FrameRule()
    lovasz_scope: Literal["batch", "sequence"] = "batch"
    loss_factor: float = Field(default=100.0, ge=0, le=1e6)
    milestones: tuple[Annotated[int, Field(ge=0, le=1000000)], ...] = (40,)
    decay: float = Field(default=0.2, ge=0, le=1)
    pretrained_backbone: bool = False


class LwlRecipe(Recipe):
    """Trains LWL on mini-sequences."""

    starts_from = ("network", "backbone")
    settings: LwlSettings

    def build_network(self) -> nn.Module:
        """Return the network, filled from the files that the settings name."""
        settings = self.settings
        if path := self.start_file("network"):
            network = start_network(path, settings.network)
        else:
            network = LwlNetwork(settings.network, pretrained_backbone=settings.pretrained_backbone)
        if path := self.start_file("backbone"):
            _fill_backbone(network, path)
        return self.runner(network)

    def runner(self, network: LwlNetwork) -> nn.Module:
        """Return the network as the loop calls it."""
        return MiniSequenceRunner(network, self.settings.mini_sequence)

    def parameter_groups(self, network: nn.Module) -> list[ParameterGroup]:
        """Return the parts that learn. The backbone's stem and first stage never do."""
        found: dict[str, list[nn.Parameter]] = {part: [] for part in PARTS}
        for name, parameter in network.named_parameters():
            part = next(part for part, start in PARTS.items() if name.startswith(start))
            fixed = name.removeprefix("network.").startswith(_BACKBONE_START)
            learns = self._rate(part) > 0 and not fixed
            parameter.requires_grad_(learns)
            if learns:
                found[part].append(parameter)
        return [ParameterGroup(part, parameters, self._rate(part)) for part, parameters in found.items() if parameters]

    def _rate(self, part: str) -> float:
        settings = self.settings
        return 0.0 if part in settings.network.fixed_parts else settings.learning_rates.get(part, 0.0)

    def training_mode(self, network: nn.Module) -> None:
        """Keep all batch statistics fixed, as the reference does also while it trains."""
        network.eval()

    def samples(self, datasets: Ordered[Dataset]) -> Samples:
        """Return mini-sequences of the mixture."""
        settings = self.settings
        return mixed_samples(settings, datasets, settings.frames, LwlTransform(settings.crop))

    def held_out(self, datasets: Ordered[Dataset]) -> Samples | None:
        """Return mini-sequences of what is left out, cropped as in training but neither turned nor brightened."""
        settings = self.settings
        objects = held_out_shares(settings.data, datasets, settings.frames)
        transform = LwlTransform(settings.crop.for_validation())
        return MiniSequences(objects, settings.frames, transform, seed=settings.seed) if objects else None

    def loss(self, network: nn.Module, batch: Batch) -> Losses:
        """Return the Lovasz loss of the test frames."""
        masks = batch["masks"].float()
        logits = network(brightened(batch), masks[:, :1])
        return self.overlap(logits, masks[:, 1:].transpose(0, 1)[:, :, None])

    def overlap(self, logits: Tensor, target: Tensor) -> Losses:
        """Return the loss of T x S x 1 x H x W logits, and their J."""
        parts = {"J": jaccard(logits, target)}
        if self.settings.lovasz_scope == "batch":
            total = lovasz(gather(logits, 1).sigmoid(), gather(target, 1))
        else:
            total = lovasz_by_sequence(logits.sigmoid(), target)
        return Losses(self.settings.loss_factor * total, parts)

    def schedule(self, step: int) -> float:
        """Fall at the milestones."""
        settings = self.settings
        return step_decay(step // settings.steps_per_epoch, settings.milestones, settings.decay)

    def export(self, weights: Mapping[str, Tensor]) -> Exported:
        """Return the network's own tensors in single precision."""
        return exported(weights, self.settings.network)


class BoxRecipe(LwlRecipe):
    """Trains the box encoder alone: the mask of a frame from its box, decoded by the fixed decoder."""

    def runner(self, network: LwlNetwork) -> nn.Module:
        """Return the box encoder's path through the network."""
        return BoxRunner(network)

    def loss(self, network: nn.Module, batch: Batch) -> Losses:
        """Return the Lovasz loss of the train frame, drawn from its box."""
        masks = batch["masks"].float()
        logits = network(brightened(batch)[:, 0], batch["boxes"])
        return self.overlap(logits[None], masks[None, :, :1])


def exported(weights: Mapping[str, Tensor], config: LwlConfig, *, half: bool = False) -> Exported:
    """Return the tensors of a trained runner under the network's own names, and what `load_network` needs to know."""
    tensors = {
        name.removeprefix("network."): value.half() if half else value
        for name, value in weights.items()
        if value.is_floating_point()
    }
    return Exported(tensors, describe(config))


def start_network(path: Path, config: LwlConfig) -> LwlNetwork:
    """Build a network and fill what `path` has of it; only a box encoder may be new.

    Raises:
        BadInputError: It has parameters of another network.
    """
    if not config.box_encoder:
        return load_network(path, config)
    network = LwlNetwork(config)
    trained = load_network(path)
    if trained.config.box_encoder:
        return load_network(path, config)
    missing, unknown = network.load_state_dict(trained.state_dict(), strict=False)
    if unknown or not all(name.startswith("box_encoder.") for name in missing):
        raise BadInputError(f"{path}: found the weights of another network; expected those that masks start from")
    return network


def _fill_backbone(network: LwlNetwork, path: Path) -> None:
    """Fill the backbone from a file in torchvision's names, such as the authors' converted Mask R-CNN weights."""
    given = {name: value for name, value in read_tensors(path).items() if not name.startswith("fc.")}
    fill(network.backbone.network, given, source=str(path))


_HOLDOUT = ("dataset:ytvos19-holdout",)
"""What the released settings validate on and never train on: 300 sequences of YouTube-VOS 2019's train split."""

_MIXTURE = (DataShare(dataset="ytvos19", weight=6.0, leave_out=_HOLDOUT), DataShare(dataset="davis17", weight=1.0))
_DAVIS = (DataShare(dataset="davis17"),)

_STAGE1_RATES = {"target_extractor": 2e-5, "learner": 1e-4, "label_encoder": 2e-4, "decoder": 1e-4}
_STAGE2_RATES = dict.fromkeys(("backbone", "target_extractor", "learner", "label_encoder", "decoder"), 2e-5)

_IMAGENET_NETWORK = MASK_NETWORK.replace(backbone=BackboneConfig(name="resnet50", layout="timm", scaling=IMAGENET))
"""The stride where torchvision's ResNet-50 has it, and its input scaling."""

_PAPER_AND_CODE = (
    "Paper and released code agree on 1 + 3 frames from a window of 100, 832 x 480 crops, Adam and the number "
    "of steps. The paper decodes with the updated target model and averages the loss over frames; the code does"
    " neither, and this recipe follows the code (mini_sequence.online_update=paper and lovasz_scope=sequence "
    "follow the paper). The paper crops by chance after flip, rotation and scaling; the code crops around the "
    "object first, then turns and scales, and this recipe too. The 6 : 1 mixture is the code's, and so are the 300 "
    "sequences of YouTube-VOS that are not trained but validated on: vos-bench fetch ytvos19-holdout gets their list, "
    "data.0.leave_out=[] trains on them too. "
)

STAGE1 = LwlRecipe(
    "stage1",
    LwlSettings(learning_rates=_STAGE1_RATES, data=_MIXTURE),
    note=_PAPER_AND_CODE
    + "Starts from the Mask R-CNN backbone: --weights backbone=FILE. The paper's whole training took "
    "192 GPU hours (V100); by its share of the steps this stage takes about 85.",
)

STAGE2 = LwlRecipe(
    "stage2",
    LwlSettings(epochs=80, milestones=(25, 75), learning_rates=_STAGE2_RATES, data=_MIXTURE),
    note=_PAPER_AND_CODE + 'The paper trains "the complete network"; the code keeps stem, first stage and all batch '
    "statistics of the backbone fixed. Starts from stage 1: --weights FILE. About 105 GPU hours (V100).",
)

BOX = BoxRecipe(
    "box",
    LwlSettings(
        epochs=50,
        batch_size=8,
        workers=4,
        network=BOX_NETWORK,
        crop=CropSettings(affine=False),
        validate_samples=800,
        frames=FrameRule(test_frames=1, own_boxes=True),
        loss_factor=10.0,
        milestones=(20, 40),
        learning_rates={"box_encoder": 1e-3},
        data=(DataShare(dataset="ytvos19", leave_out=_HOLDOUT), DataShare(dataset="coco", split="train2014")),
    ),
    note="Trains the box encoder, all else fixed. Paper and code agree on 50,000 steps; batches of 8, learning rate "
    "1e-3 and its fall every 20 epochs are the code's, and so is the loss of 10 x Lovasz. As in the code the 300 "
    "sequences of ytvos19-holdout are not trained but validated on (vos-bench fetch ytvos19-holdout gets their list; "
    "data.0.leave_out=[] trains on them too), and objects of COCO have their annotation's own box and may be of any "
    "size. Starts from stage 2: --weights FILE. Cost unpublished; assumed about 15 GPU hours.",
)

DAVIS = LwlRecipe(
    "davis",
    LwlSettings(
        epochs=10, milestones=(6,), learning_rates={part: rate / 2 for part, rate in _STAGE2_RATES.items()}, data=_DAVIS
    ),
    note="The paper fine-tunes on DAVIS's train split and says no more; the code has no such setting. Assumed: 10 "
    "epochs, half of stage 2's learning rates, falling to a fifth at epoch 6; all else as in stage 2. Starts "
    "from stage 2: --weights FILE. About 13 GPU hours (V100).",
)

YTVOS_ONLY = LwlRecipe(
    "ytvos-only",
    LwlSettings(
        epochs=150,
        milestones=(40, 95, 145),
        learning_rates={**_STAGE1_RATES, "backbone": 2e-5},
        network=_IMAGENET_NETWORK,
        data=(DataShare(dataset="ytvos18"),),
    ),
    note="The paper's row trained on YouTube-VOS 2018 alone starts from an ImageNet ResNet-50: --weights "
    "backbone=FILE, a file in torchvision's names. Nothing else of it was published. Assumed: both stages as one "
    "training of 150 epochs, stage 1's learning rates with the backbone at 2e-5 from the start, falling to a fifth at "
    "epochs 40, 95 and 145. About 190 GPU hours (V100).",
)

DAVIS_ONLY = LwlRecipe(
    "davis-only",
    LwlSettings(
        epochs=60,
        milestones=(30, 50),
        learning_rates={**_STAGE1_RATES, "backbone": 1e-5},
        network=_IMAGENET_NETWORK,
        data=_DAVIS,
    ),
    note="The paper's row trained on DAVIS alone starts from an ImageNet ResNet-50: --weights backbone=FILE, a file "
    "in torchvision's names. Nothing else of it was published. Assumed: 60 epochs, stage 1's learning rates "
    "with the backbone at 1e-5, falling to a fifth at epochs 30 and 50; short, since 60 sequences are soon "
    "learned by heart. About 75 GPU hours (V100).",
)
