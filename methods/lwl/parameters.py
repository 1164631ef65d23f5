"""The tracker's parameters, and the two sets of them that the authors published numbers for."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from vos_bench.api import PromptKind
from vos_bench.config import FrozenModel

from .crops import Border, BorderMode, CropRule, ScoreResize

Side = Annotated[int, Field(ge=1, le=8192)]
"""A side of the network's input, in pixels."""

Factor = Annotated[float, Field(gt=0, le=100)]


class UpdateRule(FrozenModel):
    """How the target model follows its object; the two published sets of parameters differ in this only.

    Attributes:
        learning_rate: Share of a new sample; 1 - eta of paper section 3.5.
        first_weight_floor: The first frame is kept for ever with at least this weight; 0: it may be dropped.
        lower_first_weight: Start with all weight on the newest sample, as if the first frame were one of many.
        update_interval: Update the target model every so many frames.
        update_iterations: Steepest-descent iterations of an update.
    """

    learning_rate: float = Field(gt=0, lt=1)
    first_weight_floor: float = Field(ge=0, lt=1)
    lower_first_weight: bool
    update_interval: int = Field(ge=1, le=1000000)
    update_iterations: int = Field(ge=0, le=100000)


YTVOS = UpdateRule(
    learning_rate=0.1, first_weight_floor=0.25, lower_first_weight=False, update_interval=1, update_iterations=3
)
"""Mask start; published for YouTube-VOS and used for DAVIS too."""

BOX = UpdateRule(
    learning_rate=0.2, first_weight_floor=0.0, lower_first_weight=True, update_interval=5, update_iterations=5
)
"""Box start (paper section 3.7): the first mask is itself predicted, so it counts less and is dropped in time."""


class TrackerConfig(FrozenModel):
    """Every parameter of the tracker. Where a field is None, the parameter set says it.

    Attributes:
        parameters: `ytvos`, `box`, or `auto`: by what the object starts from.
        crop_size: Height and width of the network's input, multiples of 16.
        search_area_scale: How many times the target's size a crop covers along an axis.
        crop_rule: `release` for the code of the published numbers, `head` for the authors' code since May 2022.
        border_mode: What happens to a crop that would reach beyond the image; see `vos_bench.methods.lwl.crops`.
        patch_max_scale_change: A crop is shrunk to fit the image by this factor at most; None: by any.
        score_resize: How a crop's logits come back to image size; see `vos_bench.methods.lwl.crops.ScoreResize`.
        scale_change: Bounds of the factor by which a target's scale changes from frame to frame.
        smallest_mask: A mask of fewer pixels (sum of probability) leaves the target where it is.
        size_factor: The target's size in standard deviations of its mask.
        memory_size: Samples in memory, the first frame's among them; paper: K_max.
        sample_interval: Store every so many frames.
        first_iterations: Steepest-descent iterations on the first frame; paper: N_init.
        learning_rate: See `UpdateRule`.
        first_weight_floor: See `UpdateRule`.
        lower_first_weight: See `UpdateRule`.
        update_interval: See `UpdateRule`.
        update_iterations: See `UpdateRule`; paper: N_update.
        box_search_area: A boxed object is drawn in a crop that covers so many times its size; None: on the whole frame.
        objects_per_pass: At most so many objects go through the network at once; bounds the memory.
        probabilities: Whether predictions carry the merged soft masks, unless the caller says whether it wants them.
    """

    parameters: Literal["auto", "ytvos", "box"] = "auto"
    crop_size: tuple[Side, Side] = (480, 832)
    search_area_scale: float = Field(default=5.0, gt=0, le=100)
    crop_rule: CropRule = "release"
    border_mode: BorderMode = "inside_major"
    patch_max_scale_change: float | None = Field(default=None, ge=1, le=1e6)
    score_resize: ScoreResize = "exact"
    scale_change: tuple[Factor, Factor] = (0.95, 1.1)
    smallest_mask: float = Field(default=100.0, ge=0, le=1 << 26)
    size_factor: float = Field(default=4.0, gt=0, le=64)
    memory_size: int = Field(default=32, ge=1, le=10000)
    sample_interval: int = Field(default=1, ge=1, le=1000000)
    first_iterations: int = Field(default=20, ge=0, le=100000)
    learning_rate: float | None = Field(default=None, ge=0, le=1)
    first_weight_floor: float | None = Field(default=None, ge=0, le=1)
    lower_first_weight: bool | None = None
    update_interval: int | None = Field(default=None, ge=1, le=1000000)
    update_iterations: int | None = Field(default=None, ge=0, le=100000)
    box_search_area: float | None = Field(default=None, gt=0, le=100)
    objects_per_pass: int = Field(default=4, ge=1, le=65535)
    probabilities: bool = True

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if any(extent <= 0 or extent % 16 for extent in self.crop_size):
            raise ValueError(f"crop_size must be multiples of 16, height then width; found {self.crop_size}")
        least, most = self.scale_change
        if not 0 < least <= most:
            raise ValueError(f"scale_change must be (least, most), both above 0; found {self.scale_change}")
        self.update_rule("mask")
        return self

    @property
    def border(self) -> Border:
        """What happens at the image's border."""
        return Border(self.border_mode, self.patch_max_scale_change)

    def update_rule(self, kind: PromptKind) -> UpdateRule:
        """Return how an object that starts from a mask or a box is followed."""
        by_kind: dict[str, UpdateRule] = {"mask": YTVOS, "ytvos": YTVOS, "box": BOX}
        values = by_kind[kind if self.parameters == "auto" else self.parameters].model_dump()
        given = {name: value for name in values if (value := getattr(self, name)) is not None}
        return UpdateRule.model_validate(values | given)
