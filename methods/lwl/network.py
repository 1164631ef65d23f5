"""The whole LWL network: every part of figure 2 under one roof."""

import torch
from torch import Tensor, nn

from vos_bench.errors import BadInputError
from vos_bench.methods.lite.decoder import LiteDecoder
from vos_bench.parts.backbone import Backbone, Features

from .box_encoder import BoxEncoder
from .config import LwlConfig
from .decoder import Decoder, Size
from .few_shot_learner import FewShotLearner, Fit, WeightedSamples
from .label_encoder import LabelEncoder, Labels, MaskLabels
from .target_model import TargetFeatureExtractor, apply_target_model


class LwlNetwork(nn.Module):
    """Learning What to Learn (Bhat et al., ECCV 2020).

    A frame goes through `scale_images`, `extract` and `target_features`; `score` applies an object's target model and
    `decode` draws its mask. A mask goes through `encode_labels`; `learn` fits target models to such samples. Tensors
    with objects and samples are S x N x ..., S objects with N samples each. The network is meant to be in evaluation
    mode even while it trains: the reference freezes all batch statistics.

    Attributes:
        config: What it was built from.
        backbone: F.
        target_extractor: The reduction between F and the target model.
        label_encoder: E and W.
        learner: A.
        decoder: D.
        box_encoder: B, None in a network for mask starts.
    """

    def __init__(self, config: LwlConfig | None = None, *, pretrained_backbone: bool = False) -> None:
        """Build a network with fresh parameters.

        Args:
            config: None for the released mask network.
            pretrained_backbone: Whether timm should fetch weights for the backbone.

        Raises:
            BadInputError: timm cannot build the backbone, or it lacks a stride that is needed.
        """
        super().__init__()
        self.config = config = config or LwlConfig()
        context_strides = (config.context_stride,) if config.context_stride else ()
        strides = (*config.decoder_strides, config.target_stride, *context_strides)
        self.backbone = Backbone(config.backbone, strides=strides, pretrained=pretrained_backbone)
        channels = self.backbone.channels
        self.target_extractor = TargetFeatureExtractor(
            channels[config.target_stride],
            config.target_channels,
            filter_size=config.filter_size,
            context_channels=channels[config.context_stride] if config.context_stride else 0,
        )
        self.label_encoder = _label_encoder(config)
        self.learner = FewShotLearner(
            initial_regularisation=config.initial_regularisation, differentiable=config.learner_gradient
        )
        self.decoder = {"lwl": Decoder, "lite": LiteDecoder}[config.decoder](
            {stride: channels[stride] for stride in config.decoder_strides},
            config.decoder_widths,
            encoding_channels=config.label_channels,
        )
        self.box_encoder: BoxEncoder | None = None
        if config.box_encoder:
            self.box_encoder = BoxEncoder(
                config.target_channels, config.box_encoder_channels, label_channels=config.label_channels
            )

    def scale_images(self, images: Tensor) -> Tensor:
        """Turn RGB images of 0..255, B x 3 x H x W float, into what `extract` takes."""
        return self.backbone.scale(images)

    def extract(self, images: Tensor) -> Features:
        """Return the backbone's features of scaled images, B x 3 x H x W, by stride."""
        return self.backbone(images)  # type: ignore[no-any-return]

    def target_features(self, features: Features) -> Tensor:
        """Return what the target model sees of `features`: B x C x h x w."""
        context = features[self.config.context_stride] if self.config.context_stride else None
        return self.target_extractor(features[self.config.target_stride], context)  # type: ignore[no-any-return]

    def encode_labels(self, masks: Tensor) -> Labels:
        """Return E(y) and W(y), each B x D x h x w, of masks of 0..1, B x 1 x H x W."""
        return self.label_encoder(masks)  # type: ignore[no-any-return]

    def empty_filters(self, objects: int, like: Tensor) -> Tensor:
        """Return the start of the learner, all zero: objects x D x C x K x K, of the type and device of `like`."""
        config = self.config
        size = (config.filter_size, config.filter_size)
        return like.new_zeros((objects, config.label_channels, config.target_channels, *size))

    def learn(
        self, samples: WeightedSamples, filters: Tensor | None = None, *, iterations: int, scores: Tensor | None = None
    ) -> Fit:
        """Fit the target models of S objects to their samples.

        Args:
            samples: S x N of them.
            filters: Where to start, S x D x C x K x K; None for zero.
            iterations: Iterations of steepest descent.
            scores: `filters` applied to the samples, where it is known.

        Returns:
            The filters and their scores, S x N x D x h x w; differentiable unless the config says otherwise.
        """
        if filters is None:
            filters = self.empty_filters(len(samples.features), samples.features)
            scores = torch.zeros_like(samples.labels)
        return self.learner(samples, filters, iterations=iterations, scores=scores)  # type: ignore[no-any-return]

    def score(self, target_features: Tensor, filters: Tensor) -> Tensor:
        """Apply target models: S x N x C x h x w and S x D x C x K x K -> S x N x D x h x w."""
        return apply_target_model(target_features, filters)

    def decode(
        self, encoding: Tensor, features: Features, size: Size, *, image_of_object: Tensor | None = None
    ) -> Tensor:
        """Draw masks from encodings, B x D x h x w: logits, B x 1 x `size`; see `Decoder.forward`."""
        return self.decoder(encoding, features, size, image_of_object=image_of_object)  # type: ignore[no-any-return]

    def encode_boxes(self, box_masks: Tensor, target_features: Tensor) -> Tensor:
        """Encode boxes drawn as masks, B x 1 x H x W, for the decoder: B x D x h x w.

        Raises:
            BadInputError: The network has no box encoder.
        """
        if self.box_encoder is None:
            raise BadInputError(
                "this LWL network has no box encoder: it starts from masks only. To start from boxes:\n"
                "  take the weights of the box network (of lwl: lwl_boxinit.pth)\n"
                "  or train one with: vos-bench train METHOD --recipe box\n"
                "  or have masks made of boxes: --box-start grabcut"
            )
        return self.box_encoder(box_masks, target_features)  # type: ignore[no-any-return]


def _label_encoder(config: LwlConfig) -> nn.Module:
    if config.label_source == "mask":
        return MaskLabels(stride=config.target_stride)
    return LabelEncoder(
        config.label_encoder_channels,
        config.label_channels,
        stride=config.target_stride,
        predicts=config.weight_source == "predictor",
    )
