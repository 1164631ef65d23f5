"""What may be set of OSVOS."""

from pydantic import Field

from vos_bench.config import FrozenModel
from vos_bench.parts.fine_tuning import TuningBudget
from vos_bench.parts.merging import MergeRule
from vos_bench.parts.soft_masks import SoftMaskConfig

from .learning import Augmentation


class Descent(FrozenModel):
    """Stochastic gradient descent.

    Attributes:
        learning_rate: Of weights; that of biases is twice, and the last layer's a hundredth of it.
        momentum: Momentum of the gradient.
        weight_decay: Of weights, not of biases.
    """

    learning_rate: float = Field(default=1e-8, gt=0, le=1000)
    momentum: float = Field(default=0.9, ge=0, lt=1)
    weight_decay: float = Field(default=2e-4, ge=0, le=1000)


class OsvosConfig(SoftMaskConfig):
    """The settings of the PyTorch port: 2,000 steps of five passes an object, each on a changed first frame."""

    merge: MergeRule = "argmax"
    budget: TuningBudget = TuningBudget()
    descent: Descent = Descent()
    augmentation: Augmentation = Augmentation()
