"""What happens in a synthetic sequence: who is drawn, in which order, where and how."""

from dataclasses import dataclass, field
from typing import NamedTuple

from .sprites import Sprite


class Key(NamedTuple):
    """A point of a track.

    Attributes:
        frame: When.
        x: Of the centre, in pixels of the screen.
        y: Of the centre.
        size: Longer side in pixels.
        turn: In degrees.
        width: In percent; less makes a thing narrower, as when it turns away, and a negative one mirrors it.
    """

    frame: int
    x: int
    y: int
    size: int
    turn: int = 0
    width: int = 100


@dataclass(frozen=True)
class Wave:
    """A travelling wave that bends a sprite; lengths are in thousandths of the sprite's longer side.

    Attributes:
        sideways: Whether it moves points along x, else along y.
        amplitude: How far.
        along_x: Cycles over the longer side along x, in hundredths.
        along_y: The same along y.
        speed: Cycles in 100 frames.
        offset: Phase at the start in hundredths of a cycle.
        grows_from: Where along y the wave starts to grow from nothing; it is whole at `grows_to`.
        grows_to: See `grows_from`; equal values mean a wave that is whole everywhere.
    """

    sideways: bool
    amplitude: int
    along_x: int = 0
    along_y: int = 100
    speed: int = 5
    offset: int = 0
    grows_from: int = 0
    grows_to: int = 0


@dataclass(frozen=True)
class Layer:
    """One thing that is drawn; later layers lie in front.

    Attributes:
        sprite: What is drawn.
        track: Where, over time.
        object_id: Its label; 0 for what is only in the way.
        starts: The first frame on which it is labelled; before, it is not drawn.
        waves: What bends it.
        exposures: Moments averaged into a frame: more than one blurs its motion.
        gain: Brightness in percent.
        shadow: Darkness of the shadow it casts, in percent.
    """

    sprite: Sprite
    track: tuple[Key, ...]
    object_id: int = 0
    starts: int = 0
    waves: tuple[Wave, ...] = ()
    exposures: int = 1
    gain: int = 100
    shadow: int = 35


@dataclass(frozen=True)
class Light:
    """How the light changes: keys (frame, red, green, blue in percent) and a dark band that wanders over the screen.

    Attributes:
        keys: Colour of the light over time.
        band: Darkness of the band in percent.
        band_speed: Screens it crosses in 100 frames.
    """

    keys: tuple[tuple[int, int, int, int], ...] = ((0, 100, 100, 100),)
    band: int = 0
    band_speed: int = 200


@dataclass(frozen=True)
class Scene:
    """One synthetic sequence: layers from back to front, the first of which is the backdrop and fills the screen.

    The light is that over the whole picture, the seed that of the camera's noise.
    """

    name: str
    frames: int
    layers: tuple[Layer, ...]
    light: Light = field(default_factory=Light)
    seed: int = 0
