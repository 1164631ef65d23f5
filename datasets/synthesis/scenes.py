"""The demo's validation sequences: eleven, each with one thing that makes the task hard."""

from . import actors, backdrops
from .fixed import RandomIntegers
from .photographs import CLAY, DUSK, GRASS, SAND, SLATE, STRAW, photograph
from .scene import Key, Layer, Light, Scene, Wave
from .sprites import Sprite

GALLOP = (
    Wave(sideways=True, amplitude=45, along_x=260, along_y=20, speed=9, grows_from=420, grows_to=800),
    Wave(sideways=False, amplitude=28, along_x=110, along_y=0, speed=9, offset=30),
    Wave(sideways=True, amplitude=22, along_x=0, along_y=120, speed=5, offset=60),
)
SWAY = (
    Wave(sideways=True, amplitude=14, along_x=0, along_y=90, speed=6),
    Wave(sideways=False, amplitude=9, along_x=120, along_y=0, speed=5, offset=40),
)


def _behind(sprite: Sprite, *track: Key) -> Layer:
    return Layer(sprite, track)


def validation_scenes() -> tuple[Scene, ...]:
    """Return the scenes of the split `val`, by name."""
    return (
        _crossing(),
        _deformation(),
        _fast_motion(),
        _late_object(),
        _leaving(),
        _lighting(),
        _look_alike(),
        _occlusion(),
        _rotation_scale(),
        _thin_structures(),
        _tiny(),
    )


def _crossing() -> Scene:
    """Four objects walk through each other."""
    meadow = _behind(backdrops.ground("grass", STRAW), Key(0, 150, 90, 560), Key(39, 270, 130, 600, 4))
    person = Layer(
        actors.person(),
        (Key(0, 90, 120, 150), Key(20, 210, 128, 160, 4), Key(39, 330, 122, 150)),
        1,
        waves=SWAY,
    )
    cat = Layer(actors.cat(), (Key(0, 330, 150, 110), Key(18, 215, 140, 110, -8), Key(39, 80, 165, 110)), 2)
    cup = Layer(actors.cup(), (Key(0, 215, 40, 86), Key(20, 205, 120, 90, 25), Key(39, 190, 204, 86, 45)), 3)
    horse = Layer(
        actors.horse(),
        (Key(0, 50, 200, 120), Key(22, 220, 178, 120), Key(39, 370, 80, 120)),
        4,
        waves=GALLOP,
    )
    return Scene("crossing", 40, (meadow, person, horse, cup, cat), seed=1)


def _deformation() -> Scene:
    """A horse that gallops: legs, neck and tail bend all the time."""
    meadow = _behind(backdrops.ground("grass", GRASS), Key(0, 125, 120, 640), Key(35, 290, 110, 640))
    track = (
        Key(0, 180, 125, 200),
        Key(12, 210, 118, 205, -5, 96),
        Key(24, 225, 128, 195, 5, 102),
        Key(35, 240, 120, 205),
    )
    return Scene("deformation", 36, (meadow, Layer(actors.horse(), track, 1, waves=GALLOP)), seed=2)


def _fast_motion() -> Scene:
    """A patch that is thrown about and blurred by its own speed."""
    table = _behind(backdrops.scenery("coffee"), Key(0, 208, 120, 560), Key(25, 230, 110, 580, -3))
    track = (
        Key(0, 70, 70, 64),
        Key(5, 230, 190, 64, 120),
        Key(10, 370, 60, 64, 260),
        Key(14, 280, 190, 64, 400),
        Key(18, 90, 110, 64, 520),
        Key(22, 250, 50, 64, 640),
        Key(25, 350, 180, 64, 720),
    )
    return Scene("fast-motion", 26, (table, Layer(actors.patch(), track, 1, exposures=6)), seed=3)


def _late_object() -> Scene:
    """A horse from the start, a shuttle from frame 9, a cat from frame 19; the first has the highest id."""
    ground = _behind(backdrops.ground("gravel", SAND), Key(0, 240, 120, 560), Key(33, 170, 130, 540, 3))
    horse = Layer(actors.horse(), (Key(0, 120, 130, 150), Key(33, 260, 130, 165)), 3, waves=GALLOP)
    shuttle = Layer(
        actors.shuttle(),
        (Key(9, 410, 160, 150, 12), Key(12, 335, 150, 150, 10), Key(33, 290, 60, 140, -6)),
        1,
        starts=9,
    )
    cat = Layer(
        actors.cat(),
        (Key(19, 12, 190, 110), Key(22, 82, 175, 112, 5), Key(33, 130, 180, 110)),
        2,
        starts=19,
    )
    return Scene("late-object", 34, (ground, horse, shuttle, cat), seed=4)


def _leaving() -> Scene:
    """A cat leaves for good; a cup leaves, stays away and comes back."""
    wall = _behind(backdrops.wall("brick", CLAY, "grass", GRASS), Key(0, 200, 80, 600), Key(33, 260, 100, 600))
    cat = Layer(actors.cat(), (Key(0, 250, 130, 130), Key(8, 290, 120, 130, 6), Key(20, 500, 110, 130)), 1)
    cup = Layer(
        actors.cup(),
        (
            Key(0, 130, 150, 110),
            Key(6, 100, 160, 110, -12),
            Key(14, -80, 160, 110, -30),
            Key(22, -80, 110, 110, -30),
            Key(33, 150, 110, 120),
        ),
        2,
    )
    return Scene("leaving", 34, (wall, cat, cup), seed=5)


