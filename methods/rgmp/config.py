"""What may be set of RGMP."""

from typing import Self

from pydantic import Field, model_validator

from vos_bench.parts.soft_masks import SoftMaskConfig


class RgmpConfig(SoftMaskConfig):
    """The authors' settings.

    Attributes:
        union_background: With several objects, ask for the background by a pass on the union of all masks; it is what
            a single object leaves. Else it follows from the objects' answers by the rule `merge`.
        scales: Sizes at which a frame is looked at, in shares of its own; their answers are averaged.
        objects_per_pass: At most so many masks go through the network at once; bounds the working memory.
        align_corners: Whether the decoder enlarges so that corners meet. The authors trained with PyTorch 0.3.1, which
            did so; False is how PyTorch does it since 0.4. Frames and masks are resized without, as OpenCV does.
    """

    union_background: bool = True
    scales: tuple[float, ...] = Field(default=(0.5, 0.75, 1.0), min_length=1)
    objects_per_pass: int = Field(default=8, ge=1)
    align_corners: bool = True

    @model_validator(mode="after")
    def _scales_are_sizes(self) -> Self:
        if any(scale <= 0 for scale in self.scales):
            raise ValueError(f"scales must be above 0, found {self.scales}")
        return self
