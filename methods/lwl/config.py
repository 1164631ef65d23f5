"""What describes an LWL network: one frozen config, of which the paper's variants are values and not forks."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from vos_bench.config import FrozenModel
from vos_bench.parts.backbone_config import IMAGENET as IMAGENET
from vos_bench.parts.backbone_config import BackboneConfig as BackboneConfig
from vos_bench.parts.backbone_config import Channels, Stride


class LwlConfig(FrozenModel):
    """One LWL network. The defaults are the released one; `box_encoder=True` is the released box network.

    Attributes:
        backbone: The image feature extractor.
        target_stride: Stride of the features that the target model sees.
        target_channels: C, the channels of these features after the reduction.
        context_stride: Stride of deeper features that the target model sees too; None, as in the paper, for none.
        label_channels: D, the channels of the mask encoding.
        filter_size: K, the side of the target model's kernels; odd.
        label_source: `encoder` learns the labels (paper section 3.2); `mask` takes the mask itself, averaged to the
            target stride, and needs D = 1 (the baseline of table 1).
        weight_source: `predictor` learns the weight of each label element; `ones` gives all the same weight.
        label_encoder_channels: Widths of the label encoder's stem and two residual blocks.
        decoder_strides: Backbone levels that the decoder refines over, deepest first.
        decoder_multiples: Width of each of these levels as a multiple of `decoder_channels`.
        decoder_channels: Base width of the decoder.
        decoder: `lwl` for the paper's, `lite` for one with fewer and normalised convolutions.
        box_encoder: Whether the network also has the box encoder B (paper section 3.7).
        box_encoder_channels: Widths of its residual blocks.
        initial_regularisation: Start of the learned scalar whose square is lambda in equation 3.
        learner_gradient: Whether gradients flow through the few-shot learner; False is table 1's baseline.
    """

    backbone: BackboneConfig = BackboneConfig()
    target_stride: Literal[4, 8, 16] = 16
    target_channels: int = Field(default=512, ge=1, le=65536)
    context_stride: Literal[8, 16, 32] | None = None
    label_channels: int = Field(default=16, ge=1, le=65536)
    filter_size: int = Field(default=3, ge=1, le=255)
    label_source: Literal["encoder", "mask"] = "encoder"
    weight_source: Literal["predictor", "ones"] = "predictor"
    label_encoder_channels: tuple[Channels, Channels, Channels] = (16, 32, 64)
    decoder_strides: tuple[Stride, ...] = (32, 16, 8, 4)
    decoder_multiples: tuple[Annotated[int, Field(ge=1, le=1024)], ...] = (4, 2, 2, 1)
    decoder_channels: int = Field(default=64, ge=2, le=65536)
    decoder: Literal["lwl", "lite"] = "lwl"
    box_encoder: bool = False
    box_encoder_channels: tuple[Channels, Channels] = (64, 64)
    initial_regularisation: float = Field(default=0.01, ge=0, le=1e6)
    learner_gradient: bool = True

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.filter_size % 2 == 0:
            raise ValueError(f"filter_size must be odd, found {self.filter_size}")
        if self.label_source == "mask" and self.label_channels != 1:
            raise ValueError(f"label_source 'mask' needs label_channels 1, found {self.label_channels}")
        if self.label_source == "mask" and self.weight_source == "predictor":
            raise ValueError("weight_source 'predictor' shares its trunk with the label encoder: set it to 'ones'")
        if list(self.decoder_strides) != sorted(self.decoder_strides, reverse=True) or not self.decoder_strides:
            raise ValueError(f"decoder_strides must go from deep to fine, found {self.decoder_strides}")
        if len(self.decoder_multiples) != len(self.decoder_strides):
            raise ValueError("decoder_multiples needs one number for each of decoder_strides")
        return self

    @property
    def decoder_widths(self) -> tuple[int, ...]:
        """Channels of each decoder level, deepest first."""
        return tuple(multiple * self.decoder_channels for multiple in self.decoder_multiples)

    @property
    def fixed_parts(self) -> tuple[str, ...]:
        """Parts of the network that no training moves.

        Without a gradient through the learner nothing tells its own parameter or the label encoder where to go. The
        reduction before the target model then stays at its initialisation too, although the frames that are segmented
        would reach it: so table 1's baseline is read here (assumed: the paper does not say more).
        """
        return () if self.learner_gradient else ("target_extractor", "learner", "label_encoder")


MASK_NETWORK = LwlConfig()
"""The released network for mask starts: 36,658,722 parameters."""

BOX_NETWORK = LwlConfig(box_encoder=True)
"""The released network for box starts: 37,406,514 parameters."""

BASELINE = LwlConfig(label_channels=1, label_source="mask", weight_source="ones", learner_gradient=False)
"""Table 1, first column: the learner fits the mask itself and is not trained through."""

END_TO_END = BASELINE.replace(learner_gradient=True)
"""Table 1, second column: as the baseline, trained through the learner."""

LABEL_GENERATOR = LwlConfig(weight_source="ones")
"""Table 1, third column: learned labels, all of equal weight. The fourth column is the whole method."""

LITE_NETWORK = LwlConfig(
    backbone=BackboneConfig(name="tf_efficientnet_lite0"),
    target_channels=128,
    context_stride=32,
    decoder="lite",
    decoder_strides=(32, 16, 8, 4, 2),
    decoder_multiples=(6, 4, 3, 2, 1),
    decoder_channels=16,
)
"""The network of `lwl-lite`: small enough for a laptop's processor, masks finished at stride 2."""

LITE_BOX_NETWORK = LITE_NETWORK.replace(box_encoder=True)
"""The same with a box encoder."""
