"""What may be set of FRTM."""

from typing import Literal

from pydantic import Field

from vos_bench.config import FrozenModel
from vos_bench.parts.merge import MergeRule
from vos_bench.parts.soft_masks import SoftMaskConfig

BackboneName = Literal["resnet18", "resnet101"]


class SolverConfig(FrozenModel):
    """How the target model is fitted.

    Attributes:
        channels: Between its two layers.
        projection_regularisation: Of the first layer: times its parameters it is a part of the residual, so that their
            squared norm weighs its square; it is also what preconditions the layer.
        filter_regularisation: The same of the second layer.
        foreground: The least share of all pixels' weight that the object's pixels have together.
        first_steps: Steps of conjugate gradients in each Gauss-Newton round on the first frame, both layers.
        filter_steps: Steps for the second layer alone, once after these rounds and at each update.
    """

    channels: int = Field(default=96, ge=1)
    projection_regularisation: float = Field(default=1e-4, gt=0)
    filter_regularisation: float = Field(default=1e-2, gt=0)
    foreground: float = Field(default=0.1, ge=0, lt=1)
    first_steps: tuple[int, ...] = (5, 10, 10, 10, 10)
    filter_steps: int = Field(default=10, ge=0)


class SynthesisConfig(FrozenModel):
    """How further samples are made of an object's first frame: the object is moved over what may lie behind it.

    Attributes:
        samples: How many.
        degrees: Largest rotation.
        scale: Least and largest factor of size.
        shift: Largest shift, in units of the object's size.
        blur: Largest deviation of a Gaussian blur of the object, in pixels.
    """

    samples: int = Field(default=5, ge=0)
    degrees: float = Field(default=20.0, ge=0)
    scale: tuple[float, float] = (0.8, 1.25)
    shift: float = Field(default=0.5, ge=0)
    blur: float = Field(default=2.0, ge=0)


class FrtmConfig(SoftMaskConfig):
    """The authors' settings, without the fast ones that their script takes and never uses.

    Attributes:
        backbone: `auto`: what the file of parameters was trained for, ResNet-101 for random ones.
        solver: How target models are fitted.
        synthesis: What is made of the first frame.
        memory_size: Samples of an object, those of the first frame among them.
        learning_rate: How much more each new sample weighs than the one before: 1 / (1 - learning_rate).
        update_interval: The target model follows every so many frames after the object's first.
        smallest_mask: A mask of fewer pixels above one half is not learned from; given as a first mask, it is, and all
            pixels weigh the same.
    """

    merge: MergeRule = "odds-softmax"
    backbone: Literal["auto"] | BackboneName = "auto"
    solver: SolverConfig = SolverConfig()
    synthesis: SynthesisConfig = SynthesisConfig()
    memory_size: int = Field(default=80, ge=2)
    learning_rate: float = Field(default=0.1, gt=0, lt=1)
    update_interval: int = Field(default=8, ge=1)
    smallest_mask: int = Field(default=10, ge=0)