def _lighting() -> Scene:
    """The sun goes down, a lamp goes on and shadows wander over a person and a shuttle."""
    wall = _behind(backdrops.ground("brick", CLAY), Key(0, 200, 120, 620, 90), Key(29, 240, 130, 640, 90))
    person = Layer(
        actors.person(),
        (Key(0, 130, 140, 190), Key(15, 150, 135, 195, 3), Key(29, 175, 140, 190)),
        1,
        waves=SWAY,
    )
    shuttle = Layer(actors.shuttle(), (Key(0, 310, 130, 170), Key(15, 290, 120, 175, -8), Key(29, 300, 125, 170, 8)), 2)
    light = Light(
        (
            (0, 105, 102, 98),
            (7, 62, 50, 48),
            (12, 26, 30, 44),
            (17, 34, 38, 52),
            (19, 130, 112, 78),
            (24, 120, 104, 80),
            (29, 70, 72, 84),
        ),
        band=55,
        band_speed=350,
    )
    return Scene("lighting", 30, (wall, person, shuttle), light, seed=6)


def _look_alike() -> Scene:
    """A cat among two others that look the same; one passes in front of it."""
    ground = _behind(backdrops.ground("gravel", SLATE), Key(0, 240, 130, 600), Key(33, 200, 110, 600))
    target = Layer(actors.cat(), (Key(0, 110, 120, 118), Key(17, 205, 135, 120, 6), Key(33, 310, 120, 116)), 1)
    front = Layer(actors.cat(), (Key(0, 330, 90, 112, 0, 96), Key(17, 238, 100, 114, -6), Key(33, 110, 95, 112)))
    behind = Layer(
        actors.cat(),
        (Key(0, 220, 205, 104, 4, -100), Key(17, 180, 195, 106, -4, -100), Key(33, 215, 200, 106, 4, -100)),
    )
    return Scene("look-alike", 34, (ground, behind, target, front), seed=7)


def _occlusion() -> Scene:
    """A person walks behind a pillar, is gone for some frames and comes out on the other side."""
    park = _behind(backdrops.ground("camera", DUSK), Key(0, 180, 120, 620), Key(35, 240, 120, 620))
    person = Layer(
        actors.person(),
        (
            Key(0, 95, 150, 130),
            Key(13, 234, 150, 132, 2, 96),
            Key(21, 239, 150, 132, -2, 96),
            Key(35, 360, 150, 130),
        ),
        1,
        waves=SWAY,
    )
    pillar = Layer(actors.pillar(), (Key(0, 260, 120, 300), Key(35, 216, 120, 300)))
    return Scene("occlusion", 36, (park, person, pillar), seed=8)


def _rotation_scale() -> Scene:
    """A cup that turns by more than half a turn while it comes near and goes away."""
    wall = _behind(backdrops.ground("brick", CLAY), Key(0, 200, 120, 560), Key(31, 230, 120, 560, 10))
    track = (
        Key(0, 130, 150, 90),
        Key(8, 200, 120, 150, 60, 90),
        Key(16, 230, 118, 205, 125),
        Key(24, 260, 120, 140, 180, 80),
        Key(31, 300, 110, 76, 215),
    )
    return Scene("rotation-scale", 32, (wall, Layer(actors.cup(), track, 1)), seed=9)


def _thin_structures() -> Scene:
    """A tripod and a twig, a few pixels thin."""
    meadow = _behind(backdrops.ground("grass", GRASS), Key(0, 208, 120, 760), Key(29, 260, 100, 760, -3))
    tripod = Layer(
        actors.tripod(),
        (Key(0, 130, 120, 200), Key(15, 150, 118, 205, 6, 90), Key(29, 175, 122, 200, -4)),
        1,
        shadow=20,
    )
    twig = Layer(
        actors.twig(photograph("coffee")[300:, 480:], RandomIntegers(3)),
        (Key(0, 300, 110, 190, 20), Key(15, 290, 130, 190, 60), Key(29, 280, 120, 190, 100)),
        2,
        shadow=20,
    )
    return Scene("thin-structures", 30, (meadow, twig, tripod), seed=10)


def _tiny() -> Scene:
    """A patch and a horse of a dozen pixels."""
    park = _behind(backdrops.ground("camera", DUSK), Key(0, 250, 100, 560), Key(29, 190, 130, 560))
    patch = Layer(actors.patch(), (Key(0, 90, 70, 13), Key(15, 150, 120, 13, 90), Key(29, 230, 100, 13, 180)), 1)
    horse = Layer(
        actors.horse(),
        (Key(0, 330, 190, 22), Key(15, 280, 180, 22), Key(29, 210, 200, 22)),
        2,
        waves=GALLOP,
    )
    return Scene("tiny", 30, (park, patch, horse), seed=11)
