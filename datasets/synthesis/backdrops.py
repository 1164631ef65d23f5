"""What lies behind everything: photographs that go on for ever, coloured where they are grey."""

from functools import cache

import numpy as np

from .photographs import Tint, photograph, tinted
from .sprites import Sprite, backdrop


@cache
def ground(name: str, tint: Tint) -> Sprite:
    """A coloured `grass`, `brick`, `gravel` or `camera`."""
    return backdrop(tinted(photograph(name), tint))


@cache
def scenery(name: str) -> Sprite:
    """A colour photograph as it is: `coffee`, `astronaut` or `chelsea`."""
    return backdrop(photograph(name))


@cache
def wall(name: str, tint: Tint, foot: str, foot_tint: Tint) -> Sprite:
    """One texture above another, as a wall above the ground."""
    upper, lower = tinted(photograph(name), tint), tinted(photograph(foot), foot_tint)
    return backdrop(np.concatenate([upper[:288], lower[:224]]))
