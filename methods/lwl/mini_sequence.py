"""Runs mini-sequences through the network as training does: learn from the first frame, segment the others."""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from vos_bench.config import FrozenModel
from vos_bench.parts.backbone import Features

from .box_encoder import box_mask
from .few_shot_learner import WeightedSamples
from .network import LwlNetwork

OnlineUpdate = Literal["released", "paper"]


class MiniSequenceSettings(FrozenModel):
    """How a mini-sequence is run.

    Attributes:
        first_iterations: Learner iterations on the first frame.
        update_iterations: Learner iterations after each further frame but the last.
        online_update: `paper` decodes a frame with the target model that the frames before it updated (section 3.6).
            `released` always decodes with the first frame's, as the authors' training code does: it computes the
            updated target models and never applies them, so here they are not even computed.
    """

    first_iterations: int = Field(default=5, ge=0, le=100000)
    update_iterations: int = Field(default=2, ge=0, le=100000)
    online_update: OnlineUpdate = "released"


class MiniSequenceRunner(nn.Module):
    """The network as the training loop calls it."""

    def __init__(self, network: LwlNetwork, settings: MiniSequenceSettings) -> None:
        super().__init__()
        self.network = network
        self.settings = settings

    def forward(self, images: Tensor, masks: Tensor, image_of_object: Tensor | None = None) -> Tensor:
        """Segment the frames after the first.

        Args:
            images: S x (1 + T) x 3 x H x W, RGB of 0..255, the frames of S mini-sequences.
            masks: B x 1 x H x W, the first frames' masks.
            image_of_object: For each of B objects, which of S mini-sequences it is in: first one in each, in order,
                then the second ones. Two objects of one mini-sequence compete. None for one object in each.

        Returns:
            T x B x 1 x H x W logits.
        """
        network, settings = self.network, self.settings
        features = self.features(images)
        seen = unflattened(network.target_features({s: x.flatten(0, 1) for s, x in features.items()}), images)
        if image_of_object is not None:
            seen = seen[image_of_object]
        labels, weights = (x[:, None] for x in network.encode_labels(masks))
        samples = WeightedSamples(seen[:, :1], labels, weights)
        fit = network.learn(samples, iterations=settings.first_iterations)
        logits: list[Tensor] = []
        for frame in range(1, images.shape[1]):
            here = seen[:, frame : frame + 1]
            encoding = network.score(here, fit.filters)
            maps, size = {s: x[:, frame] for s, x in features.items()}, (images.shape[-2], images.shape[-1])
            decoded = network.decode(encoding[:, 0], maps, size, image_of_object=image_of_object)
            logits.append(decoded if image_of_object is None else competing(decoded, image_of_object))
            if settings.online_update == "paper" and frame + 1 < images.shape[1]:
                samples = self._extended(samples, here, logits[-1])
                scores = torch.cat([fit.scores, encoding], 1)
                fit = network.learn(samples, fit.filters, iterations=settings.update_iterations, scores=scores)
        return torch.stack(logits)

    def features(self, images: Tensor) -> Features:
        """Return the backbone's features, S x (1 + T) x ..., of S x (1 + T) x 3 x H x W images."""
        flat = self.network.extract(self.network.scale_images(images.flatten(0, 1)))
        return {stride: unflattened(x, images) for stride, x in flat.items()}

    def _extended(self, samples: WeightedSamples, features: Tensor, logits: Tensor) -> WeightedSamples:
        """Add a frame and its predicted mask to the samples; no gradient flows back through the prediction."""
        labels, weights = (x[:, None] for x in self.network.encode_labels(logits.detach().sigmoid()))
        return WeightedSamples(
            torch.cat([samples.features, features], 1),
            torch.cat([samples.labels, labels], 1),
            torch.cat([samples.weights, weights], 1),
        )


def competing(logits: Tensor, image_of_object: Tensor) -> Tensor:
    """Let the two objects of one image compete by soft aggregation; the others stay as they are.

    With b = (1 - p_1)(1 - p_2) the background's logit is -log(e^s_1 + e^s_2 + e^(s_1 + s_2)). Half the merged logit is
    returned, since the merge doubles an object's own logit where the other is far away.

    Args:
        logits: B x 1 x H x W.
        image_of_object: For each of B objects its image; at most two have the same, the second ones come last.
    """
    second = torch.arange(int(image_of_object.max()) + 1, len(logits), device=logits.device)
    first = image_of_object[second]
    merged, own, other = logits.float(), torch.cat([first, second]), torch.cat([second, first])
    s, rival = merged[own], merged[other]
    background = -torch.logsumexp(torch.stack([s, rival, s + rival]), 0)
    return merged.index_copy(0, own, 0.5 * (s - torch.logaddexp(background, rival)))


def unflattened(x: Tensor, images: Tensor) -> Tensor:
    """Split the first dimension of `x` into the first two of `images`."""
    return x.reshape(*images.shape[:2], *x.shape[1:])


class BoxRunner(nn.Module):
    """The way from a box to a mask, as the training of the box encoder calls it."""

    def __init__(self, network: LwlNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor, boxes: Tensor) -> Tensor:
        """Draw the masks of boxed objects.

        Args:
            images: S x 3 x H x W, RGB of 0..255.
            boxes: S x 4: x, y, width, height in pixels.

        Returns:
            S x 1 x H x W logits.
        """
        network, size = self.network, (images.shape[-2], images.shape[-1])
        features = network.extract(network.scale_images(images))
        drawn = [box_mask((x, y, w, h), size) for x, y, w, h in boxes.tolist()]
        masks = torch.stack(drawn)[:, None].to(images.device)
        encoding = network.encode_boxes(masks, network.target_features(features))
        return network.decode(encoding, features, size)
