"""What may be set of FRTM."""

from typing import Annotated, Literal

from pydantic import Field

from vos_bench.config import FrozenModel
from vos_bench.parts.merging import MergeRule
from vos_bench.parts.soft_masks import SoftMaskConfig

BackboneName = Literal["resnet18", "resnet101"]


Directions = Literal["polak-ribiere", "fletcher-reeves"]
"""The rule by which conjugate gradients turn from one direction to the next."""


class SolverConfig(FrozenModel):
    """How the target model is fitted.

    Attributes:
        channels: Between its two layers.
        projection_regularisation: Of the first layer: times its parameters it is a part of the residual, so that their
            squared norm weighs its square; it is also what preconditions the layer.
        filter_regularisation: The same of the second layer.
        foreground: The least share of all pixels' weight that the object's pixels have together.
        directions: The rule of conjugate gradients; None: that of the script, see `FrtmConfig.script`.
        first_steps: Steps of conjugate gradients in each Gauss-Newton round on the first frame, both layers.
        filter_steps: Steps for the second layer alone, once after these rounds and at each update.
    """

    channels: int = Field(default=96, ge=1, le=16384)
    projection_regularisation: float = Field(default=1e-4, gt=0, le=1e6)
    filter_regularisation: float = Field(default=1e-2, gt=0, le=1e6)
    foreground: float = Field(default=0.1, ge=0, lt=1)
    directions: Directions | None = None
    first_steps: tuple[Annotated[int, Field(ge=0, le=100000)], ...] = (5, 10, 10, 10, 10)
    filter_steps: int = Field(default=10, ge=0, le=100000)


_Degrees = Annotated[float, Field(ge=-360, le=360)]

_Scale = Annotated[float, Field(gt=0, le=100)]


class SynthesisConfig(FrozenModel):
    """How further samples are made of an object's first frame: the object is moved over what may lie behind it.

    Every quantity is drawn without replacement, until all its choices were drawn.

    Attributes:
        samples: How many, besides the frame itself; the authors' five have it among them.
        smallest: The object has at least so many pixels in a sample: it is not scaled below that, and a sample with
            fewer inside the frame is drawn again.
        degrees: Rotations to choose from, to either side.
        scales: Factors of size to choose from. A larger one than fits the object's box into the frame becomes the one
            that does.
        mirrored: Share of the samples in which the object is mirrored.
        skew: By how much an object is slanted along both axes, after it was turned.
        skewed: Share of the samples in which it is.
        blur: Length of the motion that blurs an object, in pixels.
        blurred: Share of the samples in which it does.
        background_scale: Factor of size of the background, in half of the samples; in the others it is blurred.
    """

    samples: int = Field(default=4, ge=0, le=1000)
    smallest: int = Field(default=10, ge=1, le=1 << 26)
    degrees: tuple[_Degrees, ...] = Field(default=(5.0, 10.0, 20.0, 30.0, 45.0), min_length=1)
    scales: tuple[_Scale, ...] = Field(default=(0.5, 0.7, 1.0, 1.5, 2.0, 2.5), min_length=1)
    mirrored: float = Field(default=0.2, ge=0, le=1)
    skew: float = Field(default=0.1, ge=0, le=10)
    skewed: float = Field(default=1 / 3, ge=0, le=1)
    blur: float = Field(default=2.0, ge=0, le=64)
    blurred: float = Field(default=0.25, ge=0, le=1)
    background_scale: float = Field(default=1.2, ge=1, le=16)


Script = Literal["evaluate", "ytvos"]
"""The authors' script that is followed. `evaluate`: `evaluate.py`, which scores DAVIS; conjugate gradients turn by
Polak and Ribiere, the refiner's last enlargement is bilinear after two bicubic doublings, and an object needs more
than half of a pixel. `ytvos`: the script for YouTube-VOS; Fletcher and Reeves, one bicubic enlargement to the frame's
size in the place of the second doubling, and the highest share takes a pixel."""


class FrtmConfig(SoftMaskConfig):
    """The authors' settings, without the fast ones that their script takes and never uses.

    Attributes:
        script: Which of the authors' two scripts is followed; see `Script`.
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
    script: Script = "evaluate"
    backbone: Literal["auto"] | BackboneName = "auto"
    solver: SolverConfig = SolverConfig()
    synthesis: SynthesisConfig = SynthesisConfig()
    memory_size: int = Field(default=80, ge=2, le=10000)
    learning_rate: float = Field(default=0.1, gt=0, lt=1)
    update_interval: int = Field(default=8, ge=1, le=1000000)
    smallest_mask: int = Field(default=10, ge=0, le=1 << 26)

    def resolved_solver(self) -> SolverConfig:
        """Return how target models are fitted, with the directions of the script where none are set."""
        by_script: Directions = "fletcher-reeves" if self.script == "ytvos" else "polak-ribiere"
        return SolverConfig.model_validate(
            {**self.solver.model_dump(), "directions": self.solver.directions or by_script}
        )
