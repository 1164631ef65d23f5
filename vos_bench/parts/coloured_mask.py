"""A soft mask that knows the colours it covers, and mends a guess of where it is now."""

import cv2
import numpy as np
from pydantic import Field

from vos_bench.parts.appearance import Appearance, AppearanceConfig, region_of
from vos_bench.parts.guided_filter import guided_filter
from vos_bench.parts.working_size import Plane, WorkingFrame

Region = tuple[slice, slice]

_STEP = 8
"""Working pixels by which the search for an object that is out of sight widens on each side, a frame."""


class ColouredMaskConfig(AppearanceConfig):
    """How a guess is mended, besides how colours are learned.

    Attributes:
        prior_weight: Log odds of a pixel that the guess claims wholly; minus that where it claims nothing.
        prior_blur: Standard deviation in working pixels by which the guess is blurred before it counts.
        colour_weight: Factor on the log odds of colours anywhere.
        place_weight: Factor on the log odds of colours at their place.
        edge_radius: Radius in working pixels of the edge-aware filter; 0 leaves it out.
        edge_contrast: Variance of colour, of values in [0, 1], below which that filter sees no edge.
    """

    prior_weight: float = Field(default=4.0, gt=0, le=1e6)
    prior_blur: float = Field(default=3.0, ge=0, le=256)
    colour_weight: float = Field(default=1.0, ge=0, le=1e6)
    place_weight: float = Field(default=1.0, ge=0, le=1e6)
    edge_radius: int = Field(default=8, ge=0, le=256)
    edge_contrast: float = Field(default=1e-4, gt=0, le=1e6)


class ColouredMask:
    """The probability of one object at the working size, and its colours."""

    plane: Plane
    """h x w; the newest mask."""

    def __init__(self, frame: WorkingFrame, mask: Plane, *, config: ColouredMaskConfig, seed: int) -> None:
        """Learn the colours inside and outside a first mask: H x W at the frame's own size, shares of 0 to 1.

        `look` of the frame where the object starts asks it for the later ones.
        """
        self._frame, self._config = frame, config
        self._palette = frame.palette(config.colours, similarity=config.similarity, seed=seed)
        plane = frame.shrink(mask)
        if not (plane > 0.5).any():  # it is smaller than a working pixel: it gets the one that it covers most of
            plane = (plane == plane.max()).astype(np.float32)
        self.plane = plane
        self._appearance = Appearance(plane.shape, config, palette=self._palette)
        self._region: Region = region_of(plane, margin=config.margin) or (slice(0, 0), slice(0, 0))
        self.see_frame()
        self.remember(plane)

    def see_frame(self) -> None:
        """See the newest frame."""
        self._image = self._frame.image
        self._indices = self._palette.index(self._image)

    def evidence(self) -> Plane:
        """Return the log odds of the object by colours alone, h x w."""
        return self._appearance.anywhere(self._indices)

    def mend(self, guess: Plane, trust: Plane | None = None) -> Region:
        """Set the mask to a guess of it, h x w, weighed against colours and drawn to edges.

        Args:
            guess: Where the object probably is; colours are asked only in its surroundings. An object that nobody
                sees any more is looked for where it was last seen, each time a little farther round.
            trust: Factor on the guess, h x w.

        Returns:
            The rows and columns that may show the object.
        """
        self.plane = np.zeros_like(guess)
        region = region_of(guess, margin=self._config.margin) or _wider(self._region, guess.shape)
        self._region = region
        plane = np.reciprocal(1 + np.exp(-self._odds(guess, trust, region)))
        if self._config.edge_radius:
            radius, contrast = self._config.edge_radius, self._config.edge_contrast
            plane = guided_filter(self._image[region], plane, radius=radius, regularisation=contrast)
        self.plane[region] = plane.clip(0, 1)
        return region

    def remember(self, plane: Plane) -> None:
        """Replace the mask, h x w, by what became of it, and learn its colours."""
        self.plane = plane
        self._appearance.learn(self._indices, plane)

    def _odds(self, guess: Plane, trust: Plane | None, region: Region) -> Plane:
        config, indices = self._config, self._indices[region]
        blurred = cv2.GaussianBlur(guess, (0, 0), config.prior_blur) if config.prior_blur else guess
        odds = config.prior_weight * (2 * blurred[region] - 1)
        if trust is not None:
            odds *= trust[region]
        odds += config.colour_weight * self._appearance.anywhere(indices)
        odds += config.place_weight * self._appearance.in_place(indices, region)
        return np.asarray(odds, np.float32)


def _wider(region: Region, size: tuple[int, ...]) -> Region:
    rows, columns = (slice(max(0, r.start - _STEP), min(n, r.stop + _STEP)) for r, n in zip(region, size, strict=True))
    return rows, columns
